"""``record.json`` of a run folder: a copy of the run's row, for rebuilding a lost store. Standard library only.

Written with the folder and again at the run's end. It is derived, and never read while there is a store: the journal is
the truth of what happened, this holds what the journal does not know: who asked, why, for what, and what it came to.
"""

from __future__ import annotations

import json
from pathlib import Path

from opsconsole.core.files import read_regular, write_atomically
from opsconsole.runs.record.folder import RunFolder
from opsconsole.store.connection import Store
from opsconsole.store.recovery import records
from opsconsole.store.recovery.records import Row

NAME = "record.json"
MOST = 1 << 20
"""Bytes of it, at most."""


def write(folder: RunFolder, row: Row) -> None:
    """Write a run's row beside it; OSError when that cannot be."""
    write_atomically(folder.path / NAME, json.dumps(row, ensure_ascii=True).encode(), durable=False)


def follow(store: Store, folder: RunFolder) -> None:
    """Write the row as the store has it now; what cannot be written is left: the row stands in the store."""
    row = records.run_row(store, folder.run_id)
    try:
        if row is not None and folder.path.is_dir():
            write(folder, row)
    except OSError:
        return


def read(folder: RunFolder) -> Row | None:
    """Return the row as it was last written; None when there is none that holds."""
    try:
        row = json.loads(read_regular(folder.path / NAME, limit=MOST))
    except (OSError, ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) and row.get("id") == folder.run_id else None


def lacking(runs: Path, run_id: int) -> bool:
    """Whether a run has a folder and no record in it."""
    return not (runs / str(run_id) / NAME).exists()
