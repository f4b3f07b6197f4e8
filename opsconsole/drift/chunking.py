"""Counting chunks into sketches in one pass over the files, whichever way their rows are spread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from opsconsole.drift.baselining import with_column
from opsconsole.drift.data.production import Production
from opsconsole.drift.data.sources import DataFile, Source
from opsconsole.drift.data.windows import Window
from opsconsole.drift.monitors import Monitor
from opsconsole.drift.sketches.layout import Layout, Tally, layout_of
from opsconsole.drift.sketches.sketch import TableSketch
from opsconsole.drift.verdicts.gates import Effect
from opsconsole.drift.verdicts.words import PerformanceVerdict

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Work:
    """A chunk to be judged."""

    window: Window
    performance: PerformanceVerdict | None
    fingerprint: str


@dataclass(frozen=True)
class Counted:
    """A chunk's sketch, and the columns that are not there as the baseline knows them."""

    sketch: TableSketch
    schema: dict[str, Effect]


@dataclass
class _Running:
    """A chunk that is being counted."""

    tally: Tally
    lost: dict[tuple[str, Effect], int] = field(default_factory=dict)


def sketch_chunks(
    monitor: Monitor, production: Production, version: int, reference: TableSketch, works: list[Work]
) -> list[Counted]:
    """Return each chunk's sketch in the layout of the version's baseline; files without such rows are not read."""
    owner = np.full(production.rows, -1, dtype=np.int32)
    for number, work in enumerate(works):
        owner[work.window.rows] = number
    layouts: Mapping[str, Layout] = {name: layout_of(sketch) for name, sketch in reference.columns.items()}
    running = [_Running(Tally(layouts)) for _ in works]
    for file, first, after in production.spans:
        if not (owner[first:after] >= 0).any():
            continue
        lost = _lost(monitor, file, reference)
        wanted = [name for name in layouts if name in file.kinds and name not in lost and name != monitor.config.score]
        place = first
        for batch in Source(file.path.name, (file,)).batches(wanted or [monitor.config.time]):
            until = place + batch.table.num_rows
            table = batch.table.select(wanted)
            if monitor.config.score in layouts:
                table = with_column(table, monitor.config.score, production.scores[version][place:until])
            _deal(table, owner[place:until], running, lost)
            place = until
    return [_counted(one) for one in running]


def _deal(table: pa.RecordBatch, owner: NDArray[np.int32], running: list[_Running], lost: Mapping[str, Effect]) -> None:
    """Give each chunk its rows of one batch."""
    for number in np.unique(owner[owner >= 0]).tolist():
        mine = owner == number
        part = table if mine.all() else table.filter(pa.array(mine))
        rows = int(mine.sum())
        running[number].tally.add(part, rows)
        for name, effect in lost.items():
            key = name, effect
            running[number].lost[key] = running[number].lost.get(key, 0) + rows


def _lost(monitor: Monitor, file: DataFile, reference: TableSketch) -> dict[str, Effect]:
    """Return the columns of the baseline that a file lacks, or holds as another kind."""
    found: dict[str, Effect] = {}
    for name, sketch in reference.columns.items():
        if name == monitor.config.score:
            continue
        if name not in file.kinds:
            found[name] = Effect.GONE
        elif file.kinds[name] not in {None, sketch.kind}:
            found[name] = Effect.TYPE_CHANGED
    return found


def _counted(one: _Running) -> Counted:
    """A column is gone from a chunk when it is from most of its rows; from fewer, what lacks it counts as missing."""
    sketch = one.tally.result()
    return Counted(sketch, {name: effect for (name, effect), rows in one.lost.items() if 2 * rows > sketch.rows})
