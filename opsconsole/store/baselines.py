"""What drift is measured from: production scores that runs left, and each version's baseline."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

import msgspec

from opsconsole.core import clock
from opsconsole.core.actor import current_actor
from opsconsole.core.nouns import Digest
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


@dataclass(frozen=True)
class Period:
    """A time: from ``since`` on, before ``until``."""

    since: datetime
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What a version's production rows are compared with: made once for each monitor and version, or anew on demand."""

    id: int
    monitor: str
    model: str
    version: int
    revision: int
    rows: int
    origin: str
    sketch: bytes
    fitted: bytes | None
    """What was fitted on its rows: calibration, structure, wobble; None in a baseline of an older version."""
    realised: Realised | None
    used: tuple[str, ...]
    """Files of the row ids that the version was trained or evaluated on: they are never judged."""
    since: datetime | None
    """The earliest of its rows; chunks before it are not judged."""
    reason: str | None
    """Why the operator took another reference; None for a version's first."""
    actor: str | None
    made_at: datetime
    period: Period | None = None
    """The time whose production rows it is of; None where its origin is a source that can be read."""
    follows: int = 0
    """The revision that held until this one was taken; 0: none."""


@dataclass(frozen=True, kw_only=True)
class NewBaseline:
    """A baseline to be written."""

    monitor: str
    model: str
    version: int
    rows: int
    origin: str
    sketch: bytes
    fitted: bytes
    realised: Realised | None
    used: tuple[str, ...]
    since: datetime | None
    period: Period | None = None
    follows: int = 0
    reason: str | None = None


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
    rows = store.rows("SELECT * FROM predictions WHERE model = ? ORDER BY id", (model,))
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
        for row in rows
    ]


def baselines(store: Store, monitor: str) -> dict[int, Baseline]:
    """Return a monitor's baselines that hold, by version."""
    rows = store.rows("SELECT * FROM baselines WHERE monitor = ? AND active = 1", (monitor,))
    return {row["version"]: _baseline(row) for row in rows}


def baseline(store: Store, monitor: str, version: int) -> Baseline | None:
    """Return the baseline of a version that holds."""
    row = store.row("SELECT * FROM baselines WHERE monitor = ? AND version = ? AND active = 1", (monitor, version))
    return None if row is None else _baseline(row)


def revisions(store: Store, monitor: str, version: int) -> list[tuple[Baseline, bool]]:
    """Return all baselines that a version had, oldest first, each with whether it holds."""
    rows = store.rows("SELECT * FROM baselines WHERE monitor = ? AND version = ? ORDER BY revision", (monitor, version))
    return [(_baseline(row), bool(row["active"])) for row in rows]


def insert_baseline(connection: sqlite3.Connection, new: NewBaseline, *, replaces: int | None = None) -> int | None:
    """Write a baseline that holds from now on, and return its revision.

    None, and nothing written, when another one holds than the ``replaces`` that was seen.
    """
    held = connection.execute(
        "SELECT id FROM baselines WHERE monitor = ? AND version = ? AND active = 1", (new.monitor, new.version)
    ).fetchone()
    if (None if held is None else held[0]) != replaces:
        return None
    connection.execute("UPDATE baselines SET active = 0 WHERE id = ?", (replaces,))
    made = connection.execute(
        "INSERT INTO baselines (monitor, model, version, revision, rows, origin, sketch, fitted, realised, used, since,"
        " period_since, period_until, follows, reason, actor, made_at) VALUES (?,?,?, (SELECT coalesce(max(revision), 0) + 1"
        " FROM baselines WHERE monitor = ? AND version = ?), ?,?,?,?,?,?,?,?,?,?,?,?,?) RETURNING revision",
        (
            new.monitor,
            new.model,
            new.version,
            new.monitor,
            new.version,
            new.rows,
            new.origin,
            new.sketch,
            new.fitted,
            _dump(new.realised),
            _dump(new.used),
            None if new.since is None else clock.to_text(new.since),
            None if new.period is None else clock.to_text(new.period.since),
            None if new.period is None else clock.to_text(new.period.until),
            new.follows,
            new.reason,
            current_actor(),
            clock.to_text(clock.now()),
        ),
    ).fetchone()
    return int(made[0])


def hold(connection: sqlite3.Connection, held: Baseline, other: Baseline) -> bool:
    """Let another revision of the same version hold; False, and nothing changed, when ``held`` no longer does."""
    changed = connection.execute("UPDATE baselines SET active = 0 WHERE id = ? AND active = 1", (held.id,)).rowcount
    if not changed:
        return False
    connection.execute("UPDATE baselines SET active = 1 WHERE id = ?", (other.id,))
    return True


def _baseline(row: sqlite3.Row) -> Baseline:
    return Baseline(
        id=row["id"],
        monitor=row["monitor"],
        model=row["model"],
        version=row["version"],
        revision=row["revision"],
        rows=row["rows"],
        origin=row["origin"],
        sketch=bytes(row["sketch"]),
        fitted=None if row["fitted"] is None else bytes(row["fitted"]),
        realised=msgspec.json.decode(row["realised"], type=Realised | None),
        used=msgspec.json.decode(row["used"], type=tuple[str, ...]),
        since=clock.from_text_or_none(row["since"]),
        reason=row["reason"],
        actor=row["actor"],
        made_at=clock.from_text(row["made_at"]),
        period=None
        if row["period_since"] is None
        else Period(clock.from_text(row["period_since"]), clock.from_text(row["period_until"])),
        follows=row["follows"],
    )


def _dump(value: object) -> str:
    return msgspec.json.encode(value).decode()
