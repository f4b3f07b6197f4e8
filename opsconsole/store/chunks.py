"""Checked chunks with their columns: records and the queries on them.

Everything that a screen shows of drift is read here, as plain numbers: no sketch is decoded for it.
"""

from __future__ import annotations

import sqlite3
from dataclasses import fields
from datetime import datetime

import msgspec

from opsconsole.core import clock
from opsconsole.core.nouns import ColumnKind, Severity
from opsconsole.store.baselines import Realised
from opsconsole.store.chunk_records import (
    Chunk,
    ChunkColumn,
    ChunkRecord,
    Estimate,
    Figures,
    HeatCell,
    Histogram,
    Kept,
    KeptDistances,
    Known,
    Move,
    Slice,
    Stamp,
    Structure,
)
from opsconsole.store.connection import Store
from opsconsole.store.findings import Finding

_CHUNK = (
    "id, monitor, model, version, label, start_at, end_at, rows, labels, metric, realised, low, high, floor, breaches,"
    " partial, severity, findings, fingerprint, checked_at, metrics, estimated, structure, slices, stream"
)


def chunks(
    store: Store, monitor: str, *, version: int | None = None, since: datetime | None = None, limit: int = 1000
) -> list[Chunk]:
    """Return a monitor's newest ``limit`` chunks, oldest first."""
    where, parameters = ["monitor = ?"], [monitor]
    if since is not None:
        where.append("start_at >= ?")
        parameters.append(clock.to_text(since))
    only = "" if version is None else f" AND version = {int(version)}"
    rows = store.rows(
        f"SELECT {_CHUNK} FROM chunks WHERE {' AND '.join(where)}{only}"  # noqa: S608 - fixed words
        " ORDER BY start_at DESC, id DESC LIMIT ?",
        (*parameters, limit),
    )
    return [_chunk(row) for row in reversed(rows)]


def newest(store: Store, monitor: str, *, limit: int) -> list[int]:
    """Return the ids of a monitor's newest chunks, newest first."""
    rows = store.rows(
        "SELECT id FROM chunks WHERE monitor = ? ORDER BY start_at DESC, id DESC LIMIT ?", (monitor, limit)
    )
    return [row["id"] for row in rows]


def number(store: Store, monitor: str) -> int:
    """Return how many chunks of a monitor are stored."""
    row = store.row("SELECT count(*) FROM chunks WHERE monitor = ?", (monitor,))
    return 0 if row is None else int(row[0])


def chunk(store: Store, chunk_id: int) -> Chunk | None:
    """Return one chunk."""
    row = store.row(f"SELECT {_CHUNK} FROM chunks WHERE id = ?", (chunk_id,))  # noqa: S608 - fixed words
    return None if row is None else _chunk(row)


def known(store: Store, monitor: str, version: int) -> dict[datetime, Known]:
    """Return what each chunk of a version was judged from, by its start."""
    rows = store.rows(
        "SELECT id, start_at, end_at, fingerprint, stamp, facts IS NOT NULL AS measured FROM chunks WHERE monitor = ? AND version = ?",
        (monitor, version),
    )
    return {
        clock.from_text(row["start_at"]): Known(
            row["id"],
            clock.from_text(row["end_at"]),
            row["fingerprint"],
            Stamp.of(row["stamp"]),
            bool(row["measured"]),
        )
        for row in rows
    }


def refresh(connection: sqlite3.Connection, chunk_id: int, kept: Kept) -> None:
    """Note that a chunk was measured anew, and nothing that it shows changed."""
    connection.execute(
        "UPDATE chunks SET sketch = ?, facts = ?, stamp = ? WHERE id = ? AND stamp != ?",
        (kept.sketch, kept.facts, str(kept.stamp), chunk_id, str(kept.stamp)),
    )


def drop(connection: sqlite3.Connection, ids: list[int]) -> None:
    """Forget chunks that were cut otherwise than rows are cut now."""
    connection.executemany("DELETE FROM chunks WHERE id = ?", [(one,) for one in ids])


