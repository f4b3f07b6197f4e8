"""Reading Arrow columns as values to count: numbers, categories, moments, lengths of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from opsconsole.drift.kinds import as_floats, named_zone

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def present_floats(column: pa.Array) -> Floats:
    """Return the values of a numeric or datetime column as floats, without missing ones (null and NaN)."""
    kind = column.type
    if pt.is_dictionary(kind):
        return present_floats(column.dictionary_decode())
    if pt.is_null(kind):
        return np.empty(0)
    if pt.is_date(kind) or pt.is_timestamp(kind):
        column = column.cast(pa.timestamp("us")).cast(pa.int64())
    elif pt.is_duration(kind) or pt.is_time(kind) or pt.is_decimal(kind):
        column = as_floats(column)
    if column.null_count:
        column = column.drop_null()
    values: Any = column.to_numpy(zero_copy_only=False)
    floats: Floats = values.astype(np.float64, copy=False)
    if pt.is_floating(kind):
        missing = np.isnan(floats)
        if missing.any():
            floats = floats[~missing]
    return floats


def value_counts(column: pa.Array) -> dict[str, int]:
    """Return how often each value of a categorical or boolean column stands there, missing ones left out."""
    if pt.is_boolean(column.type):
        true = int(pc.sum(column).as_py() or 0)
        return {"false": len(column) - column.null_count - true, "true": true}
    if pt.is_null(column.type):
        return {}
    encoded = column if pt.is_dictionary(column.type) else pc.dictionary_encode(column)
    indices = encoded.indices.drop_null() if encoded.indices.null_count else encoded.indices
    counts = np.bincount(indices.to_numpy(zero_copy_only=False), minlength=len(encoded.dictionary))
    names = encoded.dictionary.to_pylist()
    merged: dict[str, int] = {}
    for name, count in zip(names, counts.tolist(), strict=True):
        if count and name is not None:
            merged[str(name)] = merged.get(str(name), 0) + count
    return merged


def zone_of(column: pa.Array) -> str | None:
    """Return the zone of a column of moments; None where they have none."""
    return named_zone(column.type.tz) if pt.is_timestamp(column.type) and column.type.tz is not None else None


def moments_us(column: pa.Array, zone: str | None = None) -> NDArray[np.int64]:
    """Return the moments that are there, in microseconds since 1970 by the wall clock of a zone, else of their own.

    Moments that have no zone stay as they are.
    """
    if pt.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not (pt.is_date(column.type) or pt.is_timestamp(column.type)):
        return np.empty(0, dtype=np.int64)
    column = column.drop_null()
    own = zone_of(column)
    if own is not None:
        column = pc.local_timestamp(column.cast(pa.timestamp("us", tz=zone or own), safe=False))
    moments: NDArray[np.int64] = (
        column.cast(pa.timestamp("us"), safe=False).cast(pa.int64()).to_numpy(zero_copy_only=False)
    )
    return moments


def text_lengths(column: pa.Array) -> Floats:
    """Return how many characters each text that is there has."""
    if pt.is_dictionary(column.type):
        lengths = pc.utf8_length(column.dictionary).take(column.indices.drop_null())
    elif pt.is_string(column.type) or pt.is_large_string(column.type):
        lengths = pc.utf8_length(column.drop_null())
    else:
        return np.empty(0)
    numbers: Floats = lengths.to_numpy(zero_copy_only=False).astype(np.float64)
    return numbers


def share_with_blanks(column: pa.Array) -> float:
    """Return the share of texts with a blank inside."""
    plain = column.dictionary_decode() if pt.is_dictionary(column.type) else column
    plain = plain.drop_null()
    if not len(plain) or not (pt.is_string(plain.type) or pt.is_large_string(plain.type)):
        return 0.0
    return float(pc.mean(pc.match_substring_regex(plain, r"\S\s+\S")).as_py())
