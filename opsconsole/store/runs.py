"""Runs as rows: what the console lists, and the projection of each run's journal. Standard library only."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from opsconsole.core import clock
from opsconsole.core.nouns import BROKEN_RUN_STATES, LIVE_RUN_STATES, PipelineKind, RunCause, RunPurpose, RunState
from opsconsole.store.connection import Store

LIVE = tuple(sorted(LIVE_RUN_STATES))
_LIVE_MARKS = ",".join("?" * len(LIVE))


@dataclass(frozen=True)
class TestCounts:
    """How many test cases came to what."""

    __test__ = False

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    errors: int = 0

    @property
    def total(self) -> int:
        """All cases that were reported."""
        return self.passed + self.failed + self.skipped + self.errors


@dataclass(frozen=True)
class Cause:
    """What a run is started by, and which one of its kind that is."""

    kind: RunCause = RunCause.OPERATOR
    alert_id: int | None = None
    """The alert that it answers."""
    rerun_of: int | None = None
    """The run that it repeats."""
    monitor: str | None = None
    """The monitor whose check asked for it, and is recorded when that is done."""


ASKED = Cause()
"""An operator asked for it."""


@dataclass(frozen=True)
class NewRun:
    """What is known of a run before anything happened."""

    repo: str
    pipeline: str
    kind: PipelineKind
    commit: str
    branch: str | None
    subject: str
    dirty: bool
    actor: str
    reason: str | None = None
    note: str | None = None
    cause: Cause = ASKED
    purpose: RunPurpose = RunPurpose.FULL


@dataclass(frozen=True)
class RunRecord:
    """One run."""

    id: int
    repo: str
    pipeline: str
    kind: PipelineKind
    state: RunState
    commit: str
    branch: str | None
    """The branch that was asked for by name, or that was checked out when nothing was named; else None."""
    subject: str
    """The commit's subject: text from outside."""
    dirty: bool
    """The work tree differed from the commit then; the run is of the commit all the same."""
    actor: str
    reason: str | None
    error: str | None
    """Why it did not pass, when an exit code alone does not say it."""
    note: str | None
    """What the operator should know besides: a salvaged report, a dirty work tree."""
    alert_id: int | None
    rerun_of: int | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    tests: TestCounts | None
    """None when nothing is known of tests."""
    seconds: float | None = None
    """How long it was at work, by a clock that does not jump."""
    pinned: bool = False
    """It is kept, however old it grows."""
    pruned_at: datetime | None = None
    """Since when its logs, reports and artifacts are gone."""
    covered: float | None = None
    """Share of the code's lines that the tests ran, 0 to 1."""
    purpose: RunPurpose = RunPurpose.FULL
    cause: RunCause = RunCause.OPERATOR
    monitor: str | None = None
    """The monitor whose check asked for it."""

    @property
    def broken(self) -> bool:
        """Whether it is over and did not do what it should; a cancelled one says nothing of that."""
        return self.state in BROKEN_RUN_STATES

    @property
    def duration_s(self) -> float | None:
        """Seconds that it was at work, or None while it has not ended."""
        if self.seconds is not None:
            return self.seconds
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()


_LAST_KNOWN = (
    "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'runs'), 0),"
    " coalesce((SELECT max(id) FROM runs), 0), coalesce((SELECT max(run_id) FROM versions), 0),"
    " coalesce((SELECT max(run_id) FROM predictions), 0),"
    " coalesce((SELECT max(run_id) FROM evaluations WHERE run_id IS NOT NULL), 0))"
)
"""The highest number that any row gives a run: of a store that was made anew, the sequence knows nothing."""


def insert(connection: sqlite3.Connection, run: NewRun, *, past: int = 0) -> int:
    """Write a queued run; return its id, which lies beyond ``past`` and beyond every number that was ever given."""
    last = max(past, int(connection.execute(_LAST_KNOWN).fetchone()[0]))
    cursor = connection.execute(
        "INSERT INTO runs (id, repo, pipeline, kind, state, commit_id, branch, subject, dirty, actor, reason, note,"
        " cause, alert_id, rerun_of, monitor, purpose, created_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            last + 1,
            run.repo,
            run.pipeline,
            run.kind,
            RunState.QUEUED,
            run.commit,
            run.branch,
            run.subject,
            int(run.dirty),
            run.actor,
            run.reason,
            run.note,
            run.cause.kind,
            run.cause.alert_id,
            run.cause.rerun_of,
            run.cause.monitor,
            run.purpose,
            clock.to_text(clock.now()),
        ),
    )
    return int(cursor.lastrowid or 0)


