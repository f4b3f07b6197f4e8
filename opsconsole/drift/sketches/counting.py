"""Counting rows into sketches: the hot path, one pass over batches of columns with numpy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from opsconsole.core.nouns import ColumnKind
from opsconsole.drift.sketches.cells import CellFinder
from opsconsole.drift.sketches.columns import (
    HOUR_US,
    HOURS,
    MONDAY,
    WEEKDAYS,
    CategorySketch,
    MomentSketch,
    NumericSketch,
    first_examples,
    least,
    most,
)
from opsconsole.drift.sketches.reading import moments_us, present_floats, text_lengths, value_counts
from opsconsole.drift.sketches.tails import NOTHING, Tail

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

EXAMPLES_KEPT = 4_096
TAIL_BLOCK = 4_096
"""Values outside the range that are summed up at once, whatever the batches were."""


class _TailCounter:
    """Sums up values outside the reference's range, block by block, so that batches leave no trace."""

    def __init__(self) -> None:
        self._tail: Tail = NOTHING
        self._waiting: list[Floats] = []
        self._number = 0

    def add(self, values: Floats) -> None:
        """Take values in; infinite ones are counted elsewhere."""
        finite = values[np.isfinite(values)]
        self._waiting.append(finite)
        self._number += len(finite)
        if self._number < TAIL_BLOCK:
            return
        held = np.concatenate(self._waiting)
        whole = len(held) - len(held) % TAIL_BLOCK
        for start in range(0, whole, TAIL_BLOCK):
            self._tail = self._tail.with_values(np.sort(held[start : start + TAIL_BLOCK]).tolist())
        self._waiting, self._number = [held[whole:]], len(held) - whole

    def result(self) -> Tail:
        """Return what was summed up."""
        rest = np.sort(np.concatenate(self._waiting)) if self._waiting else np.empty(0)
        return self._tail.with_values(rest.tolist())


@dataclass
class NumericCounter:
    """Adds up one numeric column batch by batch, or the lengths of texts."""

    kind: ColumnKind
    finder: CellFinder
    identifying: bool = False
    _cells: NDArray[np.int64] = field(init=False)
    _missing: int = 0
    _infinite: int = 0
    _minimum: float = np.inf
    _maximum: float = -np.inf
    _finite: int = 0
    _mean: float = 0.0
    _m2: float = 0.0
    _below: _TailCounter = field(init=False)
    _above: _TailCounter = field(init=False)

    def __post_init__(self) -> None:
        self._cells = np.zeros(len(self.finder.edges) + 1, dtype=np.int64)
        self._below, self._above = _TailCounter(), _TailCounter()

    def add(self, column: pa.Array) -> None:
        """Count the values of one batch."""
        values = text_lengths(column) if self.kind is ColumnKind.TEXT else present_floats(column)
        self._missing += len(column) - len(values)
        self.add_values(values)

    def add_values(self, values: Floats) -> None:
        """Count values of which none is NaN."""
        if not len(values):
            return
        counts = self.finder.count(values)
        self._cells += counts
        self._outside(values, counts)
        self._moments(values)

    def add_missing(self, rows: int) -> None:
        """Count rows of which the column is not there at all."""
        self._missing += rows

    def result(self) -> NumericSketch:
        """Return what was counted."""
        return NumericSketch(
            kind=self.kind,
            edges=tuple(self.finder.edges.tolist()),
            cells=tuple(self._cells.tolist()),
            missing=self._missing,
            infinite=self._infinite,
            minimum=self._minimum if self._finite else None,
            maximum=self._maximum if self._finite else None,
            mean=self._mean,
            m2=self._m2,
            below=self._below.result(),
            above=self._above.result(),
            identifying=self.identifying,
        )

    def _outside(self, values: Floats, counts: NDArray[np.intp]) -> None:
        cuts = self.finder.cuts
        if not len(cuts):
            self._below.add(values)
            return
        if counts[0]:
            self._below.add(values[values < cuts[0]])
        if counts[-1]:
            self._above.add(values[values >= cuts[-1]])

    def _moments(self, values: Floats) -> None:
        low, high = float(values.min()), float(values.max())
        if np.isinf(low) or np.isinf(high):
            finite = values[np.isfinite(values)]
            self._infinite += len(values) - len(finite)
            values = finite
            if not len(values):
                return
            low, high = float(values.min()), float(values.max())
        self._minimum, self._maximum = min(self._minimum, low), max(self._maximum, high)
        count = len(values)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(values.mean())
            deviations = values - mean  # not numpy.dot: the threads of its library spin on a busy machine
            m2 = float(np.multiply(deviations, deviations, out=deviations).sum())
            total = self._finite + count
            if self._finite:
                delta = mean - self._mean
                m2 += self._m2 + delta * delta * self._finite * count / total
                mean = self._mean + delta * count / total
        self._mean, self._m2, self._finite = mean, m2, total


