"""Data files as streams of column batches: CSV, Parquet and JSON lines; one file, a folder or a glob.

What is wrong with a file is said with its name and the column's. pyarrow is imported on first use.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsconsole.drift.data.csvs import CSV_SUFFIXES, csv_batches, csv_schema
from opsconsole.ground.errors import NotFoundError, UsageError
from opsconsole.ground.nouns import ColumnKind

if TYPE_CHECKING:
    import pyarrow as pa

PARQUET_SUFFIXES = (".parquet", ".pq")
JSON_SUFFIXES = (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz")
SUFFIXES = (*PARQUET_SUFFIXES, *CSV_SUFFIXES, *JSON_SUFFIXES)
BATCH_ROWS = 65_536


class DataError(UsageError):
    """A data file cannot be used; the message names the file, and the column where there is one."""

    code = "data"


@dataclass(frozen=True)
class DataFile:
    """One readable file; ``kinds`` holds None for a column that has no values at all to tell its kind by."""

    path: Path
    kinds: dict[str, ColumnKind | None]
    nested: tuple[str, ...]
    """Columns of lists or records: they are not compared."""
    rows: int | None
    """None where only reading the file would tell."""
    schema: pa.Schema


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

    @property
    def kinds(self) -> dict[str, ColumnKind | None]:
        """Every column of any file; files that disagree about a column are an error."""
        found: dict[str, ColumnKind | None] = {}
        for file in self.files:
            for name, kind in file.kinds.items():
                known = found.setdefault(name, kind)
                if known is None:
                    found[name] = kind
                elif kind is not None and kind is not known:
                    raise DataError(
                        f"{file.path}: column `{name}` is {kind.value}, in the files before it {known.value}",
                        hint="give the column one type in all files",
                    )
        return found

    def require(self, columns: list[str]) -> None:
        """Refuse a source of which a file lacks one of ``columns``."""
        for file in self.files:
            for name in columns:
                if name not in file.kinds:
                    raise DataError(
                        f"{file.path}: lacks the column `{name}`",
                        hint=f"it has: {', '.join(list(file.kinds)[:12]) or 'no columns'}",
                    )

    def batches(self, columns: list[str] | None = None) -> Iterator[Batch]:
        """Stream the rows; ``columns`` (default: all that can be compared) limits what is decoded."""
        for file in self.files:
            wanted = [name for name in file.kinds if columns is None or name in columns]
            with _explained(file.path):
                for table in _file_batches(file, wanted):
                    if table.num_rows:
                        yield Batch(file, table)


def open_source(location: str | Path, *, base: Path | None = None) -> Source:
    """Find the files of ``location`` (a file, a folder, or a glob; relative to ``base``) and read their columns."""
    paths = find_files(location, base=base)
    return Source(name=str(location), files=tuple(_open_file(path) for path in paths))


def find_files(location: str | Path, *, base: Path | None = None) -> list[Path]:
    """Return the data files that ``location`` names, in the order of their names."""
    whole = (base or Path.cwd()) / Path(location).expanduser()
    if whole.is_file():
        return [whole]
    if whole.is_dir():
        found = sorted(path for path in whole.iterdir() if path.is_file() and path.name.lower().endswith(SUFFIXES))
    else:
        found = sorted(path for path in Path(whole.anchor).glob(str(whole.relative_to(whole.anchor))) if path.is_file())
    if not found:
        raise NotFoundError(
            f"{whole}: there is no such data file", hint=f"a file, a folder or a glob of {', '.join(SUFFIXES)}"
        )
    return found


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what pyarrow says about a broken file into an error that names it."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"{path}: cannot be read: {said}", hint="the file may be cut short or of another format than its name says"
        ) from error


def _open_file(path: Path) -> DataFile:
    name = path.name.lower()
    if not name.endswith(SUFFIXES):
        raise DataError(f"{path}: not a known kind of data file", hint=f"known: {', '.join(SUFFIXES)}")
    with _explained(path):
        if path.stat().st_size == 0:
            raise DataError(f"{path}: the file is empty", hint="was it written completely?")
        schema, rows = _schema(path, name)
    kinds: dict[str, ColumnKind | None] = {}
    nested = []
    for field in schema:
        if field.name in kinds:
            raise DataError(f"{path}: the column `{field.name}` stands there twice", hint="rename one of them")
        if name.endswith(CSV_SUFFIXES) and str(field.type) == "binary":
            raise DataError(f"{path}: column `{field.name}` holds bytes that are not UTF-8", hint="convert the file")
        if _is_nested(field.type):
            nested.append(field.name)
        else:
            kinds[field.name] = kind_of(field.type)
    return DataFile(path, kinds, tuple(nested), rows, schema)


def _schema(path: Path, name: str) -> tuple[pa.Schema, int | None]:
    if name.endswith(PARQUET_SUFFIXES):
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            return file.schema_arrow, file.metadata.num_rows
    if name.endswith(CSV_SUFFIXES):
        return csv_schema(path), None
    table = _read_json(path)
    return table.schema, table.num_rows


def _file_batches(file: DataFile, columns: list[str]) -> Iterator[pa.RecordBatch]:
    name = file.path.name.lower()
    if name.endswith(PARQUET_SUFFIXES):
        yield from _parquet_batches(file, columns)
    elif name.endswith(CSV_SUFFIXES):
        yield from csv_batches(file.path, columns, file.schema)
    else:
        yield from _read_json(file.path).select(columns).to_batches(max_chunksize=BATCH_ROWS)


def _parquet_batches(file: DataFile, columns: list[str]) -> Iterator[pa.RecordBatch]:
    import pyarrow.parquet as pq

    texts = [name for name in columns if file.kinds[name] is ColumnKind.CATEGORICAL]
    with pq.ParquetFile(file.path, read_dictionary=texts) as parquet:
        yield from parquet.iter_batches(batch_size=BATCH_ROWS, columns=columns)


def _read_json(path: Path) -> pa.Table:
    """Read JSON lines whole: their types are only known at the last line."""
    import pyarrow.json as pj

    return pj.read_json(path, read_options=pj.ReadOptions(block_size=8 << 20))


def kind_of(kind: pa.DataType) -> ColumnKind | None:
    """Return how values of an Arrow type are compared; None for the type of a column without any value."""
    import pyarrow.types as pt

    if pt.is_null(kind):
        return None
    if pt.is_boolean(kind):
        return ColumnKind.BOOLEAN
    if pt.is_timestamp(kind) or pt.is_date(kind):
        return ColumnKind.DATETIME
    if pt.is_dictionary(kind):
        return kind_of(kind.value_type)
    numeric = (pt.is_integer, pt.is_floating, pt.is_decimal, pt.is_time, pt.is_duration)
    return ColumnKind.NUMERIC if any(is_it(kind) for is_it in numeric) else ColumnKind.CATEGORICAL


def _is_nested(kind: pa.DataType) -> bool:
    import pyarrow.types as pt

    value = kind.value_type if pt.is_dictionary(kind) else kind
    return bool(
        pt.is_nested(value) or pt.is_binary(value) or pt.is_large_binary(value) or pt.is_fixed_size_binary(value)
    )
