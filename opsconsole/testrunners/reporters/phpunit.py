"""Filter of phpunit: its own report is left, with files from the work tree and without its nested suites."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from opsconsole.testrunners.reporters.stream import arguments, first_line, run


def flatten(report: Path, root: Path) -> None:
    """Give each test an id that holds in any work tree: its file from the root, its class, its name."""
    try:
        tree = ET.parse(report)  # noqa: S314 - what phpunit has just written; the reader that counts is the tolerant one
    except (OSError, ET.ParseError):
        return
    flat = ET.Element("testsuites")
    suite = ET.SubElement(flat, "testsuite", name="")
    for case in tree.iter("testcase"):
        file = case.get("file")
        if file:
            case.set("file", os.path.relpath(file, root))
        for verdict in (part for kind in ("failure", "error") for part in case.iter(kind)):
            name, _, detail = (verdict.text or "").strip().partition("\n")
            verdict.set("message", verdict.get("message") or first_line(detail) or name)
        suite.append(case)
    ET.ElementTree(flat).write(report, encoding="utf-8", xml_declaration=True)


def main() -> int:
    """Run, report, end as phpunit does."""
    asked = arguments(sys.argv[1:])
    code = run(asked.command, lambda text: text)
    flatten(asked.report, Path.cwd())
    return code


if __name__ == "__main__":
    sys.exit(main())