@dataclass
class CategoryCounter:
    """Adds up one categorical column batch by batch, in the layout of the reference."""

    kind: ColumnKind
    categories: tuple[str, ...]
    rest: tuple[str, ...]
    complete: bool
    identifying: bool = False
    _places: dict[str, int] = field(init=False)
    _counts: list[int] = field(init=False)
    _examples: dict[str, int] = field(default_factory=dict)
    _unseen: int = 0
    _missing: int = 0

    def __post_init__(self) -> None:
        others = len(self.categories)
        self._places = {name: index for index, name in enumerate(self.categories)}
        self._places |= dict.fromkeys(self.rest, others)
        self._counts = [0] * (others + 1)

    def add(self, column: pa.Array) -> None:
        """Count the values of one batch."""
        self._missing += column.null_count
        for name, count in value_counts(column).items():
            place = self._places.get(name, -1 if self.complete else len(self.categories))
            if place >= 0:
                self._counts[place] += count
                continue
            self._unseen += count
            self._examples[name] = self._examples.get(name, 0) + count
        if len(self._examples) > EXAMPLES_KEPT:
            self._examples = dict(first_examples(self._examples))

    def add_missing(self, rows: int) -> None:
        """Count rows of which the column is not there at all."""
        self._missing += rows

    def result(self) -> CategorySketch:
        """Return what was counted."""
        return CategorySketch(
            kind=self.kind,
            categories=self.categories,
            rest=self.rest,
            complete=self.complete,
            counts=tuple(self._counts[:-1]),
            other=self._counts[-1],
            unseen=self._unseen,
            examples=first_examples(self._examples),
            missing=self._missing,
            identifying=self.identifying,
        )


@dataclass
class MomentCounter:
    """Adds up one datetime column batch by batch."""

    kind: ColumnKind
    zone: str | None = None
    """The reference's; moments of other zones are looked at by its clock."""
    _hours: NDArray[np.int64] = field(default_factory=lambda: np.zeros(HOURS, dtype=np.int64))
    _weekdays: NDArray[np.int64] = field(default_factory=lambda: np.zeros(WEEKDAYS, dtype=np.int64))
    _missing: int = 0
    _first: int | None = None
    _last: int | None = None

    def add(self, column: pa.Array) -> None:
        """Count the moments of one batch."""
        moments = moments_us(column, self.zone)
        self._missing += len(column) - len(moments)
        if not len(moments):
            return
        hours = moments // HOUR_US
        self._hours += np.bincount(hours % HOURS, minlength=HOURS)
        self._weekdays += np.bincount((hours // HOURS + MONDAY) % WEEKDAYS, minlength=WEEKDAYS)
        self._first, self._last = least(self._first, int(moments.min())), most(self._last, int(moments.max()))

    def add_missing(self, rows: int) -> None:
        """Count rows of which the column is not there at all."""
        self._missing += rows

    def result(self) -> MomentSketch:
        """Return what was counted."""
        return MomentSketch(
            kind=self.kind,
            hours=tuple(self._hours.tolist()),
            weekdays=tuple(self._weekdays.tolist()),
            missing=self._missing,
            first=self._first,
            last=self._last,
            zone=self.zone,
        )
