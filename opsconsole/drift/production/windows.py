"""Cutting production rows into chunks: by the hour to the quarter of their time, by so many rows, or into so many chunks.

Times are wall-clock times of a zone. Where clocks go back, the hour that they repeat is one chunk of two hours; where
they go forward, a time that no clock showed counts as the moment of the jump.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opsconsole.drift.chunk_labels import joined, label_of, numbered

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Moments = NDArray[np.datetime64]
    Places = NDArray[np.intp]

UNITS = {"hour": "h", "day": "D", "week": "D", "month": "M", "quarter": "M"}
STEPS = {"hour": 1, "day": 1, "week": 7, "month": 1, "quarter": 3}
LENGTHS = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=365.2425 / 12),
    "quarter": timedelta(days=365.2425 / 4),
}
"""On average: clock changes and short months are less than half of it."""
SIZE = "size:"
COUNT = "count:"
NEARLY_WHOLE = 0.95
"""A last chunk whose rows reach past this share of its time counts as whole."""
EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday."""


@dataclass(frozen=True)
class Window:
    """One chunk's place in time."""

    label: str
    start: datetime
    end: datetime
    partial: bool
    """It is the last one, and rows may still come."""


@dataclass(frozen=True)
class Cut(Window):
    """A window with the rows in it, as places among those that were cut, in order of time."""

    rows: Places

    def window(self) -> Window:
        """Return the window without its rows."""
        return Window(self.label, self.start, self.end, self.partial)


@dataclass(frozen=True)
class Gap:
    """A time between chunks without any row."""

    start: datetime
    end: datetime
    units: int
    """How many chunks would have had their place there."""


class Cutter:
    """Cuts rows that come part by part, each later in time than the one before, as if all had come at once.

    A chunk of fewer than ``least`` rows is merged with those after it until there are enough; the last one may stay
    too small. Every row is in exactly one window; windows by time do not overlap.
    """

    def __init__(self, chunk: str, zone: str | None, least: int, total: int) -> None:
        self._chunk, self._zone, self._least, self._total = chunk, zone, least, total
        self._rows = 0
        """In the windows so far."""
        self._number = 0
        """Of windows so far, before any were merged."""
        self._begun: datetime | None = None
        """When the last of them begins."""

    def cut(self, times: Moments, *, last: bool = True) -> tuple[list[Cut], Places]:
        """Return the windows that hold rows, in order, and the places of the rows that must come again with the next.

        ``times`` are wall-clock times of the zone (None: UTC), all of them there; a part by time ends with a period.
        """
        on_clocks = shown(times, self._zone)
        order = np.argsort(on_clocks, kind="stable")
        raw = self._raw(on_clocks[order], order, last=last) if len(order) else []
        groups = list(_grouped(raw, self._least))
        if groups and not last and _rows(groups[-1]) < self._least:
            groups.pop()
        taken = sum(map(_rows, groups))
        self._rows += taken
        self._number += sum(map(len, groups))
        self._begun = groups[-1][-1].start if groups else self._begun
        return [_joined(group) for group in groups], np.sort(order[taken:])

    def _raw(self, ordered: Moments, places: Places, *, last: bool) -> list[Cut]:
        """Return the windows as they are before any are merged; where more rows come, those that are whole."""
        if self._chunk in UNITS:
            return _by_time(self._chunk, ordered, places, self._zone, last=last)
        if self._chunk.startswith(SIZE):
            size = int(self._chunk.removeprefix(SIZE))
            bounds = [*range(0, len(places), size), len(places)]
        else:
            size = 0
            whole = _bounds(self._total, int(self._chunk.removeprefix(COUNT))) - self._rows
            bounds = [bound for bound in whole.tolist() if 0 <= bound <= len(places)]
        parts = list(pairwise(bounds))
        if not last and size and parts and parts[-1][1] - parts[-1][0] < size:
            parts.pop()
        return self._by_rows(parts, ordered, places, size)

    def _by_rows(self, parts: list[tuple[int, int]], ordered: Moments, places: Places, size: int) -> list[Cut]:
        """Give each part the times of its rows; rows of one time in two parts still start apart."""
        windows: list[Cut] = []
        begun = self._begun
        for number, (first, after) in enumerate(parts, start=self._number + 1):
            start = _aware(ordered[first], self._zone)
            if begun is not None and start <= begun:
                start = begun + timedelta(microseconds=1)
            end = max(_aware(ordered[after - 1], self._zone), start)
            windows.append(Cut(numbered(number), start, end, after - first < size, places[first:after]))
            begun = start
        return windows


