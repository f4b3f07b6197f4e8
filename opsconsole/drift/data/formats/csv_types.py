"""The types of CSV columns: they hold for the whole file, not for its first block only.

The first block tells them. A second pass over the columns that may hold something else later checks them, and only
where one does is the file read once more, as text, to find the types that all rows fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from opsconsole.drift.data.formats.spellings import Survey, begun
from opsconsole.drift.data.notes import Note, read_as_text

if TYPE_CHECKING:
    from opsconsole.drift.data.formats.csvs import CsvReader

_TIME = r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"


def settled(reader: CsvReader, first: pa.RecordBatch, *, whole: bool) -> CsvReader:
    """Return the reader with types that all rows fit, guessed from the ``first`` block, which may be the ``whole``."""
    guessed = _quoted_alone(reader)
    return _spelled(_checked(guessed, whole=whole), guessed.schema, first)


def _quoted_alone(reader: CsvReader) -> CsvReader:
    """Give columns the type text in which all that stands are spellings of a missing value in quotes."""
    empty = [one.name for one in reader.schema if pt.is_null(one.type)]
    if not empty:
        return reader
    with reader.explained(empty), reader.opened(empty, dict.fromkeys(empty, pa.string())) as stream:
        first = reader.finished(next(stream))
    texts = {name for name in empty if first.column(name).null_count < first.num_rows}
    return replace(
        reader,
        schema=pa.schema([(one.name, pa.string() if one.name in texts else one.type) for one in reader.schema]),
    )


def _checked(reader: CsvReader, *, whole: bool) -> CsvReader:
    """Return the reader with types that hold beyond the first block; text holds everything already."""
    types = {one.name: one.type for one in reader.schema if not pt.is_string(one.type)}
    if not types or _holds(reader, types, quoted=False):
        return reader
    reader = replace(reader, quoted_gaps=True)
    if whole or _holds(reader, types, quoted=True):
        return reader
    checked, notes = _widened(reader, types)
    schema = pa.schema([(one.name, checked.get(one.name, one.type)) for one in reader.schema])
    return replace(reader, schema=schema, notes=reader.notes + notes)


def _holds(reader: CsvReader, types: Mapping[str, pa.DataType], *, quoted: bool) -> bool:
    """Whether all rows fit the types."""
    try:
        with reader.opened(list(types), types, quoted=quoted) as stream:
            for _ in stream:
                pass
    except pa.ArrowInvalid:
        return False
    return True


def _spelled(reader: CsvReader, guessed: pa.Schema, first: pa.RecordBatch) -> CsvReader:
    """Find the text columns that spell numbers, by one look at all rows of those that may; tell those that nearly do."""
    surveys: dict[str, Survey] = {}
    for one in reader.schema:
        if pt.is_string(one.type):
            values = first.column(one.name)
            text = values.cast(pa.string()) if pt.is_integer(values.type) or pt.is_floating(values.type) else values
            survey = begun(text) if pt.is_string(text.type) else None
            if survey is not None:
                surveys[one.name] = survey
    if not surveys:
        return reader
    names = list(surveys)
    with reader.explained(names), reader.opened(names, dict.fromkeys(names, pa.string()), quoted=True) as stream:
        for batch in stream:
            for name, survey in surveys.items():
                survey.add(batch.column(name))
    spellings = {
        name: how for name, survey in surveys.items() if (how := survey.spelling(reader.delimiter)) is not None
    }
    notes = [note for note in reader.notes if note.column not in spellings]
    notes += [Note(f"{reader.name}: column `{name}` is read as {how}", name) for name, how in spellings.items()]
    notes += _doubtful(reader, guessed, surveys)
    fields = [(one.name, pa.float64() if one.name in spellings else one.type) for one in reader.schema]
    return replace(reader, schema=pa.schema(fields), spelled=spellings, notes=tuple(notes))


def _doubtful(reader: CsvReader, guessed: pa.Schema, surveys: Mapping[str, Survey]) -> list[Note]:
    """Tell the columns that stay text though most of their values are numbers, or could be two."""
    notes = []
    for name, survey in surveys.items():
        if survey.unfit is not None and pt.is_string(guessed.field(name).type):
            row, value = survey.unfit
            notes.append(read_as_text(reader.name, name, row + 1, value, "most others hold numbers"))
        elif survey.unfit is None and survey.spelling(reader.delimiter) is None:
            doubt = (
                f"{reader.name}: column `{name}` is read as text: its commas may stand for decimals or for thousands"
            )
            notes.append(Note(doubt, name))
    return notes


def _widened(reader: CsvReader, narrow: dict[str, pa.DataType]) -> tuple[dict[str, pa.DataType], tuple[Note, ...]]:
    """Read some columns as text and return the narrowest types that all values fit."""
    types, notes, rows = dict(narrow), [], 0
    texts = dict.fromkeys(narrow, pa.string())
    with reader.explained(list(narrow)), reader.opened(list(narrow), texts, quoted=True) as stream:
        for batch in stream:
            for name in [name for name, kind in types.items() if kind != pa.string()]:
                column = pc.utf8_trim_whitespace(batch.column(name))
                before = types[name]
                types[name] = next(kind for kind in _wider(before) if _fits(column, kind))
                if types[name] == pa.string() and not pa.types.is_null(before):
                    place = first_unfit(column, list(_wider(before))[-2])
                    value = column[place].as_py()
                    notes.append(
                        read_as_text(reader.name, name, rows + place + 1, value, f"the rows before hold {before}")
                    )
            rows += batch.num_rows
    return types, tuple(notes)


def _wider(kind: pa.DataType) -> Iterator[pa.DataType]:
    """Yield the types that hold what a type holds, narrowest first, ending with text."""
    yield kind
    if pt.is_null(kind):
        yield from (pa.int64(), pa.float64(), pa.bool_(), pa.date32(), pa.timestamp("us"), pa.timestamp("us", "UTC"))
    elif pt.is_integer(kind):
        yield pa.float64()
    elif pt.is_date(kind) or pt.is_timestamp(kind):
        yield pa.timestamp("us", getattr(kind, "tz", None))
    yield pa.string()


def _fits(column: pa.Array, kind: pa.DataType) -> bool:
    if pa.types.is_null(kind):
        return bool(column.null_count == len(column))
    if pa.types.is_time(kind):  # pyarrow reads such columns but casts no text to them
        return bool(pc.all(pc.match_substring_regex(column, _TIME)).as_py() in {None, True})
    try:
        column.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


def first_unfit(column: pa.Array, kind: pa.DataType) -> int:
    """Return the place of the first value that is none of a type, by halving."""
    fits, after = 0, len(column)
    while after - fits > 1:
        middle = (fits + after) // 2
        if _fits(column.slice(fits, middle - fits), kind):
            fits = middle
        else:
            after = middle
    return fits