def at(connection: sqlite3.Connection, monitor: str, version: int, start: datetime) -> Chunk | None:
    """Return a version's chunk that starts then, inside the caller's transaction; None when it was never judged."""
    row = connection.execute(
        f"SELECT {_CHUNK} FROM chunks WHERE monitor = ? AND version = ? AND start_at = ?",  # noqa: S608 - fixed words
        (monitor, version, clock.to_text(start)),
    ).fetchone()
    return None if row is None else _chunk(row)


def start_of(connection: sqlite3.Connection, chunk_id: int | None) -> datetime | None:
    """Return when a chunk starts, inside the caller's transaction; None when it is no longer kept."""
    row = connection.execute("SELECT start_at FROM chunks WHERE id = ?", (chunk_id,)).fetchone()
    return None if row is None else clock.from_text(row[0])


def before(connection: sqlite3.Connection, monitor: str, version: int, start: datetime, *, limit: int) -> list[Chunk]:
    """Return a version's newest chunks before ``start``, newest first, inside the caller's transaction."""
    rows = connection.execute(
        f"SELECT {_CHUNK} FROM chunks WHERE monitor = ? AND version = ? AND start_at < ?"  # noqa: S608 - fixed words
        " ORDER BY start_at DESC LIMIT ?",
        (monitor, version, clock.to_text(start), limit),
    ).fetchall()
    return [_chunk(row) for row in rows]


def columns(store: Store, chunk_id: int) -> list[ChunkColumn]:
    """Return a chunk's columns, the most drifted first."""
    rows = store.rows("SELECT * FROM chunk_columns WHERE chunk_id = ? ORDER BY psi DESC, name", (chunk_id,))
    return [_column(row) for row in rows]


def columns_of(connection: sqlite3.Connection, chunk_id: int) -> dict[str, ChunkColumn]:
    """Return a chunk's columns by name, inside the caller's transaction."""
    rows = connection.execute("SELECT * FROM chunk_columns WHERE chunk_id = ?", (chunk_id,)).fetchall()
    return {row["name"]: _column(row) for row in rows}


def heat(store: Store, monitor: str, *, limit: int = 60) -> list[HeatCell]:
    """Return column × chunk cells of a monitor's newest ``limit`` chunks, without their plots."""
    rows = store.rows(
        "SELECT chunk_id, name, psi, effect, severity FROM chunk_columns WHERE chunk_id IN"
        " (SELECT id FROM chunks WHERE monitor = ? ORDER BY start_at DESC, id DESC LIMIT ?) ORDER BY chunk_id, name",
        (monitor, limit),
    )
    return [
        HeatCell(row["chunk_id"], row["name"], row["psi"], row["effect"], Severity(row["severity"])) for row in rows
    ]


def moves(store: Store, monitor: str, version: int) -> dict[int, list[Move]]:
    """Return how each column of each chunk of a version moved, by the chunk's id, without all that is only shown."""
    rows = store.rows(
        "SELECT chunk_id, name, psi, effect FROM chunk_columns WHERE chunk_id IN"
        " (SELECT id FROM chunks WHERE monitor = ? AND version = ?)",
        (monitor, version),
    )
    by_chunk: dict[int, list[Move]] = {}
    for row in rows:
        by_chunk.setdefault(row["chunk_id"], []).append(Move(row["name"], row["psi"], row["effect"]))
    return by_chunk


def sketch(store: Store, chunk_id: int) -> bytes | None:
    """Return a chunk's stored sketch."""
    row = store.row("SELECT sketch FROM chunks WHERE id = ?", (chunk_id,))
    return None if row is None else bytes(row["sketch"])


def facts(store: Store, chunk_id: int) -> bytes | None:
    """Return what was measured of a chunk; None in one of an older program."""
    row = store.row("SELECT facts FROM chunks WHERE id = ?", (chunk_id,))
    return None if row is None or row["facts"] is None else bytes(row["facts"])


