"""The repos that the operator registered, and which of them were trusted."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from opsconsole.ground import clock
from opsconsole.store.connection import Store


@dataclass(frozen=True)
class RepoRecord:
    """One registered repo."""

    name: str
    path: Path
    trusted: bool
    added_at: datetime


def get(store: Store, name: str) -> RepoRecord | None:
    """Return one repo by its name."""
    row = store.row("SELECT * FROM repos WHERE name = ?", (name,))
    return None if row is None else _record(row)


def all_repos(store: Store) -> list[RepoRecord]:
    """Return every registered repo, by name."""
    return [_record(row) for row in store.rows("SELECT * FROM repos ORDER BY name")]


def find(connection: sqlite3.Connection, name: str) -> RepoRecord | None:
    """Return one repo inside the caller's transaction."""
    row = connection.execute("SELECT * FROM repos WHERE name = ?", (name,)).fetchone()
    return None if row is None else _record(row)


def put(connection: sqlite3.Connection, name: str, path: Path, *, trusted: bool) -> None:
    """Write a repo's row, new or changed."""
    connection.execute(
        "INSERT INTO repos (name, path, trusted, added_at) VALUES (?,?,?,?)"
        " ON CONFLICT (name) DO UPDATE SET path = excluded.path, trusted = excluded.trusted",
        (name, str(path), int(trusted), clock.to_text(clock.now())),
    )


def delete(connection: sqlite3.Connection, name: str) -> bool:
    """Forget a repo; return whether it was there. Its runs stay."""
    return connection.execute("DELETE FROM repos WHERE name = ?", (name,)).rowcount > 0


def _record(row: sqlite3.Row) -> RepoRecord:
    return RepoRecord(
        name=row["name"],
        path=Path(row["path"]),
        trusted=bool(row["trusted"]),
        added_at=clock.from_text(row["added_at"]),
    )
