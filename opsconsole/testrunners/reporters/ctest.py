"""Filter of ctest: progress from its lines; its own report is left, with each test called by its name alone."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from opsconsole.testrunners.reporters.stream import Case, Results, arguments, first_line, run

_TEST = re.compile(
    r"^\s*(?P<at>\d+)/(?P<of>\d+) Test\s+#\d+: (?P<name>.+?) \.*\s*(?P<verdict>Passed|\*\*\*.*?|Not Run.*?)\s+(?P<seconds>[\d.]+) sec"
)


class CTest:
    """The state of a test run, line by line."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self._announced = False

    def line(self, text: str) -> str:
        """Take one line; all of them are shown."""
        if match := _TEST.match(text):
            if not self._announced:
                self.results.expect(int(match["of"]))
                self._announced = True
            verdict = match["verdict"]
            skipped = "Not Run (Disabled)" in verdict or verdict.startswith("***Skipped")
            outcome = "passed" if verdict == "Passed" else "skipped" if skipped else "failed"
            self.results.finished(Case("", match["name"], outcome, float(match["seconds"])))
        return text


def rename(report: Path) -> None:
    """Take the suite (the build's name, often ``(empty)``) and the class (the test's name again) out of the ids."""
    try:
        tree = ET.parse(report)  # noqa: S314 - what ctest has just written; the reader that counts is the tolerant one
    except (OSError, ET.ParseError):
        return
    for suite in tree.iter("testsuite"):
        suite.set("name", "")
        for case in suite.iter("testcase"):
            case.set("classname", "")
            output = "".join(part.text or "" for part in case.iter("system-out"))
            if case.get("status") in ("disabled", "notrun") and case.find("skipped") is None:
                ET.SubElement(case, "skipped", message=case.get("status", ""))
            for failure in case.iter("failure"):
                failure.set("message", failure.get("message") or first_line(output))
                failure.text = failure.text or output
    tree.write(report, encoding="utf-8", xml_declaration=True)


def main() -> int:
    """Run, report, end as ctest does."""
    asked = arguments(sys.argv[1:])
    code = run(asked.command, CTest(Results()).line)
    rename(asked.report)
    return code


if __name__ == "__main__":
    sys.exit(main())
