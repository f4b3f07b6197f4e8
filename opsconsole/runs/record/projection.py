"""Rows as the projection of a run's journal: a busy or newer store never stops the run.

A store that is busy, full, newer or gone delays or loses rows, not the run; intake writes them all again from the
journal. A thread of its own, because a busy store may take half a minute to say so. Standard library only.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from opsconsole.core.errors import OpsconsoleError, StoreError
from opsconsole.store.connection import FILE_NAME, Store

Change = Callable[[sqlite3.Connection], object]


class Projection:
    """Write changes in order, in one short transaction each, from a thread of its own."""

    def __init__(self, state: Path, complain: Callable[[str], None]) -> None:
        self._path = state / FILE_NAME
        self._complain = complain
        self._changes: queue.Queue[Change | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="projection", daemon=True)
        self._thread.start()

    def put(self, change: Change) -> None:
        """Have a change written soon."""
        self._changes.put(change)

    def close(self, seconds: float) -> None:
        """Wait for what was put, but not for ever."""
        self._changes.put(None)
        self._thread.join(seconds)

    def _work(self) -> None:
        store: Store | None = None
        while (change := self._changes.get()) is not None:
            try:
                store = store or self._open()
                with store.immediate() as connection:
                    change(connection)
            except (OpsconsoleError, sqlite3.Error, OSError) as error:
                self._complain(f"a row was not written (the journal has it): {error}")
        if store is not None:
            store.close()

    def _open(self) -> Store:
        """Open the store that the starter used; one that is gone is not made anew here."""
        if not self._path.exists():
            raise StoreError(
                f"{self._path}: the store is gone", hint="restore a backup; runs are taken in from journals"
            )
        return Store(self._path)
