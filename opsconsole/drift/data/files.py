"""One readable file, table or answer of a command: its columns, its content's stamp, its rows as batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from opsconsole.core.files import digest_file
from opsconsole.core.nouns import ColumnKind
from opsconsole.drift.data.errors import DataError, explained
from opsconsole.drift.data.notes import Note
from opsconsole.drift.kinds import is_nested, kind_of

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 65_536
HASHED_BYTES = 64 << 20
"""Files up to this size are known by their content, larger ones by size and time."""


class Reader(Protocol):
    """What a format must know of its file."""

    @property
    def schema(self) -> pa.Schema:
        """The type of every column, which holds for all rows."""

    @property
    def rows(self) -> int | None:
        """How many there are; None where only reading would tell."""

    @property
    def notes(self) -> tuple[Note, ...]:
        """What is odd about it, though it can be read."""

    def batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Stream some columns."""


@runtime_checkable
class Spelled(Reader, Protocol):
    """A format that writes values as text, and leaves it to the reader what they are."""

    def as_text(self, names: Iterable[str], *, keys: bool = False) -> Reader:
        """Return a reader that gives columns whose type is only guessed as they are spelled.

        As ``keys`` they are to meet those of other files: 12.0 still is 12.
        """

    def as_flags(self, names: Iterable[str]) -> Reader:
        """Return a reader that gives those columns as true and false that spell it as 1 and 0, in all their rows."""


@dataclass(frozen=True)
class DataFile:
    """One readable file; ``kinds`` holds None for a column that has no values at all to tell its kind by."""

    path: Path
    name: str
    """What messages call it."""
    kinds: dict[str, ColumnKind | None]
    nested: tuple[str, ...]
    """Columns of lists (save of floats), records or bytes: they are not compared."""
    reader: Reader
    known_by: str | None = None
    """The stamp, where it is not that of the file at ``path``."""

    @property
    def typed(self) -> bool:
        """Whether its format keeps types; those of CSV are guessed from how values are spelled."""
        return bool(getattr(self.reader, "typed", True))

    @property
    def rows(self) -> int | None:
        """How many there are; None where only reading the file would tell."""
        return self.reader.rows

    @property
    def schema(self) -> pa.Schema:
        """Every column's Arrow type, as batches bring it."""
        from opsconsole.drift.data.plain_types import plain_schema

        return plain_schema(self.reader.schema)

    def as_text(self, names: Iterable[str], *, keys: bool = False) -> DataFile:
        """Return the file with some columns as they are spelled: where its format keeps types, as it is."""
        wanted = [name for name in names if self.kinds.get(name) not in {None, ColumnKind.CATEGORICAL}]
        if not wanted or not isinstance(self.reader, Spelled):
            return self
        reader = self.reader.as_text(wanted, keys=keys)
        kinds = {name: kind_of(reader.schema.field(name).type) for name in wanted}
        return replace(self, reader=reader, kinds=self.kinds | kinds)

    def as_flags(self, names: Iterable[str]) -> DataFile:
        """Return the file with columns of 1 and 0 as true and false, where its format leaves open what they are."""
        wanted = [name for name in names if self.kinds.get(name) is ColumnKind.NUMERIC]
        if not wanted or not isinstance(self.reader, Spelled):
            return self
        reader = self.reader.as_flags(wanted)
        kinds = {name: kind_of(reader.schema.field(name).type) for name in wanted}
        return replace(self, reader=reader, kinds=self.kinds | kinds)

    def stamp(self) -> str:
        """Return what the content is known by: the same stamp, the same rows."""
        if self.known_by is not None:
            return self.known_by
        with explained(self.name):
            return file_stamp(self.path)

    def batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Stream some columns; whatever breaks on the way is a DataError that names the file."""
        from opsconsole.drift.data.plain_types import plain_batches

        with explained(self.name):
            yield from plain_batches(self.reader.batches(columns))


def file_stamp(path: Path) -> str:
    """Return a small file's digest, or a large one's name, size and time."""
    about = path.stat()
    small = about.st_size <= HASHED_BYTES
    return digest_file(path) if small else f"{path.name}:{about.st_size}:{about.st_mtime_ns}"


def described(path: Path, name: str, reader: Reader, *, known_by: str | None = None) -> DataFile:
    """Tell the columns that can be compared from the others. DataError for a name that stands twice."""
    kinds: dict[str, ColumnKind | None] = {}
    nested = []
    from opsconsole.drift.data.plain_types import plain_schema

    for field in plain_schema(reader.schema):
        if field.name in kinds or field.name in nested:
            raise DataError(f"{name}: the column `{field.name}` stands there twice", hint="rename one of them")
        if is_nested(field.type):
            nested.append(field.name)
        else:
            kinds[field.name] = kind_of(field.type)
    return DataFile(path, name, kinds, tuple(nested), reader, known_by)
