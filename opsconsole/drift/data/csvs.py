"""CSV as typed batches: types hold for the whole file, not for its first block only.

The first block tells the types. A second pass over the columns that may hold something else later checks them, and
only where one does is the file read once more, as text, to find the types that all rows fit.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from opsconsole.drift.data.errors import DataError, explained, read_as_text, shown

if TYPE_CHECKING:
    import pyarrow as pa

TSV_SUFFIXES = (".tsv", ".tsv.gz", ".tsv.zst")
CSV_SUFFIXES = (".csv", ".csv.gz", ".csv.zst", *TSV_SUFFIXES)
BLOCK_BYTES = 2 << 20
"""Four times as much takes four times the memory and is no faster."""
HEADER_BYTES = 1 << 16
MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "NaT", "#N/A")
"""Spellings of a missing value, in text columns too."""

_FIELDS = re.compile(r"Row #(?P<row>\d+): Expected (?P<expected>\d+) columns, got (?P<got>\d+)")
_CONVERSION = re.compile(r"In CSV column #(?P<index>\d+): Row #(?P<row>\d+): CSV conversion error to (?P<said>.*)")
_VALUE = re.compile(r"invalid value '(?P<value>.*)'")
_TIME = r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"
_NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"


@dataclass(frozen=True)
class CsvReader:
    """A CSV or TSV file, plain or compressed."""

    path: Path
    name: str
    delimiter: str
    schema: pa.Schema
    notes: tuple[str, ...] = ()
    rows: int | None = None
    typed: ClassVar[bool] = False

    def batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Stream some columns with the types of the schema."""
        if self.rows == 0:
            return
        wanted = columns or self.schema.names[:1]
        types = {name: self.schema.field(name).type for name in wanted}
        with self.explained(wanted), self.opened(wanted, types) as reader:
            yield from reader

    def opened(self, columns: list[str] | None, types: dict[str, pa.DataType]) -> pa.RecordBatchReader:
        """Open the file as a stream; columns without a type get that of their first block.

        Threads would not make it faster, as a quoted field may hold the end of a line, and would not count rows.
        """
        import pyarrow.csv as pc

        return pc.open_csv(
            self.path,
            read_options=pc.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
            parse_options=pc.ParseOptions(delimiter=self.delimiter, newlines_in_values=True),
            convert_options=pc.ConvertOptions(
                column_types=types, include_columns=columns, strings_can_be_null=True, null_values=list(MISSING)
            ),
        )

    @contextmanager
    def explained(self, columns: list[str] | None = None) -> Iterator[None]:
        """Say of a row that cannot be read which one it is; ``columns`` are those that are read."""
        import pyarrow as pa

        with explained(self.name):
            try:
                yield
            except pa.ArrowInvalid as error:
                told = _told(self.name, str(error), columns or self.schema.names)
                if told is None:
                    raise
                raise told from error


def open_csv(path: Path, name: str, delimiter: str) -> CsvReader:
    """Find the types that every row fits: inferred from the first block, widened where a later row needs it."""
    import pyarrow as pa
    import pyarrow.types as pt

    reader = CsvReader(path, name, delimiter, pa.schema([]))
    header = _header_alone(reader)
    if header:
        return replace(reader, schema=pa.schema([(column, pa.null()) for column in header]), rows=0)
    with reader.explained(), reader.opened(None, {}) as stream:
        reader = replace(reader, schema=stream.schema)
        first = next(stream, None)
        whole = first is None or _at_end(stream)
    names = _names(reader)
    for field in reader.schema:
        if pt.is_binary(field.type):
            raise _not_utf8(reader, field.name, first)
    if first is None or len(set(names)) != len(names):
        return reader
    reader = replace(reader, notes=_mixed(name, first))
    return reader if whole else _checked(reader)


def _names(reader: CsvReader) -> list[str]:
    try:
        names: list[str] = reader.schema.names
    except UnicodeDecodeError as error:
        raise DataError(
            f"{reader.name}: a column's name holds bytes that are not UTF-8", hint="convert the file"
        ) from error
    return names


def _header_alone(reader: CsvReader) -> list[str]:
    """Return the columns of a file that ends within its first line, which pyarrow takes for no header."""
    import pyarrow as pa

    with explained(reader.name), pa.input_stream(str(reader.path), compression="detect") as stream:
        start = stream.read(HEADER_BYTES)
    if len(start) == HEADER_BYTES or b"\n" in start or b"\r" in start:
        return []
    return next(csv.reader([start.decode("utf-8-sig", errors="replace")], delimiter=reader.delimiter), [])


def _at_end(stream: pa.RecordBatchReader) -> bool:
    """Whether there is no block after the first; one that breaks its types is one more."""
    import pyarrow as pa

    try:
        return next(stream, None) is None
    except pa.ArrowInvalid:
        return False


