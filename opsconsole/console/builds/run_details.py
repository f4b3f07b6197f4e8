"""A run in detail: its line, its steps, its failed tests in their own words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from opsconsole.console.host.host import Tab
from opsconsole.console.widgets.marks import progress, state_cell
from opsconsole.console.widgets.rows import BLANK, Row, heading
from opsconsole.console.widgets.tones import Cell, Column, Toned
from opsconsole.core import clock, text
from opsconsole.core.nouns import PipelineKind, RunPurpose, RunState, StepState
from opsconsole.lifecycle.software.repo_state import cause
from opsconsole.runs.analyse.description import waiting_of, waiting_words
from opsconsole.runs.analyse.test_progress import ProgressReader
from opsconsole.runs.execute.slots import QueueLook
from opsconsole.runs.record.folder import run_folder
from opsconsole.store import bisections, models, test_history
from opsconsole.store.bisections import Bisection
from opsconsole.store.runs import RunRecord
from opsconsole.store.steps import StepRecord
from opsconsole.store.test_results import TestResult

STEPS = (
    Column(width=24),
    Column(width=13),
    Column(width=8, right=True),
    Column(width=8, right=True, drop=2),
    Column(width=9, right=True, drop=1),
    Column(least=10),
)
CASES = (Column(least=30), Column(width=26, drop=1), Column(width=7, right=True))
WIDE = (Column(),)
SLOWEST = 3
ARTIFACTS = 50
PURPOSES = {
    RunPurpose.PARTIAL: "only some tests: says nothing of the branch",
    RunPurpose.PROBE: "asked for by a bisect: says nothing of the branch",
}
TRACE = 40
"""Lines of a failed test's traceback that are shown."""


class RunDetails:
    """Makes the rows of a run's detail pane."""

    def __init__(self, tab: Tab) -> None:
        self.console = tab.console
        self.ago = tab.ago
        self._progress: tuple[int, ProgressReader] | None = None

    def line(self, run: RunRecord) -> Sequence[Toned]:
        """Return what is worth knowing of a run in one line."""
        parts = [text.duration(run.duration_s)] if run.state.final else []
        parts += [
            self.ago(run.created_at),
            f"by {text.clean(run.actor)}",
        ]
        parts += [f"on {text.clean(run.branch)}"] if run.branch else []
        parts += ["of the commit; the tree was dirty"] if run.dirty else []
        parts += [f"answers alert {run.alert_id}"] if run.alert_id else []
        parts += [f"{text.percent(run.covered, 1)} of lines covered"] if run.covered is not None else []
        parts += [PURPOSES[run.purpose]] if run.purpose in PURPOSES else []
        parts += ["kept for good"] if run.pinned else []
        parts += ["logs and artifacts were pruned"] if run.pruned_at else []
        line = [Toned("   ".join(parts), "dim")]
        waits = waiting_of(QueueLook(self.console.workspace.state), run) if run.state is RunState.QUEUED else None
        if waits is not None:
            line.append(Toned(f"   {waiting_words(waits)}", "accent"))
        made = models.version_of_run(self.console.store, run.id) if run.kind is PipelineKind.TRAIN else None
        if made is not None:
            line.append(Toned(f"   made {text.clean(made.model)} v{made.version}", "accent"))
        bisection = self._bisection(run)
        if bisection is not None:
            culprit = f"   broken since {bisection.first_bad[:7]} “{text.clean(bisection.subject, limit=50)}”, found by bisect"
            line.append(Toned(culprit, "accent"))
        if run.error:
            line.append(Toned(f"   {text.clean(run.error)}", "bad"))
        return line

    def _bisection(self, run: RunRecord) -> Bisection | None:
        """Return what this search found, or which commit broke what this build found broken."""
        if run.purpose is RunPurpose.SEARCH:
            return bisections.of_run(self.console.store, run.id)
        return cause(self.console.store, run) if run.broken and run.purpose is RunPurpose.FULL else None

    def progress(self, run: RunRecord) -> list[Row]:
        """Return how far the tests of a live run are, as far as its runner tells."""
        if run.state.final:
            return []
        if self._progress is None or self._progress[0] != run.id:
            self._progress = (run.id, ProgressReader(run_folder(self.console.workspace.state, run.id).out))
        reported = self._progress[1].look()
        if reported is None:
            return []
        of = f" of {reported.total:,}" if reported.total is not None else ""
        bar = progress(reported.share, 24) if reported.share is not None else ()
        line = (
            *bar,
            Toned(f"  {reported.done:,}{of} tests", "text"),
            *((Toned(f"   {reported.failed:,} failed", "bad"),) if reported.failed else ()),
            Toned(f"   {text.clean(reported.last)}", "dim"),
        )
        return [Row(None, (line,), WIDE), BLANK]

    def steps(self, run: RunRecord, own: list[StepRecord]) -> list[Row]:
        """Return the steps and services; each is a door to its log."""
        head: tuple[Cell, ...] = tuple(Toned(word, "dim") for word in ("", "", "took", "cpu", "memory", ""))
        rows = [Row(None, head, STEPS)] if any(step.cpu_s is not None for step in own) else []
        rows += [_step_row(step) for step in own]
        folder = run_folder(self.console.workspace.state, run.id)
        for path in sorted(folder.path.glob("service-*.log")):
            cells: tuple[Cell, ...] = (path.stem, Toned("service", "dim"), "", "", "", Toned("its output", "dim"))
            rows.append(Row(("service", path.stem), cells, STEPS))
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
        store = self.console.store
        since, flaky = test_history.failing_since(store, run), test_history.flaky_names(store, run.id)
        for index, case in enumerate(bad):
            key = (case.variant, case.test_id)
            where = f"{case.file}:{case.line}" if case.file and case.line else case.file or ""
            cells: tuple[Cell, ...] = (
                (
                    Toned("✗ ", "bad"),
                    Toned(case.test_id.rpartition("::")[2] or case.test_id, "strong"),
                    Toned(f"  {case.variant}" if case.variant else "", "accent"),
                    _since(since.get(key), run.id, flaky=key in flaky),
                ),
                Toned(where, "dim"),
                Toned(text.duration(case.duration_s) if case.duration_s is not None else "", "dim"),
            )
            rows.append(Row(("test", case.position), cells, CASES))
            rows += [Row(None, (line,), WIDE) for line in _explained(case, TRACE if index == 0 else 2)]
        return [*rows, *self._slowest(run), *self._artifacts(run)]

    def _slowest(self, run: RunRecord) -> list[Row]:
        tests = [
            test for test in test_history.slowest(self.console.store, run.id, limit=SLOWEST) if test.seconds >= 0.1
        ]
        rows = [BLANK, heading("SLOWEST", len(tests))] if tests else []
        for test in tests:
            moved = "" if test.before is None else f"was {text.duration(test.before)}"
            grew = test.before is not None and test.seconds > test.before * 1.5
            cells: tuple[Cell, ...] = (
                f"  {test.name.rpartition('::')[2] or test.name}",
                Toned(moved, "warn" if grew else "dim"),
                Toned(text.duration(test.seconds), "dim"),
            )
            rows.append(Row(None, cells, CASES))
        return rows

    def _artifacts(self, run: RunRecord) -> list[Row]:
        home = run_folder(self.console.workspace.state, run.id).out / "artifacts"
        paths = sorted(path for path in home.rglob("*") if path.is_file())[:ARTIFACTS] if home.is_dir() else []
        if not paths:
            return []
        return [
            BLANK,
            heading("ARTIFACTS", len(paths)),
            *(
                Row(
                    ("file", str(path)),
                    (f"  {path.relative_to(home)}", "", Toned(text.size(path.stat().st_size), "dim")),
                    CASES,
                )
                for path in paths
            ),
        ]


