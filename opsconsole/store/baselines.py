"""What drift is measured from: production scores that runs left, and each version's baseline."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

import msgspec

from opsconsole.ground import clock
from opsconsole.ground.nouns import Digest
from opsconsole.store.connection import Store


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """One file of production scores that a run of a version left: ``row_id, score[, version]``."""

    id: int
    model: str
    version: int
    run_id: int
    path: str
    file_digest: Digest
    rows: int
    taken_at: datetime


@dataclass(frozen=True)
class Realised:
    """A performance metric on labelled rows, with its 95 % interval; None where there are too few to say."""

    metric: str
    value: float | None
    low: float | None
    high: float | None
    labels: int


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What a version's production rows are compared with; made once for each monitor and version."""

    id: int
    monitor: str
    model: str
    version: int
    rows: int
    origin: str
    sketch: bytes
    realised: Realised | None
    used: tuple[str, ...]
    """Files of the row ids that the version was trained or evaluated on: they are never judged."""
    since: datetime | None
    """The earliest of its rows; chunks before it are not judged."""


def record_predictions(
    connection: sqlite3.Connection, *, model: str, version: int, run_id: int, path: str, file_digest: Digest, rows: int
) -> None:
    """Keep a run's production scores as a drift source; taking the same run in again changes nothing."""
    connection.execute(
        "INSERT INTO predictions (model, version, run_id, path, file_digest, rows, taken_at) VALUES (?,?,?,?,?,?,?)"
        " ON CONFLICT (run_id) DO NOTHING",
        (model, version, run_id, path, file_digest, rows, clock.to_text(clock.now())),
    )


def predictions(store: Store, model: str) -> list[Predictions]:
    """Return a model's files of production scores, oldest first."""
    found = store.rows("SELECT * FROM predictions WHERE model = ? ORDER BY id", (model,))
    return [
        Predictions(
            id=row["id"],
            model=row["model"],
            version=row["version"],
            run_id=row["run_id"],
            path=row["path"],
            file_digest=Digest(row["file_digest"]),
            rows=row["rows"],
            taken_at=clock.from_text(row["taken_at"]),
        )
        for row in found
    ]


def baselines(store: Store, monitor: str) -> dict[int, Baseline]:
    """Return a monitor's baselines by version."""
    found = store.rows("SELECT * FROM baselines WHERE monitor = ?", (monitor,))
    return {row["version"]: _baseline(row) for row in found}


def baseline(store: Store, monitor: str, version: int) -> Baseline | None:
    """Return the baseline of a version."""
    row = store.row("SELECT * FROM baselines WHERE monitor = ? AND version = ?", (monitor, version))
    return None if row is None else _baseline(row)


def insert_baseline(
    connection: sqlite3.Connection,
    *,
    monitor: str,
    model: str,
    version: int,
    rows: int,
    origin: str,
    sketch: bytes,
    realised: Realised | None,
    used: tuple[str, ...],
    since: datetime | None,
) -> bool:
    """Write a version's baseline; False when another check was first."""
    cursor = connection.execute(
        "INSERT INTO baselines (monitor, model, version, rows, origin, sketch, realised, used, since, made_at)"
        " VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT (monitor, version) DO NOTHING",
        (
            monitor,
            model,
            version,
            rows,
            origin,
            sketch,
            _dump(realised),
            _dump(used),
            None if since is None else clock.to_text(since),
            clock.to_text(clock.now()),
        ),
    )
    return cursor.rowcount > 0


def _baseline(row: sqlite3.Row) -> Baseline:
    return Baseline(
        id=row["id"],
        monitor=row["monitor"],
        model=row["model"],
        version=row["version"],
        rows=row["rows"],
        origin=row["origin"],
        sketch=bytes(row["sketch"]),
        realised=msgspec.json.decode(row["realised"], type=Realised | None),
        used=msgspec.json.decode(row["used"], type=tuple[str, ...]),
        since=clock.from_text_or_none(row["since"]),
    )


def _dump(value: object) -> str:
    return msgspec.json.encode(value).decode()
