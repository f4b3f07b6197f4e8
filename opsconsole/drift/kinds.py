"""How values of an Arrow type are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from opsconsole.core.nouns import ColumnKind

if TYPE_CHECKING:
    import pyarrow as pa


UNITS_A_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def kind_of(kind: pa.DataType) -> ColumnKind | None:
    """Return how values of an Arrow type are compared; None for the type of a column without any value."""
    import pyarrow.types as pt

    if pt.is_null(kind):
        return None
    if pt.is_boolean(kind):
        return ColumnKind.BOOLEAN
    if pt.is_timestamp(kind) or pt.is_date(kind):
        return ColumnKind.DATETIME
    if pt.is_dictionary(kind):
        return kind_of(kind.value_type)
    if is_vector(kind):
        return ColumnKind.EMBEDDING
    numeric = (pt.is_integer, pt.is_floating, pt.is_decimal, pt.is_time, pt.is_duration)
    return ColumnKind.NUMERIC if any(is_it(kind) for is_it in numeric) else ColumnKind.CATEGORICAL


def is_nested(kind: pa.DataType) -> bool:
    """Whether values are lists, records or bytes, which no distance is defined for; vectors have some."""
    import pyarrow.types as pt

    if is_vector(kind):
        return False
    value = kind.value_type if pt.is_dictionary(kind) else kind
    return bool(pt.is_nested(value) or pt.is_binary(value) or pt.is_fixed_size_binary(value))


def is_vector(kind: pa.DataType) -> bool:
    """Whether values are lists of floating-point numbers."""
    import pyarrow.types as pt

    listed = pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind)
    return bool(listed and pt.is_floating(kind.value_type))


def named_zone(zone: str) -> str:
    """Return a zone that chunks can be cut in; a bare offset such as ``+01:00`` is none, so UTC stands in."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        return "UTC"
    return zone


def as_floats(column: pa.Array) -> pa.Array:
    """Return numbers, times of day and durations as float64, the latter in seconds; what is missing stays so."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as pt

    kind = column.type
    if pt.is_dictionary(kind):
        return as_floats(column.dictionary_decode())
    if pt.is_decimal(kind):  # by its digits: pyarrow's own way makes 19.990000000000002 of 19.99
        return column.cast(pa.string()).cast(pa.float64())
    if pt.is_time(kind) or pt.is_duration(kind):
        counted = column.cast(pa.int32() if pt.is_time32(kind) else pa.int64()).cast(pa.float64(), safe=False)
        return pc.divide(counted, float(UNITS_A_SECOND[kind.unit]))
    return column.cast(pa.float64(), safe=False)
