"""Queries of retention: which runs are over, and which of them versions, alerts or pins still need."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from opsconsole.core import clock
from opsconsole.core.errors import ConflictError, NotFoundError
from opsconsole.store import events
from opsconsole.store.connection import Store

PAGE = 500
KEEPABLE_QUERY = (
    "SELECT id, repo, pipeline, state, ended_at, pinned OR alert_id IS NOT NULL"
    " OR EXISTS (SELECT 1 FROM versions WHERE run_id = runs.id)"
    " OR EXISTS (SELECT 1 FROM evaluations WHERE run_id = runs.id)"
    " OR EXISTS (SELECT 1 FROM predictions WHERE run_id = runs.id) AS protected"
    " FROM runs WHERE id IN ({marks}) AND pruned_at IS NULL AND ended_at IS NOT NULL"
    " AND state NOT IN ('queued', 'running', 'ending') ORDER BY id DESC"
)
"""Protected besides are runs whose folder a model's lineage points to."""


@dataclass(frozen=True)
class Keepable:
    """A run that is over and whose folder is still there."""

    id: int
    repo: str
    pipeline: str
    passed: bool
    ended_at: datetime
    protected: bool
    """It is pinned, or a model or its evidence came from it."""


def keepable(store: Store, run_ids: Iterable[int]) -> Iterator[Keepable]:
    """Yield those of some runs that are over and were not pruned, newest first, a page at a time.

    The numbers are those of the folders there are: a store of a million runs has few, and the rest costs nothing.
    """
    wanted = sorted(run_ids, reverse=True)
    for start in range(0, len(wanted), PAGE):
        page = tuple(wanted[start : start + PAGE])
        for row in store.rows(KEEPABLE_QUERY.format(marks=",".join("?" * len(page))), page):
            yield Keepable(
                id=row["id"],
                repo=row["repo"],
                pipeline=row["pipeline"],
                passed=row["state"] == "passed",
                ended_at=clock.from_text(row["ended_at"]),
                protected=bool(row["protected"]),
            )


def mark(connection: sqlite3.Connection, run_id: int, why: str) -> bool:
    """Note that a run's folder goes; False when it is pinned, at work, or marked already."""
    cursor = connection.execute(
        "UPDATE runs SET pruned_at = ? WHERE id = ? AND pruned_at IS NULL AND NOT pinned"
        " AND state NOT IN ('queued', 'running', 'ending')",
        (clock.to_text(clock.now()), run_id),
    )
    if cursor.rowcount:
        events.record(connection, "run.pruned", f"run {run_id}", reason=why)
    return cursor.rowcount > 0


def pin(store: Store, run_id: int, *, pinned: bool, command: str) -> None:
    """Keep a run's folder for good, or let retention have it again.

    NotFoundError for an unknown run, ConflictError for one whose folder is gone.
    """
    with store.immediate() as connection:
        row = connection.execute("SELECT pinned, pruned_at FROM runs WHERE id = ?", (run_id,)).fetchone()
        if row is None:
            raise NotFoundError(f"there is no run {run_id}", hint="opsconsole runs lists them")
        if row["pruned_at"] is not None:
            raise ConflictError(f"run {run_id} was pruned on {row['pruned_at'][:10]}: its folder is gone")
        if bool(row["pinned"]) != pinned:
            connection.execute("UPDATE runs SET pinned = ? WHERE id = ?", (int(pinned), run_id))
            word = "run.pinned" if pinned else "run.unpinned"
            events.record(connection, word, f"run {run_id}", command=command)
