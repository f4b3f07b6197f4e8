"""The final outcome of a run: pure, from its journal and its reports. A failed exit code is never overridden."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from opsconsole.core.nouns import RunState, StepState, TestOutcome
from opsconsole.runs.record.journal import RunHistory, StepHistory
from opsconsole.runs.record.spec import RunSpec
from opsconsole.runs.reports.junit import Report
from opsconsole.runs.steps.schedule import GOOD
from opsconsole.store.runs import TestCounts
from opsconsole.store.steps import StepRecord

WORST_FIRST = (
    (StepState.ERROR, RunState.ERROR),
    (StepState.TIMED_OUT, RunState.TIMED_OUT),
    (StepState.FAILED, RunState.FAILED),
)


@dataclass(frozen=True)
class Outcome:
    """The end of a run."""

    state: RunState
    error: str | None
    note: str | None
    tests: TestCounts | None
    """None when no report was left, so nothing is known of tests."""


def outcome(order: RunSpec, history: RunHistory, reports: Sequence[Report]) -> Outcome:
    """Return the final state, the counts, and in words why it is not ``passed``.

    Green needs every step passed and, where a test runner was meant to run or a report was left, at least one test.
    """
    tests = count(reports)
    state, error = _of_steps(order, history)
    if state is RunState.PASSED:
        error = _tests_missing(order, tests, reports)
        state = RunState.FAILED if error else state
    notes = [*order.plan.notes, history.note, *(report.note for report in reports)]
    if state is RunState.PASSED and tests is not None and tests.failed + tests.errors:
        notes.append(f"the report counts {tests.failed + tests.errors} failed tests, but every step ended with exit 0")
    return Outcome(state, error, "; ".join(note for note in notes if note) or None, tests)


def count(reports: Sequence[Report]) -> TestCounts | None:
    """Return the counts over all reports; None when there is none."""
    if not reports:
        return None
    outcomes = Counter(case.outcome for report in reports for case in report.cases)
    return TestCounts(
        passed=outcomes[TestOutcome.PASSED],
        failed=outcomes[TestOutcome.FAILED],
        skipped=outcomes[TestOutcome.SKIPPED],
        errors=outcomes[TestOutcome.ERROR],
    )


def final_steps(order: RunSpec, history: RunHistory) -> list[StepRecord]:
    """Return the steps as they ended: what was at work when the supervisor died is ``lost``, the rest not reached."""
    ended = []
    for position, step in enumerate(order.plan.steps):
        known = history.steps.get(step.name, StepHistory(StepState.NOT_REACHED))
        state = StepState.LOST if known.state is StepState.RUNNING else known.state
        record = StepRecord(
            order.run_id,
            position,
            step.name,
            step.run,
            state,
            known.exit_code,
            known.note,
            known.started_at,
            known.ended_at,
            known.tries,
            known.seconds,
            known.cpu_s,
            known.peak_bytes,
        )
        ended.append(record)
    return ended


def _of_steps(order: RunSpec, history: RunHistory) -> tuple[RunState, str | None]:
    steps = final_steps(order, history)
    if history.error is not None:
        return RunState.ERROR, history.error
    if all(step.state in GOOD for step in steps):
        return RunState.PASSED, None
    if history.cancelled:
        return RunState.CANCELLED, None
    for worst, state in WORST_FIRST:
        bad = next((step for step in steps if step.state is worst), None)
        if bad is not None:
            return state, _ending_of(bad)
    at = next((step.name for step in steps if step.state not in GOOD), "")
    return RunState.LOST, f"nobody saw it to its end: it was last known at step {at}"


def _ending_of(step: StepRecord) -> str:
    words = step.note or (f"exit {step.exit_code}" if step.exit_code is not None else step.state)
    return f"step {step.name}: {words}"


def _tests_missing(order: RunSpec, tests: TestCounts | None, reports: Sequence[Report]) -> str | None:
    runner = order.plan.runner
    if tests is None:
        return None if runner is None else f"{runner} left no report of its tests"
    if tests.total == 0:
        broken = "; ".join(report.note for report in reports if report.note)
        return f"0 tests were reported{f' ({broken})' if broken else ''}: a run without tests is not green"
    return None
