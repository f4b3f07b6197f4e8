"""What a reference lays out for all data that will be compared with it: quantile edges and category lists."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from opsconsole.drift.sketches.counting import (
    CategoryCounter,
    CellFinder,
    Counter,
    NumericCounter,
    present_floats,
    value_counts,
)
from opsconsole.drift.sketches.sketch import NumericSketch, Sketch, TableSketch
from opsconsole.ground.nouns import ColumnKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_EDGES = 256
SAMPLE = 65_536
"""Rows that place the edges; the counts are of all rows."""
TOP_CATEGORIES = 200
KNOWN_CATEGORIES = 4_096
COUNTED_CATEGORIES = 65_536


@dataclass(frozen=True)
class NumericLayout:
    """The edges of a numeric column."""

    kind: ColumnKind
    finder: CellFinder

    def counter(self) -> Counter:
        """Return an empty counter of this layout."""
        return NumericCounter(self.kind, self.finder)


@dataclass(frozen=True)
class CategoryLayout:
    """The known categories of a column, commonest first."""

    kind: ColumnKind
    categories: tuple[str, ...]
    rest: tuple[str, ...]
    complete: bool

    def counter(self) -> Counter:
        """Return an empty counter of this layout."""
        return CategoryCounter(self.kind, self.categories, self.rest, self.complete)


Layout = NumericLayout | CategoryLayout


def layout_of(sketch: Sketch) -> Layout:
    """Return the layout that a stored sketch was counted in."""
    if isinstance(sketch, NumericSketch):
        return NumericLayout(sketch.kind, CellFinder(np.asarray(sketch.edges, dtype=np.float64)))
    return CategoryLayout(sketch.kind, sketch.categories, sketch.rest, sketch.complete)


def lay_out(batches: Iterable[pa.RecordBatch], kinds: Mapping[str, ColumnKind | None]) -> dict[str, Layout]:
    """Return the layout of each column of ``kinds`` from one pass over the reference's rows.

    A column without any value has the kind None: it is laid out as numeric without edges, so that whatever values
    turn up later lie outside.
    """
    numbers = {name: _NumberSample() for name, kind in kinds.items() if kind is ColumnKind.NUMERIC}
    names = {
        name: _CategoryCount() for name, kind in kinds.items() if kind in {ColumnKind.CATEGORICAL, ColumnKind.BOOLEAN}
    }
    picker = _Picker()
    for batch in batches:
        rows = picker.pick(batch.num_rows)
        for name, sample in numbers.items():
            if name in batch.schema.names:
                sample.add(batch.column(name), rows)
        for name, counted in names.items():
            if name in batch.schema.names:
                counted.add(batch.column(name))
    layouts: dict[str, Layout] = {}
    for name, kind in kinds.items():
        if name in names:
            layouts[name] = names[name].layout(kind or ColumnKind.CATEGORICAL)
        else:
            edges = numbers[name].edges() if name in numbers else np.empty(0)
            layouts[name] = NumericLayout(kind or ColumnKind.NUMERIC, CellFinder(edges))
    return layouts


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


def quantile_edges(sample: Floats, minimum: float, maximum: float) -> Floats:
    """Return at most 256 increasing edges: quantiles of the finite ``sample``, closed just above ``maximum``."""
    ordered = np.sort(sample)
    places = np.linspace(0, len(ordered) - 1, MOST_EDGES - 2).astype(np.intp)
    closing = math.nextafter(maximum, math.inf)
    return np.unique(np.concatenate(([minimum], ordered[places], [closing])))


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


class _NumberSample:
    """A sample of a column's finite values, and its exact range."""

    def __init__(self) -> None:
        self._parts: list[Floats] = []
        self._weights: list[float] = []
        self._minimum, self._maximum = np.inf, -np.inf

    def add(self, column: pa.Array, rows: NDArray[np.intp] | None) -> None:
        values = present_floats(column)
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

    def edges(self) -> Floats:
        if not self._parts:
            return np.empty(0)
        return quantile_edges(_thinned(self._parts, self._weights), self._minimum, self._maximum)


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
    """How often each category stood in the reference, within bounds."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._complete = True

    def add(self, column: pa.Array) -> None:
        for name, number in value_counts(column).items():
            self._counts[name] = self._counts.get(name, 0) + number
        if len(self._counts) > COUNTED_CATEGORIES:
            self._complete = False
            self._counts = dict(self._ordered()[: COUNTED_CATEGORIES // 2])

    def layout(self, kind: ColumnKind) -> CategoryLayout:
        ordered = [name for name, number in self._ordered() if number or kind is ColumnKind.BOOLEAN]
        complete = self._complete and len(ordered) <= KNOWN_CATEGORIES
        rest = tuple(sorted(ordered[TOP_CATEGORIES:])) if complete else ()
        return CategoryLayout(kind, tuple(ordered[:TOP_CATEGORIES]), rest, complete)

    def _ordered(self) -> list[tuple[str, int]]:
        return sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
