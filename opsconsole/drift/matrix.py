"""Rows as a matrix for gradient boosting: numbers, and categories as the codes of the fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from opsconsole.drift.kinds import as_floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_CATEGORIES = 254
"""Codes of a categorical column that scikit-learn's histograms can hold; the commonest are kept."""


@dataclass(frozen=True)
class MatrixColumn:
    """One input: its name, and for a categorical one its categories in the order of their codes."""

    name: str
    categories: tuple[str, ...] | None = None


def columns_of(batches: Sequence[pa.RecordBatch]) -> tuple[MatrixColumn, ...]:
    """Return the columns that can be learned from, in the order of the first batch; empty columns are left out."""
    columns = []
    for name in batches[0].schema.names if batches else ():
        parts = [batch.column(name) for batch in batches if name in batch.schema.names]
        if any(_is_text(part.type) for part in parts):
            values = pa.chunked_array([_text(part) for part in parts])
            counted = pc.value_counts(values.drop_null())
            ordered = sorted(counted.to_pylist(), key=lambda one: (-one["counts"], one["values"]))
            if ordered:
                columns.append(MatrixColumn(name, tuple(one["values"] for one in ordered[:MOST_CATEGORIES])))
        elif all(_is_number(part.type) for part in parts):
            columns.append(MatrixColumn(name))
    return tuple(columns)


def matrix_of(columns: Sequence[MatrixColumn], batch: pa.RecordBatch) -> Floats:
    """Return rows x columns, float64; what is missing, or a category never seen, is NaN."""
    names = set(batch.schema.names)
    return np.column_stack(
        [
            _numbers(batch.column(one.name), one) if one.name in names else np.full(batch.num_rows, np.nan)
            for one in columns
        ]
        or [np.empty((batch.num_rows, 0))]
    )


def _numbers(values: pa.Array, column: MatrixColumn) -> Floats:
    if column.categories is not None:
        values = pc.index_in(_text(values), value_set=pa.array(column.categories, pa.string()))
    elif not _is_number(values.type):
        return np.full(len(values), np.nan)
    numbers: Floats = as_floats(values).to_numpy(zero_copy_only=False)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _text(values: pa.Array) -> pa.Array:
    if pt.is_dictionary(values.type):
        values = values.dictionary_decode()
    return values if values.type == pa.string() else values.cast(pa.string())


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pt.is_string(kind) or pt.is_large_string(kind) or (pt.is_dictionary(kind) and _is_text(kind.value_type))
    )


def _is_number(kind: pa.DataType) -> bool:
    numbers = (pt.is_integer, pt.is_floating, pt.is_boolean, pt.is_decimal, pt.is_time, pt.is_duration)
    return any(is_it(kind) for is_it in numbers)