def cut(chunk: str, times: Moments, rows: Places, zone: str | None, least: int = 0) -> list[Cut]:
    """Return the windows that hold ``rows``, in order; each of them has a time."""
    windows, _ = Cutter(chunk, zone, least, len(rows)).cut(times[rows])
    return [replace(window, rows=rows[window.rows]) for window in windows]


def gaps(chunk: str, windows: Sequence[Window]) -> list[Gap]:
    """Return the periods between windows in which not one row lies; chunks by rows leave none.

    A period inside of a merged window is not seen: cut without ``least`` to find those too.
    """
    if chunk not in UNITS:
        return []
    return [
        Gap(before.end, after.start, max(1, round((after.start - before.end) / LENGTHS[chunk])))
        for before, after in pairwise(windows)
        if before.end < after.start
    ]


def unit_of(chunk: str) -> str:
    """Return the word for one chunk: ``month``, or ``chunk`` when it is cut by rows."""
    return chunk if chunk in UNITS else "chunk"


def _by_time(chunk: str, ordered: Moments, places: Places, zone: str | None, *, last: bool) -> list[Cut]:
    starts = floored(chunk, ordered)
    bounds = np.flatnonzero(np.concatenate(([True], starts[1:] != starts[:-1], [True])))
    windows = []
    for first, after in pairwise(bounds.tolist()):
        start = starts[first]
        end = _next(chunk, start)
        opened, closed = start.astype("datetime64[us]"), end.astype("datetime64[us]")
        reached = float((ordered[after - 1] - opened) / (closed - opened))
        windows.append(
            Cut(
                label=label_of(chunk, opened.item()),
                start=_aware(opened, zone),
                end=_aware(closed, zone),
                partial=bool(last and after == len(ordered) and reached < NEARLY_WHOLE),
                rows=places[first:after],
            )
        )
    return windows


def _bounds(rows: int, chunks: int) -> Places:
    """Return where ``chunks`` parts begin and end whose sizes differ by one row at most; fewer of fewer rows."""
    return np.linspace(0, rows, min(chunks, rows) + 1).astype(np.intp)


def _grouped(windows: list[Cut], least: int) -> Iterator[list[Cut]]:
    waiting: list[Cut] = []
    for window in windows:
        waiting.append(window)
        if _rows(waiting) >= least:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _rows(windows: list[Cut]) -> int:
    return sum(len(one.rows) for one in windows)


def _joined(windows: list[Cut]) -> Cut:
    first, last = windows[0], windows[-1]
    if first is last:
        return first
    rows = np.concatenate([one.rows for one in windows])
    return replace(last, label=joined(first.label, last.label), start=first.start, rows=rows)


def floored(chunk: str, times: Moments) -> Moments:
    """Return the starts of the periods of a unit that times lie in."""
    starts: Moments = times.astype(f"datetime64[{UNITS[chunk]}]")
    if chunk == "week":
        weekday = (starts.astype(np.int64) + EPOCH_WEEKDAY) % 7
        starts = starts - weekday.astype("timedelta64[D]")
    elif chunk == "quarter":
        starts = starts - (starts.astype(np.int64) % 3).astype("timedelta64[M]")
    return starts


def _next(chunk: str, start: np.datetime64) -> np.datetime64:
    following: np.datetime64 = start + np.timedelta64(STEPS[chunk], UNITS[chunk])  # type: ignore[call-overload]
    return following


def shown(times: Moments, zone: str | None) -> Moments:
    """Return wall-clock times that a clock of the zone did show: those inside a jump become its end."""
    if zone is None or zone == "UTC":
        return times
    local: Moments = pc.local_timestamp(_instants(pa.array(times.astype("datetime64[us]")), zone)).to_numpy(
        zero_copy_only=False
    )
    return local


def _instants(times: pa.Array, zone: str) -> pa.Array:
    return pc.assume_timezone(times, zone, ambiguous="earliest", nonexistent="latest")


def _aware(moment: np.datetime64, zone: str | None) -> datetime:
    instant = _instants(pa.array([moment.astype("datetime64[us]")]), zone or "UTC")[0]
    utc: datetime = instant.cast(pa.timestamp("us", "UTC")).as_py()
    return utc.astimezone(UTC)
