"""Cutting production rows into chunks: by the hour to the quarter of their time, by so many rows, or into so many chunks.

Times are wall-clock times of a zone. Where clocks go back, the hour that they repeat is one chunk of two hours; where
they go forward, a time that no clock showed counts as the moment of the jump.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Moments = NDArray[np.datetime64]
    Rows = NDArray[np.intp]

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
    """One chunk's place in time, and which rows are in it."""

    label: str
    start: datetime
    end: datetime
    rows: Rows
    partial: bool
    """It is the last one, and rows may still come."""


@dataclass(frozen=True)
class Gap:
    """A time between chunks without any row."""

    start: datetime
    end: datetime
    units: int
    """How many chunks would have had their place there."""


def cut(chunk: str, times: Moments, rows: Rows, zone: str | None, least: int = 0) -> list[Window]:
    """Return the windows that hold ``rows``, in order; ``times`` are wall-clock times of ``zone`` (None: UTC).

    A chunk of fewer than ``least`` rows is merged with those after it until there are enough; the last one may stay
    too small. Every row has a time and is in exactly one window; windows by time do not overlap.
    """
    if not len(rows):
        return []
    shown = _shown(times[rows], zone)
    order = np.argsort(shown, kind="stable")
    shown, ordered = shown[order], rows[order]
    if chunk.startswith(SIZE):
        size = int(chunk.removeprefix(SIZE))
        parts = [slice(first, first + size) for first in range(0, len(ordered), size)]
        windows = _by_rows(parts, shown, ordered, zone, size)
    elif chunk.startswith(COUNT):
        windows = _by_rows(_equal(len(ordered), int(chunk.removeprefix(COUNT))), shown, ordered, zone, 0)
    else:
        windows = _by_time(chunk, shown, ordered, zone)
    return list(_merged(windows, least)) if least > 1 else windows


def gaps(chunk: str, windows: list[Window]) -> list[Gap]:
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


def _by_time(chunk: str, shown: Moments, ordered: Rows, zone: str | None) -> list[Window]:
    starts = _floored(chunk, shown)
    bounds = np.flatnonzero(np.concatenate(([True], starts[1:] != starts[:-1], [True])))
    windows = []
    for first, after in pairwise(bounds.tolist()):
        start = starts[first]
        end = _next(chunk, start)
        opened, closed = start.astype("datetime64[us]"), end.astype("datetime64[us]")
        reached = float((shown[after - 1] - opened) / (closed - opened))
        windows.append(
            Window(
                label=_label(chunk, start),
                start=_aware(opened, zone),
                end=_aware(closed, zone),
                rows=ordered[first:after],
                partial=bool(after == len(ordered) and reached < NEARLY_WHOLE),
            )
        )
    return windows


def _by_rows(parts: list[slice], shown: Moments, ordered: Rows, zone: str | None, size: int) -> list[Window]:
    """Give each part the times of its rows; rows of one time in two parts still start apart."""
    windows: list[Window] = []
    for number, part in enumerate(parts, start=1):
        rows, inside = ordered[part], shown[part]
        start = _aware(inside[0], zone)
        if windows and start <= windows[-1].start:
            start = windows[-1].start + timedelta(microseconds=1)
        end = max(_aware(inside[-1], zone), start)
        windows.append(Window(f"#{number}", start, end, rows, partial=len(rows) < size))
    return windows


def _equal(rows: int, chunks: int) -> list[slice]:
    """Return ``chunks`` parts whose sizes differ by one row at most; fewer when there are fewer rows."""
    bounds = np.linspace(0, rows, min(chunks, rows) + 1).astype(np.intp).tolist()
    return [slice(first, after) for first, after in pairwise(bounds)]


def _merged(windows: list[Window], least: int) -> Iterator[Window]:
    waiting: list[Window] = []
    for window in windows:
        waiting.append(window)
        if sum(len(one.rows) for one in waiting) >= least:
            yield _joined(waiting)
            waiting = []
    if waiting:
        yield _joined(waiting)


def _joined(windows: list[Window]) -> Window:
    first, last = windows[0], windows[-1]
    if first is last:
        return first
    rows = np.concatenate([one.rows for one in windows])
    return replace(last, label=f"{first.label} – {last.label}", start=first.start, rows=rows)


def _floored(chunk: str, times: Moments) -> Moments:
    floored: Moments = times.astype(f"datetime64[{UNITS[chunk]}]")
    if chunk == "week":
        weekday = (floored.astype(np.int64) + EPOCH_WEEKDAY) % 7
        floored = floored - weekday.astype("timedelta64[D]")
    elif chunk == "quarter":
        floored = floored - (floored.astype(np.int64) % 3).astype("timedelta64[M]")
    return floored


def _next(chunk: str, start: np.datetime64) -> np.datetime64:
    following: np.datetime64 = start + np.timedelta64(STEPS[chunk], UNITS[chunk])  # type: ignore[call-overload]
    return following


def _label(chunk: str, start: np.datetime64) -> str:
    moment: datetime = start.astype("datetime64[us]").item()
    if chunk == "quarter":
        return f"{moment.year}-Q{(moment.month + 2) // 3}"
    if chunk == "month":
        return f"{moment:%b %Y}"
    if chunk == "week":
        year, week, _ = moment.isocalendar()
        return f"{year}-W{week:02d}"
    return f"{moment:%Y-%m-%d}" if chunk == "day" else f"{moment:%Y-%m-%d %H:00}"


def _shown(times: Moments, zone: str | None) -> Moments:
    """Return wall-clock times that a clock of the zone did show: those inside a jump become its end."""
    if zone is None or zone == "UTC":
        return times
    shown: Moments = pc.local_timestamp(_instants(pa.array(times.astype("datetime64[us]")), zone)).to_numpy(
        zero_copy_only=False
    )
    return shown


def _instants(times: pa.Array, zone: str) -> pa.Array:
    return pc.assume_timezone(times, zone, ambiguous="earliest", nonexistent="latest")


def _aware(moment: np.datetime64, zone: str | None) -> datetime:
    instant = _instants(pa.array([moment.astype("datetime64[us]")]), zone or "UTC")[0]
    found: datetime = instant.cast(pa.timestamp("us", "UTC")).as_py()
    return found.astimezone(UTC)
