"""From rows to numbers. What a model reads stands beside it as ``columns.json``: whoever serves it does the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

CATEGORIES = ("carrier", "origin", "dest")
NUMBERS = (
    "dep_minute", "arr_minute", "weekday", "distance", "temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust",
    "precip", "pressure", "visib", "plane_year", "seats",
)  # fmt: skip
LEAKS = frozenset({"late", "row_id", "dep_delay", "arr_delay", "arr_time", "air_time"})
"""Known only once the flight is over, or meaningless."""


@dataclass(frozen=True)
class Column:
    """One input; ``categories`` in the order of their codes, None for a number."""

    name: str
    type: str
    categories: tuple[str, ...] | None = None


def columns_of(table: pa.Table, names: Sequence[str] = CATEGORIES + NUMBERS) -> list[Column]:
    """Learn the columns from the training rows: which categories there are."""
    leaked = LEAKS.intersection(names)
    if leaked:
        raise ValueError(f"known only afterwards: {', '.join(sorted(leaked))}")
    return [_column(table, name) for name in names]


def _column(table: pa.Table, name: str) -> Column:
    column = table.column(name)
    if pa.types.is_string(column.type):
        return Column(name, "string", tuple(sorted(pc.unique(column).drop_null().to_pylist())))
    return Column(name, str(column.type))


def matrix(table: pa.Table, columns: Sequence[Column]) -> np.ndarray:
    """Return one row of numbers for each flight, float64; what is missing, or a category never seen, is NaN."""
    return np.column_stack([_numbers(table.column(column.name), column) for column in columns])


def _numbers(values: pa.ChunkedArray, column: Column) -> np.ndarray:
    if column.categories is not None:
        values = pc.index_in(values, value_set=pa.array(column.categories, pa.string()))
    return values.combine_chunks().cast(pa.float64()).to_numpy(zero_copy_only=False)


def save(path: Path, columns: Sequence[Column]) -> None:
    """Write the columns beside the model."""
    path.write_text(json.dumps([vars(column) for column in columns], indent=1) + "\n", encoding="utf-8")


def load(path: Path) -> list[Column]:
    """Read what ``save`` wrote."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return [Column(c["name"], c["type"], None if c["categories"] is None else tuple(c["categories"])) for c in found]
