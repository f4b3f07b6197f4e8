"""The layout that a reference sets for all data compared with it: quantile edges and category lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

from opsconsole.core.nouns import ColumnKind
from opsconsole.drift.sketches.cells import CellFinder, quantile_edges
from opsconsole.drift.sketches.counting import CategoryCounter, MomentCounter, NumericCounter
from opsconsole.drift.sketches.numbering import LEAST_IDENTIFIED, Numbering
from opsconsole.drift.sketches.reading import present_floats, share_with_blanks, text_lengths, value_counts, zone_of
from opsconsole.drift.sketches.sketch import EmbeddingSketch, MomentSketch, NumericSketch, Sketch, TableSketch
from opsconsole.drift.sketches.vectors import EmbeddingCounter, EmbeddingLayout, VectorSample, embedding_layout_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SAMPLE = 65_536
"""Rows that place the edges; the counts are of all rows."""
TOP_CATEGORIES = 200
KNOWN_CATEGORIES = 4_096
COUNTED_CATEGORIES = 65_536
IDENTIFYING = 0.9
"""A column with at least this share of different values in the reference names rows, or is text."""
BLANKS_LOOKED_FOR = 4_096
LONG = 20
"""Characters past which half of the values read as text, even without blanks."""
Counter = NumericCounter | CategoryCounter | MomentCounter | EmbeddingCounter


@dataclass(frozen=True)
class NumericLayout:
    """The edges of a numeric column."""

    kind: ColumnKind
    finder: CellFinder
    identifying: bool = False

    def counter(self) -> Counter:
        """Return an empty counter of this layout."""
        return NumericCounter(self.kind, self.finder, self.identifying)


@dataclass(frozen=True)
class CategoryLayout:
    """The known categories of a column, commonest first."""

    kind: ColumnKind
    categories: tuple[str, ...]
    rest: tuple[str, ...]
    complete: bool
    identifying: bool = False

    def counter(self) -> Counter:
        """Return an empty counter of this layout."""
        return CategoryCounter(self.kind, self.categories, self.rest, self.complete, self.identifying)


@dataclass(frozen=True)
class MomentLayout:
    """A datetime column: hours and weekdays are those of the reference's zone."""

    kind: ColumnKind
    zone: str | None = None

    def counter(self) -> Counter:
        """Return an empty counter of this layout."""
        return MomentCounter(self.kind, self.zone)


Layout = NumericLayout | CategoryLayout | MomentLayout | EmbeddingLayout


def layout_of(sketch: Sketch) -> Layout:
    """Return the layout that a stored sketch was counted in."""
    if isinstance(sketch, NumericSketch):
        return NumericLayout(sketch.kind, CellFinder(np.asarray(sketch.edges, dtype=np.float64)), sketch.identifying)
    if isinstance(sketch, MomentSketch):
        return MomentLayout(sketch.kind, sketch.zone)
    if isinstance(sketch, EmbeddingSketch):
        return embedding_layout_of(sketch)
    return CategoryLayout(sketch.kind, sketch.categories, sketch.rest, sketch.complete, sketch.identifying)


def lay_out(batches: Iterable[pa.RecordBatch], kinds: Mapping[str, ColumnKind | None]) -> dict[str, Layout]:
    """Return the layout of each column of ``kinds`` from one pass over the reference's rows.

    A column without any value has the kind None: it is laid out as numeric without edges, so that whatever values
    turn up later lie outside.
    """
    samples = {name: _sample(kind, name) for name, kind in kinds.items()}
    picker = _Picker()
    for batch in batches:
        rows = picker.pick(batch.num_rows)
        places = {name: index for index, name in enumerate(batch.schema.names)}
        for name, sample in samples.items():
            if name in places:
                sample.add(batch.column(places[name]), rows)
    return {name: sample.layout(kinds[name] or ColumnKind.NUMERIC) for name, sample in samples.items()}


def _sample(kind: ColumnKind | None, name: str) -> _Sample:
    if kind in {ColumnKind.CATEGORICAL, ColumnKind.BOOLEAN}:
        return _CategoryCount()
    if kind is ColumnKind.EMBEDDING:
        return _Vectors()
    if kind is ColumnKind.DATETIME:
        return _Moments()
    return _NumberSample(name, text=kind is ColumnKind.TEXT)


def count(batches: Iterable[pa.RecordBatch], layouts: Mapping[str, Layout]) -> TableSketch:
    """Return the sketch of all rows; a column that a batch lacks counts as missing there."""
    tally = Tally(layouts)
    for batch in batches:
        tally.add(batch)
    return tally.result()


class Tally:
    """Counters for all columns, fed batch by batch."""

    def __init__(self, layouts: Mapping[str, Layout]) -> None:
        self._counters = {name: layout.counter() for name, layout in layouts.items()}
        self.rows = 0

    def add(self, batch: pa.RecordBatch, rows: int | None = None) -> None:
        """Count one batch; ``rows`` where it has no column left to tell how many there are."""
        number = batch.num_rows if rows is None else rows
        self.rows += number
        places = {name: index for index, name in enumerate(batch.schema.names)}
        for name, counter in self._counters.items():
            if name in places:
                counter.add(batch.column(places[name]))
            else:
                counter.add_missing(number)

    def result(self) -> TableSketch:
        """Return what was counted."""
        return TableSketch(self.rows, {name: counter.result() for name, counter in self._counters.items()})


