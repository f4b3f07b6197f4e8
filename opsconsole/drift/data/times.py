"""Time columns as Arrow timestamps, whichever way files write them: typed, as text, with zones, offsets or without."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from opsconsole.drift.data.errors import DataError, shown
from opsconsole.drift.data.files import DataFile
from opsconsole.drift.kinds import named_zone

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OFFSET = r"[T ]\d\d(:?\d\d)*(\.\d+)? ?(Z|[+-]\d\d(:?\d\d)?)$"
EARLIEST, LATEST = np.datetime64("0001-01-02", "us"), np.datetime64("9998-12-31", "us")
"""What a calendar can say, with room for a zone and for the end of the last quarter."""
HINT = "write times as 2013-10-01T06:00:00, with or without a zone"


@dataclass
class WallClock:
    """Turns time columns, file after file, into wall-clock times of one zone: that of the first file that has times."""

    zone: str | None = None
    """None: times have none, and count as UTC."""
    notes: dict[tuple[str | None, str | None], str] = field(default_factory=dict)
    """One for each pair of zones of which one had to be read in the other, and for each file with times out of reach."""
    _decided: bool = False

    def read(self, column: pa.Array, file: DataFile, name: str, first: int) -> NDArray[np.datetime64]:
        """Return the times of one batch, whose first row is number ``first`` of the file, counted from 0."""
        moments = self._within(moments_of(column, file, name, first), file, name)
        zone = None if moments.type.tz is None else named_zone(moments.type.tz)
        if moments.null_count < len(moments):
            if not self._decided:
                self.zone, self._decided = zone, True
            elif zone != self.zone:
                self._note(file, name, zone)
        if zone is not None:
            moments = pc.local_timestamp(moments.cast(pa.timestamp("us", tz=self.zone or "UTC")))
        values: NDArray[np.datetime64] = moments.to_numpy(zero_copy_only=False)
        return values.astype("datetime64[us]", copy=False)

    def of_batch(self, table: pa.RecordBatch, file: DataFile, name: str | None, first: int) -> NDArray[np.datetime64]:
        """Return the times of a batch's rows: by their column, or, without one, when their file was written."""
        if name is not None:
            return self.read(table.column(name), file, name, first)
        written = np.datetime64(int(file.path.stat().st_mtime), "s")
        return np.full(table.num_rows, written.astype("datetime64[us]"))

    def _within(self, moments: pa.Array, file: DataFile, name: str) -> pa.Array:
        """Leave out times that no calendar has: seconds that were taken for milliseconds, a sentinel."""
        counted = moments.cast(pa.int64())
        first, last = (int(one.astype(np.int64)) for one in (EARLIEST, LATEST))
        right = pc.and_(pc.greater_equal(counted, first), pc.less(counted, last))
        wrong = len(moments) - moments.null_count - int(pc.sum(right).as_py() or 0)
        if not wrong:
            return moments
        note = f"{file.name}: column `{name}`: times outside the years 1 to 9998 were left out"
        self.notes.setdefault((file.name, name), note)
        return pc.if_else(right, moments, pa.scalar(None, moments.type))

    def _note(self, file: DataFile, name: str, zone: str | None) -> None:
        mine = self.zone or "UTC"
        what = f"times without a zone were taken as {mine}" if zone is None else f"times of {zone} became {mine}"
        self.notes.setdefault((self.zone, zone), f"{file.name}: column `{name}`: {what}, as in the files before")


def wall_clock(at: datetime, zone: str | None) -> np.datetime64:
    """Return a moment as clocks of a zone (None: UTC) show it."""
    return np.datetime64(at.astimezone(ZoneInfo(zone or "UTC")).replace(tzinfo=None), "us")


def moment(shown: np.datetime64, zone: str | None) -> datetime:
    """Return the moment at which clocks of a zone (None: UTC) show a time: the first of two, where they go back."""
    naive: datetime = shown.astype("datetime64[us]").item()
    return naive.replace(tzinfo=ZoneInfo(zone or "UTC")).astimezone(UTC)


def moments_of(column: pa.Array, file: DataFile, name: str, first: int | None = None) -> pa.Array:
    """Return a time column as Arrow timestamps in microseconds, with its zone if it has one.

    ``first`` is the number of rows before it in the file, where that is known: messages then name the row.
    DataError for a column that holds no times.
    """
    if pt.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pt.is_string(kind) or pt.is_large_string(kind):
        return _parsed(column, file, name, first)
    try:
        if pt.is_date(kind) or pt.is_null(kind):
            return column.cast(pa.timestamp("us"))
        if pt.is_timestamp(kind):
            return column.cast(pa.timestamp("us", tz=kind.tz), safe=False)
    except pa.ArrowInvalid as error:
        message = str(error).splitlines()[0]
        raise DataError(
            f"{file.name}: column `{name}` holds something that is no time: {message}", hint=HINT
        ) from error
    raise DataError(f"{file.name}: column `{name}` holds {kind}, not times", hint="name the time column: time = …")


def _parsed(column: pa.Array, file: DataFile, name: str, first: int | None) -> pa.Array:
    """Read times from text: all without an offset, all with one, or some of each, those without then being UTC."""
    for kind in (pa.timestamp("us"), pa.timestamp("us", tz="UTC")):
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    offset = pc.match_substring_regex(column, _OFFSET)
    try:
        return _mixed(column, offset)
    except pa.ArrowInvalid as error:
        place = _first_wrong(column, offset)
        where = "" if first is None else f" in row {first + place + 1:,}"
        raise DataError(
            f"{file.name}: column `{name}` holds something that is no time: `{shown(column[place])}`{where}", hint=HINT
        ) from error


def _mixed(column: pa.Array, offset: pa.Array) -> pa.Array:
    nothing = pa.scalar(None, column.type)
    placed = pc.if_else(offset, column, nothing).cast(pa.timestamp("us", tz="UTC"))
    plain = pc.if_else(offset, nothing, column).cast(pa.timestamp("us"))
    return pc.coalesce(placed, pc.assume_timezone(plain, "UTC"))


def _first_wrong(column: pa.Array, offset: pa.Array) -> int:
    """Return the place of the first text that is no time, by halving."""
    right, after = 0, len(column)
    while after - right > 1:
        middle = (right + after) // 2
        try:
            _mixed(column.slice(right, middle - right), offset.slice(right, middle - right))
            right = middle
        except pa.ArrowInvalid:
            after = middle
    return right
