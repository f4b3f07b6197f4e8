"""Small changes to record batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from opsconsole.core.nouns import ColumnKind, ModelTask

if TYPE_CHECKING:
    from numpy.typing import NDArray


def with_column(table: pa.RecordBatch, name: str, values: NDArray[Any] | pa.Array) -> pa.RecordBatch:
    """Return a batch with one more column, in the place of one of the same name."""
    columns: Mapping[str, pa.Array] = {other: table.column(other) for other in table.schema.names if other != name}
    added = values if isinstance(values, pa.Array) else pa.array(values, from_pandas=True)
    return pa.RecordBatch.from_pydict({**columns, name: added})


def outcome_column(task: ModelTask, values: NDArray[Any]) -> pa.Array:
    """Return outcomes as the column that is compared: true or false, a class, or a number; null where none is known."""
    if task is ModelTask.MULTICLASS:
        return pa.array(values, pa.string(), from_pandas=True)
    if task is ModelTask.BINARY:
        return pa.array(values > 0.5, mask=~np.isfinite(values))
    return pa.array(values, pa.float64(), from_pandas=True)


def outcome_kind(task: ModelTask) -> ColumnKind:
    """Return how outcomes of a task are compared."""
    kinds = {ModelTask.MULTICLASS: ColumnKind.CATEGORICAL, ModelTask.BINARY: ColumnKind.BOOLEAN}
    return kinds.get(task, ColumnKind.NUMERIC)