class _Picker:
    """Picks the same random rows of a batch for all columns, so many that the sample stays small."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(20130101)
        self._seen = 0

    def pick(self, rows: int) -> NDArray[np.intp] | None:
        """Return row indices, or None for all rows: everything at first, then ever fewer per batch."""
        self._seen += rows
        if self._seen <= SAMPLE:
            return None
        share = SAMPLE / self._seen
        chosen: NDArray[np.intp] = np.flatnonzero(self._random.random(rows) < share)
        return chosen


class _Sample(Protocol):
    """What places a column's cells; each takes of a batch what it needs."""

    def add(self, column: pa.Array, rows: NDArray[np.intp] | None) -> None:
        """Take in one batch, of which ``rows`` were picked (None: all)."""

    def layout(self, kind: ColumnKind) -> Layout:
        """Return what was found."""


class _Moments:
    """Of moments only the zone matters: that of the first batch that has one."""

    def __init__(self) -> None:
        self._zone: str | None = None

    def add(self, column: pa.Array, rows: NDArray[np.intp] | None) -> None:
        del rows
        self._zone = self._zone or zone_of(column)

    def layout(self, kind: ColumnKind) -> Layout:
        return MomentLayout(kind, self._zone)


class _Vectors:
    """A sample of vectors has its own picker."""

    def __init__(self) -> None:
        self._sample = VectorSample()

    def add(self, column: pa.Array, rows: NDArray[np.intp] | None) -> None:
        del rows
        self._sample.add(column)

    def layout(self, kind: ColumnKind) -> Layout:
        return self._sample.layout(kind)


class _NumberSample:
    """A sample of a column's finite values (or of its texts' lengths), and its exact range."""

    def __init__(self, name: str = "", *, text: bool = False) -> None:
        self._text = text
        self._numbering = Numbering(name)
        self._parts: list[Floats] = []
        self._weights: list[float] = []
        self._minimum, self._maximum = np.inf, -np.inf

    def add(self, column: pa.Array, rows: NDArray[np.intp] | None) -> None:
        values = text_lengths(column) if self._text else present_floats(column)
        self._numbering.add(column.type, values)
        if not len(values):
            return
        low, high = float(values.min()), float(values.max())
        if np.isinf(low) or np.isinf(high):
            values = values[np.isfinite(values)]
            if not len(values):
                return
            low, high = float(values.min()), float(values.max())
        self._minimum, self._maximum = min(self._minimum, low), max(self._maximum, high)
        if rows is None:
            self._parts.append(values)
            self._weights.append(1.0)
        else:
            share = len(rows) / max(len(column), 1)
            chosen = values[rows] if len(values) == len(column) else values[rows[rows < len(values)]]
            self._parts.append(chosen)
            self._weights.append(1.0 / max(share, 1e-9))

    def layout(self, kind: ColumnKind) -> Layout:
        identifying = self._numbering.identifies(self._minimum, self._maximum, self.values) and not self._text
        return NumericLayout(kind, CellFinder(self._edges()), identifying)

    def values(self) -> Floats:
        """Return the sample."""
        return _thinned(self._parts, self._weights) if self._parts else np.empty(0)

    def _edges(self) -> Floats:
        return quantile_edges(self.values(), self._minimum, self._maximum) if self._parts else np.empty(0)


def _thinned(parts: list[Floats], weights: list[float]) -> Floats:
    """Bring parts that were sampled at different rates to the rate of the thinnest."""
    thinnest = max(weights)
    random = np.random.default_rng(20130102)
    kept = [
        part if weight >= thinnest else part[random.random(len(part)) < weight / thinnest]
        for part, weight in zip(parts, weights, strict=True)
    ]
    whole = np.concatenate(kept)
    return whole if len(whole) else np.concatenate(parts)


class _CategoryCount:
    """How often each category stood in the reference, within bounds, and how long they are where they hardly recur."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._complete = True
        self._present = 0
        self._different: float | None = None
        self._lengths = _NumberSample(text=True)
        self._blanks: list[float] = []

    def add(self, column: pa.Array, rows: NDArray[np.intp] | None) -> None:
        present = len(column) - column.null_count
        if self._different is None or self._different < IDENTIFYING:
            counted = value_counts(column)
            for name, number in counted.items():
                self._counts[name] = self._counts.get(name, 0) + number
            if 2 * len(counted) < present:
                self._present += present
                self._prune()
                return
        self._present += present
        self._lengths.add(column, rows)
        self._blanks.append(share_with_blanks(column.slice(0, BLANKS_LOOKED_FOR)))
        self._prune()

    def layout(self, kind: ColumnKind) -> Layout:
        different = len(self._counts) / max(self._present, 1) if self._different is None else self._different
        identifying = kind is ColumnKind.CATEGORICAL and self._present >= LEAST_IDENTIFIED and different >= IDENTIFYING
        if identifying and self._reads_as_text():
            return self._lengths.layout(ColumnKind.TEXT)
        ordered = [name for name, number in self._ordered() if number or kind is ColumnKind.BOOLEAN]
        complete = self._complete and len(ordered) <= KNOWN_CATEGORIES
        rest = tuple(sorted(ordered[TOP_CATEGORIES:])) if complete else ()
        return CategoryLayout(kind, tuple(ordered[:TOP_CATEGORIES]), rest, complete, identifying)

    def _reads_as_text(self) -> bool:
        """Ids are short, without blanks, or all of one length."""
        lengths = self._lengths.values()
        if not len(lengths) or lengths.min() == lengths.max():
            return False
        return bool(np.median(lengths) > LONG or np.mean(self._blanks) > 0.5)

    def _prune(self) -> None:
        """Forget rare categories when there are too many; whether they name rows is settled then."""
        if len(self._counts) > COUNTED_CATEGORIES:
            self._different = self._different or len(self._counts) / self._present
            self._complete = False
            self._counts = dict(self._ordered()[: COUNTED_CATEGORIES // 2])

    def _ordered(self) -> list[tuple[str, int]]:
        return sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
