"""Replacing a lost or damaged store: the new one is prepared aside, checked, and swapped in by one rename.

Killed anywhere before the rename, nothing happened; what was prepared is thrown away by the next attempt. The store that
was there is kept whole beside it, under a name that tells when.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from opsconsole.core import clock
from opsconsole.core.errors import NewerStoreError, NotFoundError, StoreError, UsageError
from opsconsole.core.files import BLOCK, fsync_directory
from opsconsole.core.foreign_files import open_foreign
from opsconsole.store.beside import FILE_NAME
from opsconsole.store.connection import Store, replacing, translated
from opsconsole.store.migrations import SCHEMA_VERSION

PLACE = "restoring"
"""The folder in which a store is prepared."""
WAL, SHM = f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"
TABLES = {"events", "runs", "versions", "promotions"}
"""What every store has had from its first schema on."""


@contextmanager
def prepared(state: Path) -> Iterator[Path]:
    """Hold the store alone, with an empty folder to prepare another one in; both are let go at the end."""
    with replacing(state):
        place = state / PLACE
        shutil.rmtree(place, ignore_errors=True)
        try:
            place.mkdir(mode=0o700)
            place.chmod(0o700)
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)


def take_copy(source: Path, place: Path) -> None:
    """Bring a copy of a store to where it is prepared, and see that it is whole; StoreError with words when it is not."""
    target = place / FILE_NAME
    beside = source.with_name(f"{source.name}-wal")
    _copy_file(source, target)
    if beside.exists():
        _copy_file(beside, place / WAL)
    try:
        with closing(sqlite3.connect(target, isolation_level=None)) as connection:
            problem = _problem(connection, source)
    except sqlite3.DatabaseError as error:
        problem = str(error)
    if problem:
        raise StoreError(
            f"{source}: cannot be restored: {problem}",
            hint="name another copy, or opsconsole store rebuild; nothing was changed",
        )


def _copy_file(source: Path, target: Path) -> None:
    with open_foreign(source, follow=True) as reader, target.open("xb") as writer:
        os.fchmod(writer.fileno(), 0o600)
        shutil.copyfileobj(reader, writer, BLOCK)


def _problem(connection: sqlite3.Connection, source: Path) -> str:
    """Say what keeps a copy from being restored; empty for nothing."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version < 1 or not tables >= TABLES:
        return "it is no store of opsconsole"
    if version > SCHEMA_VERSION:
        raise NewerStoreError(
            f"{source}: the store has schema {version}, this opsconsole knows {SCHEMA_VERSION}",
            hint="restore it with the newer opsconsole that wrote it",
        )
    problems = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)") if row[0] != "ok"]
    broken = len(connection.execute("PRAGMA foreign_key_check").fetchall())
    problems += [f"{broken} rows refer to others that are gone"] * (broken > 0)
    return "; ".join(" ".join(line.split()) for line in problems)


def require_other(source: Path, state: Path) -> None:
    """Raise UsageError for the store itself as its copy, NotFoundError for no file at all."""
    if not source.exists():
        raise NotFoundError(f"{source}: there is no such file", hint="name a copy of the store")
    try:
        same = source.samefile(state / FILE_NAME)
    except OSError:
        same = False
    if same:
        raise UsageError(f"{source} is the store itself", hint="name a copy of it")


def is_sound(state: Path) -> bool:
    """Whether the store that is there can be read whole, so that making another one would lose what it knows."""
    path = state / FILE_NAME
    try:
        if path.stat().st_size == 0:
            return False
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return not _problem(connection, path)
    except NewerStoreError:
        return True
    except (sqlite3.DatabaseError, OSError):
        return False


def fold(store: Store) -> None:
    """Bring all of a prepared store into its one file, on the disk, before it is swapped in."""
    try:
        store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        store.close()
    descriptor = os.open(store.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_in_place(state: Path, place: Path) -> Path | None:
    """Keep the store that is there aside, and give its place to the prepared one; return where the old one is now.

    In this order, so that a log of the old store never lies beside the new one, and the old one is whole at each moment.
    """
    path = state / FILE_NAME
    try:
        _fold_old(path)
        aside = _keep_aside(state)
        for name in (WAL, SHM):
            (state / name).unlink(missing_ok=True)
        (place / FILE_NAME).replace(path)
        fsync_directory(state)
    except sqlite3.DatabaseError as error:
        raise translated(path, error) from error
    return aside


def _fold_old(path: Path) -> None:
    """Fold the log of the old store into it, where it is still sound enough for that."""
    try:
        if path.stat().st_size > 0:
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except (sqlite3.DatabaseError, FileNotFoundError):
        return


def _keep_aside(state: Path) -> Path | None:
    kept = None
    stamp = clock.now().strftime("%Y%m%dT%H%M%S%f")
    for name in (FILE_NAME, WAL):
        source = state / name
        try:
            size = source.stat().st_size
        except FileNotFoundError:
            continue
        if size > 0:
            aside = state / name.replace("store.db", f"store.aside.{stamp}.db")
            try:
                os.link(source, aside)
            except OSError:
                shutil.copy2(source, aside)
            kept = kept or aside
    if kept is not None:
        fsync_directory(state)
    return kept
