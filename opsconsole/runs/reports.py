"""All reports of a run: those of its steps, of the variants of a matrix, and of tries that failed before one passed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from opsconsole.ground.nouns import TestOutcome
from opsconsole.runs.junit import Report, read_report
from opsconsole.runs.order import Plan
from opsconsole.store.test_results import TestResult

TRIES = "tries"


def read_reports(out: Path, plan: Plan) -> tuple[Report, ...]:
    """Return what every report of a run says, never raising for what stands in them; their secrets were masked before."""
    variants = sorted({step.out for step in plan.steps} | {""})
    return tuple(report for variant in variants for report in _of_variant(out / variant, variant))


def _of_variant(folder: Path, variant: str) -> list[Report]:
    failed = {
        case.test_id
        for path in sorted(folder.glob(f"{TRIES}/*/junit*.xml"))
        for case in read_report(path).cases
        if case.outcome in {TestOutcome.FAILED, TestOutcome.ERROR}
    }
    found = []
    for path in sorted(folder.glob("junit*.xml")):
        report = read_report(path)
        cases = tuple(_known(case, variant, failed) for case in report.cases)
        found.append(replace(report, cases=cases))
    return found


def _known(case: TestResult, variant: str, failed: set[str]) -> TestResult:
    """Return a case with its variant, flaky when it failed in a try before."""
    flaky = case.flaky
    if case.outcome is TestOutcome.PASSED and case.test_id in failed and not flaky:
        case, flaky = replace(case, message="flaky: failed in a try before"), True
    return replace(case, variant=variant, flaky=flaky)
