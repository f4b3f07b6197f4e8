"""Data sources as one stream of column batches, with errors that name file and column.

A location is a file, a folder or a glob of CSV, Parquet and JSON lines (CSV and JSON lines plain, ``.gz`` or ``.zst``),
a glob with a date in it (``data/%Y/%m/%d/*.parquet``), ``sqlite:PATH?table=NAME``, or ``command:PROGRAM ARGUMENTS``.
Memory does not grow with the rows of any of them. pyarrow is imported on first use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from opsconsole.core.errors import RefusedError
from opsconsole.core.nouns import ColumnKind
from opsconsole.drift.data.errors import DataError, printable, shown
from opsconsole.drift.data.files import DataFile, Reader, described
from opsconsole.drift.data.formats.commands import COMMAND, open_command
from opsconsole.drift.data.formats.csvs import CSV_SUFFIXES, TSV_SUFFIXES, open_csv
from opsconsole.drift.data.formats.encodings import CONVERT
from opsconsole.drift.data.formats.jsons import open_json
from opsconsole.drift.data.formats.parquets import PARQUET_SUFFIXES, open_parquet
from opsconsole.drift.data.formats.tables import SQLITE, open_table
from opsconsole.drift.data.notes import Note
from opsconsole.drift.data.places import SUFFIXES, find_files
from opsconsole.drift.data.settling import unsettled

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Batch", "DataError", "DataFile", "Source", "open_source"]

WRITING = "still being written"


@dataclass(frozen=True)
class Batch:
    """Some rows of one file; columns that the file lacks are absent from ``table``."""

    file: DataFile
    table: pa.RecordBatch


@dataclass(frozen=True)
class Source:
    """Files read one after the other as one table."""

    name: str
    files: tuple[DataFile, ...]
    notes: tuple[Note, ...] = ()
    """What was left out or is read otherwise than it looks, and why."""
    left_out: bool = False
    """Whether there are files that are not among ``files``, because they are still being written."""

    @property
    def kinds(self) -> dict[str, ColumnKind | None]:
        """Every column of any file; DataError where files disagree about one."""
        kinds: dict[str, ColumnKind | None] = {}
        for file in self.files:
            for name, kind in file.kinds.items():
                known = kinds.setdefault(name, kind)
                if known is None:
                    kinds[name] = kind
                elif kind is not None and kind is not known:
                    raise DataError(
                        f"{file.name}: column `{name}` is {kind.value}, in the files before it {known.value}",
                        hint=next(
                            (note.text for note in self.notes if note.column == name),
                            "give the column one type in all files",
                        ),
                    )
        return kinds

    def as_text(self, names: Iterable[str], *, keys: bool = False) -> Source:
        """Return the source with some columns as they are spelled, in files whose format leaves open what they are."""
        wanted = list(names)
        return replace(self, files=tuple(file.as_text(wanted, keys=keys) for file in self.files))

    def as_flags(self, names: Iterable[str]) -> Source:
        """Return the source with columns of 1 and 0 as true and false, in files whose format leaves that open."""
        wanted = list(names)
        return replace(self, files=tuple(file.as_flags(wanted) for file in self.files))

    def spelled_as(self, other: Source) -> Source:
        """Return the source with those columns as text, or as true and false, that are so on the other side."""
        return self.as_text(other.of_kind(ColumnKind.CATEGORICAL)).as_flags(
            other.of_kind(ColumnKind.BOOLEAN, typed=False)
        )

    def of_kind(self, kind: ColumnKind, *, typed: bool = True) -> set[str]:
        """Return the columns of a kind in any file; ``typed``: in one whose format says so itself."""
        return {
            name for file in self.files for name, own in file.kinds.items() if own is kind and (file.typed or not typed)
        }

    def require(self, columns: list[str]) -> None:
        """Raise DataError if a file lacks one of ``columns``, or holds it nested."""
        for file in self.files:
            for name in columns:
                if name in file.nested:
                    raise DataError(
                        f"{file.name}: column `{name}` holds {file.schema.field(name).type}",
                        hint="lists, records and bytes cannot be compared: write one value a row",
                    )
                if name not in file.kinds:
                    raise DataError(
                        f"{file.name}: lacks the column `{name}`",
                        hint=f"it has: {', '.join(list(file.kinds)[:12]) or 'no columns'}",
                    )

    def batches(self, columns: list[str] | None = None) -> Iterator[Batch]:
        """Stream the rows; ``columns`` (default: all that can be compared) limits what is decoded."""
        for file in self.files:
            wanted = [name for name in file.kinds if columns is None or name in columns]
            for table in file.batches(wanted):
                if table.num_rows:
                    yield Batch(file, table)


def open_source(location: str | Path, *, base: Path | None = None, programs: bool = True) -> Source:
    """Find what ``location`` names, relative to ``base``, and read its columns.

    Raises NotFoundError, DataError for what cannot be read or is still being written, and RefusedError for a command
    where no ``programs`` are to run.
    """
    text, folder = str(location), base or Path.cwd()
    notes: tuple[Note, ...] = ()
    left_out = False
    if text.startswith(COMMAND):
        if not programs:
            raise RefusedError(
                f"{shown(text)}: refused, this session is read-only and runs no programs",
                hint="start without --readonly, or name the rows as a file",
            )
        files = [open_command(text, folder)]
    elif text.startswith(SQLITE):
        files = [open_table(text, folder)]
    else:
        named = find_files(location, base=base)
        whole, notes = _settled(named.paths)
        left_out = bool(notes)
        notes = named.notes + notes
        files = [_open_file(path) for path in whole]
    read = tuple(note for file in files for note in file.reader.notes)
    return Source(printable(text), tuple(files), notes + read, left_out)


def _settled(paths: list[Path]) -> tuple[list[Path], tuple[Note, ...]]:
    """Return the files that are whole, and a note on each of the others; an error when there is none."""
    writing = unsettled(paths)
    if len(writing) == len(paths):
        raise DataError(f"{paths[0]}: {WRITING}", hint="try again when the program that writes it is done")
    notes = tuple(Note(f"{path}: left out: {WRITING}") for path in paths if path in writing)
    return [path for path in paths if path not in writing], notes


def _open_file(path: Path) -> DataFile:
    name, lower = printable(path), path.name.lower()
    if not lower.endswith(SUFFIXES):
        raise DataError(f"{name}: not a known kind of data file", hint=f"known: {', '.join(SUFFIXES)}")
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{name}: the file is empty", hint="was it written completely?")
        return described(path, name, _reader(path, name, lower))
    except OSError as error:
        raise DataError(f"{name}: cannot be read: {error.strerror}", hint="check that it may be read") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: a column's name holds bytes that are not UTF-8", hint=CONVERT) from error


def _reader(path: Path, name: str, lower: str) -> Reader:
    if lower.endswith(PARQUET_SUFFIXES):
        return open_parquet(path, name)
    if lower.endswith(CSV_SUFFIXES):
        return open_csv(path, name, "\t" if lower.endswith(TSV_SUFFIXES) else ",")
    return open_json(path, name)