def advance(connection: sqlite3.Connection, run_id: int, state: RunState, *, started_at: datetime | None) -> bool:
    """Move a live run on to a live state, never back, never out of a final one; return whether it moved."""
    before = {RunState.RUNNING: (RunState.QUEUED,), RunState.ENDING: (RunState.QUEUED, RunState.RUNNING)}[state]
    marks = ",".join("?" * len(before))
    cursor = connection.execute(
        f"UPDATE runs SET state = ?, started_at = coalesce(started_at, ?) WHERE id = ? AND state IN ({marks})",  # noqa: S608 - marks
        (state, None if started_at is None else clock.to_text(started_at), run_id, *before),
    )
    return cursor.rowcount > 0


def finish(
    connection: sqlite3.Connection,
    run_id: int,
    state: RunState,
    *,
    started_at: datetime | None,
    ended_at: datetime,
    error: str | None,
    note: str | None,
    tests: TestCounts | None,
    seconds: float | None = None,
    covered: float | None = None,
) -> bool:
    """Write the final outcome of a live run; False (and nothing written) when it already has one."""
    cursor = connection.execute(
        "UPDATE runs SET state = ?, started_at = coalesce(?, started_at), ended_at = ?, error = ?, note = ?,"  # noqa: S608
        " tests_passed = ?, tests_failed = ?, tests_skipped = ?, tests_errors = ?, seconds = ?, covered = ?"
        f" WHERE id = ? AND state IN ({_LIVE_MARKS})",
        (
            state,
            None if started_at is None else clock.to_text(started_at),
            clock.to_text(ended_at),
            error,
            note,
            *((None,) * 4 if tests is None else (tests.passed, tests.failed, tests.skipped, tests.errors)),
            seconds,
            covered,
            run_id,
            *LIVE,
        ),
    )
    return cursor.rowcount > 0


def get(store: Store, run_id: int) -> RunRecord | None:
    """Return one run."""
    row = store.row("SELECT * FROM runs WHERE id = ?", (run_id,))
    return None if row is None else record_of(row)


def numbered(store: Store, digits: str, *, limit: int) -> list[RunRecord]:
    """Return the newest runs whose number begins with some digits: a walk along the key for each length of number."""
    if not digits:
        return page(store, limit=limit)
    if not digits.isdecimal() or digits.startswith("0"):
        return []
    newest = store.row("SELECT max(id) AS id FROM runs")
    last = newest["id"] if newest is not None and newest["id"] is not None else 0
    records: list[RunRecord] = []
    first, span = int(digits), 1
    while first * span <= last:
        rows = store.rows(
            "SELECT * FROM runs WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT ?",
            (first * span, (first + 1) * span, limit),
        )
        records = [*(record_of(row) for row in rows), *records][:limit]
        span *= 10
    return records


def live(store: Store) -> list[RunRecord]:
    """Return every run that has no final outcome yet, oldest first."""
    rows = store.rows(f"SELECT * FROM runs WHERE state IN ({_LIVE_MARKS}) ORDER BY id", LIVE)  # noqa: S608 - marks
    return [record_of(row) for row in rows]


def latest(
    store: Store,
    repo: str,
    *,
    pipeline: str | None = None,
    commit: str | None = None,
    state: RunState | None = None,
) -> RunRecord | None:
    """Return the newest run of a repo, narrowed by pipeline, commit or state."""
    newest = page(store, repo=repo, pipeline=pipeline, commit=commit, state=state, limit=1)
    return newest[0] if newest else None


