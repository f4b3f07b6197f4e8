"""Filter of ``go test -json``: shows what the tests print, as ``go test -v`` does."""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict

from opsconsole.testrunners.reporters.stream import DETAIL_LIMIT, Case, Results, arguments, first_line, run

_OUTCOMES = {"pass": "passed", "fail": "failed", "skip": "skipped"}
_MESSAGE_AT = re.compile(r"^\s+\S+\.go:\d+: (?P<text>.*)", re.MULTILINE)
_BROKEN = re.compile(r"^FAIL\s+(?P<package>\S+) \[(?P<why>.*)\]$")
_PACKAGE = "(package)"


class GoTest:
    """The state of a test run, event by event (``go doc test2json``)."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self._output: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self._open: defaultdict[str, set[str]] = defaultdict(set)
        self._failed: set[str] = set()

    def line(self, text: str) -> str | None:
        """Take one line; return what is to be shown."""
        try:
            event = json.loads(text)
        except ValueError:
            return self._plain(text)
        if not isinstance(event, dict) or not isinstance(event.get("Action"), str):
            return text
        package = str(event.get("Package") or event.get("ImportPath") or "")
        return self._event(event["Action"], package, str(event.get("Test") or ""), event)

    def _plain(self, text: str) -> str:
        """Take a line that is no event: before Go 1.24, that a package could not be built."""
        broken = _BROKEN.match(text)
        if broken:
            self._finished(broken["package"], "", "error", None, broken["why"])
        return text

    def _event(self, action: str, package: str, test: str, event: dict[str, object]) -> str | None:
        if action in ("output", "build-output"):
            output = str(event.get("Output", ""))
            kept = self._output[package, test]
            if sum(map(len, kept[-200:])) < DETAIL_LIMIT:
                kept.append(output)
            return output.removesuffix("\n")
        if action == "run":
            self._open[package].add(test)
        elif action in _OUTCOMES:
            elapsed = event.get("Elapsed")
            seconds = float(elapsed) if isinstance(elapsed, int | float) else None
            if test:
                self._finished(package, test, _OUTCOMES[action], seconds)
            else:
                self._package_ended(package, failed=action == "fail", seconds=seconds)
        return None

    def _finished(self, package: str, test: str, outcome: str, seconds: float | None, why: str = "") -> None:
        self._open[package].discard(test)
        detail = "".join(self._output.pop((package, test), []))
        match = _MESSAGE_AT.search(detail)
        message = why or (match["text"] if match else first_line(re.sub(r"(?m)^(=== |\s*--- ).*$", "", detail)))
        if outcome in ("failed", "error"):
            self._failed.add(package)
        shown = ("", "") if outcome == "passed" else (message or outcome, detail)
        self.results.finished(Case(package, test, outcome, seconds, *shown))

    def _package_ended(self, package: str, *, failed: bool, seconds: float | None) -> None:
        """A test that never ended, and a package that failed without a failed test, are errors of their own."""
        for test in sorted(self._open[package]):
            self._finished(package, test, "error", None, "did not end")
        if failed and package not in self._failed:
            self._finished(package, "", "error", seconds)
        self._output.pop((package, ""), None)


class _Named(Results):
    """A package as a whole is called ``(package)``."""

    def finished(self, case: Case) -> None:
        """Keep a test, and tell it."""
        named = case if case.name else Case(case.suite, _PACKAGE, case.outcome, case.seconds, case.message, case.detail)
        super().finished(named)


def main() -> int:
    """Run, report, end as go does."""
    asked = arguments(sys.argv[1:])
    results = _Named()
    code = run(asked.command, GoTest(results).line, errors=False)
    results.write(asked.report)
    return code


if __name__ == "__main__":
    sys.exit(main())
