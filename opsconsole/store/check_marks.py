"""The last completed check of a monitor: a digest of its inputs, so that an unchanged one need not read data again."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from opsconsole.store.connection import Store

UNKNOWN = ""
"""The mark of a check of which only reading tells whether anything changed since."""


@dataclass(frozen=True)
class CheckMark:
    """A check that ran to its end."""

    mark: str
    """A digest of everything that it rested on, or ``UNKNOWN``."""
    chunks: int
    """How many chunks there were."""
    notes: tuple[str, ...]


def mark(store: Store, monitor: str) -> CheckMark | None:
    """Return the mark of a monitor's last check that ran to its end."""
    row = store.row("SELECT mark, chunks, notes FROM check_marks WHERE monitor = ?", (monitor,))
    if row is None:
        return None
    return CheckMark(row["mark"], row["chunks"], msgspec.json.decode(row["notes"], type=tuple[str, ...]))


def leave(store: Store, monitor: str, check: CheckMark) -> None:
    """Remember a check that ran to its end."""
    with store.immediate() as connection:
        connection.execute(
            "INSERT INTO check_marks (monitor, mark, chunks, notes) VALUES (?,?,?,?) ON CONFLICT (monitor)"
            " DO UPDATE SET mark = excluded.mark, chunks = excluded.chunks, notes = excluded.notes",
            (monitor, check.mark, check.chunks, msgspec.json.encode(check.notes).decode()),
        )
