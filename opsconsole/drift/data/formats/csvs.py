"""CSV as typed batches, of any usual delimiter and encoding.

Types are only guessed from how values are spelled: they hold for all rows, and any column can be read as the text that
it is.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from opsconsole.drift.data.errors import DataError, explained, shown
from opsconsole.drift.data.formats.delimiters import NAMES, delimiter_of
from opsconsole.drift.data.formats.encodings import CONVERT, HEAD_BYTES, UTF8, encoding_of, head_of
from opsconsole.drift.data.notes import Note

if TYPE_CHECKING:
    import pyarrow as pa

    from opsconsole.drift.data.formats.spellings import Spelling

TSV_SUFFIXES = (".tsv", ".tsv.gz", ".tsv.zst")
CSV_SUFFIXES = (".csv", ".csv.gz", ".csv.zst", *TSV_SUFFIXES)
BLOCK_BYTES = 2 << 20
"""Four times as much takes four times the memory and is no faster."""
MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "NaT", "#N/A")
"""Spellings of a missing value; in quotes they are text where a column holds text."""

_FIELDS = re.compile(r"Row #(?P<row>\d+): Expected (?P<expected>\d+) columns, got (?P<got>\d+)")
_CONVERSION = re.compile(r"In CSV column #(?P<index>\d+): Row #(?P<row>\d+): CSV conversion error to (?P<detail>.*)")
_VALUE = re.compile(r"invalid value '(?P<value>.*)'")


@dataclass(frozen=True)
class CsvReader:
    """A CSV or TSV file, plain or compressed."""

    path: Path
    name: str
    delimiter: str
    schema: pa.Schema
    notes: tuple[Note, ...] = ()
    rows: int | None = None
    encoding: str = UTF8
    spelled: Mapping[str, Spelling] = field(default_factory=dict)
    """Columns that are read as text and turned into what they spell."""
    quoted_gaps: bool = False
    """Whether a missing value may stand in quotes in columns that hold no text."""
    typed: ClassVar[bool] = False

    def batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Stream some columns with the types of the schema."""
        if self.rows == 0:
            return
        wanted = columns or self.schema.names[:1]
        with self.explained(wanted):
            for batch in self._read(wanted):
                yield self.finished(batch)

    def as_text(self, names: Iterable[str], *, keys: bool = False) -> CsvReader:
        """Return a reader that gives some columns as they are spelled; as ``keys`` 12.0 still is 12."""
        import pyarrow as pa
        import pyarrow.types as pt

        from opsconsole.drift.data.formats.spellings import Spelling

        chosen = {one.name: one.type for one in self.schema if one.name in set(names) and not pt.is_null(one.type)}
        spelled = {name: one for name, one in self.spelled.items() if name not in chosen}
        spelled |= {name: Spelling.KEY for name, kind in chosen.items() if keys and pt.is_floating(kind)}
        fields = [(one.name, pa.string() if one.name in chosen else one.type) for one in self.schema]
        return replace(self, schema=pa.schema(fields), spelled=spelled)

    def as_flags(self, names: Iterable[str]) -> CsvReader:
        """Return a reader that gives those columns as true and false that spell it as 1 and 0, in all their rows."""
        import pyarrow as pa

        schema = self.schema
        for name in names:
            try:
                with self.opened([name], {name: pa.bool_()}) as stream:
                    for _ in stream:
                        pass
            except pa.ArrowInvalid:
                continue
            place = schema.get_field_index(name)
            schema = schema.set(place, pa.field(name, pa.bool_()))
        return replace(self, schema=schema)

    def _read(self, wanted: list[str]) -> Iterator[pa.RecordBatch]:
        """Stream columns as the file has them; where gaps may be quoted, text is read apart from what is none."""
        import pyarrow as pa

        types = {name: self._stored(name) for name in wanted}
        texts = [name for name in wanted if types[name] == pa.string() and name not in self.spelled]
        if not texts or len(texts) == len(wanted) or not self.quoted_gaps:
            with self.opened(wanted, types, quoted=self.quoted_gaps and not texts) as stream:
                yield from stream
            return
        others = [name for name in wanted if name not in texts]
        with self.opened(texts, types) as first, self.opened(others, types, quoted=True) as second:
            for mine, theirs in zip(first, second, strict=True):
                columns = {name: (mine if name in texts else theirs).column(name) for name in wanted}
                yield pa.RecordBatch.from_pydict(columns)

    def _stored(self, name: str) -> pa.DataType:
        import pyarrow as pa

        return pa.string() if name in self.spelled else self.schema.field(name).type

    def finished(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Turn what is spelled into what it means; an empty text in quotes is missing as one without is."""
        import pyarrow as pa
        import pyarrow.compute as pc

        from opsconsole.drift.data.formats.spellings import numbers

        columns = {}
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if column.type != pa.string():
                columns[name] = column
                continue
            empty = pc.equal(column, "")
            text = pc.if_else(empty, pa.scalar(None, pa.string()), column) if pc.any(empty).as_py() else column
            columns[name] = numbers(text, self.spelled[name]) if name in self.spelled else text
        return pa.RecordBatch.from_pydict(columns)

    def opened(
        self, columns: list[str] | None, types: Mapping[str, pa.DataType], *, quoted: bool = False
    ) -> pa.RecordBatchReader:
        """Open the file as a stream; columns without a type get that of their first block.

        ``quoted`` is whether what stands in quotes may be a missing value. Threads would not make it faster, as a
        quoted field may hold the end of a line, and would not count rows.
        """
        import pyarrow.csv as pc

        return pc.open_csv(
            self.path,
            read_options=pc.ReadOptions(block_size=BLOCK_BYTES, use_threads=False, encoding=self.encoding),
            parse_options=pc.ParseOptions(delimiter=self.delimiter, newlines_in_values=True),
            convert_options=pc.ConvertOptions(
                column_types=dict(types),
                include_columns=columns,
                strings_can_be_null=True,
                quoted_strings_can_be_null=quoted,
                null_values=list(MISSING),
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
                problem = _error_of(self.name, str(error), columns or self.schema.names)
                if problem is None:
                    raise
                raise problem from error


def open_csv(path: Path, name: str, usual: str) -> CsvReader:
    """Find delimiter, encoding, and the types that every row fits; ``usual`` is what separates fields by its name."""
    import pyarrow as pa
    import pyarrow.types as pt

    from opsconsole.drift.data.formats.csv_types import settled

    reader, head = _of_form(path, name, usual)
    header = _header_alone(reader, head)
    if header:
        return replace(reader, schema=pa.schema([(column, pa.null()) for column in header]), rows=0)
    with reader.explained(), reader.opened(None, {}, quoted=True) as stream:
        reader = replace(reader, schema=stream.schema)
        first = next(stream, None)
        whole = first is None or _at_end(stream)
    names = _names(reader)
    for one in reader.schema:
        if pt.is_binary(one.type):
            raise _not_utf8(reader, one.name, first)
    if first is None or len(set(names)) != len(names):
        return reader
    return settled(reader, first, whole=whole)


def _of_form(path: Path, name: str, usual: str) -> tuple[CsvReader, str]:
    """Return a reader that knows encoding and delimiter, and the first part of the file as text."""
    import pyarrow as pa

    head = head_of(path, name)
    encoding = encoding_of(head)
    text = head.decode(encoding, errors="replace").removeprefix("\ufeff")
    delimiter = delimiter_of(text, usual, whole=len(head) < HEAD_BYTES)
    notes = [] if encoding == UTF8 else [Note(f"{name}: the file is {encoding.upper()}, and is read as such")]
    if delimiter != usual:
        notes.append(Note(f"{name}: its fields are separated by {NAMES[delimiter]}, and are read so"))
    return CsvReader(path, name, delimiter, pa.schema([]), tuple(notes), encoding=encoding), text


def _names(reader: CsvReader) -> list[str]:
    try:
        names: list[str] = reader.schema.names
    except UnicodeDecodeError as error:
        raise DataError(f"{reader.name}: a column's name holds bytes that are not UTF-8", hint=CONVERT) from error
    return names


def _header_alone(reader: CsvReader, head: str) -> list[str]:
    """Return the columns of a file that ends within its first line, which pyarrow takes for no header."""
    if len(head) >= HEAD_BYTES // 4 or "\n" in head or "\r" in head:
        return []
    return next(csv.reader([head], delimiter=reader.delimiter), [])


def _at_end(stream: pa.RecordBatchReader) -> bool:
    """Whether there is no block after the first; one that breaks its types is one more."""
    import pyarrow as pa

    try:
        return next(stream, None) is None
    except pa.ArrowInvalid:
        return False


def _not_utf8(reader: CsvReader, column: str, first: pa.RecordBatch | None) -> DataError:
    import pyarrow as pa

    from opsconsole.drift.data.formats.csv_types import first_unfit

    place = 0 if first is None else first_unfit(first.column(column), pa.string())
    return _bytes(reader.name, column, place + 1)


def _bytes(name: str, column: str, row: int) -> DataError:
    return DataError(f"{name}: column `{column}` holds bytes that are not UTF-8, in row {row:,}", hint=CONVERT)


def _error_of(name: str, message: str, columns: list[str]) -> DataError | None:
    """Return what pyarrow says of a row as an error; it counts the header as row 1."""
    if match := _FIELDS.search(message):
        return DataError(
            f"{name}: row {int(match['row']) - 1:,} has {match['got']} fields, the header {match['expected']}",
            hint="quote fields that hold the delimiter; or is the last row still being written?",
        )
    match = _CONVERSION.search(message)
    if match is None:
        return None
    row, column = int(match["row"]) - 1, columns[int(match["index"])]
    if "UTF8" in match["detail"]:
        return _bytes(name, column, row)
    value = _VALUE.search(match["detail"])
    what = f"`{shown(value['value'])}`" if value else "something else"
    return DataError(
        f"{name}: column `{column}`: row {row:,} holds {what}, which is no {match['detail'].split(':')[0]}",
        hint="was the file changed while it was read? try again",
    )
