"""How much a column matters: the part of the score it explains, and whether its drift correlates with a decline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from opsconsole.core.nouns import ColumnKind
from opsconsole.drift.sketches.reading import present_floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 20
KINDS = frozenset({ColumnKind.NUMERIC, ColumnKind.BOOLEAN, ColumnKind.CATEGORICAL})
"""Columns that are asked; moments, texts and vectors explain nothing by a few groups."""
LEAST_CHUNKS = 4
"""Fewer labelled chunks give no correlation that means anything."""


def importance(column: pa.Array, scores: NDArray[Any]) -> float:
    """Return the share of the score's spread that a column explains alone, 0 to 1.

    The correlation ratio η² (Fisher 1925) over twenty quantile bins or the categories, missing a group of its own; for
    a predicted class the squared Cramér's V. No model is asked, so it needs none to be loaded.
    """
    groups = _groups(column)
    if scores.dtype == object:
        there = np.array([score is not None for score in scores], dtype=np.bool_)
        return _cramer(groups[there], scores[there].astype(str))
    there = np.isfinite(scores)
    groups, values = groups[there], scores[there].astype(np.float64)
    if len(values) < 2 or not (spread := float(values.var())):
        return 0.0
    sizes = np.bincount(groups)
    sums = np.bincount(groups, weights=values)
    filled = sizes > 0
    between = float(np.sum(sizes[filled] * (sums[filled] / sizes[filled] - values.mean()) ** 2) / len(values))
    degrees = (int(filled.sum()) - 1) / (len(values) - 1)
    return min(max((between / spread - degrees) / (1 - degrees), 0.0), 1.0) if degrees < 1 else 0.0


def correlation(drift: Sequence[float | None], fall: Sequence[float | None]) -> float | None:
    """Return Pearson's r between a column's distances and the fall in performance over the same labelled chunks.

    As nannyml's correlation ranker. None where fewer than four chunks have both, or one of them never changes.
    """
    both = [(a, b) for a, b in zip(drift, fall, strict=True) if a is not None and b is not None]
    if len(both) < LEAST_CHUNKS:
        return None
    first, second = np.array(both, dtype=np.float64).T
    if not first.std() or not second.std():
        return None
    return float(np.corrcoef(first, second)[0, 1])


def weight(psi: float, importance: float, correlated: float | None) -> float:
    """Return how suspect a drifted column is: drift × importance, up to doubled where both went along with the fall.

    PSI is damped by the logarithm: past one, a column has left its reference, and further is no worse. A column that
    explains nothing alone keeps a twentieth, because it may matter together with others.
    """
    return math.log1p(max(psi, 0.0)) * (0.05 + importance) * (1 + max(correlated or 0.0, 0.0))


def _groups(column: pa.Array) -> NDArray[np.intp]:
    value = column.type.value_type if pt.is_dictionary(column.type) else column.type
    if pt.is_string(value) or pt.is_large_string(value) or pt.is_boolean(value):
        encoded = column if pt.is_dictionary(column.type) else pc.dictionary_encode(column)
        coded: NDArray[np.intp] = (
            encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False).astype(np.intp)
        )
        return coded
    numbers = present_floats(column)
    if not len(numbers):
        return np.zeros(len(column), dtype=np.intp)
    edges = np.unique(np.quantile(numbers[np.isfinite(numbers)], np.linspace(0, 1, BINS + 1)[1:-1], method="lower"))
    plain = column.dictionary_decode() if pt.is_dictionary(column.type) else column
    there = pc.is_valid(plain).to_numpy(zero_copy_only=False)
    if pt.is_floating(plain.type):
        there &= ~np.isnan(plain.to_numpy(zero_copy_only=False))
    groups = np.full(len(column), len(edges) + 1, dtype=np.intp)
    groups[there] = np.searchsorted(edges, numbers, side="right")
    return groups


def _cramer(groups: NDArray[np.intp], classes: NDArray[np.str_]) -> float:
    if not len(groups):
        return 0.0
    names, codes = np.unique(classes, return_inverse=True)
    table = np.zeros((int(groups.max()) + 1, len(names)))
    np.add.at(table, (groups, codes), 1)
    table = table[table.sum(axis=1) > 0]
    fewest = min(table.shape) - 1
    if fewest < 1:
        return 0.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / table.sum()
    chi_squared = float(np.sum((table - expected) ** 2 / expected))
    return float(min(chi_squared / float(table.sum()) / fewest, 1.0))
