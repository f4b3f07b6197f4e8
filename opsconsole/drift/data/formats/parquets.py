"""Parquet as batches in bounded memory: columns are read through a small buffer, never a whole row group ahead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsconsole.drift.data.errors import DataError, explained
from opsconsole.drift.data.files import BATCH_ROWS
from opsconsole.drift.data.notes import Note
from opsconsole.drift.kinds import is_vector

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

PARQUET_SUFFIXES = (".parquet", ".pq")
BUFFER_BYTES = 1 << 20
"""Of each column; without a buffer a column's whole row group is held, and pyarrow's own look-ahead holds all of them."""
INDEX_BYTES = 4
"""What the place in a dictionary takes at most; a column that takes more for each value is not stored as one."""
VECTOR_SHARE = 16
"""A batch with vectors holds so many times fewer rows."""
_ENDS = (b"PAR1", b"PARE")


@dataclass(frozen=True)
class ParquetReader:
    """A Parquet file whose footer was read."""

    path: Path
    schema: pa.Schema
    rows: int | None
    encoded: frozenset[str]
    """Text columns that are worth reading as dictionaries, as they are stored."""
    notes: tuple[Note, ...] = ()

    def batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Stream some columns, text as dictionaries."""
        import pyarrow.parquet as pq

        from opsconsole.drift.data.plain_types import plain_type

        texts = [name for name in columns if name in self.encoded]
        vectors = any(is_vector(plain_type(self.schema.field(name).type)) for name in columns)
        rows = BATCH_ROWS // VECTOR_SHARE if vectors else BATCH_ROWS
        with pq.ParquetFile(self.path, read_dictionary=texts, pre_buffer=False, buffer_size=BUFFER_BYTES) as parquet:
            yield from parquet.iter_batches(batch_size=rows, columns=columns)


def open_parquet(path: Path, name: str) -> ParquetReader:
    """Read a footer; DataError for a file that is cut short or not Parquet."""
    import pyarrow.parquet as pq

    with path.open("rb") as file:
        begun = file.read(4) in _ENDS
    if not begun:
        raise DataError(
            f"{name}: cannot be read: it is no Parquet file, whatever its name says", hint="name it as what it holds"
        )
    if not has_footer(path):
        raise DataError(
            f"{name}: cannot be read: it is cut short, the footer that ends a Parquet file is not there",
            hint="write the file under another name and rename it when it is whole; or fetch it again",
        )
    with explained(name), pq.ParquetFile(path) as file:
        return ParquetReader(path, file.schema_arrow, file.metadata.num_rows, _encoded(file))


def _encoded(file: pq.ParquetFile) -> frozenset[str]:
    """Return the text columns of few values; building a dictionary of ids costs five times what reading them does."""
    import pyarrow.types as pt

    from opsconsole.drift.data.plain_types import plain_schema

    metadata = file.metadata
    plain = set()
    if metadata.num_row_groups:
        group = metadata.row_group(0)
        for place in range(group.num_columns):
            column = group.column(place)
            if column.total_uncompressed_size > INDEX_BYTES * max(column.num_values, 1):
                plain.add(column.path_in_schema)
    schema = plain_schema(file.schema_arrow)
    texts = {field.name for field in schema if pt.is_string(field.type) or pt.is_dictionary(field.type)}
    return frozenset(texts - plain)


def has_footer(path: Path) -> bool:
    """Whether a Parquet file is whole at its end."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - 4, 0))
        return file.read() in _ENDS
