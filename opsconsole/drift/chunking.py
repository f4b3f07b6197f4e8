"""Counting chunks into sketches in one pass over the files, whichever way their rows are spread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from opsconsole.drift.data.batches import outcome_column, with_column
from opsconsole.drift.data.production import Production, as_text
from opsconsole.drift.data.sources import DataFile, Source
from opsconsole.drift.data.windows import Window
from opsconsole.drift.facts import Effect, fits
from opsconsole.drift.fitted import Fitted
from opsconsole.drift.measures.structure import StructureTally
from opsconsole.drift.monitors import Monitor
from opsconsole.drift.performance.loss_tally import LossTally
from opsconsole.drift.sketches.layout import Layout, Tally, layout_of
from opsconsole.drift.sketches.sketch import TableSketch

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Counted:
    """What one pass over a chunk's rows tells of its columns."""

    sketch: TableSketch
    schema: dict[str, Effect]
    """The columns that are not there as the baseline knows them."""
    structure: tuple[float, float] | None
    """Mean reconstruction error and its standard error."""
    slices: dict[str, pa.Array]
    """The values of each slicing column as text, in the order of the chunk's rows in their files."""
    beyond: dict[str, int]
    """How many values lie outside each declared range."""
    losses: LossTally | None
    """The expected losses of its rows, where a regression is estimated."""


@dataclass
class _Running:
    """A chunk that is being counted."""

    tally: Tally
    structure: StructureTally | None
    losses: LossTally | None
    lost: dict[tuple[str, Effect], int] = field(default_factory=dict)
    slices: dict[str, list[pa.Array]] = field(default_factory=dict)
    beyond: dict[str, int] = field(default_factory=dict)


def count_chunks(
    monitor: Monitor,
    production: Production,
    version: int,
    reference: TableSketch,
    fitted: Fitted,
    windows: list[Window],
) -> list[Counted]:
    """Return what each window's rows hold in the layout of the version's baseline; other files are not read."""
    owner = np.full(production.rows, -1, dtype=np.int32)
    for number, window in enumerate(windows):
        owner[window.rows] = number
    layouts: Mapping[str, Layout] = {name: layout_of(sketch) for name, sketch in reference.columns.items()}
    running = [
        _Running(
            Tally(layouts),
            None if fitted.structure is None else StructureTally(fitted.structure),
            fitted.outlook.tally(),
        )
        for _ in windows
    ]
    score, label = monitor.config.score, monitor.config.label
    for file, first, after in production.spans:
        if not (owner[first:after] >= 0).any():
            continue
        lost = _lost(monitor, file, reference)
        wanted = [name for name in file.kinds if name not in lost and _needed(monitor, name, layouts)]
        place = first
        for batch in Source(file.name, (file,)).batches(wanted or [monitor.config.time]):
            until = place + batch.table.num_rows
            table = batch.table.select(wanted)
            if score in layouts:
                table = with_column(table, score, production.scores[version][place:until])
            if label is not None and label in layouts:
                outcomes = outcome_column(monitor.task, production.labels[place:until])
                table = with_column(table, label, outcomes)
            _deal(monitor, table, production.scores[version][place:until], owner[place:until], running, lost)
            place = until
    return [_counted(one) for one in running]


def _needed(monitor: Monitor, name: str, layouts: Mapping[str, Layout]) -> bool:
    """Whether a column is to be read: score and label are joined by id instead."""
    if name in monitor.outcomes:
        return False
    return name in layouts or name in monitor.config.slices or name in monitor.config.quality.ranges


def _deal(
    monitor: Monitor,
    table: pa.RecordBatch,
    scores: NDArray[Any],
    owner: NDArray[np.int32],
    running: list[_Running],
    lost: Mapping[str, Effect],
) -> None:
    """Give each chunk its rows of one batch."""
    for number in np.unique(owner[owner >= 0]).tolist():
        mine = owner == number
        part = table if mine.all() else table.filter(pa.array(mine))
        rows, one = int(mine.sum()), running[number]
        one.tally.add(part, rows)
        if one.structure is not None and part.num_columns:
            one.structure.add(part)
        if one.losses is not None:
            one.losses.add(part, scores[mine])
        for column in monitor.config.slices:
            one.slices.setdefault(column, []).append(_slice_values(part, column, rows))
        for column, (low, high) in monitor.config.quality.ranges.items():
            one.beyond[column] = one.beyond.get(column, 0) + _beyond(part, column, low, high)
        for name, effect in lost.items():
            key = name, effect
            one.lost[key] = one.lost.get(key, 0) + rows


def _slice_values(part: pa.RecordBatch, column: str, rows: int) -> pa.Array:
    return as_text(part.column(column)) if column in part.schema.names else pa.nulls(rows, pa.string())


def _beyond(part: pa.RecordBatch, column: str, low: float, high: float) -> int:
    if column not in part.schema.names:
        return 0
    values = part.column(column)
    if not (pt.is_integer(values.type) or pt.is_floating(values.type) or pt.is_decimal(values.type)):
        return 0
    floats = values.cast(pa.float64())
    return int(pc.sum(pc.or_(pc.less(floats, low), pc.greater(floats, high))).as_py() or 0)


def _lost(monitor: Monitor, file: DataFile, reference: TableSketch) -> dict[str, Effect]:
    """Return the columns of the baseline that a file lacks, or holds as another kind."""
    found: dict[str, Effect] = {}
    for name, sketch in reference.columns.items():
        if name in monitor.outcomes:
            continue
        if name not in file.kinds:
            found[name] = Effect.GONE
        elif not fits(sketch.kind, file.kinds[name], typed=file.typed):
            found[name] = Effect.TYPE_CHANGED
    return found


def _counted(one: _Running) -> Counted:
    """A column is gone from a chunk when it is from most of its rows; from fewer, what lacks it counts as missing."""
    sketch = one.tally.result()
    return Counted(
        sketch,
        {name: effect for (name, effect), rows in one.lost.items() if 2 * rows > sketch.rows},
        None if one.structure is None else one.structure.result(),
        {name: pa.concat_arrays(parts) for name, parts in one.slices.items()},
        one.beyond,
        one.losses,
    )
