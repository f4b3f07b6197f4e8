"""Filter of ``meson test``: progress from its lines; the report is its own, in the folder of the build."""

from __future__ import annotations

import re
import sys

from opsconsole.testrunners.reporters.stream import Case, Results, arguments, run

_TEST = re.compile(
    r"^\s*\d+/(?P<of>\d+) (?P<name>.+?)\s+(?P<verdict>OK|FAIL|SKIP|TIMEOUT|ERROR|INTERRUPT|EXPECTEDFAIL|UNEXPECTEDPASS)"
    r"\s+(?P<seconds>[\d.]+)s\b"
)
_OUTCOMES = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped", "ERROR": "error"}


class Meson:
    """The state of a test run, line by line."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self._told: set[str] = set()

    def line(self, text: str) -> str:
        """Take one line; all of them are shown. The summary repeats those that failed."""
        found = _TEST.match(text)
        if found and found["name"] not in self._told:
            if not self._told:
                self.results.expect(int(found["of"]))
            self._told.add(found["name"])
            project = re.split(r"[:/ ]", found["name"], maxsplit=1)[0]
            outcome = _OUTCOMES.get(found["verdict"], "failed")
            self.results.finished(Case(project, found["name"], outcome, float(found["seconds"])))
        return text


def main() -> int:
    """Run, tell, end as meson does."""
    return run(arguments(sys.argv[1:]).command, Meson(Results()).line)


if __name__ == "__main__":
    sys.exit(main())
