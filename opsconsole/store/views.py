"""Documented SQL views, stable across schema changes: what ``store query`` and ``store export`` read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsconsole.core.errors import NotFoundError, UsageError
from opsconsole.store.connection import open_store
from opsconsole.store.maintenance import new_file

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True)
class View:
    """One view."""

    name: str
    description: str
    """What a row of it is."""
    columns: str
    """As SELECT lists them."""
    source: str

    @property
    def names(self) -> list[str]:
        """The names of its columns."""
        return [part.split()[-1].rpartition(".")[2].strip('"') for part in self.columns.split(",")]


VIEWS: tuple[View, ...] = (
    View(
        "runs",
        "a run",
        'id, repo, pipeline, kind, purpose, state AS outcome, cause, commit_id AS "commit", branch, subject, actor, reason,'
        " error, note, created_at, started_at, ended_at, seconds, tests_passed, tests_failed, tests_skipped, tests_errors,"
        " covered, alert_id AS alert, monitor",
        "main.runs",
    ),
    View(
        "steps",
        "a step of a run",
        "run_id AS run, position, name, state AS outcome, exit_code, tries, seconds, cpu_s, peak_bytes, note",
        "main.steps",
    ),
    View(
        "tests",
        "a test over its runs",
        "repo, pipeline, variant, name, runs, bad, flips, flaky, last_run",
        "main.tests",
    ),
    View(
        "results",
        "a test case of a run",
        "r.run_id AS run, t.repo, t.pipeline, t.variant, t.name, r.outcome, r.duration_s, r.file, r.line, r.message, r.flaky",
        "main.test_results AS r JOIN main.tests AS t ON t.id = r.test",
    ),
    View(
        "versions",
        "a version of a model; metrics, params and data are JSON",
        'model, version, digest, framework, size, metrics, params, data, repo, commit_id AS "commit", run_id AS run,'
        " alert_id AS alert, actor, created_at",
        "main.versions",
    ),
    View("aliases", "a rung and who holds it", "model, alias, version, moved_at", "main.aliases"),
    View(
        "promotions",
        "a move of an alias; gates and forced are JSON",
        "id, at, kind, model, alias, from_version, to_version, reason, actor, gates, forced",
        "main.promotions",
    ),
    View(
        "chunks",
        "a checked chunk of a monitor",
        "id, monitor, model, version, label, start_at, end_at, rows, labels, metric, realised, low, high, floor, partial,"
        " severity, checked_at",
        "main.chunks",
    ),
    View(
        "columns",
        "a column of a chunk",
        "chunk_id AS chunk, name, kind, psi, js, hellinger, ks, wasserstein, missing_reference, missing_current, unseen,"
        " drifted, severity",
        "main.chunk_columns",
    ),
    View(
        "alerts",
        "an incident; evidence is JSON",
        "id, monitor, model, alias, version, severity, state, title, evidence, opened_at, changed_at, resolved_at, cured_by,"
        " resolution",
        "main.alerts",
    ),
    View(
        "events",
        "one act of the audit trail; detail is JSON",
        "id, at, actor, origin, kind, subject, reason, command, detail",
        "main.events",
    ),
)
_READING = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})


def view(name: str) -> View:
    """Return a view; NotFoundError names those there are."""
    chosen = next((item for item in VIEWS if item.name == name), None)
    if chosen is None:
        raise NotFoundError(f"there is no view `{name}`", hint=f"there are {', '.join(item.name for item in VIEWS)}")
    return chosen


@contextmanager
def query(state: Path, sql: str) -> Iterator[tuple[list[str], Iterator[sqlite3.Row]]]:
    """Run one SELECT over the views; give the names of its columns and its rows as they come.

    The connection can only read: what would change anything, attach a file or load code is a UsageError, as is what
    SQLite does not understand.
    """
    with reading(state) as database:
        connection = database.conn
        connection.set_authorizer(lambda act, *_: sqlite3.SQLITE_OK if act in _READING else sqlite3.SQLITE_DENY)
        try:
            cursor = connection.execute(sql)
            if cursor.description is None:
                raise UsageError("that answers nothing", hint="store query takes one SELECT")
            yield [column[0] for column in cursor.description], cursor
        except (sqlite3.Error, sqlite3.Warning) as error:
            known = ", ".join(item.name for item in VIEWS)
            raise UsageError(f"query: {error}", hint=f"one SELECT, over the views {known}") from error


def export(state: Path, name: str, file: Path) -> int:
    """Write a view to a new file, as CSV, JSON lines or a SQLite database by its ending; return the number of rows.

    UsageError for another ending, ConflictError where the file is there already.
    """
    wanted, write = view(name), _WRITERS.get(file.suffix)
    if write is None:
        raise UsageError(f"{file}: its ending says no format", hint=", ".join(_WRITERS))
    with new_file(file) as partial, reading(state) as database:
        return write(partial, wanted, database.query(f"SELECT * FROM {wanted.name}"))  # noqa: S608 - one of ours


@contextmanager
def reading(state: Path) -> Iterator[Database]:
    """Open the store for reading alone, with the views in it."""
    from sqlite_utils import Database

    with open_store(state, readonly=True) as store:
        for item in VIEWS:
            store.reader.execute(f"CREATE TEMP VIEW {item.name} AS SELECT {item.columns} FROM {item.source}")  # noqa: S608
        yield Database(store.reader)


def _csv(file: Path, wanted: View, rows: Iterator[dict[str, Any]]) -> int:
    import csv

    count = 0
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, wanted.names)
        writer.writeheader()
        for count, row in enumerate(rows, start=1):  # noqa: B007 - how many there were
            writer.writerow(row)
    return count


def _lines(file: Path, wanted: View, rows: Iterator[dict[str, Any]]) -> int:  # noqa: ARG001 - one of the writers
    import json

    count = 0
    with file.open("w", encoding="utf-8") as opened:
        for count, row in enumerate(rows, start=1):  # noqa: B007 - how many there were
            opened.write(json.dumps(row, ensure_ascii=False) + "\n")
    return count


def _database(file: Path, wanted: View, rows: Iterator[dict[str, Any]]) -> int:
    from sqlite_utils import Database

    database = Database(file)
    try:
        view_table = database.table(wanted.name)
        view_table.insert_all(rows, batch_size=1000)
        return int(view_table.count) if view_table.exists() else 0
    finally:
        database.close()


_WRITERS = {".csv": _csv, ".jsonl": _lines, ".db": _database}
