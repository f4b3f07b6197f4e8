"""Rows written as JSON records into run and model folders, and read back to rebuild a lost store.

A record holds rows by the names of their columns. A record that is read back is checked by SQLite's strict types and
keys; an invalid one is refused and leaves nothing behind.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from opsconsole.core.errors import UsageError
from opsconsole.core.nouns import ModelTask, RunState
from opsconsole.store import evaluations, models, promotions, runs
from opsconsole.store.connection import Store
from opsconsole.store.models import Version, VersionFile

Row = dict[str, Any]
Record = dict[str, Any]


def version_record(store: Store, model: str, number: int) -> Record:
    """Return all that is known of a version at its registration: its model, files, and the scores on its own rows."""
    own = f"{model}/v{number}/"
    return {
        "model": _one(store, "SELECT * FROM models WHERE name = ?", (model,)),
        "version": _one(store, "SELECT * FROM versions WHERE model = ? AND version = ?", (model, number)),
        "files": _all(store, "SELECT * FROM version_files WHERE model = ? AND version = ?", (model, number)),
        "evaluations": _all(
            store,
            "SELECT * FROM evaluations WHERE model = ? AND substr(path, 1, ?) = ? ORDER BY id",
            (model, len(own), own),
        ),
    }


def versions_after(store: Store, mark: int) -> Iterator[tuple[int, str, int]]:
    """Yield the row id, model and number of each version past a row id, in the order of registration."""
    for row in store.rows("SELECT id, model, version FROM versions WHERE id > ? ORDER BY id", (mark,)):
        yield row["id"], row["model"], row["version"]


def moves_after(store: Store, mark: int) -> Iterator[Row]:
    """Yield each promotion past an id, in order."""
    for row in store.rows("SELECT * FROM promotions WHERE id > ? ORDER BY id", (mark,)):
        yield dict(row)


def run_row(store: Store, run_id: int) -> Row | None:
    """Return a run's row; None when there is none."""
    row = store.row("SELECT * FROM runs WHERE id = ?", (run_id,))
    return None if row is None else dict(row)


def row_of(connection: sqlite3.Connection, run_id: int) -> Row:
    """Return a run's row inside the caller's transaction."""
    return dict(connection.execute("SELECT * FROM runs WHERE id = ?", (run_id,)).fetchone())


def newest(store: Store) -> tuple[int, int]:
    """Return the row ids of the newest version and the newest promotion; 0 for none."""
    row = store.rows("SELECT (SELECT max(id) FROM versions) AS versions, (SELECT max(id) FROM promotions) AS moves")[0]
    return row["versions"] or 0, row["moves"] or 0


def known_versions(store: Store, model: str) -> set[int]:
    """Return the numbers of a model's versions."""
    return {row["version"] for row in store.rows("SELECT version FROM versions WHERE model = ?", (model,))}


def known_runs(store: Store, numbers: set[int]) -> set[int]:
    """Return which of some numbers are runs'."""
    return {number for number in numbers if store.row("SELECT 1 FROM runs WHERE id = ?", (number,)) is not None}


def has_version(connection: sqlite3.Connection, model: str, number: int) -> bool:
    """Whether a version has its row."""
    rows = connection.execute("SELECT 1 FROM versions WHERE model = ? AND version = ?", (model, number))
    return rows.fetchone() is not None


def version_inside(connection: sqlite3.Connection, model: str, number: int) -> tuple[Version, list[VersionFile]]:
    """Return a version and its files as the caller's transaction sees them."""
    stored = connection.execute("SELECT * FROM versions WHERE model = ? AND version = ?", (model, number)).fetchone()
    files = connection.execute("SELECT * FROM version_files WHERE model = ? AND version = ?", (model, number))
    return models.record_of(stored), [models.file_of(row) for row in files]


def task_of(connection: sqlite3.Connection, model: str) -> ModelTask:
    """Return what a model predicts."""
    return ModelTask(connection.execute("SELECT task FROM models WHERE name = ?", (model,)).fetchone()[0])


def has_move(connection: sqlite3.Connection, move: Row) -> bool:
    """Whether a move has its row."""
    rows = connection.execute(
        "SELECT 1 FROM promotions WHERE model = ? AND alias = ? AND revision = ?",
        (move["model"], move.get("alias"), move.get("revision")),
    )
    return rows.fetchone() is not None


def made_a_version(connection: sqlite3.Connection, run_id: int) -> bool:
    """Whether a version came from a run."""
    return connection.execute("SELECT 1 FROM versions WHERE run_id = ?", (run_id,)).fetchone() is not None


def state_of_run(connection: sqlite3.Connection, run_id: int) -> RunState | None:
    """Return where a run stands; None when it has no row."""
    row = connection.execute("SELECT state FROM runs WHERE id = ?", (run_id,)).fetchone()
    return None if row is None else RunState(row["state"])


