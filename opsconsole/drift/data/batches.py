"""Small changes to record batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray


def with_column(table: pa.RecordBatch, name: str, values: NDArray[Any]) -> pa.RecordBatch:
    """Return a batch with one more column, in the place of one of the same name."""
    columns: Mapping[str, pa.Array] = {other: table.column(other) for other in table.schema.names if other != name}
    return pa.RecordBatch.from_pydict({**columns, name: pa.array(values, from_pandas=True)})
