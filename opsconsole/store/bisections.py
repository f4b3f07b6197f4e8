"""What bisects found: which commit broke a pipeline, or one test of it. Standard library only."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from opsconsole.core import clock
from opsconsole.store.connection import Store


@dataclass(frozen=True)
class Bisection:
    """One answer."""

    repo: str
    pipeline: str
    test: str | None
    """None: the whole build was asked about."""
    good: str
    bad: str
    first_bad: str
    subject: str
    """Of the commit that broke it, as it was written: text from outside."""
    author: str
    run_id: int | None
    """The run that searched; None when a terminal did."""
    found_at: datetime


def put(connection: sqlite3.Connection, bisection: Bisection) -> None:
    """Keep an answer."""
    connection.execute(
        "INSERT INTO bisections (repo, pipeline, test, good, bad, first_bad, subject, author, run_id, found_at)"
        " VALUES (?,?,?,?,?,?,?,?,?,?)",
        (
            bisection.repo,
            bisection.pipeline,
            bisection.test,
            bisection.good,
            bisection.bad,
            bisection.first_bad,
            bisection.subject,
            bisection.author,
            bisection.run_id,
            clock.to_text(bisection.found_at),
        ),
    )


def since(store: Store, repo: str, pipeline: str, moment: datetime | None, *, limit: int = 20) -> list[Bisection]:
    """Return what was found of a pipeline after ``moment`` (None: ever), newest first."""
    rows = store.rows(
        "SELECT * FROM bisections WHERE repo = ? AND pipeline = ? AND found_at > ? ORDER BY id DESC LIMIT ?",
        (repo, pipeline, "" if moment is None else clock.to_text(moment), limit),
    )
    return [_record(row) for row in rows]


def of_run(store: Store, run_id: int) -> Bisection | None:
    """Return what a search that was a run of its own found."""
    row = store.row("SELECT * FROM bisections WHERE run_id = ? ORDER BY id DESC LIMIT 1", (run_id,))
    return None if row is None else _record(row)


def _record(row: sqlite3.Row) -> Bisection:
    return Bisection(
        repo=row["repo"],
        pipeline=row["pipeline"],
        test=row["test"],
        good=row["good"],
        bad=row["bad"],
        first_bad=row["first_bad"],
        subject=row["subject"],
        author=row["author"],
        run_id=row["run_id"],
        found_at=clock.from_text(row["found_at"]),
    )
