"""JSON lines as typed batches, block by block: a first pass finds the types that all rows fit, then rows are streamed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsconsole.drift.data.errors import DataError, explained
from opsconsole.drift.data.files import BATCH_ROWS
from opsconsole.drift.data.formats.encodings import CONVERT, require_utf8
from opsconsole.drift.data.notes import Note, read_as_text
from opsconsole.drift.kinds import is_nested

if TYPE_CHECKING:
    import pyarrow as pa

JSON_SUFFIXES = tuple(f".{kind}{packed}" for kind in ("jsonl", "ndjson", "json") for packed in ("", ".gz", ".zst"))
BLOCK_BYTES = 8 << 20
DEEPEST = 100
"""Lists and objects within each other; libraries take lines apart by calling themselves, and end at some thousands."""
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|$)|[{}\[\]]')
_CHANGED = re.compile(r"Column\((?P<path>[^)]*)\) changed from (?P<old>\w+) to (?P<new>\w+) in row (?P<row>\d+)")
_ROW = re.compile(r"^JSON parse error: (?P<detail>.*?)\.? in row (?P<row>\d+)$")

_NO_OBJECT = re.compile(r"Column\(\) changed from object to (?P<kind>\w+)")


@dataclass(frozen=True)
class JsonReader:
    """A file of JSON lines, plain or compressed."""

    path: Path
    name: str
    schema: pa.Schema
    mixed: frozenset[str]
    """Columns of numbers and text, or of true and 1: each value is read as text."""
    rows: int | None
    notes: tuple[Note, ...]

    def as_text(self, names: Iterable[str], *, keys: bool = False) -> JsonReader:
        """Return a reader that gives text that looks like dates as it is spelled; JSON says itself what is a number."""
        import pyarrow as pa
        import pyarrow.types as pt

        del keys
        dates = {one.name for one in self.schema if pt.is_timestamp(one.type)} & set(names)
        fields = [(one.name, pa.string() if one.name in dates else one.type) for one in self.schema]
        return replace(self, schema=pa.schema(fields))

    def as_flags(self, names: Iterable[str]) -> JsonReader:
        """Return the reader itself: JSON has true and false of its own, and 1 is a number."""
        del names
        return self

    def batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Stream some columns with the types of the schema."""
        import pyarrow as pa

        plain = pa.schema([self.schema.field(name) for name in columns if name not in self.mixed])
        mixed = [name for name in columns if name in self.mixed]
        rows = 0
        for block in _blocks(self.path):
            table = _parsed(self.name, block, rows, plain)
            if mixed:
                objects = list(_objects(block))
                for name in mixed:
                    texts = pa.array([_text(one.get(name)) for one in objects], pa.string())
                    table = table.append_column(name, texts)
            rows += table.num_rows
            yield from table.combine_chunks().to_batches(max_chunksize=BATCH_ROWS)


@dataclass
class _Survey:
    """The types that all rows so far fit."""

    name: str
    types: dict[str, pa.DataType] = field(default_factory=dict)
    mixed: set[str] = field(default_factory=set)
    notes: list[Note] = field(default_factory=list)
    rows: int = 0

    def add(self, block: bytes) -> None:
        """Widen the types to what a block holds."""
        _utf8(self.name, block, self.rows)
        _require_flat(self.name, block, self.rows)
        table, left = self._inferred(block)
        for column in table.schema:
            self._merge(column.name, column.type, table.column(column.name), left)
        self.rows += table.num_rows

    def _inferred(self, block: bytes) -> tuple[pa.Table, bytes]:
        """Parse a block, leaving out columns of which it holds several types."""
        import pyarrow as pa

        while True:
            try:
                return _read(block), block
            except pa.ArrowInvalid as error:
                match = _CHANGED.search(str(error))
                column = None if match is None or not match["path"] else _top_level(match["path"], block)
                if match is None or column is None:
                    raise _error_of(self.name, str(error), self.rows, block) from error
                if match["path"] == f"/{column}":
                    self._mix(column, block, int(match["row"]), f"the rows before hold a {match['old']}")
                else:
                    self.types[column] = pa.struct([])  # records that differ inside are left out like all records
                block = _without(block, column)

    def _merge(self, name: str, kind: pa.DataType, column: pa.ChunkedArray, block: bytes) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        if name in self.mixed:
            return
        known = self.types.get(name, pa.null())
        wider = _wider(known, kind)
        if wider is None:
            place = pc.index(column.is_valid(), value=True).as_py()
            self._mix(name, block, place, f"the rows before hold {known}")
        else:
            self.types[name] = wider

    def _mix(self, column: str, block: bytes, place: int, others: str) -> None:
        import pyarrow as pa

        self.types[column] = pa.string()
        if column not in self.mixed:
            self.mixed.add(column)
            value = next(one for number, one in enumerate(_objects(block)) if number == place).get(column)
            self.notes.append(read_as_text(self.name, column, self.rows + place + 1, _text(value), others))