def page(
    store: Store,
    *,
    repo: str | None = None,
    pipeline: str | None = None,
    commit: str | None = None,
    state: RunState | None = None,
    alert_id: int | None = None,
    kind: PipelineKind | None = None,
    whole: bool = False,
    before: int | None = None,
    limit: int = 50,
) -> list[RunRecord]:
    """Return runs, newest first; ``before`` is the id to page on from, ``whole`` leaves out probes and reruns of tests."""
    sql, parameters = page_query(
        repo=repo,
        pipeline=pipeline,
        commit=commit,
        state=state,
        alert_id=alert_id,
        kind=kind,
        whole=whole,
        before=before,
        limit=limit,
    )
    return [record_of(row) for row in store.rows(sql, parameters)]


def page_query(
    *,
    repo: str | None = None,
    pipeline: str | None = None,
    commit: str | None = None,
    state: RunState | None = None,
    alert_id: int | None = None,
    kind: PipelineKind | None = None,
    whole: bool = False,
    before: int | None = None,
    limit: int = 50,
) -> tuple[str, tuple[object, ...]]:
    """Return the SQL of one page and its parameters; each narrowing has an index that is already in order.

    A commit or an alert has few runs: there the other columns (``+``) must not tempt the planner to another index.
    """
    other = "" if commit is None and alert_id is None else "+"
    narrowings: list[tuple[str, object]] = [
        ("repo = ?", repo),
        ("commit_id = ?", commit),
        ("alert_id = ?", alert_id),
        (f"{other}pipeline = ?", pipeline),
        (f"{other}state = ?", state),
        (f"{other}kind = ?", kind),
        ("id < ?", before),
    ]
    used = [(text, value) for text, value in narrowings if value is not None]
    words = [text for text, _ in used] + (["+purpose NOT IN ('partial', 'probe')"] if whole else [])
    where = " AND ".join(words) or "1"
    return f"SELECT * FROM runs WHERE {where} ORDER BY id DESC LIMIT ?", (*(value for _, value in used), limit)  # noqa: S608


def record_of(row: sqlite3.Row) -> RunRecord:
    """Return a row as a record."""
    counts = (row["tests_passed"], row["tests_failed"], row["tests_skipped"], row["tests_errors"])
    return RunRecord(
        id=row["id"],
        repo=row["repo"],
        pipeline=row["pipeline"],
        kind=PipelineKind(row["kind"]),
        state=RunState(row["state"]),
        commit=row["commit_id"],
        branch=row["branch"],
        subject=row["subject"],
        dirty=bool(row["dirty"]),
        actor=row["actor"],
        reason=row["reason"],
        error=row["error"],
        note=row["note"],
        alert_id=row["alert_id"],
        rerun_of=row["rerun_of"],
        created_at=clock.from_text(row["created_at"]),
        started_at=clock.from_text_or_none(row["started_at"]),
        ended_at=clock.from_text_or_none(row["ended_at"]),
        tests=None if counts[0] is None else TestCounts(*counts),
        seconds=row["seconds"],
        pinned=bool(row["pinned"]),
        pruned_at=clock.from_text_or_none(row["pruned_at"]),
        covered=row["covered"],
        purpose=RunPurpose(row["purpose"]),
        cause=RunCause(row["cause"]),
        monitor=row["monitor"],
    )


def count(store: Store, *, repo: str) -> int:
    """Return how many runs a repo has, as a trigger keeps it."""
    row = store.row("SELECT runs FROM run_counts WHERE repo = ?", (repo,))
    return int(row["runs"]) if row is not None else 0


def window(store: Store, repo: str, start: int, size: int) -> list[RunRecord]:
    """Return ``size`` runs of a repo from the ``start``-th newest on, walked to from the nearest known place below."""
    last = count(store, repo=repo) - start
    first = max(last - size, 0)
    if first >= last:
        return []
    known = store.row(
        "SELECT place, run_id FROM run_places WHERE repo = ? AND place <= ? ORDER BY place DESC LIMIT 1", (repo, first)
    )
    place, run_id = (known["place"], known["run_id"]) if known is not None else (0, 0)
    rows = store.rows(
        "SELECT * FROM runs WHERE repo = ? AND id > ? ORDER BY id LIMIT ? OFFSET ?",
        (repo, run_id, last - first, first - place),
    )
    return [record_of(row) for row in reversed(rows)]
