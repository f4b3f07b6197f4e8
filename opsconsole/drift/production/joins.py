"""Joining rows by id, partition by partition, so that neither side must fit into memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opsconsole.drift.production.repeats import hashes_of, repeated
from opsconsole.drift.production.spill_partitions import SpillPartitions, block_of, heaps_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUND_HEAPS = 4
"""So many times more records than rows are joined at once."""


def heap_of(ids: pa.Array, number: int) -> NDArray[np.int64]:
    """Return which of so many heaps each id belongs on; none is null."""
    if number == 1:
        return np.zeros(len(ids), dtype=np.int64)
    return (hashes_of(ids) % np.uint64(number)).astype(np.int64)


class Keys:
    """The ids of rows, dealt onto heaps by their hash; ``rows`` is how many there will be."""

    def __init__(self, rows: int) -> None:
        self._number = heaps_for(rows)
        self._heaps = SpillPartitions()

    def add(self, ids: pa.Array, first: int) -> None:
        """Take ids in, the first of them that of row ``first``; rows without one are known by nothing."""
        rows = pa.array(np.arange(first, first + len(ids)))
        batch = pa.RecordBatch.from_pydict({"id": ids, "row": rows})
        self._deal(batch, self._heaps)

    def repeated(self) -> tuple[int, str]:
        """Return how many rows have the id of an earlier one, and one such id."""
        more, example = 0, ""
        for batch in self._heaps.batches():
            repeats, one = repeated(batch.column("id"))
            more, example = more + repeats, example or one
        return more, example

    def newest(self, records: Iterable[pa.RecordBatch]) -> SpillPartitions:
        """Return for each row that a record is of the columns of the last such record, and ``row``: a heap a block.

        Where a row stands in its heap more than once, the last one counts.
        """
        newest, waiting, rows = SpillPartitions(), SpillPartitions(), 0
        for batch in records:
            self._deal(batch, waiting)
            rows += batch.num_rows
            if heaps_for(rows) > ROUND_HEAPS * self._number:
                self._join(waiting, newest)
                waiting, rows = SpillPartitions(), 0
        self._join(waiting, newest)
        return newest

    def _deal(self, batch: pa.RecordBatch, heaps: SpillPartitions) -> None:
        """Put the rows that have an id onto their heaps."""
        if batch.column("id").null_count:
            batch = batch.filter(batch.column("id").is_valid())
        heaps.deal(batch, heap_of(batch.column("id"), self._number))

    def _join(self, records: SpillPartitions, partitions: SpillPartitions) -> None:
        for heap in records.numbers():
            mine, theirs = self._heaps.read(heap), records.read(heap)
            if mine is None or theirs is None:
                continue
            backwards = pa.array(np.arange(theirs.num_rows)[::-1])  # the first that is found is the last that came
            match = pc.index_in(mine.column("id"), value_set=theirs.column("id").take(backwards))
            taken = backwards.take(match.drop_null())
            rows = mine.column("row").filter(match.is_valid())
            values = {name: theirs.column(name).take(taken) for name in theirs.schema.names if name != "id"}
            partitions.deal(pa.RecordBatch.from_pydict({"row": rows, **values}), block_of(rows.to_numpy()))
