"""Counts of single columns: immutable, addable, and without numpy, so that the console can read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from opsconsole.core.nouns import ColumnKind
from opsconsole.drift.sketches.tails import NOTHING, Tail

EXAMPLES = 16
HOURS, WEEKDAYS = 24, 7
HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
MONDAY = 3
"""1970 began on a Thursday."""
Bound = TypeVar("Bound", int, float)


@dataclass(frozen=True)
class NumericSketch:
    """Counts of a numeric (or datetime) column.

    ``cells`` has one more entry than ``edges``: below the reference's range, then ``[edge i, edge i+1)`` each, then
    above it. The last edge is the next float after the reference's maximum, so the maximum itself is in range.
    Infinite values count in the outer cells and in ``infinite``; ``minimum`` to ``m2`` are of the finite values.
    ``m2`` is the sum of squared deviations from the mean. ``below`` and ``above`` tell where the finite values of the
    outer cells lie. Where each row of the reference has another whole number that counts rows (``identifying``), they
    name rows instead of describing them.
    """

    kind: ColumnKind
    edges: tuple[float, ...]
    cells: tuple[int, ...]
    missing: int
    infinite: int
    minimum: float | None
    maximum: float | None
    mean: float
    m2: float
    below: Tail = NOTHING
    above: Tail = NOTHING
    identifying: bool = False

    @property
    def present(self) -> int:
        """How many values there are."""
        return sum(self.cells)

    @property
    def rows(self) -> int:
        """Values and missing ones together."""
        return self.present + self.missing

    @property
    def finite(self) -> int:
        """How many finite values there are."""
        return self.present - self.infinite

    @property
    def deviation(self) -> float:
        """The standard deviation of the finite values (population)."""
        return float((self.m2 / self.finite) ** 0.5) if self.finite > 0 else 0.0

    def merge(self, other: NumericSketch) -> NumericSketch:
        """Return the sketch of both sets of rows; ValueError for another layout.

        The mean and m2 are merged after Chan, Golub and LeVeque 1979.
        """
        if (self.kind, self.edges) != (other.kind, other.edges):
            raise ValueError("sketches of different layouts cannot be merged")
        mine, theirs = self.finite, other.finite
        total = mine + theirs
        delta = other.mean - self.mean if mine and theirs else 0.0
        mean = other.mean if not mine else self.mean + (delta * theirs / total if theirs else 0.0)
        return NumericSketch(
            kind=self.kind,
            edges=self.edges,
            cells=tuple(a + b for a, b in zip(self.cells, other.cells, strict=True)),
            missing=self.missing + other.missing,
            infinite=self.infinite + other.infinite,
            minimum=least(self.minimum, other.minimum),
            maximum=most(self.maximum, other.maximum),
            mean=mean,
            m2=self.m2 + other.m2 + (delta * delta * mine * theirs / total if total else 0.0),
            below=self.below.merge(other.below),
            above=self.above.merge(other.above),
            identifying=self.identifying,
        )


@dataclass(frozen=True)
class CategorySketch:
    """Counts of a categorical or boolean column.

    ``categories`` are the reference's commonest, ``rest`` its other ones (counted together in ``other``). What the
    reference never held is ``unseen``; of those the alphabetically first are kept by name in ``examples``. When the
    reference held too many categories to remember (``complete`` is false) nothing can be called unseen. Where nearly
    every value was another one (``identifying``), they name rows instead of describing them.
    """

    kind: ColumnKind
    categories: tuple[str, ...]
    rest: tuple[str, ...]
    complete: bool
    counts: tuple[int, ...]
    other: int
    unseen: int
    examples: tuple[tuple[str, int], ...]
    missing: int
    identifying: bool = False

    @property
    def present(self) -> int:
        """How many values there are."""
        return sum(self.counts) + self.other + self.unseen

    @property
    def rows(self) -> int:
        """Values and missing ones together."""
        return self.present + self.missing

    def merge(self, other: CategorySketch) -> CategorySketch:
        """Return the sketch of both sets of rows together; ValueError for another layout."""
        mine = (self.kind, self.categories, self.rest, self.complete)
        if mine != (other.kind, other.categories, other.rest, other.complete):
            raise ValueError("sketches of different layouts cannot be merged")
        examples = dict(self.examples)
        for name, count in other.examples:
            examples[name] = examples.get(name, 0) + count
        return CategorySketch(
            kind=self.kind,
            categories=self.categories,
            rest=self.rest,
            complete=self.complete,
            counts=tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)),
            other=self.other + other.other,
            unseen=self.unseen + other.unseen,
            examples=first_examples(examples),
            missing=self.missing + other.missing,
            identifying=self.identifying,
        )


@dataclass(frozen=True)
class MomentSketch:
    """Counts of a datetime column: moments always move on, so what is kept is when in the day and the week they lie."""

    kind: ColumnKind
    hours: tuple[int, ...]
    """24, by the wall clock of the column's zone."""
    weekdays: tuple[int, ...]
    """7, from Monday on."""
    missing: int
    first: int | None
    """The least moment, in microseconds since 1970."""
    last: int | None
    zone: str | None = None
    """Whose wall clock it is; None where the reference's moments have no zone."""

    @property
    def present(self) -> int:
        """How many values there are."""
        return sum(self.weekdays)

    @property
    def rows(self) -> int:
        """Values and missing ones together."""
        return self.present + self.missing

    @property
    def clocked(self) -> bool:
        """Whether it has times of day, rather than dates."""
        return sum(self.hours[1:]) > 0

    @property
    def days(self) -> float:
        """How many days it spans; a date stands for its whole day."""
        if self.first is None or self.last is None:
            return 0.0
        return (self.last - self.first) / DAY_US + (0 if self.clocked else 1)

    def merge(self, other: MomentSketch) -> MomentSketch:
        """Return the sketch of both sets of rows together."""
        return MomentSketch(
            kind=self.kind,
            hours=tuple(a + b for a, b in zip(self.hours, other.hours, strict=True)),
            weekdays=tuple(a + b for a, b in zip(self.weekdays, other.weekdays, strict=True)),
            missing=self.missing + other.missing,
            first=least(self.first, other.first),
            last=most(self.last, other.last),
            zone=self.zone,
        )


def first_examples(examples: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Return the alphabetically first names: unlike the commonest, those merge exactly in any order."""
    return tuple(sorted(examples.items())[:EXAMPLES])


def least(mine: Bound | None, theirs: Bound | None) -> Bound | None:
    """Return the lesser of two bounds, None being none."""
    return theirs if mine is None else mine if theirs is None else min(mine, theirs)


def most(mine: Bound | None, theirs: Bound | None) -> Bound | None:
    """Return the greater of two bounds, None being none."""
    return theirs if mine is None else mine if theirs is None else max(mine, theirs)
