"""CSV as typed batches: types hold for the whole file, not for its first block only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

CSV_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
BLOCK_BYTES = 8 << 20
MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "NaT", "#N/A")
"""Spellings of a missing value, in text columns too."""

_CONVERSION = re.compile(r"In CSV column #(?P<index>\d+)")


def csv_schema(path: Path) -> pa.Schema:
    """Return the types that every row fits: inferred from the first block, widened where a later row needs it."""
    import pyarrow as pa

    with _opened(path, None, {}) as reader:
        names = reader.schema.names
        schema = reader.schema
    if len(set(names)) != len(names) or (path.stat().st_size <= BLOCK_BYTES and not path.name.endswith(".gz")):
        return schema
    types = {field.name: field.type for field in schema}
    while True:
        try:
            with _opened(path, None, types) as reader:
                for _ in reader:
                    pass
            return pa.schema(list(types.items()))
        except pa.ArrowInvalid as error:
            where = _CONVERSION.search(str(error))
            if where is None:
                raise
            name = names[int(where["index"])]
            wider = _wider(types[name])
            if wider == types[name]:
                raise
            types[name] = wider


def csv_batches(path: Path, columns: list[str], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Stream ``columns`` with the types of ``csv_schema``."""
    with _opened(path, columns, {name: schema.field(name).type for name in columns}) as reader:
        yield from reader


def _opened(path: Path, columns: list[str] | None, types: dict[str, pa.DataType]) -> pa.RecordBatchReader:
    import pyarrow.csv as pc

    return pc.open_csv(
        path,
        read_options=pc.ReadOptions(block_size=BLOCK_BYTES),
        parse_options=pc.ParseOptions(delimiter="\t" if ".tsv" in path.name.lower() else ",", newlines_in_values=True),
        convert_options=pc.ConvertOptions(
            column_types=types, include_columns=columns, strings_can_be_null=True, null_values=list(MISSING)
        ),
    )


def _wider(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa
    import pyarrow.types as pt

    if pt.is_null(kind):
        return pa.int64()
    return pa.float64() if pt.is_integer(kind) else pa.string()
