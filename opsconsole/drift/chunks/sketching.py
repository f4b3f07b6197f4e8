"""Counting chunks into sketches in one pass over the files, however their rows are distributed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opsconsole.core.nouns import ColumnKind
from opsconsole.drift.data.sources import DataError, DataFile, Source
from opsconsole.drift.facts.column import Effect, fits
from opsconsole.drift.facts.reference import Fitted
from opsconsole.drift.kinds import as_floats, kind_of
from opsconsole.drift.measures.structure import StructureTally
from opsconsole.drift.monitors import Monitor
from opsconsole.drift.performance.estimates.loss_tally import LossTally
from opsconsole.drift.production.batches import outcome_column, with_column
from opsconsole.drift.production.outcomes import as_text, joined
from opsconsole.drift.production.owners import Owned, Owners
from opsconsole.drift.production.reading import Production
from opsconsole.drift.sketches.layout import Layout, Tally, layout_of
from opsconsole.drift.sketches.sketch import TableSketch

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_AT_ONCE = 1024
"""Chunks that are counted at a time; where rows are in no order of time, more than so many take several passes."""
MOST_SLICED = 1 << 22
"""Rows of the chunks that are counted at a time, where slices are watched: what they hold is kept until then."""


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
    labels: NDArray[Any]
    """Of the same rows; empty where nothing is sliced."""
    scores: NDArray[Any]
    """Of the same rows; empty where nothing is sliced."""
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
    rows: int = 0
    lost: dict[tuple[str, Effect], int] = field(default_factory=dict)
    slices: dict[str, list[pa.Array]] = field(default_factory=dict)
    sliced: list[Owned] = field(default_factory=list)
    beyond: dict[str, int] = field(default_factory=dict)


def count_chunks(
    monitor: Monitor, production: Production, reference: TableSketch, fitted: Fitted, owners: Owners
) -> Iterator[tuple[int, Counted]]:
    """Yield each chunk's number with what its rows hold in the layout of the baseline, as soon as all were read.

    Files without a row of any chunk are not read.
    """
    counting = _Counting(monitor, reference, fitted, owners)
    while counting.left:
        yield from counting.run(production)


class _Counting:
    """Counts chunks, so many at once as memory is to hold."""

    def __init__(self, monitor: Monitor, reference: TableSketch, fitted: Fitted, owners: Owners) -> None:
        self.monitor, self.reference, self.fitted, self.owners = monitor, reference, fitted, owners
        self.layouts: Mapping[str, Layout] = {name: layout_of(sketch) for name, sketch in reference.columns.items()}
        texts = {
            name for name, one in reference.columns.items() if one.kind in {ColumnKind.CATEGORICAL, ColumnKind.TEXT}
        }
        self.texts = texts | (set(monitor.config.slices) - set(reference.columns))
        self.flags = {name for name, one in reference.columns.items() if one.kind is ColumnKind.BOOLEAN}
        self.left = set(range(len(owners.sizes)))
        self.running: dict[int, _Running] = {}
        self.later: set[int] = set()
        """Chunks of which rows were passed over, because too many others were being counted."""

    def run(self, production: Production) -> Iterator[tuple[int, Counted]]:
        """Read the files once; what is not counted after that is still ``left``."""
        for file, first, after in production.spans:
            if not self.owners.chunks(first, after).isdisjoint(self.left):
                yield from self._file(file, first, after)
        self.left, self.later = self.later, set()

    def _file(self, file: DataFile, first: int, after: int) -> Iterator[tuple[int, Counted]]:
        monitor, layouts = self.monitor, self.layouts
        file = file.as_text(self.texts).as_flags(self.flags)
        lost = _lost(monitor, file, self.reference)
        wanted = [name for name in file.kinds if name not in lost and _needed(monitor, name, layouts)]
        place = first
        for batch in Source(file.name, (file,)).batches(wanted or list(file.kinds)[:1]):
            until = place + batch.table.num_rows
            if until > after:
                raise _changed(file)
            owned = self.owners.of(place, until)
            place = until
            table = batch.table.select(wanted)
            if monitor.config.score in layouts:
                table = with_column(table, monitor.config.score, owned.scores)
            if monitor.config.label is not None and monitor.config.label in layouts:
                table = with_column(table, monitor.config.label, outcome_column(monitor.task, owned.labels))
            yield from self._deal(table, owned, lost)
        if place < after:
            raise _changed(file)

    def _deal(self, table: pa.RecordBatch, owned: Owned, lost: Mapping[str, Effect]) -> Iterator[tuple[int, Counted]]:
        """Give each chunk its rows of one batch."""
        for number in np.unique(owned.chunks[owned.chunks >= 0]).tolist():
            if not self._begun(number):
                continue
            mine = owned.chunks == number
            part, its = (table, owned) if mine.all() else (table.filter(pa.array(mine)), owned.at(mine))
            self._add(self.running[number], part, its, lost)
            if self.running[number].rows == self.owners.sizes[number]:
                yield number, self._counted(number)

    def _begun(self, number: int) -> bool:
        """Whether a chunk is counted in this pass: not if too many others are when its first row comes."""
        if number in self.running:
            return True
        if number not in self.left or number in self.later:
            return False
        sliced = sum(self.owners.sizes[one] for one in self.running) if self.monitor.config.slices else 0
        if len(self.running) >= MOST_AT_ONCE or sliced > MOST_SLICED:
            self.later.add(number)
            return False
        structure = None if self.fitted.structure is None else StructureTally(self.fitted.structure)
        self.running[number] = _Running(Tally(self.layouts), structure, self.fitted.outlook.tally())
        return True

    def _add(self, one: _Running, part: pa.RecordBatch, owned: Owned, lost: Mapping[str, Effect]) -> None:
        config, rows = self.monitor.config, len(owned.chunks)
        one.rows += rows
        one.tally.add(part, rows)
        if one.structure is not None and part.num_columns:
            one.structure.add(part)
        if one.losses is not None:
            one.losses.add(part, owned.scores)
        for column in config.slices:
            one.slices.setdefault(column, []).append(_slice_values(part, column, rows))
        if config.slices:
            one.sliced.append(owned)
        for column, (low, high) in config.quality.ranges.items():
            one.beyond[column] = one.beyond.get(column, 0) + _beyond(part, column, low, high)
        for name, effect in lost.items():
            key = name, effect
            one.lost[key] = one.lost.get(key, 0) + rows

    def _counted(self, number: int) -> Counted:
        """A column is gone from a chunk when it is from most of its rows; from fewer, what lacks it counts as missing."""
        one = self.running.pop(number)
        self.left.discard(number)
        sketch = one.tally.result()
        return Counted(
            sketch,
            {name: effect for (name, effect), rows in one.lost.items() if 2 * rows > sketch.rows},
            None if one.structure is None else one.structure.result(),
            {name: pa.concat_arrays(parts) for name, parts in one.slices.items()},
            joined(self.monitor, [part.labels for part in one.sliced]),
            joined(self.monitor, [part.scores for part in one.sliced]),
            one.beyond,
            one.losses,
        )


def _changed(file: DataFile) -> DataError:
    return DataError(f"{file.name}: changed while it was read", hint="check again when it is written")


def _needed(monitor: Monitor, name: str, layouts: Mapping[str, Layout]) -> bool:
    """Whether a column is to be read: score and label are joined by id instead."""
    if name in monitor.outcomes:
        return False
    return name in layouts or name in monitor.config.slices or name in monitor.config.quality.ranges


def _slice_values(part: pa.RecordBatch, column: str, rows: int) -> pa.Array:
    return as_text(part.column(column)) if column in part.schema.names else pa.nulls(rows, pa.string())


def _beyond(part: pa.RecordBatch, column: str, low: float, high: float) -> int:
    if column not in part.schema.names:
        return 0
    values = part.column(column)
    if kind_of(values.type) is not ColumnKind.NUMERIC:
        return 0
    floats = as_floats(values)
    return int(pc.sum(pc.or_(pc.less(floats, low), pc.greater(floats, high))).as_py() or 0)


def _lost(monitor: Monitor, file: DataFile, reference: TableSketch) -> dict[str, Effect]:
    """Return the columns of the baseline that a file lacks, or holds as another kind."""
    effects: dict[str, Effect] = {}
    for name, sketch in reference.columns.items():
        if name in monitor.outcomes:
            continue
        if name not in file.kinds:
            effects[name] = Effect.GONE
        elif not fits(sketch.kind, file.kinds[name], typed=file.typed):
            effects[name] = Effect.TYPE_CHANGED
    return effects
