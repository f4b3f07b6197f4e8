"""Builds: repos and their runs at the left; the run's steps, failed tests and live log at the right."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical

from opsconsole.console.builds.keys import BuildKeys
from opsconsole.console.builds.list_rows import ListRows
from opsconsole.console.builds.run_details import RunDetails, likely_step
from opsconsole.console.host.examples import no_repos, no_runs
from opsconsole.console.host.host import Tab
from opsconsole.console.host.keymap import bindings_for
from opsconsole.console.host.orders import Order, Orders
from opsconsole.console.logs.keys import LogKeys
from opsconsole.console.logs.view import LogView
from opsconsole.console.widgets.lines import OneLine, PaneTitle
from opsconsole.console.widgets.marks import state_cell
from opsconsole.console.widgets.rows import RowList, Rows
from opsconsole.console.widgets.sparklines import trend_cell
from opsconsole.console.widgets.tones import Toned
from opsconsole.core import text
from opsconsole.core.nouns import StepState
from opsconsole.lifecycle.software.repo_state import recent_runs
from opsconsole.repos.status import RepoStatus
from opsconsole.runs.record.folder import run_folder
from opsconsole.store import runs, steps, test_results
from opsconsole.store.runs import RunRecord
from opsconsole.store.steps import StepRecord
from opsconsole.store.test_results import TestResult

WRONG = (StepState.FAILED, StepState.TIMED_OUT, StepState.ERROR)
"""A step that ended so has its log opened at the first error."""


class BuildsTab(Tab):
    """Runs of the registered repos."""

    place = "builds"
    first = "#runs"
    BINDINGS: ClassVar = [*bindings_for("builds"), *bindings_for("log")]
    SCOPED_CSS = False  # a scoped rule cannot ask how wide the app is
    DEFAULT_CSS = """
    BuildsTab { layout: horizontal; }
    BuildsTab #left { width: 60; border-right: solid $tone-faint; }
    BuildsTab #right { width: 1fr; padding: 0 0 0 1; }
    BuildsTab #repos { height: auto; max-height: 9; }
    BuildsTab #runs-title { margin: 1 0 0 0; }
    BuildsTab #run-more { padding: 0 0 0 1; }
    BuildsTab #detail { height: auto; max-height: 55%; }
    BuildsTab #log-title { margin: 1 0 0 0; }
    BuildsTab.zoomed #left { display: none; }
    .narrow BuildsTab { layout: vertical; }
    .narrow BuildsTab #left { width: 1fr; height: 10; border-right: none; border-bottom: solid $tone-faint; }
    .narrow BuildsTab #repos { max-height: 3; }
    .narrow BuildsTab #runs-title, .narrow BuildsTab #log-title { margin: 0; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._repo: str | None = None
        self._run: RunRecord | None = None
        self._step: str | None = None
        self._of_service = False
        self._orders = Orders(
            Order("number", "newest first"),
            Order("number", "oldest first", down=False),
            Order("took", "longest first"),
            Order("took", "shortest first", down=False),
        )
        self._sheet: RunDetails | None = None

    def compose(self) -> ComposeResult:
        """Lay out the two sides."""
        with Vertical(id="left"):
            yield PaneTitle(id="repos-title", of="repos")
            yield RowList(id="repos", empty="none yet")
            yield PaneTitle(id="runs-title", of="runs")
            yield RowList(id="runs")
        with Container(id="right"):
            yield PaneTitle(id="run-title", of="detail")
            yield OneLine(id="run-more")
            yield RowList(id="detail", empty="")
            yield PaneTitle(id="log-title", of="log")
            yield LogView(id="log")

    def load(self) -> None:
        """Read repos, runs, and the run under the cursor."""
        names = self.console.repo_names()
        self._repo = self._at_hand()
        shown = ListRows(self)
        self.query_one("#repos-title", OneLine).say(Toned("REPOS", "strong"), Toned(f"  {len(names):,}", "dim"))
        self.query_one("#repos", RowList).show(Rows([shown.repo(name) for name in names]))
        self._load_runs()
        self._load_run()

    def reveal(self, kind: str, name: str) -> bool:
        """Show a run by its number, or a repo by its name."""
        if kind == "repo":
            if name not in self.console.repo_names():
                return False
            self._choose_repo(name)
            self.console.give_focus(self.query_one("#runs"))
            return self.query_one("#repos", RowList).select(name)
        run = runs.get(self.console.store, int(name)) if name.isdigit() else None
        if run is None:
            return False
        self._choose_repo(run.repo)
        self.query_one("#repos", RowList).select(run.repo)
        self.query_one("#runs", RowList).select(run.id)
        self._run = run
        self._load_run()
        self.console.give_focus(self.query_one("#runs"))
        return True  # its page is open, also where it is too old for the list

    def places(self) -> tuple[str, ...]:
        """Return our keys' place and the log's, whose keys hold wherever the focus is on this tab."""
        return ("builds", "log")

    def keys_of(self, place: str) -> object:
        """Return who carries the keys of a place out."""
        return LogKeys(self.console, self.query_one(LogView)) if place == "log" else BuildKeys(self.console, self)

    @property
    def run(self) -> RunRecord | None:
        """The run under the cursor."""
        return self._run

    def runs_list(self) -> RowList:
        """Return the list of runs."""
        return self.query_one("#runs", RowList)

    def repo_at_hand(self) -> str | None:
        """Return the repo under the cursor; None when there is none."""
        return self._at_hand()

    def case_at_hand(self) -> TestResult | None:
        """Return the failed test under the cursor, if the cursor is on one."""
        return self._case(self.query_one("#detail", RowList).key)

    def run_before(self, run: RunRecord) -> int | None:
        """Return the run of the same pipeline before a run."""
        page = runs.page(self.console.store, repo=run.repo, pipeline=run.pipeline, before=run.id, limit=1)
        return page[0].id if page else None

    def subject(self, verb: str) -> str:
        """Return the repo, the run or the test that one of our acts is about."""
        return "" if self.blocked(verb) else BuildKeys(self.console, self).subject(verb)

    def blocked(self, verb: str) -> str:
        """Return why one of our acts cannot be done now."""
        return BuildKeys(self.console, self).blocked(verb)

    def jump_inside(self, word: str, rest: str) -> bool:
        """Go to a line or a percentage of the log."""
        return LogKeys(self.console, self.query_one(LogView)).jump(word, rest)

    def back(self) -> bool:
        """Leave the zoomed run."""
        if self.has_class("zoomed"):
            self.remove_class("zoomed")
            self.console.give_focus(self.query_one("#runs"))
            return True
        return False

    def outside(self) -> tuple[Path, int] | None:
        """Open the failed test's file, else the log."""
        focused = self.app.focused
        if isinstance(focused, RowList) and focused.id == "detail" and self._run is not None:
            case = self._case(focused.key)
            if case is not None and case.file is not None:
                path = (self.console.workspace.repo_path(self._run.repo) / case.file).resolve()
                return (path, case.line or 0) if path.is_file() else None
        self._load_run()  # the cursor may not have rested yet
        log = self.query_one(LogView).path
        return (log, 0) if log is not None else None

    def sort(self) -> str:
        """Sort runs by number or by time taken, either way."""
        order = self._orders.next()
        self._load_runs()
        self.query_one("#runs", RowList).forget_news()
        return order

    def copy_text(self) -> str:
        """Copy a failed test's message, else what identifies the run."""
        focused = self.app.focused
        if isinstance(focused, LogView):
            return focused.copy_text()
        if isinstance(focused, RowList) and focused.id == "detail":
            case = self._case(focused.key)
            if case is not None:
                return f"{case.test_id}\n{case.message or ''}\n{case.detail or ''}".strip()
        if self._run is None:
            return ""
        run = self._run
        return f"{run.repo}/{run.pipeline} #{run.id} {run.state} {run.commit} {run.subject}"

    # messages

    @on(RowList.Moved, "#repos")
    def repo_moved(self, message: RowList.Moved) -> None:
        """Know what the keys are about."""
        if isinstance(message.key, str) and message.key != self._repo:
            self._repo, self._run, self._step = message.key, None, None

    @on(RowList.Rested, "#repos")
    def repo_rested(self) -> None:
        """Show the runs of the repo under the cursor."""
        self._load_runs()
        self._load_run()

    @on(RowList.Moved, "#runs")
    def run_moved(self, message: RowList.Moved) -> None:
        """Know what the keys are about."""
        if isinstance(message.key, int) and (self._run is None or message.key != self._run.id):
            self._step = None
            self._run = runs.get(self.console.store, message.key)

    @on(RowList.Rested, "#runs")
    def run_rested(self) -> None:
        """Show the run under the cursor."""
        self._load_run()
        self.runs_counted()

    @on(RowList.Counted, "#runs")
    def runs_counted(self) -> None:
        """Say how many a filter leaves, and how many are new above."""
        self._show_runs_title(runs.count(self.console.store, repo=self._repo) if self._repo else 0)

    @on(RowList.Moved, "#detail")
    def detail_moved(self, message: RowList.Moved) -> None:
        """Know whose log is wanted."""
        if isinstance(message.key, tuple) and message.key[0] in {"step", "service"} and self._run is not None:
            self._step, self._of_service = str(message.key[1]), message.key[0] == "service"

    @on(RowList.Rested, "#detail")
    def detail_rested(self) -> None:
        """Show the log of the step under the cursor."""
        self._load_log(steps.of_run(self.console.store, self._run.id) if self._run is not None else [])

    @on(RowList.Opened, "#runs")
    def run_opened(self) -> None:
        """Zoom into the run."""
        self.add_class("zoomed")
        self.console.give_focus(
            self.query_one("#log" if self._run is not None and not self._run.state.final else "#detail")
        )

    @on(RowList.Opened, "#detail")
    def detail_opened(self, message: RowList.Opened) -> None:
        """Go on from the row: a step's log, a failed test's history, an artifact in the operator's own program."""
        kind, name = message.key if isinstance(message.key, tuple) and len(message.key) == 2 else ("", "")
        if kind in {"step", "service"}:
            self.console.give_focus(self.query_one("#log"))
        elif kind == "test":
            BuildKeys(self.console, self).do_history()
        elif kind == "file":
            self.console.open_outside(Path(str(name)), 0)

    @on(RowList.Opened, "#repos")
    def repo_opened(self) -> None:
        """Go to the repo's runs."""
        self.console.give_focus(self.query_one("#runs"))

    @on(LogView.Changed)
    def log_changed(self) -> None:
        """Say in the heading how long the log is, and whether it is followed."""
        self._show_log_title()

    # inside

    def _at_hand(self) -> str | None:
        names = self.console.repo_names()
        return self._repo if self._repo in names else names[0] if names else None

    def _choose_repo(self, name: str) -> None:
        self._repo = name
        self._run, self._step = None, None
        self._load_runs()
        self._load_run()

    def _load_runs(self) -> None:
        repo, store = self._repo, self.console.store
        listing = self.query_one("#runs", RowList)
        count = runs.count(store, repo=repo) if repo else 0
        order = self._orders.held
        if repo is None or not count:
            listing.show(Rows(no_repos() if repo is None else no_runs(self.console, repo)))
        else:
            listing.show(ListRows(self).runs(repo, count, order))
        if self._run is None and isinstance(listing.key, int):
            self._run = runs.get(store, listing.key)
        self._show_runs_title(count)

    def _show_runs_title(self, count: int) -> None:
        """Say how many runs there are, and how those of one pipeline went: the selected run's, else the build."""
        repo = self._repo
        pipeline = self._run.pipeline if self._run is not None else "build"
        recent = recent_runs(self.console.workspace, self.console.store, repo, pipeline, self._run) if repo else []
        counts = self.query_one("#runs", RowList).counts
        self.query_one("#runs-title", OneLine).say(
            Toned("RUNS", "strong"),
            Toned(f"  {count:,}", "dim"),
            *counts,
            *([self._orders.held.shown] if count else []),
            Toned(f"   {pipeline} ", "faint"),
            *trend_cell(recent),
        )

    def _load_run(self) -> None:
        title, more = self.query_one("#run-title", OneLine), self.query_one("#run-more", OneLine)
        detail = self.query_one("#detail", RowList)
        if self._run is not None:
            self._run = runs.get(self.console.store, self._run.id)
        run = self._run
        if run is None:
            title.say(Toned(self._no_run(), "dim"))
            more.say(*self._repo_line())
            detail.show(Rows(()))
            self.query_one(LogView).show_file(None)
            self._show_log_title()
            return
        title.say(
            *state_cell(run.state),
            Toned(f"  #{run.id} {run.repo}/{run.pipeline}  ", "strong"),
            Toned(run.commit[:7], "champion"),
            Toned(f"  “{text.clean(run.subject)}”"),
        )
        sheet = self._sheet = self._sheet or RunDetails(self)
        more.say(*sheet.line(run))
        own = steps.of_run(self.console.store, run.id)
        bad = test_results.failed(self.console.store, run.id, limit=200) if run.tests else []
        detail.show(Rows([*sheet.progress(run), *sheet.steps(run, own), *sheet.tests(run, bad)]))
        self._load_log(own)

    def _no_run(self) -> str:
        if self._repo is None:
            return "no repo yet"
        if not self.console.repo_trusted(self._repo):
            return f"{self._repo} is not trusted: :trust {self._repo} lets its pipelines run"
        return f"no run of {self._repo} yet: b builds it"

    def _repo_line(self) -> Sequence[Toned]:
        status: RepoStatus | None = self.console.repo_status(self._repo) if self._repo else None
        if status is None:
            return (Toned("", "dim"),)
        return (Toned(f"{status.branch or 'detached'}  {'dirty' if status.dirty else 'clean'}", "dim"),)

    def _case(self, key: Hashable) -> TestResult | None:
        if self._run is None or not isinstance(key, tuple) or key[0] != "test":
            return None
        failed = test_results.failed(self.console.store, self._run.id, limit=200)
        return next((case for case in failed if case.position == key[1]), None)

    def _load_log(self, own: list[StepRecord]) -> None:
        run = self._run
        if self._step is not None and self._of_service and run is not None:
            self.query_one(LogView).show_file(run_folder(self.console.workspace.state, run.id).log(self._step))
            self._show_log_title()
            return
        if self._step not in [step.name for step in own]:
            self._step = None
        wanted = next((step for step in own if step.name == (self._step or likely_step(own))), None)
        view = self.query_one(LogView)
        if run is None or wanted is None:
            view.show_file(None)
        else:
            began = int(wanted.started_at.timestamp() * 1000) if wanted.started_at is not None else None
            path = run_folder(self.console.workspace.state, run.id).log(wanted.name)
            view.show_file(path, at_error=run.state.final and wanted.state in WRONG, began_ms=began)
        self._show_log_title()

    def _show_log_title(self) -> None:
        view = self.query_one(LogView)
        stretches = [
            Toned("LOG", "strong"),
            Toned(f"  {view.path.stem if view.path else '–'}   ", "dim"),
            *view.heading(),
        ]
        if view.follow and self._run is not None and not self._run.state.final:
            stretches.append(Toned("   following", "accent"))
        self.query_one("#log-title", OneLine).say(*stretches)
