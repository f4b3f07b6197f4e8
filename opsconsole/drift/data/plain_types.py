"""One Arrow type for each kind of values, however a file encodes them: later code handles no other.

Text and bytes may come as views or with wide offsets, lists as views, columns run by run or as dictionaries of
anything, times and durations in four units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

if TYPE_CHECKING:
    from collections.abc import Iterator

_LISTS = (pt.is_list, pt.is_large_list, pt.is_list_view, pt.is_large_list_view)
_A_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_PLAIN = (
    ((pt.is_string, pt.is_large_string, pt.is_string_view), pa.string()),
    ((pt.is_binary, pt.is_large_binary, pt.is_binary_view), pa.binary()),
    ((pt.is_time,), pa.time64("ns")),
    ((pt.is_duration,), pa.duration("ns")),
)


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """Return the types that ``plain_batches`` brings columns to."""
    return pa.schema([(field.name, plain_type(field.type)) for field in schema])


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the one type for what a type can hold."""
    if isinstance(kind, pa.BaseExtensionType):
        return plain_type(kind.storage_type)
    if pt.is_run_end_encoded(kind):
        return plain_type(kind.value_type)
    if pt.is_dictionary(kind):
        value = plain_type(kind.value_type)
        return pa.dictionary(pa.int32(), value) if pt.is_string(value) else value
    if pt.is_fixed_size_list(kind):
        return pa.list_(plain_type(kind.value_type), kind.list_size)
    if any(is_it(kind) for is_it in _LISTS):
        return pa.list_(plain_type(kind.value_type))
    return next((one for tests, one in _PLAIN if any(is_it(kind) for is_it in tests)), kind)


def plain_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Bring each column to its plain type; batches that hold none but such pass as they are."""
    for batch in batches:
        columns = [plain(column) for column in batch.columns]
        if all(mine is theirs for mine, theirs in zip(columns, batch.columns, strict=True)):
            yield batch
        else:
            yield pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def plain(column: pa.Array) -> pa.Array:
    """Bring a column to its plain type; ArrowInvalid where a value does not fit."""
    if isinstance(column, pa.ExtensionArray):
        return plain(column.storage)
    kind = column.type
    wanted = plain_type(kind)
    if wanted == kind:
        return column
    if pt.is_run_end_encoded(kind):
        return plain(pc.run_end_decode(column))
    if pt.is_dictionary(kind):
        return _plain_dictionary(column, wanted)
    if pt.is_list_view(kind) or pt.is_large_list_view(kind):
        return _plain_list(column)
    if pt.is_duration(kind):  # what is too long for nanoseconds is missing: three centuries
        return _within(column, kind).cast(wanted)
    return column.cast(wanted)


def _plain_list(column: pa.Array) -> pa.ListArray:
    """Put the lists of a view one after the other; pyarrow's own cast leaves out where the last one ends."""
    lengths = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
    places = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(places), plain(column.flatten()), mask=column.is_null())


def _within(column: pa.Array, kind: pa.DataType) -> pa.Array:
    longest = pa.scalar(2**63 // (10**9 // _A_SECOND[kind.unit]) - 1, pa.int64())
    counted = pc.abs(column.cast(pa.int64()))
    return pc.if_else(pc.less_equal(counted, longest), column, pa.scalar(None, kind))


def _plain_dictionary(column: pa.DictionaryArray, wanted: pa.DataType) -> pa.Array:
    """Bring the values to their type before anything is looked up: not every type can be taken from."""
    values = plain(column.dictionary)
    if pt.is_dictionary(wanted):
        return pa.DictionaryArray.from_arrays(column.indices.cast(pa.int32()), values)
    return values.take(column.indices)
