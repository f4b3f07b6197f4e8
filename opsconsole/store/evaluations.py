"""Evaluations: what a version scored on one set of held-out rows, and what two scored on the same."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opsconsole.core import clock
from opsconsole.core.nouns import Contender, Digest
from opsconsole.store.connection import Store
from opsconsole.store.models import dump, numbers


@dataclass(frozen=True)
class Evaluation:
    """A version's scores on one set of held-out rows, kept row by row in ``path``."""

    model: str
    version: int
    run_id: int | None
    rows_digest: Digest
    rows: int
    path: str
    """Relative to the workspace's evidence folder."""
    file_digest: Digest
    contender: Contender
    """Which rows of the file are this version's."""
    metrics: dict[str, float]
    plots: dict[str, Any]
    """Points for the console, computed once: ``roc`` as ``[[fpr, tpr], …]``, ``calibration`` as ``[[p, share], …]``."""
    created_at: datetime


def of_version(store: Store, model: str, number: int) -> list[Evaluation]:
    """Return a version's evaluations, newest first."""
    sql = "SELECT * FROM evaluations WHERE model = ? AND version = ? ORDER BY id DESC"
    return [record_of(row) for row in store.rows(sql, (model, number))]


def own_rows(store: Store, model: str) -> dict[int, tuple[int, Digest]]:
    """Return of each version that was evaluated how many rows it was first judged on, and their digest."""
    rows = store.rows(
        "SELECT version, rows, rows_digest FROM evaluations WHERE model = ? AND contender = 'challenger' ORDER BY id DESC",
        (model,),
    )
    return {row["version"]: (row["rows"], Digest(row["rows_digest"])) for row in rows}


@dataclass(frozen=True)
class Beside:
    """Two versions' metrics on the same rows."""

    rows: int
    own: dict[str, float]
    other: dict[str, float]


def beside(store: Store, model: str, champion: int) -> dict[int, Beside]:
    """Return, of each version that scored rows which the champion scored too, both their metrics on the newest such rows."""
    rows = store.rows(
        "SELECT a.version, a.rows, a.metrics AS own, b.metrics AS other FROM evaluations a JOIN evaluations b"
        " ON b.model = a.model AND b.version = ? AND b.rows_digest = a.rows_digest"
        " WHERE a.model = ? AND a.version <> ? ORDER BY max(a.id, b.id)",
        (champion, model, champion),
    )
    return {row["version"]: Beside(row["rows"], numbers(row["own"]), numbers(row["other"])) for row in rows}


def shared(store: Store, model: str, first: int, second: int) -> tuple[Evaluation, Evaluation] | None:
    """Return the newest pair of evaluations in which two versions scored the same rows."""
    row = store.row(
        "SELECT a.id AS a, b.id AS b FROM evaluations a JOIN evaluations b"
        " ON b.model = a.model AND b.version = ? AND b.rows_digest = a.rows_digest"
        " WHERE a.model = ? AND a.version = ? ORDER BY max(a.id, b.id) DESC LIMIT 1",
        (second, model, first),
    )
    if row is None:
        return None
    one, other = (store.rows("SELECT * FROM evaluations WHERE id = ?", (row[key],))[0] for key in ("a", "b"))
    return record_of(one), record_of(other)


def insert(connection: sqlite3.Connection, item: Evaluation) -> None:
    """Write an evaluation; the same version on the same rows is kept once."""
    connection.execute(
        "INSERT INTO evaluations (model, version, run_id, rows_digest, rows, path, file_digest, contender, metrics,"
        " plots, created_at) VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (model, version, rows_digest) DO NOTHING",
        (
            item.model,
            item.version,
            item.run_id,
            item.rows_digest,
            item.rows,
            item.path,
            item.file_digest,
            item.contender,
            dump(item.metrics),
            dump(item.plots),
            clock.to_text(item.created_at),
        ),
    )


def record_of(row: sqlite3.Row) -> Evaluation:
    """Return an evaluation's row as a record."""
    return Evaluation(
        model=row["model"],
        version=row["version"],
        run_id=row["run_id"],
        rows_digest=Digest(row["rows_digest"]),
        rows=row["rows"],
        path=row["path"],
        file_digest=Digest(row["file_digest"]),
        contender=Contender(row["contender"]),
        metrics=numbers(row["metrics"]),
        plots=json.loads(row["plots"]),
        created_at=clock.from_text(row["created_at"]),
    )
