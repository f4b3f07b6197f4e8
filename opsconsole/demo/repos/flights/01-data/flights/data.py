"""Reading the months: one Parquet file each, a row a flight, ``late`` null where a flight never arrived."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

ID, TIME, LABEL = "row_id", "sched_dep", "late"


def months(folder: Path) -> list[Path]:
    """Return a folder's months, the earliest first."""
    return sorted(folder.glob("*.parquet"))


def read(files: Sequence[Path], columns: Sequence[str] | None = None) -> pa.Table:
    """Read months into one table."""
    if not files:
        raise FileNotFoundError("no months to read")
    return pa.concat_tables([parquet.read_table(file, columns=columns) for file in files])


def labelled(table: pa.Table) -> pa.Table:
    """Keep the flights that arrived: cancelled and diverted ones have no outcome."""
    return table.filter(table.column(LABEL).is_valid())


def before(table: pa.Table, moment: datetime) -> pa.Table:
    """Keep what was scheduled before a moment."""
    return table.filter(pc.less(table.column(TIME), pa.scalar(moment, table.column(TIME).type)))


def since(table: pa.Table, moment: datetime) -> pa.Table:
    """Keep what was scheduled at a moment or after it."""
    return table.filter(pc.greater_equal(table.column(TIME), pa.scalar(moment, table.column(TIME).type)))


def moment(text: str) -> datetime:
    """Read ``2013-07-01T00:00:00Z`` as the wall clock that the files use."""
    return datetime.fromisoformat(text).replace(tzinfo=None)
