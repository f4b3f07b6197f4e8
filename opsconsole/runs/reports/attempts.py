"""Several cases of one id in a report are attempts at one test, as plugins that retry failures write them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from opsconsole.core.nouns import TestOutcome
from opsconsole.runs.reports.junit_cases import BAD, DETAIL_LIMIT
from opsconsole.store.test_results import TestResult


def merged(cases: Sequence[TestResult], *, green: bool) -> tuple[TestResult, ...]:
    """Return one case for each id: the last attempt decides.

    ``green``: every step that wrote the report was good. Where one was not, and the last attempts leave nothing that
    would explain it, cases of one id may as well be different tests of one name: the worst of them counts then.
    """
    groups: dict[str, list[TestResult]] = {}
    for case in cases:
        groups.setdefault(case.test_id, []).append(case)
    if len(groups) == len(cases):
        return tuple(cases)
    whole = [_last(group) for group in groups.values()]
    if not green and not any(case.outcome in BAD for case in whole):
        whole = [_worst(group) for group in groups.values()]
    return tuple(replace(case, position=position) for position, case in enumerate(whole))


def _last(group: list[TestResult]) -> TestResult:
    ran = [case for case in group if case.outcome is not TestOutcome.SKIPPED] or group
    last, failed = ran[-1], [case for case in ran[:-1] if case.outcome in BAD]
    if last.outcome is TestOutcome.PASSED and failed:
        tries = "try" if len(failed) == 1 else "tries"
        last = replace(last, flaky=True, message=f"flaky: passed after {len(failed)} failed {tries}")
    return _whole(last, group)


def _worst(group: list[TestResult]) -> TestResult:
    bad = next((case for case in reversed(group) if case.outcome in BAD), None)
    return _last(group) if bad is None else _whole(bad, group)


def _whole(case: TestResult, group: list[TestResult]) -> TestResult:
    """Return a case with the time of all attempts, and with the detail of each of several failures."""
    if len(group) == 1:
        return case
    times = [other.duration_s for other in group if other.duration_s is not None]
    details = [other.detail for other in group if other.outcome in BAD and other.detail]
    detail = case.detail
    if case.outcome in BAD and len(details) > 1:
        detail = "\n".join(f"attempt {number}:\n{text}" for number, text in enumerate(details, start=1))[:DETAIL_LIMIT]
    return replace(case, duration_s=sum(times) if times else None, detail=detail)
