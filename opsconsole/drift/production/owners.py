"""Which chunk each row belongs to, in the order of the files, for chunks that were cut in order of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from opsconsole.drift.monitors import Monitor
from opsconsole.drift.production.outcomes import as_column, from_column, unknown
from opsconsole.drift.production.rows import Rows
from opsconsole.drift.production.spill_partitions import SpillPartitions, block_of, first_of, heaps_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_ONES = -1


@dataclass(frozen=True)
class Owned:
    """Rows one after the other as they stand in their file; the arrays run in parallel."""

    chunks: NDArray[np.int32]
    """The number of the chunk that a row belongs to; below 0: to none that is to be counted."""
    labels: NDArray[Any]
    scores: NDArray[Any]

    def at(self, places: NDArray[np.bool_] | slice) -> Owned:
        """Return some of the rows."""
        return Owned(self.chunks[places], self.labels[places], self.scores[places])


class Owners:
    """Knows of each row which chunk it is to be counted in, with its label and its score."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._heaps = SpillPartitions()
        self.sizes: list[int] = []
        """How many rows each chunk has."""
        self._last: tuple[int, Owned] | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0

    def add(self, rows: Rows) -> None:
        """Take the rows of one more chunk in."""
        columns = {
            "row": pa.array(rows.numbers),
            "chunk": pa.array(np.full(len(rows), len(self.sizes), dtype=np.int32)),
            "label": as_column(rows.labels),
            "score": as_column(rows.scores),
        }
        self._waiting.append(pa.RecordBatch.from_pydict(columns))
        self._rows += len(rows)
        self.sizes.append(len(rows))
        if heaps_for(self._rows) > 1:
            self._deal()

    def _deal(self) -> None:
        """Deal the rows of many chunks at once: each may lie in many blocks."""
        if self._waiting:
            whole = pa.concat_batches(self._waiting)
            self._heaps.deal(whole, block_of(whole.column("row").to_numpy()))
            self._waiting, self._rows = [], 0

    def of(self, first: int, after: int) -> Owned:
        """Return whose the rows are from ``first`` on, before ``after``."""
        parts = []
        for block in range(*self._blocks(first, after)):
            start = first_of(block)
            parts.append(self._block(block).at(slice(max(first - start, 0), after - start)))
        if len(parts) == 1:
            return parts[0]
        return Owned(
            *(np.concatenate([getattr(one, name) for one in parts]) for name in ("chunks", "labels", "scores"))
        )

    def chunks(self, first: int, after: int) -> set[int]:
        """Return the chunks that rows belong to from ``first`` on, before ``after``."""
        ids: set[int] = set()
        for block in range(*self._blocks(first, after)):
            within = self.of(max(first, first_of(block)), min(after, first_of(block + 1)))
            ids.update(np.unique(within.chunks).tolist())
        return ids - {NO_ONES}

    @staticmethod
    def _blocks(first: int, after: int) -> tuple[int, int]:
        """Return the first block in which the rows lie, and one past the last."""
        begin, end = block_of(np.array([first, max(after - 1, first)])).tolist()
        return begin, end + 1

    def _block(self, number: int) -> Owned:
        if self._last is None or self._last[0] != number:
            self._last = number, self._read(number)
        return self._last[1]

    def _read(self, number: int) -> Owned:
        self._deal()
        batch = self._heaps.read(number)
        rows = first_of(1)
        chunks = np.full(rows, NO_ONES, dtype=np.int32)
        labels, scores = unknown(self._monitor, rows), unknown(self._monitor, rows)
        if batch is not None:
            places = batch.column("row").to_numpy() - first_of(number)
            chunks[places] = batch.column("chunk").to_numpy()
            labels[places], scores[places] = from_column(batch.column("label")), from_column(batch.column("score"))
        return Owned(chunks, labels, scores)
