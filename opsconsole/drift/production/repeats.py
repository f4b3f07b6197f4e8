"""How many ids stand more than once: by 64-bit hashes, eight bytes a row, of which only the equal ones are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opsconsole.drift.data.errors import shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]

WORD = 8
SLICE_ROWS = 65_536
"""So many at a time stay in the processor's cache."""
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


def repeated(ids: pa.Array) -> tuple[int, str]:
    """Return how many rows have the id of an earlier one, and one such id; rows without an id do not count."""
    present = ids.drop_null() if ids.null_count else ids
    hashes = hashes_of(present)
    ordered = np.sort(hashes)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(twice):
        return 0, ""
    alike = present.filter(pa.array(np.isin(hashes, twice)))
    counted = pa.table({"id": alike}).group_by("id", use_threads=False).aggregate([("id", "count")])
    several = counted.filter(pc.greater(counted.column("id_count"), 1))
    more = int(pc.sum(several.column("id_count")).as_py() or 0) - several.num_rows
    if not more:
        return 0, ""
    return more, shown(several.column("id")[0])


def hashes_of(ids: pa.Array) -> Hashes:
    """Return a hash of each text; none is null."""
    parts = [_hashed(ids.slice(first, SLICE_ROWS)) for first in range(0, len(ids), SLICE_ROWS)]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.uint64)


def _hashed(ids: pa.Array) -> Hashes:
    """Mix the words of eight bytes of each text one after the other."""
    _, places, text = ids.buffers()
    offsets = np.frombuffer(places, dtype=np.int32)[ids.offset : ids.offset + len(ids) + 1]
    first, last = int(offsets[0]), int(offsets[-1])
    data = np.zeros(last - first + WORD, dtype=np.uint8)
    if last > first:
        data[:-WORD] = np.frombuffer(text, dtype=np.uint8)[first:last]
    words = np.lib.stride_tricks.sliding_window_view(data, WORD)
    starts, lengths = offsets[:-1] - first, np.diff(offsets)
    hashes: Hashes = lengths.astype(np.uint64)
    live, at = np.flatnonzero(lengths > 0), 0
    while len(live):
        word = words[starts[live] + at].reshape(-1).view(np.uint64)
        left = lengths[live] - at
        ends = np.flatnonzero(left < WORD)
        word[ends] &= (np.uint64(1) << (left[ends] * 8).astype(np.uint64)) - np.uint64(1)
        mixed = (hashes[live] ^ word) * _FACTOR
        hashes[live] = mixed ^ (mixed >> _SHIFT)
        live, at = live[left > WORD], at + WORD
    return hashes