def _step_row(step: StepRecord) -> Row:
    tries = f" ×{step.tries}" if step.tries > 1 else ""
    cells: tuple[Cell, ...] = (
        (Toned(step.name), Toned(tries, "warn")),
        state_cell(step.state),
        Toned(text.duration(step.duration_s), "dim") if step.duration_s is not None else "",
        Toned(f"{step.cpu_s:.1f} s", "dim") if step.cpu_s is not None else "",
        Toned(text.size(step.peak_bytes), "dim") if step.peak_bytes is not None else "",
        Toned(step.note or step.run, "dim"),
    )
    return Row(("step", step.name), cells, STEPS)


def _since(known: test_history.FailingSince | None, run_id: int, *, flaky: bool) -> Toned:
    """Say since when a test fails: new, or since which run; one that contradicts itself is flaky."""
    if flaky:
        return Toned("  flaky: it both passed and failed at one commit", "warn")
    if known is None:
        return Toned("")
    if known.run != run_id:
        return Toned(f"  since #{known.run}", "dim")
    if not known.before:
        return Toned("  new", "accent")
    of = "" if known.passed == known.before else f"{known.passed} of "
    return Toned(f"  new: passed {of}{text.plural(known.before, 'run')} before", "accent")


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
        name = next((step.name for step in own if step.state is state), None)
        if name is not None:
            return name
    ran = [step.name for step in own if step.started_at is not None]
    return ran[-1] if ran else None


def elapsed(run: RunRecord) -> str:
    """Return how long a run has been at it."""
    if run.started_at is None:
        return "–"
    seconds = int((clock.now() - run.started_at).total_seconds())
    if run.purpose is RunPurpose.SERVE:  # its screen is painted anew each minute, so that an idle one sends nothing
        return "< 1 min" if seconds < 60 else text.duration(seconds - seconds % 60)
    return f"{seconds} s" if seconds < 60 else text.duration(seconds)
