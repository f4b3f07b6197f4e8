"""All reports of a run: those of its steps, of the variants of a matrix, and of tries that failed before one passed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from opsconsole.core.nouns import TestOutcome
from opsconsole.runs.record.journal import RunHistory
from opsconsole.runs.record.spec import Plan
from opsconsole.runs.reports.attempts import merged
from opsconsole.runs.reports.junit import Report, read_report
from opsconsole.runs.reports.junit_cases import BAD
from opsconsole.runs.steps.schedule import GOOD
from opsconsole.store.test_results import TestResult

TRIES = "tries"
MOST = 1_000
"""Reports of one variant that are read."""


def read_reports(out: Path, plan: Plan, history: RunHistory) -> tuple[Report, ...]:
    """Return what every report of a run says, attempts at one test merged, never raising for what stands in them.

    Their secrets were masked before.
    """
    variants = sorted({step.out for step in plan.steps} | {""})
    return tuple(
        report
        for variant in variants
        for report in _of_variant(out / variant, variant, green=_green(plan, history, variant))
    )


def _green(plan: Plan, history: RunHistory, variant: str) -> bool:
    """Whether every step that left its reports here was good."""
    ended = [history.steps.get(step.name) for step in plan.steps if step.out == variant]
    return all(step is not None and step.state in GOOD for step in ended)


def _of_variant(folder: Path, variant: str, *, green: bool) -> list[Report]:
    failed = {
        case.test_id
        for path in sorted(folder.glob(f"{TRIES}/*/junit*.xml"))[:MOST]
        for case in read_report(path).cases
        if case.outcome in BAD
    }
    reports = []
    paths = sorted(folder.glob("junit*.xml"))
    for path in paths[:MOST]:
        report = read_report(path)
        cases = tuple(_known(case, variant, failed) for case in merged(report.cases, green=green))
        reports.append(replace(report, cases=cases))
    if len(paths) > MOST:
        reports.append(Report((), f"{len(paths):,} reports were left, and only {MOST:,} of them are read"))
    return reports


def _known(case: TestResult, variant: str, failed: set[str]) -> TestResult:
    """Return a case with its variant, flaky when it failed in a try before."""
    flaky = case.flaky
    if case.outcome is TestOutcome.PASSED and case.test_id in failed and not flaky:
        case, flaky = replace(case, message="flaky: failed in a try before"), True
    return replace(case, variant=variant, flaky=flaky)
