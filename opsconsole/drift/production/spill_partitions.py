"""Record batches in partitions: in memory while they are few, then in an unnamed temporary file.

What must be read in another order than it comes (rows by time, ids by their hash) is dealt onto heaps of which each
fits into memory, so that memory does not grow with the rows. The file is gone with the object, or with the process.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from opsconsole.drift.data.errors import DataError
from opsconsole.drift.data.spools import Spool, where_to_make_room

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.integer]

HEAP_ROWS = 1 << 18
"""How many rows a heap is to hold."""
HELD_BYTES = 16 << 20
"""So much waits in memory before it is written."""
BATCH_BYTES = 1 << 10
"""What a batch takes besides its values, about."""


def heaps_for(rows: int) -> int:
    """Return how many heaps so many rows are to be dealt onto."""
    return max(1, -(-rows // HEAP_ROWS))


def block_of(rows: Numbers) -> Numbers:
    """Return the block that each row lies in: rows that follow each other, as many as a heap is to hold."""
    return rows // HEAP_ROWS


def first_of(block: int) -> int:
    """Return the number of the first row of a block."""
    return block * HEAP_ROWS


class SpillPartitions:
    """Heaps of record batches of one schema; each keeps the order in which its rows came."""

    def __init__(self) -> None:
        self._schema: pa.Schema | None = None
        self._waiting: dict[int, list[pa.RecordBatch]] = {}
        self._held = 0
        self._spool: Spool | None = None
        self._written: dict[int, list[tuple[int, int]]] = {}

    def add(self, batch: pa.RecordBatch, heap: int) -> None:
        """Put a batch onto a heap."""
        if not batch.num_rows:
            return
        self._schema = batch.schema
        self._waiting.setdefault(heap, []).append(batch)
        self._held += batch.nbytes + BATCH_BYTES
        if self._held > HELD_BYTES:
            self._write()

    def deal(self, batch: pa.RecordBatch, heaps: Numbers) -> None:
        """Put each row of a batch onto a heap of its own."""
        if not len(heaps):
            return
        if (heaps == heaps[0]).all():
            self.add(batch, int(heaps[0]))
            return
        order = np.argsort(heaps, kind="stable")
        ordered, sorted_batch = heaps[order], batch.take(pa.array(order))
        starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        for first, after in zip(starts.tolist(), [*starts[1:].tolist(), len(ordered)], strict=True):
            self.add(sorted_batch.slice(first, after - first), int(ordered[first]))

    def numbers(self) -> list[int]:
        """Return the heaps that hold anything."""
        return sorted({*self._waiting, *self._written})

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield all rows of each heap."""
        for heap in self.numbers():
            batch = self.read(heap)
            assert batch is not None
            yield batch

    def read(self, heap: int) -> pa.RecordBatch | None:
        """Return all rows of a heap; None where there are none."""
        parts = [self._read(place, length) for place, length in self._written.get(heap, [])]
        parts += self._waiting.get(heap, [])
        if len(parts) < 2:
            return parts[0] if parts else None
        return pa.concat_batches(parts)

    def _write(self) -> None:
        try:
            self._spool = self._spool or Spool()
            for heap, parts in self._waiting.items():
                whole = parts[0] if len(parts) == 1 else pa.concat_batches(parts)
                data = memoryview(whole.serialize())
                self._written.setdefault(heap, []).append((self._spool.append(data), len(data)))
        except OSError as error:
            raise DataError(f"the rows cannot be sorted: {error.strerror}", hint=where_to_make_room()) from error
        self._waiting, self._held = {}, 0

    def _read(self, place: int, length: int) -> pa.RecordBatch:
        assert self._spool is not None
        return pa.ipc.read_record_batch(pa.py_buffer(self._spool.read(place, length)), self._schema)
