"""Columns of vectors: what a reference lays out for them, and counting them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opsconsole.core.nouns import ColumnKind
from opsconsole.drift.kinds import is_vector
from opsconsole.drift.sketches.cells import CellFinder, quantile_edges
from opsconsole.drift.sketches.counting import NumericCounter
from opsconsole.drift.sketches.embeddings import EmbeddingSketch
from opsconsole.drift.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DIRECTIONS = 4
SAMPLE_ROWS = 8_192
SAMPLE_NUMBERS = 4 << 20
"""The sample of a reference holds no more numbers than this."""
FITTED_ROWS = 1_024
LEAST_FITTED = 8
BLOCK_NUMBERS = 1 << 20
"""Vectors are worked on in blocks of about so many numbers, so that memory stays flat."""


@dataclass(frozen=True)
class EmbeddingLayout:
    """The length, the center and the directions that a reference lays out, and the edges along each direction."""

    kind: ColumnKind
    size: int
    center: Floats
    directions: Floats
    split: bool
    """Whether the rows that directions are fitted on are left out along them, see ``fits``."""
    finders: tuple[CellFinder, ...]

    def counter(self) -> EmbeddingCounter:
        """Return an empty counter of this layout."""
        return EmbeddingCounter(self)

    def project(self, vectors: Floats) -> Floats:
        """Return rows × directions, of the rows that were not fitted on.

        A row's places do not depend on the rows beside it, as they would in a matrix product.
        """
        apart = (vectors[~fits(vectors)] if self.split else vectors) - self.center
        along = [np.einsum("ij,j->i", apart, direction) for direction in self.directions]
        return np.column_stack(along) if along else np.empty((len(apart), 0))


def embedding_layout_of(sketch: EmbeddingSketch) -> EmbeddingLayout:
    """Return the layout that a stored sketch was counted in."""
    return EmbeddingLayout(
        kind=sketch.kind,
        size=sketch.size,
        center=np.asarray(sketch.center, dtype=np.float64),
        directions=np.asarray(sketch.directions, dtype=np.float64).reshape(len(sketch.directions), sketch.size),
        split=sketch.split,
        finders=tuple(CellFinder(np.asarray(one.edges, dtype=np.float64)) for one in sketch.projections),
    )


@dataclass
class EmbeddingCounter:
    """Adds up one column of vectors batch by batch."""

    layout: EmbeddingLayout
    _count: int = 0
    _wrong: int = 0
    _missing: int = 0
    _sums: Floats = field(init=False)
    _squares: Floats = field(init=False)
    _projections: tuple[NumericCounter, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._sums, self._squares = np.zeros(self.layout.size), np.zeros(self.layout.size)
        self._projections = tuple(NumericCounter(ColumnKind.NUMERIC, finder) for finder in self.layout.finders)

    def add(self, column: pa.Array) -> None:
        """Count the vectors of one batch; those of a wrong length are only counted."""
        self._missing += column.null_count
        right = 0
        for vectors in vectors_of(column, self.layout.size):
            right += len(vectors)
            apart = vectors - self.layout.center
            self._sums += apart.sum(axis=0)
            for counter, along in zip(self._projections, self.layout.project(vectors).T, strict=True):
                counter.add_values(np.ascontiguousarray(along))
            self._squares += np.multiply(apart, apart, out=apart).sum(axis=0)
        self._count += right
        self._wrong += len(column) - column.null_count - right

    def add_missing(self, rows: int) -> None:
        """Count rows of which the column is not there at all."""
        self._missing += rows

    def result(self) -> EmbeddingSketch:
        """Return what was counted."""
        return EmbeddingSketch(
            kind=self.layout.kind,
            size=self.layout.size,
            center=tuple(self.layout.center.tolist()),
            directions=tuple(tuple(row) for row in self.layout.directions.tolist()),
            split=self.layout.split,
            count=self._count,
            wrong=self._wrong,
            missing=self._missing,
            sums=tuple(self._sums.tolist()),
            squares=tuple(self._squares.tolist()),
            projections=tuple(counter.result() for counter in self._projections),
        )


class VectorSample:
    """A random sample of a reference's vectors; their length is the commonest of the first batch that has any."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(20130104)
        self._size = 0
        self._keys: Floats = np.empty(0)
        self._rows: Floats = np.empty((0, 0))

    def add(self, column: pa.Array) -> None:
        """Keep the vectors with the least random keys."""
        self._size = self._size or _commonest_length(column)
        if not self._size:
            return
        most = max(min(SAMPLE_ROWS, SAMPLE_NUMBERS // self._size), 1)
        for vectors in vectors_of(column, self._size):
            keys = self._random.random(len(vectors))
            room = most - len(self._keys)
            if room > 0:
                self._keys = np.concatenate([self._keys, keys[:room]])
                self._rows = np.concatenate([self._rows.reshape(-1, self._size), vectors[:room]])
            self._replace(keys[max(room, 0) :], vectors[max(room, 0) :])

    def _replace(self, keys: Floats, vectors: Floats) -> None:
        """Let rows with lesser keys take the places of those with the greatest."""
        if not len(keys) or keys.min() >= self._keys.max():
            return
        most = len(self._keys)
        chosen = np.argsort(np.concatenate([self._keys, keys]), kind="stable")[:most]
        new = chosen[chosen >= most] - most
        old = np.setdiff1d(np.arange(most), chosen)
        self._keys[old], self._rows[old] = keys[new], vectors[new]

    def layout(self, kind: ColumnKind) -> EmbeddingLayout:
        """Return the first principal components of the sample, and where its vectors lie along them."""
        size, rows = self._size, self._rows[np.argsort(self._keys, kind="stable")]
        if not len(rows):
            return EmbeddingLayout(kind, size, np.zeros(size), np.zeros((0, size)), False, ())  # noqa: FBT003 - a layout of nothing
        center, fitted = _short(rows.mean(axis=0)), fits(rows)
        split = bool(fitted.sum() >= LEAST_FITTED and (~fitted).any())
        directions = _short(_components((rows[fitted] if split else rows)[:FITTED_ROWS] - center))
        plain = EmbeddingLayout(kind, size, center, directions, split, ())
        along = plain.project(rows).T
        finders = tuple(CellFinder(quantile_edges(one, float(one.min()), float(one.max()))) for one in along)
        return replace(plain, finders=finders)


def vectors_of(column: pa.Array, size: int) -> Iterator[Floats]:
    """Yield the vectors of a length with finite numbers only, as rows of some matrices."""
    if not size or not is_vector(column.type):
        return
    rows = max(BLOCK_NUMBERS // size, 1)
    for start in range(0, len(column), rows):
        part = column.slice(start, rows).drop_null()
        lengths = pc.list_value_length(part)
        right = pc.equal(lengths, size)
        part = part.filter(right) if pc.any(pc.invert(right)).as_py() else part
        numbers = part.flatten().to_numpy(zero_copy_only=False).astype(np.float64, copy=False).reshape(-1, size)
        finite = np.isfinite(numbers).all(axis=1)
        yield numbers if finite.all() else numbers[finite]


def fits(vectors: Floats) -> NDArray[np.bool_]:
    """Tell the rows, one in eight by their bits, that directions are fitted on.

    Along the directions of largest spread the fitted rows themselves are spread too widely, the more so the more
    dimensions there are: held against them, rows that did not change look drifted. So neither side counts such rows.
    """
    bits = np.ascontiguousarray(vectors, dtype=np.float32).view(np.uint32).sum(axis=1, dtype=np.uint32)
    chosen: NDArray[np.bool_] = (bits * np.uint32(2_654_435_761)) >> np.uint32(29) == 0
    return chosen


def _commonest_length(column: pa.Array) -> int:
    if not is_vector(column.type):
        return 0
    lengths = pc.list_value_length(column.drop_null()).to_numpy(zero_copy_only=False)
    return int(np.bincount(lengths).argmax()) if len(lengths) else 0


def _components(rows: Floats) -> Floats:
    """Return at most four orthonormal directions, each with its largest number positive; none of zero spread."""
    gram = len(rows) < rows.shape[1]
    with one_thread():
        weights, vectors = np.linalg.eigh(rows @ rows.T if gram else rows.T @ rows)
        order = np.argsort(weights)[::-1][:DIRECTIONS]
        order = order[weights[order] > 1e-12 * max(float(weights.max()), 1e-300)]
        components = vectors[:, order].T @ rows if gram else vectors[:, order].T
    components /= np.linalg.norm(components, axis=1, keepdims=True)
    largest = np.take_along_axis(components, np.abs(components).argmax(axis=1, keepdims=True), axis=1)
    turned: Floats = components * np.sign(largest)
    return turned


def _short(numbers: Floats) -> Floats:
    """Round to single precision: the same directions, half as long to store."""
    rounded: Floats = numbers.astype(np.float32).astype(np.float64)
    return rounded
