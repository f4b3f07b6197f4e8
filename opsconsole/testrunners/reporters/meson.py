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
        self._reported: set[str] = set()

    def line(self, text: str) -> str:
        """Take one line; all of them are shown. The summary repeats those that failed."""
        match = _TEST.match(text)
        if match and match["name"] not in self._reported:
            if not self._reported:
                self.results.expect(int(match["of"]))
            self._reported.add(match["name"])
            project = re.split(r"[:/ ]", match["name"], maxsplit=1)[0]
            outcome = _OUTCOMES.get(match["verdict"], "failed")
            self.results.finished(Case(project, match["name"], outcome, float(match["seconds"])))
        return text


def main() -> int:
    """Run, tell, end as meson does."""
    return run(arguments(sys.argv[1:]).command, Meson(Results()).line)


if __name__ == "__main__":
    sys.exit(main())
