"""The one way to open the store: WAL, short immediate writes, a second durable connection, read-only, newer refused.

Standard library only: the run supervisor and the console's start path import it. sqlite-utils comes in when a
migration has to run, and no sooner.
"""

from __future__ import annotations

import fcntl
import os
import random
import shlex
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from opsconsole.core import clock, faults
from opsconsole.core.belonging import make_ours, require_ours
from opsconsole.core.errors import ConflictError, NewerStoreError, RefusedError, StoreError
from opsconsole.core.files import locked
from opsconsole.store.beside import FILE_NAME, beside, is_lost, lost, newest_copy
from opsconsole.store.migrations import SCHEMA_VERSION

__all__ = ["FILE_NAME", "Store", "open_store", "replacing", "translated"]

IN_USE = "store.in-use"
"""Locked together by all who have the store open, and alone by whoever puts another in its place."""
BUSY_MS = 30_000
DMS_BYTE = 128
"""The byte of the index that each of SQLite's connections holds locked as long as it is open (walIndexLock in wal.c)."""
LEAVING_S = 3.0
"""How long those who have the store open are waited for: a command at its end, an intake."""


class Store:
    """One process's door to the workspace's database; one instance a thread.

    Reads go through ``rows`` and ``row`` and finish before they return (no open read transaction keeps the WAL
    growing). Writes go through ``immediate()``; what must survive a power cut goes through ``durable()``.
    """

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        """Open the store; StoreError for one that is lost, newer, damaged, or older and ``readonly``."""
        self.path = path
        self.readonly = readonly
        self._durable: sqlite3.Connection | None = None
        self._use = _use(path, readonly=readonly)
        self._tidies = readonly and self._use is not None and not path.with_name(f"{path.name}-shm").exists()
        try:
            if is_lost(path):
                raise lost(path)
            self._connection = _connect(path, readonly=readonly)
        except BaseException:
            self._let_go()
            raise
        try:
            version = self._version(self._connection)
            if version == 0 and beside(path.parent):
                raise lost(path)
            if version > SCHEMA_VERSION:
                raise _newer(path, version)
            if version < SCHEMA_VERSION:
                if readonly:
                    raise StoreError(
                        f"{path}: the store has schema {version}, this program needs {SCHEMA_VERSION}",
                        hint="open it once without --readonly: that migrates it",
                    )
                _migrate(path)
        except sqlite3.DatabaseError as error:
            self.close()
            raise translated(path, error) from error
        except BaseException:
            self.close()
            raise

    def rows(self, sql: str, parameters: tuple[object, ...] | dict[str, object] = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except sqlite3.DatabaseError as error:
            raise translated(self.path, error) from error

    def row(self, sql: str, parameters: tuple[object, ...] | dict[str, object] = ()) -> sqlite3.Row | None:
        """Return the first row of a query, or None."""
        rows = self.rows(sql, parameters)
        return rows[0] if rows else None

    @contextmanager
    def immediate(self) -> Iterator[sqlite3.Connection]:
        """Hold one short write transaction; commit at the end, roll back on any error."""
        with self._transaction(self._connection) as connection:
            yield connection

    @contextmanager
    def durable(self) -> Iterator[sqlite3.Connection]:
        """Like ``immediate``, but on disk before it returns: for promotions, deployments and approvals."""
        if self._durable is None:
            self._durable = _connect(self.path, readonly=self.readonly)
            self._durable.execute("PRAGMA synchronous=FULL")
        with self._transaction(self._durable) as connection:
            yield connection

    @property
    def reader(self) -> sqlite3.Connection:
        """The bare connection of a store that was opened for reading, for queries of the operator's own."""
        assert self.readonly
        return self._connection

    def data_version(self) -> int:
        """Return a number that changes when another connection commits; 3 µs, for polling."""
        row = self._connection.execute("PRAGMA data_version").fetchone()
        return int(row[0])

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()
        if self._durable is not None:
            self._durable.close()
        if self._tidies and self._use is not None:
            self._tidies = False
            _forget_index(self.path, self._use)
        self._let_go()

    def _let_go(self) -> None:
        if self._use is not None:
            os.close(self._use)
            self._use = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _transaction(self, connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        if self.readonly:
            raise RefusedError("the store was opened read-only", hint="start without --readonly to change things")
        try:
            _begin(connection)
            try:
                version = self._version(connection)
                if version != SCHEMA_VERSION:
                    raise _newer(self.path, version)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            raise translated(self.path, error) from error

    @staticmethod
    def _version(connection: sqlite3.Connection) -> int:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def open_store(state: Path, *, readonly: bool = False) -> Store:
    """Open the store of the workspace whose state folder is ``state``, making or migrating it as needed.

    RefusedError for a state folder that is not ours: what lies in it decides what runs. LostStoreError where there is no
    store, and what lies beside it says that there was one.
    """
    path = state / FILE_NAME
    if not state.exists():
        require_store(state)
    if not readonly:
        make_ours(state)
    else:
        require_ours(state)
        require_store(state)
        if not path.exists():
            raise StoreError(f"{path}: there is no store yet", hint="start once without --readonly: that makes it")
    return Store(path, readonly=readonly)


def require_store(state: Path) -> None:
    """LostStoreError where a store should be and is not; a workspace that is new has none yet."""
    if is_lost(state / FILE_NAME):
        raise lost(state / FILE_NAME)


@contextmanager
def replacing(state: Path) -> Iterator[None]:
    """Keep everybody from the store while another is put in its place; ConflictError while someone has it open."""
    path = state / IN_USE
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + LEAVING_S
        while not _locked_alone(descriptor):
            if time.monotonic() > deadline:
                raise ConflictError(
                    f"{state / FILE_NAME} is in use{_users(descriptor)}",
                    hint="close the consoles and let the runs of this workspace end; nothing was changed",
                )
            time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def _locked_alone(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _forget_index(path: Path, descriptor: int) -> None:
    """Take away the index and the empty log that SQLite made for a reader alone, unless somebody else came meanwhile."""
    log, index = path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")
    try:
        if _locked_alone(descriptor) and log.stat().st_size == 0:
            with index.open("r+b") as file:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, DMS_BYTE)
                log.unlink()
                index.unlink()
    except OSError:
        return


def _users(descriptor: int) -> str:
    """Return who holds a lock, as the kernel tells it; nothing where it does not."""
    inode = os.fstat(descriptor).st_ino
    try:
        lines = Path("/proc/locks").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return ""
    words = [line.split() for line in lines if "->" not in line]
    numbers = sorted({word[4] for word in words if len(word) > 5 and word[5].rpartition(":")[2] == str(inode)})
    return f" by process {', '.join(numbers[:8])}" if numbers else ""


def _use(path: Path, *, readonly: bool) -> int | None:
    """Say that the store is in use, for as long as the returned descriptor is open; a reader makes no file for it."""
    try:
        descriptor = os.open(
            path.with_name(IN_USE), os.O_RDONLY | os.O_CLOEXEC | (0 if readonly else os.O_CREAT), 0o600
        )
    except OSError:
        return None  # what is wrong with the folder is an error when the store itself is opened
    deadline = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise StoreError(
                    f"{path}: another store is being put in its place", hint="try again when that is over"
                ) from error
            time.sleep(random.uniform(0.01, 0.05))  # noqa: S311 - jitter, not a secret


def translated(path: Path, error: sqlite3.DatabaseError) -> StoreError:
    """Return SQLite's complaint as an error that says what to do."""
    text = str(error)
    copy = newest_copy(path.parent)
    damaged = (
        f"opsconsole store restore {shlex.quote(str(copy))}, which is the newest copy; the damaged store is kept beside it"
        if copy is not None
        else "no copy was kept here: opsconsole store restore FILE takes a backup of yours, opsconsole store rebuild"
        " makes the store anew from what lies beside it"
    )
    hints = {
        "database or disk is full": "free some space; nothing that was recorded is lost",
        "database is locked": "another process holds the store; try again",
        "attempt to write a readonly database": "the store or its folder is not writable; --readonly still works",
        "unable to open database file": "check that the folder exists and may be read, and that files can be opened",
        "disk I/O error": f"the disk or the file is damaged: look at the kernel's log first; then {damaged}",
        "file is not a database": damaged,
        "disk image is malformed": damaged,
    }
    hint = next((hints[key] for key in hints if key in text), "opsconsole store check says more")
    return StoreError(f"{path}: {text}", hint=hint)


def _connect(path: Path, *, readonly: bool) -> sqlite3.Connection:
    try:
        if readonly:
            connection = _connect_readonly(path)
        else:
            connection = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
            path.chmod(0o600)
            _set_wal(connection)
            connection.execute("PRAGMA synchronous=NORMAL")
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys=ON")
        return connection
    except sqlite3.DatabaseError as error:
        raise translated(path, error) from error
    except OSError as error:
        known = faults.explained(error)
        hint = known.hint if known is not None else "the workspace's folder must be writable"
        raise StoreError(f"{path}: {error.strerror}", hint=hint) from error


def _connect_readonly(path: Path) -> sqlite3.Connection:
    """Open for reading; on a read-only disk without a WAL index, as an immutable file."""
    seconds = BUSY_MS / 1000
    uri = path.absolute().as_uri()
    connection = sqlite3.connect(
        f"{uri}?mode=ro", uri=True, timeout=seconds, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        if os.access(path.parent, os.W_OK) or path.with_name(f"{path.name}-wal").exists():
            raise
        connection = sqlite3.connect(
            f"{uri}?mode=ro&immutable=1", uri=True, timeout=seconds, isolation_level=None, check_same_thread=False
        )
    return connection


def _set_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL; the switch itself ignores the busy timeout, so racing first starts try again."""
    deadline = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.002, 0.02))  # noqa: S311 - jitter, not a secret


def _begin(connection: sqlite3.Connection) -> None:
    deadline = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise


def _newer(path: Path, version: int) -> NewerStoreError:
    return NewerStoreError(
        f"{path}: the store has schema {version}, this opsconsole knows {SCHEMA_VERSION}",
        hint="use the newer opsconsole that wrote it; a store cannot go back to an older schema",
    )


def _migrate(path: Path) -> None:
    """Bring the store up to date, one process at a time, with a copy of the old one kept beside it."""
    from sqlite_utils import Database

    from opsconsole.store.migrations import step

    with locked(path.with_name("store.lock")):
        connection = _connect(path, readonly=False)
        try:
            current = Store._version(connection)  # noqa: SLF001 - same module
            if current >= SCHEMA_VERSION:
                return
            if current > 0:
                stamp = clock.now().strftime("%Y%m%dT%H%M%S")
                kept = path.with_name(f"store.schema{current}.{stamp}.db")
                kept.touch(mode=0o600)
                with sqlite3.connect(kept) as copy:
                    connection.backup(copy)
                copy.close()
            connection.execute("PRAGMA foreign_keys=OFF")
            for version in range(current + 1, SCHEMA_VERSION + 1):
                _begin(connection)
                try:
                    if Store._version(connection) >= version:  # noqa: SLF001 - same module
                        connection.execute("ROLLBACK")
                        continue
                    step(version)(Database(connection))
                    broken = connection.execute("PRAGMA foreign_key_check").fetchall()
                    if broken:
                        raise StoreError(f"{path}: migration {version} would break {len(broken)} references")
                    connection.execute(f"PRAGMA user_version={version}")
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
        finally:
            connection.close()
