"""Filter of ``dotnet test``: JUnit made of the reports (trx) that it leaves."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from opsconsole.testrunners.reporters.stream import Case, Results, arguments, run

_TIME = re.compile(r"(?P<hours>\d+):(?P<minutes>\d+):(?P<seconds>[\d.]+)")
_OUTCOMES = {"Passed": "passed", "Failed": "failed", "NotExecuted": "skipped", "Skipped": "skipped"}


def read(report: Path) -> list[Case]:
    """Return the tests of one trx file; none of one that is broken."""
    try:
        root = ET.parse(report).getroot()  # noqa: S314 - what dotnet has just written
    except (OSError, ET.ParseError) as error:
        sys.stderr.write(f"{report.name}: {error}\n")
        return []
    classes: dict[str, str] = {}
    for test in _all(root, "UnitTest"):
        for method in _all(test, "TestMethod"):
            classes[test.get("id", "")] = method.get("className", "").partition(",")[0]
    return [_case(result, classes.get(result.get("testId", ""), "")) for result in _all(root, "UnitTestResult")]


def _all(element: ET.Element, name: str) -> list[ET.Element]:
    return [child for child in element.iter() if child.tag.rpartition("}")[2] == name]


def _case(result: ET.Element, classname: str) -> Case:
    name = result.get("testName", "").removeprefix(f"{classname}.")
    took = _TIME.fullmatch(result.get("duration", ""))
    seconds = int(took["hours"]) * 3600 + int(took["minutes"]) * 60 + float(took["seconds"]) if took else None
    texts = {key: "".join("".join(part.itertext()) for part in _all(result, key)) for key in ("Message", "StackTrace")}
    outcome = _OUTCOMES.get(result.get("outcome", ""), "error")
    message = next(iter(texts["Message"].strip().splitlines()), "")
    detail = "\n".join(part for part in texts.values() if part)
    return Case(classname, name, outcome, seconds, message, detail if outcome in ("failed", "error") else "")


def main() -> int:
    """Run, report, end as dotnet does."""
    asked = arguments(sys.argv[1:])
    code = run(asked.command, lambda text: text)
    results = Results()
    folder = Path(os.environ.get("OPSCONSOLE_OUT", "."), "trx")
    for report in sorted(folder.glob("**/*.trx")):
        for case in read(report):
            results.finished(case)
    results.write(asked.report)
    return code


if __name__ == "__main__":
    sys.exit(main())
