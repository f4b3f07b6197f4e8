"""Looking after the database: integrity, and a copy that is whole while others write."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from opsconsole.core.errors import ConflictError, StoreError
from opsconsole.store.beside import FILE_NAME, copies
from opsconsole.store.connection import Store, translated


@dataclass(frozen=True)
class StoreCheck:
    """What a check found."""

    problems: list[str]
    rows: dict[str, int]
    size: int
    """Bytes on disk, with what is not yet folded in from the write-ahead log."""
    damaged: bool
    """The file itself is: a copy of it, or one made anew, must take its place."""


def check(store: Store) -> StoreCheck:
    """Check pages, indexes, references and modes, and count the rows of every table."""
    broken: list[str] = []
    rows: dict[str, int] = {}
    try:
        broken = [" ".join(str(row[0]).split()) for row in store.rows("PRAGMA integrity_check(20)") if row[0] != "ok"]
        broken += [
            f"{row[0]}: row {row[1]} refers to a {row[2]} that is gone"
            for row in store.rows("PRAGMA foreign_key_check")
        ]
        rows = _counted(store)
    except StoreError as error:
        broken.append(error.message)
    return StoreCheck(broken + _open_to_others(store.path), rows, size_of(store.path), damaged=bool(broken))


def _counted(store: Store) -> dict[str, int]:
    names = [row[0] for row in store.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid")]
    return {name: store.rows(f'SELECT count(*) FROM "{name}"')[0][0] for name in names}  # noqa: S608 - the schema's own


def _open_to_others(path: Path) -> list[str]:
    """Say what others than its owner may read or write of the store: nobody has that right."""
    names = (path.name, f"{path.name}-wal", f"{path.name}-shm")
    files = [path.with_name(name) for name in names if path.with_name(name).exists()]
    places = [path.parent, *files, *copies(path.parent)]
    return [
        f"{place}: mode {place.stat().st_mode & 0o777:03o}, others than you may get at it: chmod go= {place}"
        for place in places
        if place.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    ]


def is_there(state: Path) -> bool:
    """Whether there is a store to look at, of this schema or another."""
    try:
        return (state / FILE_NAME).stat().st_size > 0
    except OSError:
        return False


def damaged_hint(path: Path) -> str:
    """Return what to do with a store that is damaged."""
    return translated(path, sqlite3.DatabaseError("database disk image is malformed")).hint


class DamagedError(StoreError):
    """The store is damaged: a copy of it would be, too."""


def size_of(path: Path) -> int:
    """Return what a store takes on the disk, with what is not yet folded in from the write-ahead log."""
    whole = [path, path.with_name(f"{path.name}-wal")]
    return sum(file.stat().st_size for file in whole if file.exists())


def backup(store: Store, target: Path) -> int:
    """Write a whole copy to a file that does not exist yet, and look whether it is sound; return its size in bytes.

    DamagedError, and no copy, where it is not.
    """
    with new_file(target) as partial:
        try:
            _copy(store.path, partial)
        except sqlite3.DatabaseError as error:
            raise translated(target, error) from error
    return target.stat().st_size


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Give a file to write to that gets its name when it is whole, unless something bears that name by then.

    ConflictError where something does, StoreError where the folder cannot be written; nothing half-written stays.
    """
    taken = ConflictError(f"{target} exists already", hint="name a new file")
    if os.path.lexists(target):
        raise taken
    partial = target.with_name(f"{target.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        partial.chmod(0o600)
        yield partial
        _publish(partial, target)
    except FileExistsError as error:
        raise taken from error
    except OSError as error:
        raise StoreError(f"{target}: {error.strerror}", hint="the folder must be writable") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _publish(partial: Path, target: Path) -> None:
    """Give a file its name unless something bears it; a disk without hard links cannot tell, and renames."""
    try:
        os.link(partial, target)
    except FileExistsError:
        raise
    except OSError:
        partial.rename(target)
    else:
        partial.unlink()


def _copy(path: Path, target: Path) -> None:
    source = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)
    try:
        copy = sqlite3.connect(target)
        try:
            source.backup(copy)
            answer = str(copy.execute("PRAGMA quick_check(1)").fetchone()[0])
        finally:
            copy.close()
    finally:
        source.close()
    if answer != "ok":
        problem = sqlite3.DatabaseError(f"database disk image is malformed: {' '.join(answer.split())[:200]}")
        damage = translated(path, problem)
        raise DamagedError(damage.message, hint=damage.hint)
