"""A SQLite table as typed batches: SQLite keeps a type with each value, so the values are counted before they are read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsconsole.core.errors import NotFoundError, StoreError
from opsconsole.core.files import expanded
from opsconsole.drift.data.errors import DataError
from opsconsole.drift.data.files import DataFile, described, file_stamp
from opsconsole.drift.data.notes import Note, read_as_text
from opsconsole.store import tables
from opsconsole.store.tables import ColumnContent, Value

if TYPE_CHECKING:
    import pyarrow as pa

SQLITE = "sqlite:"
TABLE = "?table="
FETCHED_ROWS = 16_384
"""As Python values they take ten times the room that they take in Arrow."""


@dataclass(frozen=True)
class TableReader:
    """A table or view of a SQLite database."""

    path: Path
    table: str
    schema: pa.Schema
    rows: int | None
    notes: tuple[Note, ...]

    def batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Stream some columns with the types of the schema."""
        import pyarrow as pa

        wanted = columns or self.schema.names[:1]
        schema = pa.schema([self.schema.field(name) for name in wanted])
        with _explained():
            for rows in tables.rows(self.path, self.table, wanted, FETCHED_ROWS):
                arrays = [
                    pa.array(_values(values, field.type), field.type)
                    for values, field in zip(zip(*rows, strict=True), schema, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def open_table(location: str, base: Path) -> DataFile:
    """Open ``sqlite:PATH?table=NAME``; DataError where a part of that is missing."""
    place, separator, table = location.removeprefix(SQLITE).rpartition(TABLE)
    if not (place and separator and table):
        raise DataError(f"{location}: which table?", hint=f"write {SQLITE}PATH{TABLE}NAME")
    path = base / expanded(place)
    name = f"{path}{TABLE}{table}"
    with _explained():
        survey = tables.survey(path, table)
        notes = tuple(_note(path, table, name, one) for one in survey.columns if one.numbers)
    return described(path, name, _reader(path, table, survey, notes), known_by=_stamp(path, table))


def _reader(path: Path, table: str, survey: tables.Survey, notes: tuple[Note, ...]) -> TableReader:
    import pyarrow as pa

    schema = pa.schema([(column.name, _type(column)) for column in survey.columns])
    return TableReader(path, table, schema, survey.rows, notes)


def _type(column: ColumnContent) -> pa.DataType:
    import pyarrow as pa

    types = {"blob": pa.binary(), "text": pa.string(), "real": pa.float64(), "integer": pa.int64()}
    return types.get(column.storage, pa.null())


def _values(values: tuple[Value, ...], kind: pa.DataType) -> list[object]:
    """Bring the values of a column to its one type; a column with bytes among others is not compared anyway."""
    import pyarrow.types as pt

    if pt.is_string(kind):
        return [value if value is None or isinstance(value, str) else str(value) for value in values]
    if pt.is_floating(kind):
        return [None if value is None else float(value) for value in values]
    return list(values)


def _note(path: Path, table: str, name: str, column: ColumnContent) -> Note:
    """Name the first value of the rarer sort in a column of numbers and text."""
    text_is_rare = column.texts <= column.numbers
    others = "most others hold numbers" if text_is_rare else "most others hold text"
    row = 0
    for batch in tables.rows(path, table, [column.name], FETCHED_ROWS):
        for (value,) in batch:
            row += 1
            if value is not None and isinstance(value, str) is text_is_rare:
                return read_as_text(name, column.name, row, value, others)
    return Note(f"{name}: column `{column.name}` is read as text: it holds numbers and text", column.name)


def _stamp(path: Path, table: str) -> str:
    """Return what the content is known by; changes that are not yet in the file itself stand in its log."""
    log = path.with_name(f"{path.name}-wal")
    return f"{table}@{file_stamp(path)}" + (f"+{file_stamp(log)}" if log.exists() else "")


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (StoreError, NotFoundError) as error:
        raise DataError(error.message, hint=error.hint) from error
