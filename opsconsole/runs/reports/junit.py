"""Reading JUnit reports as runners really write them; from a broken one whole cases are salvaged, with a note.

``testcase`` counts at any depth and in any namespace (node writes it outside of any suite); entities are not resolved,
nothing is fetched, size is capped. lxml is imported here and nowhere near the console.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from opsconsole.core.errors import UsageError
from opsconsole.core.foreign_files import open_foreign
from opsconsole.core.nouns import TestOutcome
from opsconsole.core.text import storable
from opsconsole.runs.reports.junit_cases import BAD, SUITES, case_of, is_verdict, local, of_suite
from opsconsole.runs.reports.junit_salvage import salvage
from opsconsole.store.test_results import TestResult

if TYPE_CHECKING:
    from lxml.etree import _Element

SIZE_LIMIT = 200 << 20
CASES_LIMIT = 1_000_000
ELEMENTS_LIMIT = 5_000_000
DETAILS_LIMIT = 64 << 20
"""Characters that the details of a report's cases may come to together."""
CROWD = 1_000
"""More elements inside a case than these are let go of as they come, save those that say how it ended."""
HEAD = 64 << 10
_FIRST_ELEMENT = re.compile(rb"<[A-Za-z_:]")


@dataclass(frozen=True)
class Report:
    """What one report file says."""

    cases: tuple[TestResult, ...]
    """``run_id`` is 0 and ``position`` counts within the file, until the run is known."""
    note: str | None = None
    """What was wrong with the file; None when it was whole."""


def read_report(path: Path) -> Report:
    """Return the test cases of a report; never raises for what stands in it."""
    name = storable(path.name)
    try:
        with open_foreign(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > SIZE_LIMIT:
                return Report((), f"{name}: {size >> 20} MiB is more than is read ({SIZE_LIMIT >> 20} MiB)")
            cases, failure, whole = _walk(file)
            if whole:
                return _bounded(name, cases, failure and f"{name}: {failure}")
            file.seek(0)
            salvaged, silent = salvage(file.read(SIZE_LIMIT), most=CASES_LIMIT)
    except UsageError as error:
        return Report((), error.message)
    except (OSError, MemoryError) as error:
        return Report((), f"{name}: {storable(str(error)) or 'more than there is memory for'}")
    lost = f", {silent} tell nothing" if silent else ""
    return _bounded(name, salvaged, f"{name}: broken ({failure}); {len(salvaged)} test cases were salvaged{lost}")


def _bounded(name: str, cases: list[TestResult], note: str | None) -> Report:
    """Return a report whose details come to a sane length together; those past it are left out."""
    room = DETAILS_LIMIT
    for place, case in enumerate(cases):
        room -= len(case.detail or "")
        if room < 0 and case.detail:
            cases[place] = replace(case, detail=None)
            note = (
                note
                or f"{name}: its texts come to more than {DETAILS_LIMIT >> 20} MiB, and those past that are left out"
            )
    return Report(tuple(cases), note)


def _walk(file: BinaryIO) -> tuple[list[TestResult], str | None, bool]:
    """Return the cases of a report, what ended the reading before its end, and whether it was whole as far as it was read."""
    from lxml import etree

    reading = _Reading()
    try:
        events = etree.iterparse(
            file,
            events=("start", "end"),
            resolve_entities=False,
            no_network=True,
            huge_tree=_may_be_huge(file),
            load_dtd=False,
        )
        for number, (event, element) in enumerate(events):
            if number >= 2 * ELEMENTS_LIMIT:
                return reading.cases, f"more than {ELEMENTS_LIMIT:,} elements, and those past that are left out", True
            reading.take(event, element)
            if len(reading.cases) >= CASES_LIMIT:
                return reading.cases, f"more than {CASES_LIMIT:,} test cases, and those past that are left out", True
    except (etree.XMLSyntaxError, OSError, ValueError, MemoryError) as error:
        return reading.cases, storable(str(error))[:200] or "empty", False
    return reading.cases, None, True


def _may_be_huge(file: BinaryIO) -> bool:
    """Whether texts past the parser's own limits are safe: they are where no document type can define entities."""
    head = file.read(HEAD)
    file.seek(0)
    first = _FIRST_ELEMENT.search(head)
    return first is not None and b"<!DOCTYPE" not in head[: first.start()]


class _Reading:
    """The cases of a report as its elements begin and end; memory stays flat over a long one."""

    def __init__(self) -> None:
        self.cases: list[TestResult] = []
        self._bad = [0]
        """How many bad cases each open suite has, those of its inner suites too."""
        self._inside = 0
        """How many elements are open from the case on that we are in."""
        self._crowd = 0
        """How many elements have ended inside that case."""

    def take(self, event: str, element: _Element) -> None:
        name = local(element)
        if event == "start":
            if self._inside or name == "testcase":
                self._inside += 1
            elif name in SUITES:
                self._bad.append(0)
            return
        if self._inside:
            self._inside -= 1
            self._of_case(name, element)
        else:
            self._of_suite(name, element)
            _forget(element)

    def _of_case(self, name: str, element: _Element) -> None:
        if name == "testcase":
            self._add(case_of(element, len(self.cases)))
        if not self._inside:
            self._crowd = 0
            _forget(element)
            return
        self._crowd += 1
        parent = element.getparent()
        if self._crowd > CROWD and parent is not None and not is_verdict(name):
            parent.remove(element)

    def _of_suite(self, name: str, element: _Element) -> None:
        """Take in what a suite says of itself: an error of its own, or counts that none of its cases bears out."""
        parent = element.getparent()
        if name in {"error", "failure"} and parent is not None and local(parent) in SUITES:
            outcome = TestOutcome.ERROR if name == "error" else TestOutcome.FAILED
            self._add(of_suite(parent, outcome, element, len(self.cases)))
        elif name in SUITES:
            bad = self._bad.pop()
            if not bad and any(_count(element.get(word)) for word in ("errors", "failures")):
                self._add(of_suite(element, TestOutcome.ERROR, None, len(self.cases)))
            self._bad[-1] += bad

    def _add(self, case: TestResult) -> None:
        self.cases.append(case)
        self._bad[-1] += case.outcome in BAD


def _count(text: str | None) -> int:
    word = (text or "").strip()
    return int(word) if word.isascii() and word.isdigit() and len(word) < 10 else 0


def _forget(element: _Element) -> None:
    """Let go of what was read, so that memory stays flat over a long report."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