def has_scores(connection: sqlite3.Connection, run_id: int) -> bool:
    """Whether the production scores of a run have their row."""
    return connection.execute("SELECT 1 FROM predictions WHERE run_id = ?", (run_id,)).fetchone() is not None


def put_version(connection: sqlite3.Connection, record: Record) -> None:
    """Write a version's rows; UsageError when the record does not hold.

    Scores of another version (the champion on the same rows) are left for ``put_evaluations``: its row may come later.
    """

    def write() -> None:
        model, version = record["model"], record["version"]
        connection.execute(
            "INSERT INTO models (name, task, created_at) VALUES (:name, :task, :created_at) ON CONFLICT DO NOTHING",
            {key: model[key] for key in ("name", "task", "created_at")},
        )
        _insert(connection, "versions", version, but=("id",))
        for file in record["files"]:
            _insert(connection, "version_files", file)
        rows = connection.execute(
            "SELECT * FROM versions WHERE model = ? AND version = ?", (version["model"], version["version"])
        )
        models.record_of(rows.fetchone())

    _held(connection, write)


def put_evaluations(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Write the evaluations of a record that are not there yet; UsageError when one does not hold."""

    def write() -> None:
        for row in rows:
            known = connection.execute(
                "SELECT 1 FROM evaluations WHERE model = ? AND version = ? AND rows_digest = ?",
                (row["model"], row["version"], row["rows_digest"]),
            ).fetchone()
            if known is None:
                number = _insert(connection, "evaluations", row, but=("id",))
                stored = connection.execute("SELECT * FROM evaluations WHERE id = ?", (number,))
                evaluations.record_of(stored.fetchone())

    _held(connection, write)


def put_move(connection: sqlite3.Connection, row: Row) -> None:
    """Write a promotion's row, under its own number where that is free; UsageError when it does not hold."""

    def write() -> None:
        taken = connection.execute("SELECT 1 FROM promotions WHERE id = ?", (row["id"],)).fetchone()
        undone = connection.execute("SELECT 1 FROM promotions WHERE id = ?", (row["undoes"],)).fetchone()
        whole = row if undone else row | {"undoes": None}
        number = _insert(connection, "promotions", whole, but=("id",) if taken else ())
        rows = connection.execute("SELECT * FROM promotions WHERE id = ?", (number,))
        promotions.record_of(rows.fetchone())

    _held(connection, write)


def put_run(connection: sqlite3.Connection, row: Row) -> runs.RunRecord:
    """Write a run's row, in the place of the one that is there, and return it; UsageError when it does not hold."""

    def write() -> None:
        connection.execute("DELETE FROM runs WHERE id = ?", (row["id"],))
        _insert(connection, "runs", row)
        written.append(runs.record_of(connection.execute("SELECT * FROM runs WHERE id = ?", (row["id"],)).fetchone()))

    written: list[runs.RunRecord] = []
    _held(connection, write)
    return written[0]


def point_aliases(connection: sqlite3.Connection) -> None:
    """Let each alias stand where the newest of its moves brought it."""
    connection.execute(
        "INSERT INTO aliases (model, alias, version, revision, moved_at)"
        " SELECT model, alias, to_version, revision, at FROM promotions AS p WHERE revision ="
        " (SELECT max(revision) FROM promotions WHERE model = p.model AND alias = p.alias)"
        " AND EXISTS (SELECT 1 FROM versions WHERE model = p.model AND version = p.to_version)"
        " ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version, revision = excluded.revision,"
        " moved_at = excluded.moved_at WHERE excluded.revision > aliases.revision"
    )


def _held(connection: sqlite3.Connection, write: Callable[[], None]) -> None:
    with _savepoint(connection):
        try:
            write()
        except sqlite3.IntegrityError as error:
            raise UsageError(f"its record does not hold: {error}") from error
        except (KeyError, TypeError, ValueError, AttributeError, sqlite3.ProgrammingError) as error:
            raise UsageError(f"its record does not hold: {type(error).__name__}: {str(error)[:200]}") from error


@contextmanager
def _savepoint(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("SAVEPOINT record")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK TO record")
        raise
    finally:
        connection.execute("RELEASE record")


def _insert(connection: sqlite3.Connection, table: str, row: Row, *, but: tuple[str, ...] = ()) -> int:
    """Insert what a row has of the columns that the table has."""
    known = [column[1] for column in connection.execute(f"PRAGMA table_info({table})")]
    names = [name for name in known if name in row and name not in but]
    marks = ",".join("?" * len(names))
    sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - the schema's own names
    return int(connection.execute(sql, [row[name] for name in names]).lastrowid or 0)


def _one(store: Store, sql: str, parameters: tuple[object, ...]) -> Row:
    return _all(store, sql, parameters)[0]


def _all(store: Store, sql: str, parameters: tuple[object, ...]) -> list[Row]:
    return [dict(row) for row in store.rows(sql, parameters)]
