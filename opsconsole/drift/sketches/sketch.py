"""Mergeable summaries of columns: small, immutable, and addable, so that days sum to weeks and months.

A sketch counts values in the cells that its *reference* laid out, so two sketches of one layout can be merged,
subtracted in thought, and compared without going back to the rows. No numpy here: the console may read them.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from opsconsole.ground.nouns import ColumnKind

FORMAT = 1
EXAMPLES = 16


@dataclass(frozen=True)
class NumericSketch:
    """Counts of a numeric (or datetime) column.

    ``cells`` has one more entry than ``edges``: below the reference's range, then ``[edge i, edge i+1)`` each, then
    above it. The last edge is the next float after the reference's maximum, so the maximum itself is in range.
    Infinite values count in the outer cells and in ``infinite``; ``minimum`` to ``m2`` are of the finite values.
    ``m2`` is the sum of squared deviations from the mean.
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

    @property
    def present(self) -> int:
        """How many values there are."""
        return sum(self.cells)

    @property
    def rows(self) -> int:
        """Values and missing ones together."""
        return self.present + self.missing

    @property
    def deviation(self) -> float:
        """The standard deviation of the finite values (population)."""
        finite = self.present - self.infinite
        return float((self.m2 / finite) ** 0.5) if finite > 0 else 0.0

    def merge(self, other: NumericSketch) -> NumericSketch:
        """Return the sketch of both sets of rows together (mean and m2 after Chan, Golub and LeVeque 1979)."""
        if (self.kind, self.edges) != (other.kind, other.edges):
            raise ValueError("sketches of different layouts cannot be merged")
        mine, theirs = self.present - self.infinite, other.present - other.infinite
        total = mine + theirs
        delta = other.mean - self.mean if mine and theirs else 0.0
        mean = other.mean if not mine else self.mean + (delta * theirs / total if theirs else 0.0)
        return NumericSketch(
            kind=self.kind,
            edges=self.edges,
            cells=tuple(a + b for a, b in zip(self.cells, other.cells, strict=True)),
            missing=self.missing + other.missing,
            infinite=self.infinite + other.infinite,
            minimum=_least(self.minimum, other.minimum),
            maximum=_most(self.maximum, other.maximum),
            mean=mean,
            m2=self.m2 + other.m2 + (delta * delta * mine * theirs / total if total else 0.0),
        )


@dataclass(frozen=True)
class CategorySketch:
    """Counts of a categorical or boolean column.

    ``categories`` are the reference's commonest, ``rest`` its other ones (counted together in ``other``). What the
    reference never held is ``unseen``; of those the alphabetically first are kept by name in ``examples``. When the
    reference held too many categories to remember (``complete`` is false) nothing can be called unseen.
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

    @property
    def present(self) -> int:
        """How many values there are."""
        return sum(self.counts) + self.other + self.unseen

    @property
    def rows(self) -> int:
        """Values and missing ones together."""
        return self.present + self.missing

    def merge(self, other: CategorySketch) -> CategorySketch:
        """Return the sketch of both sets of rows together."""
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
        )


Sketch = NumericSketch | CategorySketch


@dataclass(frozen=True)
class TableSketch:
    """The sketches of all columns of the same rows."""

    rows: int
    columns: Mapping[str, Sketch]

    def merge(self, other: TableSketch) -> TableSketch:
        """Return the sketch of both sets of rows; the columns must be the same."""
        if list(self.columns) != list(other.columns):
            raise ValueError("sketches of different columns cannot be merged")
        return TableSketch(
            self.rows + other.rows, {name: merged(mine, other.columns[name]) for name, mine in self.columns.items()}
        )

    def encode(self) -> bytes:
        """Return compact bytes; the same sketch gives the same bytes."""
        document = _Document(
            format=FORMAT,
            rows=self.rows,
            order=list(self.columns),
            numeric={name: one for name, one in self.columns.items() if isinstance(one, NumericSketch)},
            categorical={name: one for name, one in self.columns.items() if isinstance(one, CategorySketch)},
        )
        return zlib.compress(msgspec.msgpack.encode(document), 6)


class _Document(msgspec.Struct):
    format: int
    rows: int
    order: list[str]
    numeric: dict[str, NumericSketch]
    categorical: dict[str, CategorySketch]


def decode(data: bytes) -> TableSketch:
    """Read what ``TableSketch.encode`` wrote; ValueError for anything else."""
    try:
        document = msgspec.msgpack.decode(zlib.decompress(data), type=_Document)
    except (zlib.error, msgspec.DecodeError) as error:
        raise ValueError(f"not a stored sketch: {error}") from error
    if document.format != FORMAT:
        raise ValueError(f"a sketch of format {document.format}; this program reads {FORMAT}")
    columns: dict[str, Sketch] = {**document.numeric, **document.categorical}
    return TableSketch(document.rows, {name: columns[name] for name in document.order})


def merged(mine: Sketch, theirs: Sketch) -> Sketch:
    """Merge two sketches of one layout, whichever their kind."""
    if isinstance(mine, NumericSketch) and isinstance(theirs, NumericSketch):
        return mine.merge(theirs)
    if isinstance(mine, CategorySketch) and isinstance(theirs, CategorySketch):
        return mine.merge(theirs)
    raise ValueError("sketches of different kinds cannot be merged")


def first_examples(found: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Return the alphabetically first names: unlike the commonest, those merge exactly in any order."""
    return tuple(sorted(found.items())[:EXAMPLES])


def _least(mine: float | None, theirs: float | None) -> float | None:
    return theirs if mine is None else mine if theirs is None else min(mine, theirs)


def _most(mine: float | None, theirs: float | None) -> float | None:
    return theirs if mine is None else mine if theirs is None else max(mine, theirs)
