"""Filter of programs that print TAP (the Test Anything Protocol, testanything.org): bats, Perl's ``prove -v``."""

from __future__ import annotations

import re
import sys

from opsconsole.testrunners.reporters.stream import Case, Results, arguments, first_line, run

_FILE = re.compile(r"^(?P<file>\S+\.\w+) \.{2,}\s*$")
_SKIPPED = re.compile(r"^(?P<file>\S+\.\w+) \.{2,} skipped: (?P<why>.*)$")
_PLAN = re.compile(r"^1\.\.(?P<count>\d+)(?P<skip>\s*#\s*skip\b\s*(?P<why>.*))?$", re.IGNORECASE)
_TEST = re.compile(r"^(?P<not>not )?ok (?P<number>\d+)(?:(?: -)? +(?P<rest>.*))?$")
_DIRECTIVE = re.compile(r"^(?P<name>.*?)\s*(?<!\\)#\s*(?P<kind>skip|todo)\b\S*\s*(?P<why>.*)$", re.IGNORECASE)


class Tap:
    """The state of a stream: the test before is only finished when its diagnostics have been read."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.file = ""
        self._last: Case | None = None
        self._details: list[str] = []

    def line(self, text: str) -> str:
        """Take one line; all of them are shown."""
        if file := _FILE.match(text):
            self.flush()
            self.file = file["file"]
        elif skipped := _SKIPPED.match(text):
            self.flush()
            self.results.finished(Case(skipped["file"], "(all)", "skipped", None, skipped["why"]))
        elif plan := _PLAN.match(text):
            self.results.expect(int(plan["count"]))
            if plan["skip"] and plan["count"] == "0":
                self.results.finished(Case(self.file, "(all)", "skipped", None, plan["why"]))
        elif test := _TEST.match(text):
            self.flush()
            self._last = self._case(test)
            if self._last.outcome != "failed":
                self.flush()
        elif text.startswith("Bail out!"):
            self.flush()
            self.results.finished(Case(self.file, "(bail out)", "error", None, text))
        elif text.startswith("#") and self._last is not None:
            self._details.append(text[1:].strip())
        return text

    def _case(self, test: re.Match[str]) -> Case:
        rest = test["rest"] or ""
        directive = _DIRECTIVE.match(rest)
        name = (directive["name"] if directive else rest).strip() or f"test {test['number']}"
        if directive and directive["kind"].lower() == "skip":
            return Case(self.file, name, "skipped", None, directive["why"])
        if directive and test["not"]:
            return Case(self.file, name, "skipped", None, f"to do: {directive['why']}")
        return Case(self.file, name, "failed" if test["not"] else "passed")

    def flush(self) -> None:
        """Finish the last test."""
        if self._last is None:
            return
        detail = "\n".join(self._details)
        case = self._last
        self.results.finished(
            Case(case.suite, case.name, case.outcome, None, case.message or first_line(detail), detail)
        )
        self._last, self._details = None, []


def main() -> int:
    """Run, report, end as the command does."""
    asked = arguments(sys.argv[1:])
    results = Results()
    reader = Tap(results)
    code = run(asked.command, reader.line)
    reader.flush()
    results.write(asked.report)
    return code


if __name__ == "__main__":
    sys.exit(main())