def open_json(path: Path, name: str) -> JsonReader:
    """Find the types that every row fits."""
    import pyarrow as pa

    require_utf8(path, name)
    survey = _Survey(name)
    with explained(name):
        for block in _blocks(path):
            survey.add(block)
    schema = pa.schema(list(survey.types.items()))
    return JsonReader(path, name, schema, frozenset(survey.mixed), survey.rows, tuple(survey.notes))


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield whole lines, about ``BLOCK_BYTES`` at a time."""
    import pyarrow as pa

    parts: list[bytes] = []
    with pa.input_stream(str(path), compression="detect") as stream:
        while block := stream.read(BLOCK_BYTES):
            end = block.rfind(b"\n") + 1
            parts.append(block[:end])
            if end and (whole := b"".join(parts)).strip():
                yield whole
            parts = [block[end:]] if end else [*parts[:-1], block]
    if (rest := b"".join(parts)).strip():
        yield rest


def _read(block: bytes, schema: pa.Schema | None = None) -> pa.Table:
    """Parse lines in one piece, so that the rows in messages count from the beginning of the block."""
    import pyarrow as pa
    import pyarrow.json as pj

    options = None
    if schema is not None:
        options = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    return pj.read_json(
        pa.BufferReader(block),
        read_options=pj.ReadOptions(block_size=len(block) + 1, use_threads=False),
        parse_options=options,
    )


def _parsed(name: str, block: bytes, rows: int, schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    try:
        return _read(block, schema)
    except pa.ArrowInvalid as error:
        raise _error_of(name, str(error), rows, block) from error


def _error_of(name: str, message: str, rows: int, block: bytes) -> DataError:
    """Return what pyarrow says of a row as an error; it counts from 0 within the block."""
    if block.lstrip()[:1] == b"[":
        return DataError(f"{name}: holds a JSON list, not JSON lines", hint="write one object a line")
    match = _ROW.search(message.splitlines()[0])
    if match is None:
        return DataError(f"{name}: cannot be read: {message.splitlines()[0]}", hint="write one JSON object a line")
    kind = _NO_OBJECT.search(match["detail"])
    what = f"a JSON {kind['kind']}, not an object" if kind else match["detail"]
    return DataError(
        f"{name}: row {rows + int(match['row']) + 1:,}: {what}",
        hint="write one JSON object a line; or is the last one still being written?",
    )


def _utf8(name: str, block: bytes, rows: int) -> None:
    try:
        block.decode()
    except UnicodeDecodeError as error:
        row = rows + sum(1 for line in block[: error.start].split(b"\n")[:-1] if line.strip()) + 1
        raise DataError(f"{name}: row {row:,} holds bytes that are not UTF-8", hint=CONVERT) from error


def _require_flat(name: str, block: bytes, rows: int) -> None:
    """Refuse a line that is nested so deep that those who take it apart would run out of stack."""
    if block.count(b"{") + block.count(b"[") - block.count(b"\n") <= DEEPEST:
        return
    row = rows
    for line in block.split(b"\n"):
        row += bool(line.strip())
        if line.count(b"{") + line.count(b"[") > DEEPEST and _depth(line) > DEEPEST:
            raise DataError(
                f"{name}: row {row:,} is nested more than {DEEPEST} deep", hint="write one flat JSON object a line"
            )


def _depth(line: bytes) -> int:
    """Return how deep lists and objects of a line lie in each other; what stands in quotes does not count."""
    depth, deepest = 0, 0
    for token in _BRACKETS.finditer(line):
        depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(token[0], 0)
        deepest = max(deepest, depth)
    return deepest


def _objects(block: bytes) -> Iterator[dict[str, Any]]:
    """Yield the objects of a block; a line that is none counts as empty here, and is an error when it is parsed."""
    return (_object(line) or {} for line in block.split(b"\n") if line.strip())


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(line)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _without(block: bytes, column: str) -> bytes:
    """Leave one column out of every object; lines that are none stay as they are."""
    lines = []
    for line in block.split(b"\n"):
        document = _object(line)
        if document is not None:
            document.pop(column, None)
        lines.append(line if document is None else json.dumps(document).encode())
    return b"\n".join(lines)


def _top_level(path: str, block: bytes) -> str | None:
    """Return the column that a path such as ``/record/field`` lies in; a name may itself hold a slash."""
    names = {name for one in _objects(block) for name in one}
    inside = [name for name in names if f"{path}/".startswith(f"/{name}/")]
    return max(inside, key=len, default=None)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Return the type that holds both; None where only the values' own text does."""
    import pyarrow as pa
    import pyarrow.types as pt

    if one == other or pt.is_null(other):
        return one
    if pt.is_null(one) or (is_nested(one) and is_nested(other)):
        return other
    if pt.is_list(one) and pt.is_list(other):  # vectors; an empty or whole-numbered list beside them is one too
        inner = _wider(one.value_type, other.value_type)
        return pa.list_(inner) if inner == pa.float64() else pa.struct([])
    if all(pt.is_integer(kind) or pt.is_floating(kind) for kind in (one, other)):
        return pa.float64()
    texts = (pt.is_timestamp, pt.is_string)
    if not all(any(is_it(kind) for is_it in texts) for kind in (one, other)):
        return None
    return pa.timestamp("us") if pt.is_timestamp(one) and pt.is_timestamp(other) else pa.string()
