"""Rows in order of time, chunk by chunk, however they are ordered in their files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from opsconsole.drift.production.reading import Production
from opsconsole.drift.production.rows import Rows, joined_rows, rows_of
from opsconsole.drift.production.spill_partitions import SpillPartitions
from opsconsole.drift.production.windows import Cut, Cutter, shown


def in_order(production: Production, rows: Iterable[Rows]) -> Iterator[tuple[Rows, list[Cut]]]:
    """Cut rows into the monitor's chunks: yield some of them with the whole windows that they fill, oldest first.

    The places of a window are those among the rows it comes with. All of them have a time.
    """
    config, zone = production.monitor.config, production.zone
    heaps, total = SpillPartitions(), 0
    parts = production.periods.parts()
    for block in rows:
        total += len(block)
        heaps.deal(block.batch(), np.searchsorted(parts, shown(block.times, zone), side="right"))
    cutter = Cutter(config.chunk, zone, config.least, total)
    waiting: list[Rows] = []
    carried = 0
    last = max(heaps.numbers(), default=0)
    for number, batch in zip(heaps.numbers(), heaps.batches(), strict=True):
        waiting.append(rows_of(batch))
        if number < last and sum(map(len, waiting)) < 2 * carried:
            continue  # what is carried is not looked at again for a few rows more
        part = joined_rows(waiting)
        if len(waiting) > 1:
            part = part.at(np.argsort(part.numbers, kind="stable"))
        windows, left = cutter.cut(part.times, last=number == last)
        yield part, windows
        waiting, carried = [part.at(left)] if len(left) else [], len(left)