def write_chunk(connection: sqlite3.Connection, record: ChunkRecord, kept: Kept, judged: list[ChunkColumn]) -> int:
    """Write a chunk, or the chunk anew where its inputs changed; it keeps its id, which alerts point to."""
    values = _values(record) | {
        "sketch": kept.sketch,
        "facts": kept.facts,
        "stamp": str(kept.stamp),
        "checked_at": clock.to_text(clock.now()),
    }
    fresh = ", ".join(f"{name}=excluded.{name}" for name in values if name not in {"monitor", "version", "start_at"})
    row = connection.execute(
        f"INSERT INTO chunks ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})"  # noqa: S608 - own names
        f" ON CONFLICT (monitor, version, start_at) DO UPDATE SET {fresh} RETURNING id",
        tuple(values.values()),
    ).fetchall()
    chunk_id = int(row[0][0])
    connection.execute("DELETE FROM chunk_columns WHERE chunk_id = ?", (chunk_id,))
    names = (*_OWN, *_DISTANCES)
    marks = ", ".join("?" * (len(names) + 3))
    rows = [
        (
            chunk_id,
            *(getattr(one, name) for name in _OWN),
            *(getattr(one.distances, name) for name in _DISTANCES),
            _dump(one.plot),
            _dump(one.figures),
        )
        for one in judged
    ]
    connection.executemany(
        f"INSERT INTO chunk_columns (chunk_id, {', '.join(names)}, plot, figures) VALUES ({marks})",  # noqa: S608 - own names
        rows,
    )
    return chunk_id


_DISTANCES = tuple(field.name for field in fields(KeptDistances))
_OWN = tuple(field.name for field in fields(ChunkColumn) if field.name not in {"distances", "plot", "figures"})
"""The columns of ``chunk_columns`` that are named as the record's fields."""


def _values(record: ChunkRecord) -> dict[str, object]:
    """Return what a chunk's row holds, by column."""
    same = ("monitor", "model", "version", "label", "rows", "labels", "metric", "realised", "low", "high", "floor")
    return {name: getattr(record, name) for name in (*same, "breaches", "severity", "fingerprint")} | {
        "start_at": clock.to_text(record.start),
        "end_at": clock.to_text(record.end),
        "partial": int(record.partial),
        "findings": _dump(record.findings),
        "metrics": _dump(record.metrics),
        "estimated": _dump(record.estimated),
        "structure": _dump(record.structure),
        "slices": _dump(record.slices),
        "stream": record.stream or "null",
    }


def _dump(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _chunk(row: sqlite3.Row) -> Chunk:
    return Chunk(
        id=row["id"],
        monitor=row["monitor"],
        model=row["model"],
        version=row["version"],
        label=row["label"],
        start=clock.from_text(row["start_at"]),
        end=clock.from_text(row["end_at"]),
        rows=row["rows"],
        labels=row["labels"],
        metric=row["metric"],
        realised=row["realised"],
        low=row["low"],
        high=row["high"],
        floor=row["floor"],
        breaches=row["breaches"],
        partial=bool(row["partial"]),
        severity=Severity(row["severity"]),
        findings=msgspec.json.decode(row["findings"], type=tuple[Finding, ...]),
        fingerprint=row["fingerprint"],
        metrics=msgspec.json.decode(row["metrics"], type=tuple[Realised, ...]),
        estimated=msgspec.json.decode(row["estimated"], type=Estimate | None),
        structure=msgspec.json.decode(row["structure"], type=Structure | None),
        slices=msgspec.json.decode(row["slices"], type=tuple[Slice, ...]),
        stream=None if row["stream"] == "null" else row["stream"],
        checked_at=clock.from_text(row["checked_at"]),
    )


def _column(row: sqlite3.Row) -> ChunkColumn:
    return ChunkColumn(
        name=row["name"],
        kind=ColumnKind(row["kind"]),
        distances=KeptDistances(**{name: row[name] for name in _DISTANCES}),
        drifted=None if row["drifted"] is None else bool(row["drifted"]),
        effect=row["effect"],
        severity=Severity(row["severity"]),
        persistent=None if row["persistent"] is None else bool(row["persistent"]),
        importance=row["importance"],
        gate=row["gate"],
        figures=msgspec.json.decode(row["figures"], type=Figures),
        plot=msgspec.json.decode(row["plot"], type=Histogram),
    )
