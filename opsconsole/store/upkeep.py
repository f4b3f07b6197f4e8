"""Looking after the database: integrity, and a copy that is whole while others write."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from opsconsole.ground.errors import ConflictError, StoreError
from opsconsole.store.connection import Store, translated


@dataclass(frozen=True)
class StoreCheck:
    """What a check found."""

    problems: list[str]
    rows: dict[str, int]
    size: int
    """Bytes on disk, with what is not yet folded in from the write-ahead log."""


def check(store: Store) -> StoreCheck:
    """Check pages, indexes and references, and count the rows of every table."""
    from sqlite_utils import Database

    problems = [str(row[0]) for row in store.rows("PRAGMA integrity_check(20)") if row[0] != "ok"]
    problems += [
        f"{row[0]}: row {row[1]} refers to a {row[2]} that is gone" for row in store.rows("PRAGMA foreign_key_check")
    ]
    connection = sqlite3.connect(f"{store.path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        database = Database(connection)
        rows = {table.name: table.count for table in database.tables}
    finally:
        connection.close()
    whole = [path for path in (store.path, store.path.with_name(f"{store.path.name}-wal")) if path.exists()]
    return StoreCheck(problems=problems, rows=rows, size=sum(path.stat().st_size for path in whole))


def backup(store: Store, target: Path) -> int:
    """Write a whole copy to a file that does not exist yet; return its size in bytes."""
    if target.exists():
        raise ConflictError(f"{target} exists already", hint="name a new file")
    source = sqlite3.connect(f"{store.path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)
    partial = target.with_name(f"{target.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        partial.touch(mode=0o600)
        copy = sqlite3.connect(partial)
        try:
            source.backup(copy)
        finally:
            copy.close()
        partial.rename(target)
    except sqlite3.DatabaseError as error:
        partial.unlink(missing_ok=True)
        raise translated(target, error) from error
    except OSError as error:
        raise StoreError(f"{target}: {error.strerror}", hint="the folder must be writable") from error
    finally:
        source.close()
    return target.stat().st_size
