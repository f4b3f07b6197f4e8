"""Rows of someone else's SQLite table, read only and in batches; here because SQL is spoken in the store alone.

Only reading: the file is opened read-only and a table's name is quoted, never trusted. Standard library only.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from opsconsole.core.errors import NotFoundError, StoreError

LOCKED_S = 5.0
"""How long to wait for a writer that holds the whole database."""
VIEW_S = 60.0
"""How long a view may take to give one answer or its next rows: one that calls itself has no end, a table has."""
STEPS = 100_000
"""Steps of SQLite's machine between two looks at the clock: some milliseconds."""
SURVEYED_COLUMNS = 500
"""A query's result may have 2,000 columns; each surveyed one takes two."""

Value = int | float | str | bytes | None


@dataclass(frozen=True)
class ColumnContent:
    """What a column holds: SQLite keeps a storage class with each value, not with the column."""

    name: str
    storage: str
    """The class that holds all values: ``null``, ``integer``, ``real``, ``text``, or ``blob`` when one is bytes."""
    numbers: int = 0
    """How many numbers stand in a column of text."""
    texts: int = 0
    """How many texts stand beside them."""


@dataclass(frozen=True)
class Survey:
    """What a table holds."""

    rows: int
    columns: tuple[ColumnContent, ...]


def survey(path: Path, table: str) -> Survey:
    """Count a table's rows and find what each column holds; NotFoundError, or StoreError with a hint."""
    with _opened(path) as connection:
        names = _columns(connection, path, table)
        limit = _limited(connection, table)
        contents: list[ColumnContent] = []
        for first in range(0, len(names), SURVEYED_COLUMNS):
            limit.begin()
            contents += _contents(connection, table, names[first : first + SURVEYED_COLUMNS])
        limit.begin()
        (number,) = connection.execute(f"SELECT count(*) FROM {_quoted(table)}").fetchone()  # noqa: S608 - quoted
        return Survey(int(number), tuple(contents))


def _contents(connection: sqlite3.Connection, table: str, names: list[str]) -> list[ColumnContent]:
    """Find the storage classes from their names' order: blob, integer, null, real, text; two numbers for a column."""
    ends = _aggregated(
        connection, table, [f"{end}(typeof({_quoted(name)}))" for name in names for end in ("min", "max")]
    )
    storages = [_storage(str(least), str(most)) for least, most in zip(ends[::2], ends[1::2], strict=True)]
    doubtful = [
        name for name, storage, least in zip(names, storages, ends[::2], strict=True) if storage == "text" != least
    ]
    kinds = ("IN ('integer', 'real')", "= 'text'")
    counts = _aggregated(
        connection, table, [f"sum(typeof({_quoted(name)}) {kind})" for name in doubtful for kind in kinds]
    )
    mixed = dict(zip(doubtful, zip(map(int, counts[::2]), map(int, counts[1::2]), strict=True), strict=True))
    return [
        ColumnContent(name, storage, *mixed.get(name, (0, 0))) for name, storage in zip(names, storages, strict=True)
    ]


def _storage(least: str, most: str) -> str:
    if least == "blob":
        return "blob"
    return "integer" if "integer" in {least, most} and most in {"integer", "null"} else most


def _aggregated(connection: sqlite3.Connection, table: str, expressions: list[str]) -> list[str | int]:
    if not expressions:
        return []
    sql = f"SELECT {', '.join(expressions)} FROM {_quoted(table)}"  # noqa: S608 - quoted
    return ["null" if value is None else value for value in connection.execute(sql).fetchone()]


def rows(path: Path, table: str, columns: list[str], size: int) -> Iterator[list[tuple[Value, ...]]]:
    """Yield some columns of all rows, at most ``size`` rows at a time, in the table's own order."""
    names = ", ".join(_quoted(name) for name in columns)
    with _opened(path) as connection:
        _columns(connection, path, table)
        limit = _limited(connection, table)
        cursor = connection.execute(f"SELECT {names} FROM {_quoted(table)}")  # noqa: S608 - quoted
        while batch := cursor.fetchmany(size):
            yield batch
            limit.begin()


class _Limit:
    """Ends a query that gives nothing for too long."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self.begin()

    def begin(self) -> None:
        """Let the time run anew."""
        self._deadline = None if self._seconds is None else time.monotonic() + self._seconds

    def passed(self) -> bool:
        """Whether it is over."""
        return self._deadline is not None and time.monotonic() > self._deadline


def _limited(connection: sqlite3.Connection, table: str) -> _Limit:
    """Give what is no plain table a limit of time."""
    known = connection.execute("SELECT type FROM sqlite_master WHERE lower(name) = lower(?)", (table,)).fetchone()
    limit = _Limit(None if known == ("table",) else VIEW_S)
    connection.set_progress_handler(limit.passed, STEPS)
    return limit


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.is_file():
        raise NotFoundError(f"{path}: there is no such database", hint="sqlite:PATH?table=NAME names a file")
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=LOCKED_S, check_same_thread=False)) as connection:
            yield connection
    except sqlite3.Error as error:
        message = str(error)
        if message == "interrupted":
            message = f"interrupted: the view gave nothing for {VIEW_S:g} s"
        hints = {
            "locked": "another process holds the database; try again when it is done",
            "not a database": "sqlite:PATH?table=NAME needs a SQLite file",
            "UTF-8": "convert the text of that column",
            "interrupted": "has the view an end? CREATE TABLE … AS SELECT keeps the rows of one that takes long",
        }
        hint = next((hints[key] for key in hints if key in message), "is the file whole, and may it be read?")
        raise StoreError(f"{path}: {message}", hint=hint) from error


def _columns(connection: sqlite3.Connection, path: Path, table: str) -> list[str]:
    """Return a table's (or view's) columns."""
    names = [str(row[0]) for row in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))]
    if names:
        return names
    sql = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
    there = [str(row[0]) for row in connection.execute(sql)]
    raise NotFoundError(
        f"{path}: there is no table `{table}`", hint=f"it has: {', '.join(there[:12]) or 'no tables at all'}"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
