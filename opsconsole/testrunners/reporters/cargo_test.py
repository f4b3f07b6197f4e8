"""Filter of ``cargo test`` (and, for progress alone, of ``cargo nextest run``): reads the text of Rust's test harness."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import PurePath

from opsconsole.testrunners.reporters.stream import Case, Results, arguments, first_line, run

_RUNNING = re.compile(r"^\s+Running (?:.* )?\(?(?P<binary>[^()\s]+)\)?$")
_DOC_TESTS = re.compile(r"^\s+Doc-tests (?P<crate>\S+)$")
_COUNT = re.compile(r"^running (?P<count>\d+) tests?$")
_TEST = re.compile(
    r"^test (?P<name>.+?)(?: - (?:should panic|compile fail|compile))* \.\.\. (?P<rest>.*)$",
)
_VERDICT = re.compile(r"^(?P<verdict>ok|FAILED|ignored)(?:, (?P<why>.*))?(?: <(?P<seconds>[\d.]+)s>)?$")
_DETAIL = re.compile(r"^---- (?P<name>.+?) stdout ----$")
_NEXTEST = re.compile(
    r"^\s+(?P<verdict>PASS|FAIL|SKIP|TIMEOUT|SIG\w+|LEAK) \[\s*>?\s*(?P<seconds>[\d.]+)s\]\s+(?:\(\s*\d+/\d+\)\s+)?"
    r"(?P<suite>\S+(?:::\S+)*) (?P<name>\S+)$"
)
_NEXTEST_COUNT = re.compile(r"^\s+Starting (?P<count>\d+) tests? across")
_OUTCOMES = {"ok": "passed", "FAILED": "failed", "ignored": "skipped"}


class CargoTest:
    """The state of a test run, line by line; it has one part for each test binary."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.suite = ""
        self._left = 0
        self._pending: str | None = None
        self._detail_of: str | None = None
        self._details: defaultdict[str, list[str]] = defaultdict(list)

    def line(self, text: str) -> str:
        """Take one line; all of them are shown."""
        binary, documented, count = _RUNNING.match(text), _DOC_TESTS.match(text), _COUNT.match(text)
        if binary or documented:
            self.part_ended()
            self.suite = (
                f"doc-tests {documented['crate']}" if documented else _suite((binary or {"binary": ""})["binary"])
            )
        elif count:
            self._left += int(count["count"])
            self.results.expect(int(count["count"]))
        elif text.startswith("test result: "):
            self.part_ended()
        elif text == "failures:":
            self._detail_of = None
        elif heading := _DETAIL.match(text):
            self._detail_of = heading["name"]
        elif self._detail_of is not None:
            self._details[self._detail_of].append(text)
        else:
            self._test(text)
        return text

    def _test(self, text: str) -> None:
        test = _TEST.match(text)
        verdict = _VERDICT.match(test["rest"] if test else text)
        if test and not verdict:
            self._pending = test["name"]
        elif verdict and (test or self._pending):
            name = test["name"] if test else self._pending or ""
            self._pending = None
            self._left -= 1
            seconds = float(verdict["seconds"]) if verdict["seconds"] else None
            case = Case(self.suite, name, _OUTCOMES[verdict["verdict"]], seconds, verdict["why"] or "")
            self.results.finished(case)

    def part_ended(self) -> None:
        """Give failed tests what they printed; what was announced and never ended is an error of its own."""
        for position, case in enumerate(self.results.cases):
            detail = "\n".join(self._details.get(case.name, []))
            if case.suite == self.suite and case.outcome == "failed" and detail and not case.detail:
                message = _message(detail)
                self.results.cases[position] = Case(case.suite, case.name, "failed", case.seconds, message, detail)
        if self._left > 0:
            name = self._pending or "(unfinished)"
            self.results.finished(Case(self.suite, name, "error", None, f"{self._left} tests did not end"))
        self._left, self._pending, self._detail_of = 0, None, None
        self._details.clear()


class Nextest:
    """nextest's lines, for progress alone: it writes the report itself."""

    def __init__(self, results: Results) -> None:
        self.results = results

    def line(self, text: str) -> str:
        """Take one line; all of them are shown."""
        if count := _NEXTEST_COUNT.match(text):
            self.results.expect(int(count["count"]))
        elif match := _NEXTEST.match(text):
            outcome = {"PASS": "passed", "LEAK": "passed", "SKIP": "skipped"}.get(match["verdict"], "failed")
            self.results.finished(Case(match["suite"], match["name"], outcome, float(match["seconds"])))
        return text


def _suite(binary: str) -> str:
    """Return what the binary is called, without the digest that cargo adds; ``test`` alone names no suite in a report."""
    name = re.sub(r"-[0-9a-f]{16}$", "", PurePath(binary).stem)
    return "tests/test" if name == "test" else name


def _message(detail: str) -> str:
    """Return the panic's message: on the line after its place, or within it (before Rust 1.73)."""
    lines = detail.strip().splitlines()
    for position, text in enumerate(lines):
        if "panicked at" in text:
            after = lines[position + 1].strip() if text.endswith(":") and position + 1 < len(lines) else ""
            return after or text
    return first_line(detail)


def main() -> int:
    """Run, report, end as cargo does."""
    asked = arguments(sys.argv[1:])
    results = Results()
    if "--progress-only" in asked.options:
        return run(asked.command, Nextest(results).line)
    reader = CargoTest(results)
    code = run(asked.command, reader.line)
    reader.part_ended()
    results.write(asked.report)
    return code


if __name__ == "__main__":
    sys.exit(main())
