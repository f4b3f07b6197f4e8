"""The rows of the two lists at the left of Builds: repos with where they stand, and a repo's runs in an order."""

from __future__ import annotations

from opsconsole.console.builds.run_details import elapsed
from opsconsole.console.host.host import Tab
from opsconsole.console.host.orders import Order, turned
from opsconsole.console.widgets.marks import state_cell
from opsconsole.console.widgets.rows import Page, Row, Rows, Window
from opsconsole.console.widgets.tones import Cell, Column, Toned
from opsconsole.core import text
from opsconsole.core.nouns import RunPurpose
from opsconsole.lifecycle.software.repo_state import repo_state
from opsconsole.store import runs
from opsconsole.store.runs import RunRecord

REPOS = (Column(least=10), Column(width=10, drop=2), Column(width=7, drop=1), Column(width=14))
RUNS = (
    Column(width=5, right=True),
    Column(width=11),
    Column(width=7),
    Column(width=7, drop=1),
    Column(width=7, right=True),
    Column(least=11, right=True),
)
PART_OF_A_BUILD = frozenset({RunPurpose.PARTIAL, RunPurpose.PROBE})
"""Runs that say so in the list instead of their pipeline, since they say nothing of the branch."""
SORTED = 1000
"""The newest runs, which can be sorted by time taken."""


class ListRows:
    """Makes the rows of repos and of runs."""

    def __init__(self, tab: Tab) -> None:
        self.console = tab.console
        self.when = tab.when

    def repo(self, name: str) -> Row:
        """Return a repo: where it stands, and how its build does."""
        status = self.console.repo_status(name)
        last = repo_state(self.console.workspace, self.console.store, name).verdict
        trusted = self.console.repo_trusted(name)
        cells: tuple[Cell, ...] = (
            name,
            Toned(status.branch or "detached", "dim") if status else "",
            Toned((status.commit or "")[:7], "champion") if status else "",
            Toned("△ not trusted", "warn")
            if not trusted
            else state_cell(last.state)
            if last
            else Toned("not built", "dim"),
        )
        return Row(name, cells, REPOS)

    def runs(self, repo: str, count: int, order: Order) -> Page:
        """Return a repo's runs in an order: all of them, or as they are seen."""
        store = self.console.store
        if order.column == "took":
            newest = runs.page(store, repo=repo, limit=SORTED)
            newest.sort(key=lambda run: run.duration_s or 0.0, reverse=order.down)
            return Rows([self._run_row(run) for run in newest])
        if count <= SORTED:
            rows = [self._run_row(run) for run in runs.page(store, repo=repo, limit=SORTED)]
            return Rows(rows if order.down else rows[::-1])

        def read(start: int, size: int) -> list[Row]:
            return [self._run_row(run) for run in runs.window(store, repo, start, size)]

        return Window(count, read if order.down else turned(count, read))

    def _run_row(self, run: RunRecord) -> Row:
        cells: tuple[Cell, ...] = (
            Toned(f"#{run.id}", "dim"),
            state_cell(run.state),
            Toned(run.purpose if run.purpose in PART_OF_A_BUILD else run.pipeline, "dim"),
            Toned(run.commit[:7], "champion"),
            text.duration(run.duration_s) if run.state.final else Toned(elapsed(run), "accent"),
            Toned(self.when(run.created_at), "dim"),
        )
        return Row(run.id, cells, RUNS)
