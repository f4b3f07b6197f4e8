"""What each model's service answered when it was last asked, and which runs serve. Standard library only."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from opsconsole.core import clock
from opsconsole.store.connection import Store
from opsconsole.store.runs import RunRecord, record_of


@dataclass(frozen=True)
class Served:
    """One model's service."""

    model: str
    url: str
    """Without what is secret in it."""
    version: int | None
    """The version it answers with; None when it does not answer, or names none."""
    problem: str | None
    """Why it is no good answer: text from outside; None when it is one."""
    since: datetime
    """Since when it is so."""


def all_served(store: Store) -> dict[str, Served]:
    """Return what was answered last, by model."""
    return {row["model"]: _served(row) for row in store.rows("SELECT * FROM serving")}


def find(connection: sqlite3.Connection, model: str) -> Served | None:
    """Return what was answered last, inside the caller's transaction."""
    row = connection.execute("SELECT * FROM serving WHERE model = ?", (model,)).fetchone()
    return None if row is None else _served(row)


def put(connection: sqlite3.Connection, served: Served) -> None:
    """Keep an answer that is another than before."""
    connection.execute(
        "INSERT INTO serving (model, url, version, problem, since) VALUES (?,?,?,?,?) ON CONFLICT (model) DO UPDATE SET"
        " url = excluded.url, version = excluded.version, problem = excluded.problem, since = excluded.since",
        (served.model, served.url, served.version, served.problem, clock.to_text(served.since)),
    )


def newest_run(store: Store, repo: str, pipeline: str) -> RunRecord | None:
    """Return the newest run of a pipeline that was meant to serve."""
    row = store.row(
        "SELECT * FROM runs WHERE repo = ? AND pipeline = ? AND purpose = 'serve' ORDER BY id DESC LIMIT 1",
        (repo, pipeline),
    )
    return None if row is None else record_of(row)


def _served(row: sqlite3.Row) -> Served:
    return Served(row["model"], row["url"], row["version"], row["problem"], clock.from_text(row["since"]))
