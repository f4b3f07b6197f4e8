"""The repos that the operator registered, and which of them were trusted."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from opsconsole.core import clock
from opsconsole.store.connection import Store


@dataclass(frozen=True)
class RepoRecord:
    """One registered repo."""

    name: str
    path: Path
    trusted: bool
    added_at: datetime
    root: str | None = None
    """The first commit of the repo that was trusted; None while that is not known."""
    origin: str | None = None
    """The URL of its origin then."""


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


def put(
    connection: sqlite3.Connection,
    name: str,
    path: Path,
    *,
    trusted: bool,
    root: str | None = None,
    origin: str | None = None,
) -> None:
    """Write a repo's row, new or changed; ``root`` and ``origin`` say which repo it is that was trusted."""
    connection.execute(
        "INSERT INTO repos (name, path, trusted, added_at, root, origin) VALUES (?,?,?,?,?,?)"
        " ON CONFLICT (name) DO UPDATE SET path = excluded.path, trusted = excluded.trusted, root = excluded.root,"
        " origin = excluded.origin",
        (name, str(path), int(trusted), clock.to_text(clock.now()), root, origin),
    )


def bind(connection: sqlite3.Connection, name: str, root: str, origin: str | None) -> None:
    """Say which repo it is that was trusted, where that was not known yet."""
    connection.execute("UPDATE repos SET root = ?, origin = ? WHERE name = ? AND root IS NULL", (root, origin, name))


def trusted_refs(store: Store, name: str) -> list[str]:
    """Return the names and patterns of other people's refs that the operator trusts."""
    return [row["pattern"] for row in store.rows("SELECT pattern FROM trusted_refs WHERE repo = ?", (name,))]


def trust_ref(connection: sqlite3.Connection, name: str, pattern: str, actor: str) -> bool:
    """Trust the refs of a pattern; return whether that is new."""
    cursor = connection.execute(
        "INSERT OR IGNORE INTO trusted_refs (repo, pattern, actor, at) VALUES (?,?,?,?)",
        (name, pattern, actor, clock.to_text(clock.now())),
    )
    return cursor.rowcount > 0


def distrust_ref(connection: sqlite3.Connection, name: str, pattern: str) -> bool:
    """Trust the refs of a pattern no longer; return whether they were."""
    return connection.execute("DELETE FROM trusted_refs WHERE repo = ? AND pattern = ?", (name, pattern)).rowcount > 0


def delete(connection: sqlite3.Connection, name: str) -> bool:
    """Forget a repo; return whether it was there. Its runs stay."""
    connection.execute("DELETE FROM trusted_refs WHERE repo = ?", (name,))
    return connection.execute("DELETE FROM repos WHERE name = ?", (name,)).rowcount > 0


def _record(row: sqlite3.Row) -> RepoRecord:
    return RepoRecord(
        name=row["name"],
        path=Path(row["path"]),
        trusted=bool(row["trusted"]),
        added_at=clock.from_text(row["added_at"]),
        root=row["root"],
        origin=row["origin"],
    )
