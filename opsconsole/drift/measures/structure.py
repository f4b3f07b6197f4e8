"""How well rows fit the correlations among the reference's columns: reconstruction error of principal components.

Single columns may all look as before while their combinations do not. As nannyml's data reconstruction: categories are
replaced by how often the reference held them, missing values by mean or commonest value, all is standardised, and what
components with 65 % of the variance cannot give back is the row's error (its Euclidean norm).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from opsconsole.core.nouns import ColumnKind
from opsconsole.drift.kinds import as_floats
from opsconsole.drift.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

VARIANCE = 0.65
KINDS = frozenset({ColumnKind.NUMERIC, ColumnKind.BOOLEAN, ColumnKind.CATEGORICAL})
MOST_COLUMNS = 200
MOST_ROWS = 200_000
"""Reference rows that the components are fitted on; the commonest value of a category needs no more."""
KNOWN = 1_000
FARTHEST = 1e6
"""Standard deviations from the mean beyond which a value counts as so far: its square, and their sum, stay finite."""


@dataclass(frozen=True)
class Encoder:
    """Turns one column into standardised numbers."""

    name: str
    frequencies: dict[str, float] | None
    """For categories: the share of the reference's rows that each holds; None for numbers."""
    fill: float
    """What stands in for a missing value."""
    mean: float
    scale: float


@dataclass(frozen=True)
class StructureModel:
    """What was fitted on the reference."""

    encoders: tuple[Encoder, ...]
    components: tuple[tuple[float, ...], ...]
    """k × d, orthonormal rows."""


@dataclass
class StructureTally:
    """Mean and standard error of the reconstruction error, batch by batch."""

    model: StructureModel
    rows: int = 0
    _total: float = 0.0
    _squares: float = 0.0

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the rows of one batch in."""
        if batch.num_rows:
            lost = errors(self.model, batch)
            self.rows += len(lost)
            self._total += float(lost.sum())
            self._squares += float(np.square(lost).sum())  # not numpy.dot: its threads spin on a busy machine

    def result(self) -> tuple[float, float] | None:
        """Return mean and standard error; None of fewer than two rows."""
        if self.rows < 2:
            return None
        mean = self._total / self.rows
        variance = max(self._squares / self.rows - mean * mean, 0.0) * self.rows / (self.rows - 1)
        return mean, math.sqrt(variance / self.rows)


def fit(batches: Iterable[pa.RecordBatch], kinds: Mapping[str, ColumnKind | None]) -> StructureModel | None:
    """Fit on the reference; None with fewer than three usable columns, where there is nothing to hang together."""
    names = [name for name, kind in kinds.items() if kind in KINDS][:MOST_COLUMNS]
    whole = [batch.select(names) for batch in batches if set(names) <= set(batch.schema.names)]
    if len(names) < 3 or sum(batch.num_rows for batch in whole) < 10 * len(names):
        return None
    table = pa.Table.from_batches(whole)
    table = _thinned(table).combine_chunks()
    encoded = [(name, _encoder(name, table.column(name).combine_chunks())) for name in names]
    encoders = tuple(one for _, one in encoded if one is not None)
    if len(encoders) < 3:
        return None
    matrix = np.column_stack([_encoded(one, table.column(one.name).combine_chunks()) for one in encoders])
    weights, vectors = np.linalg.eigh(np.cov(matrix, rowvar=False))
    order = np.argsort(weights)[::-1]
    shares = np.cumsum(weights[order]) / weights.sum()
    kept = int(np.searchsorted(shares, VARIANCE, side="right")) + 1
    components = vectors[:, order[:kept]].T
    return StructureModel(encoders, tuple(tuple(row) for row in components.tolist()))


def errors(model: StructureModel, batch: pa.RecordBatch) -> Floats:
    """Return each row's reconstruction error; a column that is not there counts as missing."""
    names = set(batch.schema.names)
    matrix = np.column_stack(
        [
            _encoded(one, batch.column(one.name))
            if one.name in names
            else np.full(batch.num_rows, (one.fill - one.mean) / one.scale)
            for one in model.encoders
        ]
    )
    components = np.asarray(model.components)
    with one_thread():
        rest = matrix - (matrix @ components.T) @ components
    lengths: Floats = np.sqrt(np.einsum("ij,ij->i", rest, rest))
    return lengths


def _thinned(table: pa.Table) -> pa.Table:
    if table.num_rows <= MOST_ROWS:
        return table
    chosen = np.sort(np.random.default_rng(20130103).choice(table.num_rows, MOST_ROWS, replace=False))
    return table.take(pa.array(chosen))


def _encoder(name: str, column: pa.Array) -> Encoder | None:
    """Return None for a column that does not vary: it explains nothing, and standardising it would divide by zero."""
    frequencies = None
    if _is_text(column.type):
        counted = pc.value_counts(column.drop_null())
        pairs = sorted(
            zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True),
            key=lambda pair: (-pair[1], str(pair[0])),
        )
        total = sum(count for _, count in pairs)
        if not total:
            return None
        frequencies = {str(value): count / total for value, count in pairs[:KNOWN]}
        fill = pairs[0][1] / total
    else:
        numbers = _numbers(column)
        present = numbers[np.isfinite(numbers)]
        if not len(present):
            return None
        fill = float(present.mean())
    raw = _raw(frequencies, fill, column)
    scale = float(raw.std())
    return Encoder(name, frequencies, fill, float(raw.mean()), scale) if scale > 1e-12 * max(abs(fill), 1.0) else None


def _encoded(encoder: Encoder, column: pa.Array) -> Floats:
    standard = _raw(encoder.frequencies, encoder.fill, column) / encoder.scale - encoder.mean / encoder.scale
    encoded: Floats = np.clip(standard, -FARTHEST, FARTHEST)
    return encoded


def _raw(frequencies: Mapping[str, float] | None, fill: float, column: pa.Array) -> Floats:
    """Return the column as numbers without gaps; a category that the reference never held has the frequency 0."""
    if frequencies is not None:
        if not _is_text(column.type):
            return np.zeros(len(column))
        encoded = column if pt.is_dictionary(column.type) else pc.dictionary_encode(column)
        known = np.array([frequencies.get(str(value), 0.0) for value in encoded.dictionary.to_pylist()] + [fill])
        indices = encoded.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False)
        values: Floats = known[indices]
        return values
    if _is_text(column.type):
        return np.full(len(column), fill)
    numbers = _numbers(column)
    return np.where(np.isfinite(numbers), numbers, fill)


def _is_text(kind: pa.DataType) -> bool:
    value = kind.value_type if pt.is_dictionary(kind) else kind
    return bool(pt.is_string(value) or pt.is_large_string(value))


def _numbers(column: pa.Array) -> Floats:
    if pt.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pt.is_null(column.type):
        return np.full(len(column), np.nan)
    numbers: Floats = as_floats(column).to_numpy(zero_copy_only=False)
    return numbers
