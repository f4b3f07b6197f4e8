"""Labels that the operator brought after the rows: which files, how many rows, by whom."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from opsconsole.core import clock
from opsconsole.core.actor import current_actor
from opsconsole.core.nouns import Digest
from opsconsole.store.connection import Store


@dataclass(frozen=True, kw_only=True)
class LabelBatch:
    """One file of labels, kept in the evidence folder as ``row_id, label``; later batches win over earlier ones."""

    id: int
    monitor: str
    path: str
    """From the evidence folder."""
    file_digest: Digest
    rows: int
    unknown: int
    """Ids that no production row had when they came."""
    changed: int
    """Rows that had another label before."""
    actor: str
    taken_at: datetime


def record(
    connection: sqlite3.Connection,
    *,
    monitor: str,
    path: str,
    file_digest: Digest,
    rows: int,
    unknown: int,
    changed: int,
) -> bool:
    """Keep a batch; False when the very same file was brought before."""
    cursor = connection.execute(
        "INSERT INTO label_batches (monitor, path, file_digest, rows, unknown, changed, actor, taken_at)"
        " VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (monitor, file_digest) DO NOTHING",
        (monitor, path, file_digest, rows, unknown, changed, current_actor(), clock.to_text(clock.now())),
    )
    return cursor.rowcount > 0


def batches(store: Store, monitor: str) -> list[LabelBatch]:
    """Return a monitor's batches in the order in which they came."""
    rows = store.rows("SELECT * FROM label_batches WHERE monitor = ? ORDER BY id", (monitor,))
    return [
        LabelBatch(
            id=row["id"],
            monitor=row["monitor"],
            path=row["path"],
            file_digest=Digest(row["file_digest"]),
            rows=row["rows"],
            unknown=row["unknown"],
            changed=row["changed"],
            actor=row["actor"],
            taken_at=clock.from_text(row["taken_at"]),
        )
        for row in rows
    ]