def _checked(reader: CsvReader) -> CsvReader:
    """Return the reader with types that hold beyond the first block; text holds everything already."""
    import pyarrow as pa
    import pyarrow.types as pt

    types = {field.name: field.type for field in reader.schema if not pt.is_string(field.type)}
    if not types:
        return reader
    try:
        with reader.opened(list(types), types) as stream:
            for _ in stream:
                pass
    except pa.ArrowInvalid:
        found, notes = _widened(reader, types)
        schema = pa.schema([(field.name, found.get(field.name, field.type)) for field in reader.schema])
        return replace(reader, schema=schema, notes=reader.notes + notes)
    return reader


def _widened(reader: CsvReader, narrow: dict[str, pa.DataType]) -> tuple[dict[str, pa.DataType], tuple[str, ...]]:
    """Read some columns as text and return the narrowest types that all values fit."""
    import pyarrow as pa
    import pyarrow.compute as pc

    types, notes, rows = dict(narrow), [], 0
    texts = dict.fromkeys(narrow, pa.string())
    with reader.explained(list(narrow)), reader.opened(list(narrow), texts) as stream:
        for batch in stream:
            for name in [name for name, kind in types.items() if kind != pa.string()]:
                column = pc.utf8_trim_whitespace(batch.column(name))
                before = types[name]
                types[name] = next(kind for kind in _wider(before) if _fits(column, kind))
                if types[name] == pa.string() and not pa.types.is_null(before):
                    place = _first_unfit(column, list(_wider(before))[-2])
                    value = column[place].as_py()
                    notes.append(
                        read_as_text(reader.name, name, rows + place + 1, value, f"the rows before hold {before}")
                    )
            rows += batch.num_rows
    return types, tuple(notes)


def _wider(kind: pa.DataType) -> Iterator[pa.DataType]:
    """Yield the types that hold what a type holds, narrowest first, ending with text."""
    import pyarrow as pa
    import pyarrow.types as pt

    yield kind
    if pt.is_null(kind):
        yield from (pa.int64(), pa.float64(), pa.bool_(), pa.date32(), pa.timestamp("us"), pa.timestamp("us", "UTC"))
    elif pt.is_integer(kind):
        yield pa.float64()
    elif pt.is_date(kind) or pt.is_timestamp(kind):
        yield pa.timestamp("us", getattr(kind, "tz", None))
    yield pa.string()


def _fits(column: pa.Array, kind: pa.DataType) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_null(kind):
        return bool(column.null_count == len(column))
    if pa.types.is_time(kind):  # pyarrow reads such columns but casts no text to them
        return bool(pc.all(pc.match_substring_regex(column, _TIME)).as_py() in {None, True})
    try:
        column.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


def _first_unfit(column: pa.Array, kind: pa.DataType) -> int:
    """Return the place of the first value that is none of a type, by halving."""
    fits, after = 0, len(column)
    while after - fits > 1:
        middle = (fits + after) // 2
        if _fits(column.slice(fits, middle - fits), kind):
            fits = middle
        else:
            after = middle
    return fits


def _mixed(name: str, first: pa.RecordBatch) -> tuple[str, ...]:
    """Return a note for each text column of which most values in the first block are numbers."""
    import pyarrow.compute as pc
    import pyarrow.types as pt

    notes = []
    for field, column in zip(first.schema, first.columns, strict=True):
        if not pt.is_string(field.type):
            continue
        numbers = pc.match_substring_regex(column, _NUMBER)
        if 2 * (pc.sum(numbers).as_py() or 0) > len(column) - column.null_count:
            place = pc.index(numbers, value=False).as_py()
            if place >= 0:
                notes.append(read_as_text(name, field.name, place + 1, column[place], "most others hold numbers"))
    return tuple(notes)


def _not_utf8(reader: CsvReader, column: str, first: pa.RecordBatch | None) -> DataError:
    import pyarrow as pa

    place = 0 if first is None else _first_unfit(first.column(column), pa.string())
    return _bytes(reader.name, column, place + 1)


def _bytes(name: str, column: str, row: int) -> DataError:
    return DataError(
        f"{name}: column `{column}` holds bytes that are not UTF-8, in row {row:,}", hint="convert the file"
    )


def _told(name: str, said: str, columns: list[str]) -> DataError | None:
    """Return what pyarrow says of a row as an error; it counts the header as row 1."""
    if found := _FIELDS.search(said):
        return DataError(
            f"{name}: row {int(found['row']) - 1:,} has {found['got']} fields, the header {found['expected']}",
            hint="quote fields that hold the delimiter; or is the last row still being written?",
        )
    found = _CONVERSION.search(said)
    if found is None:
        return None
    row, column = int(found["row"]) - 1, columns[int(found["index"])]
    if "UTF8" in found["said"]:
        return _bytes(name, column, row)
    value = _VALUE.search(found["said"])
    what = f"`{shown(value['value'])}`" if value else "something else"
    return DataError(
        f"{name}: column `{column}`: row {row:,} holds {what}, which is no {found['said'].split(':')[0]}",
        hint="was the file changed while it was read? try again",
    )
