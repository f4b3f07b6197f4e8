"""How many rows lie in each hour, day or month: known from one look at their times, to sort them with little memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from opsconsole.drift.production.spill_partitions import heaps_for
from opsconsole.drift.production.windows import UNITS, floored, shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Moments = NDArray[np.datetime64]


class Periods:
    """Counts rows by period: the unit of a chunk by time, an hour for chunks by rows."""

    def __init__(self, chunk: str) -> None:
        self._unit = chunk if chunk in UNITS else "hour"
        self._counts: dict[int, int] = {}

    def add(self, times: Moments, zone: str | None) -> None:
        """Count the times that are there."""
        there = times[~np.isnat(times)]
        if not len(there):
            return
        starts = floored(self._unit, shown(there, zone)).astype("datetime64[us]").astype(np.int64)
        periods, numbers = np.unique(starts, return_counts=True)
        for start, number in zip(periods.tolist(), numbers.tolist(), strict=True):
            self._counts[start] = self._counts.get(start, 0) + number

    def parts(self) -> Moments:
        """Return the starts of parts of whole periods with so many rows each as a heap is to hold, or one period."""
        starts: list[int] = []
        rows = 0
        for start, number in sorted(self._counts.items()):
            if not starts or heaps_for(rows + number) > 1:
                starts.append(start)
                rows = 0
            rows += number
        return np.array(starts, dtype=np.int64).astype("datetime64[us]")
