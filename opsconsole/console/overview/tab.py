"""Overview: what waits, what runs, repos and models by health, and what happened lately. Every item is a door.

The console's start waits for this module: what only the second frame shows is imported when it is read.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult

from opsconsole.config import metrics
from opsconsole.console.host.host import Tab
from opsconsole.console.host.keymap import bindings_for
from opsconsole.console.overview.log_tail import last_line
from opsconsole.console.widgets.marks import STATE_MARKS, progress
from opsconsole.console.widgets.rows import BLANK, Row, RowList, Rows, heading, note
from opsconsole.console.widgets.sparklines import spark, trend_cell
from opsconsole.console.widgets.tones import Cell, Column, Toned
from opsconsole.core import clock, text
from opsconsole.core.nouns import RunPurpose, RunState
from opsconsole.lifecycle.inbox import Waiting
from opsconsole.lifecycle.ladders import ladder_of
from opsconsole.lifecycle.software.repo_state import repo_state
from opsconsole.store import events, promotions, runs, steps, verdicts
from opsconsole.store.runs import RunRecord

if TYPE_CHECKING:
    from opsconsole.runs.analyse.test_progress import Progress, ProgressReader
    from opsconsole.runs.execute.slots import QueueLook
    from opsconsole.store.chunk_records import Chunk
    from opsconsole.store.events import Event
    from opsconsole.store.steps import StepRecord


WAITING = (
    Column(width=10),
    Column(width=26),
    Column(least=30),
    Column(width=7, right=True),
    Column(width=12, drop=1),
)
RUNNING = (
    Column(width=22),
    Column(width=5, right=True),
    Column(width=16, drop=2),
    Column(width=16, drop=3),
    Column(width=13, right=True),
    Column(least=12),
)
RUNNING_SHOWN = 8
"""Live runs listed; the rest are counted."""
REPOS = (
    Column(width=20),
    Column(width=16, drop=3),
    Column(width=7),
    Column(width=18),
    Column(width=8, right=True),
    Column(width=20, drop=1),
    Column(least=6, drop=2),
)
MODELS = (Column(width=20), Column(width=15), Column(width=7), Column(width=8), Column(width=18), Column(least=10))
REPO_TITLES = ("repo", "branch", "commit", "last build", "took", "last 20", "when")
MODEL_TITLES = ("model", "rung", "held by", "metric", "value", "over time")
LATELY = (Column(width=8, right=True), Column(width=14, drop=1), Column(width=20), Column(least=20))
ACTS = {
    "alert": ("Enter", "open"),
    "decision": ("p", "promote"),
    "broken": ("b", "rebuild"),
    "service": ("Enter", "open"),
    "untrusted": ("t", "trust"),
}
"""The key that a waiting item asks for."""
MARKS = {"alert": {"critical": Toned("▲", "bad"), "warn": Toned("△", "warn")}, "decision": {}, "broken": {}}


class OverviewTab(Tab):
    """The loop at a glance."""

    place = "overview"
    first = "#overview-list"
    BINDINGS: ClassVar = bindings_for("overview")

    def compose(self) -> ComposeResult:
        """One list of sections: it reads the same at every width."""
        yield RowList(id="overview-list", empty="reading …")

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._painted = False
        self._readers: dict[int, ProgressReader] = {}
        self._queue: QueueLook | None = None

    def load(self) -> None:
        """Read every section; before the first frame only what is wanted first, the rest right after it."""
        rows: list[Row] = [BLANK, *self._waiting(), BLANK]
        running = self._live_runs()
        if running:
            rows += [*running, BLANK]
        if self._painted:
            rows += [*self._repos(), BLANK, *self._models(), BLANK, *self._lately()]
        else:
            self._painted = True
            self.call_after_refresh(self.load)
        self.query_one(RowList).show(Rows(rows))

    def reveal(self, kind: str, name: str) -> bool:
        """Put the cursor on an item."""
        return self.query_one(RowList).select((kind, name))

    @on(RowList.Opened)
    def open_item(self, message: RowList.Opened) -> None:
        """Go to where the item lives."""
        kind, name = self._target(message.key)
        self.console.jump(kind, name)

    def subject(self, verb: str) -> str:
        """Return what under the cursor one of our acts is about."""
        kind, name = self._target(self.query_one(RowList).key)
        return "" if self.blocked(verb) else f"#{name}" if kind == "run" else name

    def blocked(self, verb: str) -> str:
        """Return why one of our acts cannot be done now."""
        kind, name = self._target(self.query_one(RowList).key)
        if verb == "promote":
            return "" if kind == "model" and ":" in name else "no candidate under the cursor"
        if verb == "acknowledge":
            return "" if kind == "alert" else "no alert under the cursor"
        return "" if kind == "repo" or (verb == "build" and kind == "run") else "no repo under the cursor"

    def do_promote(self) -> None:
        """Open the promotion of the candidate under the cursor."""
        kind, name = self._target(self.query_one(RowList).key)
        if kind != "model" or ":" not in name:
            self.console.say("no candidate under the cursor", "warn")
            return
        model, _, number = name.partition(":")
        from opsconsole.console.models.moves import open_promotion

        open_promotion(self.console, model, int(number))

    def do_build(self) -> None:
        """Build the repo under the cursor."""
        kind, name = self._target(self.query_one(RowList).key)
        repo = name if kind == "repo" else None
        if kind == "run":
            run = runs.get(self.console.store, int(name))
            repo = run.repo if run else None
        if repo is None:
            self.console.say("no repo under the cursor", "warn")
            return
        from opsconsole.console.processes.launch import start_run

        start_run(self.console, target=repo)

    def do_trust(self) -> None:
        """Show what trusting the repo under the cursor allows, and ask."""
        from opsconsole.console.builds.trust import TrustDialog

        kind, name = self._target(self.query_one(RowList).key)
        if kind != "repo":
            self.console.say("no repo under the cursor", "warn")
        elif self.console.repo_trusted(name):
            self.console.say(f"{name} is trusted", "dim")
        else:
            self.app.push_screen(TrustDialog(name))

    def do_acknowledge(self) -> None:
        """Acknowledge the alert under the cursor."""
        kind, name = self._target(self.query_one(RowList).key)
        if kind != "alert":
            self.console.say("no alert under the cursor", "warn")
            return
        self.console.carry_out("alert.ack", f"alert {name} acknowledged", alert=int(name))

    @staticmethod
    def _target(key: Hashable) -> tuple[str, str]:
        return (str(key[0]), str(key[1])) if isinstance(key, tuple) and len(key) >= 2 else ("", "")

    def _waiting(self) -> list[Row]:
        items = self.console.waiting
        if not items:
            return [
                heading("WAITING FOR YOU", 0),
                note("nothing: alerts, decisions and broken builds would stand here"),
            ]
        return [heading("WAITING FOR YOU", len(items)), *(self._waiting_row(item) for item in items)]

    def _waiting_row(self, item: Waiting) -> Row:
        mark = {"decision": Toned("◆", "accent"), "broken": Toned("✗", "bad"), "service": Toned("✗", "bad")}.get(
            item.kind
        ) or MARKS["alert"].get(item.word, Toned("·", "dim"))
        key, act = ACTS[item.kind]
        cells: tuple[Cell, ...] = (
            (mark, Toned(f" {item.word}", mark.tone)),
            Toned(item.title, "strong"),
            item.text,
            Toned(self.when(item.since), "dim"),
            (Toned(key, "accent"), Toned(f" {act}", "dim")),
        )
        return Row((item.target.noun, item.target.name, "waiting"), cells, WAITING)

    def _live_runs(self) -> list[Row]:
        live = sorted(runs.live(self.console.store), key=lambda run: (run.state is RunState.QUEUED, run.id))
        self._readers = {run.id: self._readers[run.id] for run in live if run.id in self._readers}
        self._queue = None
        if not live:
            return []
        rows = [heading("RUNNING", len(live)), *(self._running_row(run) for run in live[:RUNNING_SHOWN])]
        more = len(live) - RUNNING_SHOWN
        return [*rows, note(f"and {text.plural(more, 'more run')}: 2 shows them")] if more > 0 else rows

    def _running_row(self, run: RunRecord) -> Row:
        own = steps.of_run(self.console.store, run.id)
        now = next((step for step in own if step.state == "running"), None)
        place = f"{now.name} {now.position + 1} of {len(own)}" if now else run.state
        past = [
            item.duration_s
            for item in runs.page(
                self.console.store, repo=run.repo, pipeline=run.pipeline, state=RunState.PASSED, limit=5
            )
        ]
        known = [seconds for seconds in past if seconds]
        usual: Cell = Toned(self.when(run.started_at), "dim")
        bar: Cell = ""
        if run.purpose is not RunPurpose.SERVE and run.started_at is not None:
            taken = int((clock.now() - run.started_at).total_seconds())
            usual = f"{taken} s of ~{max(known):.0f} s" if known else f"{taken} s"
            bar = progress(taken / max(known), 16) if known else ""
            tests = self._tests_so_far(run)
            if tests is not None and tests.share is not None:
                place, bar = f"{now.name if now else 'tests'} {tests.done}/{tests.total}", progress(tests.share, 16)
        mark = STATE_MARKS[run.state]
        cells: tuple[Cell, ...] = (
            (mark, Toned(f" {run.repo}/{run.pipeline}")),
            Toned(f"#{run.id}", "dim"),
            Toned(place, "dim"),
            bar,
            usual,
            Toned(self._last_words(run, now), "dim"),
        )
        return Row(("run", str(run.id), "running"), cells, RUNNING)

    def _last_words(self, run: RunRecord, now: StepRecord | None) -> str:
        """Return what a live run says last, or what it waits for."""
        from opsconsole.runs.analyse.description import waiting_of, waiting_words
        from opsconsole.runs.execute.slots import QueueLook

        if now is not None:
            return last_line(self.console.workspace.runs / str(run.id) / f"{now.name}.log")
        self._queue = self._queue or QueueLook(self.console.workspace.state)
        waits = waiting_of(self._queue, run)
        return waiting_words(waits) if waits is not None else ""

    def _tests_so_far(self, run: RunRecord) -> Progress | None:
        """Return how far the tests of a live run are; None while nothing is known."""
        from opsconsole.runs.analyse.test_progress import ProgressReader
        from opsconsole.runs.record.folder import run_folder

        out = run_folder(self.console.workspace.state, run.id).out
        reader = self._readers.setdefault(run.id, ProgressReader(out))
        return reader.look()

    def _repos(self) -> list[Row]:
        names = self.console.repo_names()
        head = heading("REPOS", len(names))
        if not names:
            from opsconsole.console.host.examples import no_repos

            return [head, *no_repos()]
        titles = Row(None, tuple(Toned(title, "dim") for title in REPO_TITLES), REPOS)
        return [head, titles, *(self._repo_row(name) for name in names)]

    def _repo_row(self, name: str) -> Row:
        store = self.console.store
        state = repo_state(self.console.workspace, store, name)
        last = state.verdict
        built = verdicts.recent(store, name, last.pipeline, branch=last.branch) if last is not None else []
        status = self.console.repo_status(name)
        tests: Cell = Toned("not built", "dim")
        if last is not None:
            mark = STATE_MARKS[last.state]
            counts = last.tests
            words = (
                f" {last.state}"
                if counts is None or (last.state is not RunState.PASSED and not counts.failed + counts.errors)
                else f" {counts.passed}"
                if last.state is RunState.PASSED
                else f" {counts.failed + counts.errors} of {counts.total}"
            )
            elsewhere = status is not None and not state.speaks_of(status.commit)
            tests = (mark, Toned(words, mark.tone), Toned(f" at {last.commit[:7]}" if elsewhere else "", "dim"))
        if not self.console.repo_trusted(name):
            tests = Toned("not trusted", "warn")
        commit = (status.commit if status else last.commit if last else None) or ""
        cells: tuple[Cell, ...] = (
            name,
            Toned((status.branch or "detached") if status else "", "dim"),
            Toned(commit[:7], "champion"),
            tests,
            Toned(text.duration(last.duration_s) if last else "", "dim"),
            trend_cell(built),
            Toned(self.when(last.ended_at) if last else "", "dim"),
        )
        return Row(("repo", name), cells, REPOS)

    def _models(self) -> list[Row]:
        names = list(self.console.workspace.config.models)
        head = heading("MODELS", len(names))
        if not names:
            from opsconsole.console.host.examples import no_models

            return [head, *no_models()]
        titles = Row(None, tuple(Toned(title, "dim") for title in MODEL_TITLES), MODELS)
        return [head, titles, *(row for name in names for row in self._model_rows(name))]

    def _model_rows(self, name: str) -> list[Row]:
        from opsconsole.registry.tasks import task_of
        from opsconsole.store import models

        store = self.console.store
        ladder = ladder_of(self.console.workspace, name)
        held = {row.alias: row.version for row in promotions.aliases(store, name)}
        rows: list[Row] = []
        for rung in reversed(ladder):
            number = held.get(rung)
            if number is None or (rung != ladder[-1] and number == held.get(ladder[-1])):
                continue
            version = models.version(store, name, number)
            past = [item for item in self._chunks(name) if item.version == number and item.realised is not None]
            last = past[-1] if past else None
            metric = last.metric if last and last.metric else metrics.main(task_of(self.console.workspace, store, name))
            value = last.realised if last else version.metrics.get(metric or "")
            fallen = last is not None and last.fell
            champion = rung == ladder[-1]
            cells: tuple[Cell, ...] = (
                name if not rows else "",
                (Toned("★ " if champion else "  ", "champion"), Toned(rung, "champion" if champion else "accent")),
                Toned(f"v{number}", "champion" if champion else "accent"),
                Toned(metrics.short(metric), "dim"),
                (
                    Toned(text.decimals(value), "bad" if fallen else "text"),
                    Toned(_beside(last), "bad" if fallen else "dim"),
                ),
                Toned(spark([item.realised for item in past][-24:]), "bad" if fallen else "dim"),
            )
            rows.append(Row(("model", f"{name}:{number}"), cells, MODELS))
        return rows or [Row(("model", name), (name, Toned("no version yet", "dim"), "", "", "", ""), MODELS)]

    def _chunks(self, model: str) -> list[Chunk]:
        from opsconsole.store import chunks

        names = [key for key, item in self.console.workspace.config.monitors.items() if item.watched == model]
        return [item for name in names for item in chunks.chunks(self.console.store, name, limit=60)]

    def _lately(self) -> list[Row]:
        latest = events.events(self.console.store, limit=12)
        rows = [
            Row(
                (item.address.noun, item.address.name, item.id)
                if item.address.name
                else (item.kind, item.subject, item.id),
                (
                    Toned(self.when(item.at), "dim"),
                    Toned(item.actor, "champion" if item.origin != "intake" else "accent"),
                    Toned(item.kind.replace(".", " ").replace("_", " "), "dim"),
                    f"{self._subject(item)}{'  ' + item.reason if item.reason else ''}",
                ),
                LATELY,
            )
            for item in latest
        ]
        return [heading("LATELY"), *(rows or [note("nothing happened yet: every act will stand here, and in 5")])]

    def _subject(self, item: Event) -> str:
        """Return what an event is about; a run by its pipeline, and by the step and the test that broke it."""
        from opsconsole.runs.analyse.description import run_words

        noun, number = item.address.noun, item.address.name
        run = runs.get(self.console.store, int(number)) if noun == "run" and number.isdecimal() else None
        if run is None:
            return item.subject
        ended = item.kind == f"run.{run.state}"
        return run_words(self.console.store, run) if ended else f"{run.repo}/{run.pipeline} #{run.id}"


def _beside(last: Chunk | None) -> str:
    """Return what stands beside a version's last measured value: nothing where it keeps to its floor."""
    if last is None:
        return " held out"
    if not last.fell or last.realised is None or last.floor is None:
        return ""
    return " ▼ below floor" if last.realised < last.floor else " ▲ too high"
