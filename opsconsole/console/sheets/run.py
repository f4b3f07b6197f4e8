"""A run in detail: its line, its steps, its failed tests in their own words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from opsconsole.console.desk import Tab
from opsconsole.console.marks import state_cell
from opsconsole.console.widgets.rows import BLANK, Row, heading
from opsconsole.console.widgets.tones import Cell, Column, Toned
from opsconsole.ground import clock, text
from opsconsole.ground.nouns import StepState
from opsconsole.store.runs import RunRecord
from opsconsole.store.steps import StepRecord
from opsconsole.store.test_results import TestResult

STEPS = (Column(width=24), Column(width=13), Column(width=8, right=True), Column(least=10))
CASES = (Column(least=30), Column(width=26, drop=1), Column(width=7, right=True))
WIDE = (Column(),)
TRACE = 40
"""Lines of a failed test's traceback that are shown."""


class RunSheet:
    """Makes the rows of a run's detail pane."""

    def __init__(self, tab: Tab) -> None:
        self.console = tab.console
        self.ago = tab.ago

    def line(self, run: RunRecord) -> Sequence[Toned]:
        """Return what is worth knowing of a run in one line."""
        said = [text.duration(run.duration_s)] if run.state.final else []
        said += [
            self.ago(run.created_at),
            f"by {text.clean(run.actor)}",
        ]
        said += [f"on {text.clean(run.branch)}"] if run.branch else []
        said += ["of the commit; the tree was dirty"] if run.dirty else []
        said += [f"answers alert {run.alert_id}"] if run.alert_id else []
        line = [Toned("   ".join(said), "dim")]
        if run.error:
            line.append(Toned(f"   {text.clean(run.error)}", "bad"))
        return line

    def steps(self, own: list[StepRecord]) -> list[Row]:
        """Return the steps; each is a door to its log."""
        rows: list[Row] = []
        for step in own:
            seconds = (step.ended_at - step.started_at).total_seconds() if step.started_at and step.ended_at else None
            cells: tuple[Cell, ...] = (
                step.name,
                state_cell(step.state),
                Toned(text.duration(seconds), "dim") if seconds is not None else "",
                Toned(step.note or step.run, "dim"),
            )
            rows.append(Row(("step", step.name), cells, STEPS))
        return rows

    def tests(self, run: RunRecord, bad: list[TestResult]) -> list[Row]:
        """Return the counts, and the failed tests with their tracebacks."""
        counts = run.tests
        if counts is None:
            return []
        summary = (
            Toned(f"{counts.passed}", "good"),
            Toned(" passed   ", "dim"),
            Toned(f"{counts.failed + counts.errors}", "bad" if counts.failed + counts.errors else "dim"),
            Toned(" failed   ", "dim"),
            Toned(f"{counts.skipped}", "dim"),
            Toned(" skipped", "dim"),
        )
        rows = [BLANK, Row(None, (summary,), WIDE)]
        if bad:
            rows += [BLANK, heading("FAILED", len(bad), Toned(f" of {counts.total:,}", "dim"))]
        for index, case in enumerate(bad):
            where = f"{case.file}:{case.line}" if case.file and case.line else case.file or ""
            cells: tuple[Cell, ...] = (
                (Toned("✗ ", "bad"), Toned(case.test_id.rpartition("::")[2] or case.test_id, "strong")),
                Toned(where, "dim"),
                Toned(text.duration(case.duration_s) if case.duration_s is not None else "", "dim"),
            )
            rows.append(Row(("test", case.position), cells, CASES))
            rows += [Row(None, (line,), WIDE) for line in _explained(case, TRACE if index == 0 else 2)]
        return rows


_ESCAPED = re.compile(r"#x1B\[[0-9;]*m")
"""A colour code as reporters write it into XML, which cannot hold the real one."""
_LOCATION = re.compile(r"^(?P<file>[^\s:]+\.\w+):(?P<line>\d+):")


def _explained(case: TestResult, limit: int) -> list[Toned]:
    """Return a failed test's own words: its message, then the traceback's tail."""
    lines = [_ESCAPED.sub("", line) for line in (case.detail or "").splitlines() if line.strip()]
    if not lines:
        lines = (case.message or "").splitlines()[:limit]
    shown: list[Toned] = []
    for line in lines[-limit:]:
        if line.startswith("E "):
            shown.append(Toned(f"    {line}", "bad"))
        elif _LOCATION.match(line):
            shown.append(Toned(f"    {line}", "accent"))
        else:
            shown.append(Toned(f"    {line}", "text" if line.startswith(">") else "dim"))
    return shown


def likely_step(own: list[StepRecord]) -> str | None:
    """Return the step whose log is wanted: the one that runs, else the first that went wrong, else the last that ran."""
    for state in (StepState.RUNNING, StepState.FAILED, StepState.TIMED_OUT, StepState.ERROR):
        found = next((step.name for step in own if step.state is state), None)
        if found is not None:
            return found
    ran = [step.name for step in own if step.started_at is not None]
    return ran[-1] if ran else None


def elapsed(run: RunRecord) -> str:
    """Return how long a run has been at it."""
    if run.started_at is None:
        return "–"
    seconds = int((clock.now() - run.started_at).total_seconds())
    return f"{seconds} s" if seconds < 60 else text.duration(seconds)
