"""Cutting production rows into chunks: by the hour, day, week or month of their time, or by so many rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Moments = NDArray[np.datetime64]
    Rows = NDArray[np.intp]

UNITS = {"hour": "h", "day": "D", "week": "D", "month": "M"}
SIZE = "size:"
NEARLY_WHOLE = 0.95
"""A last chunk whose rows reach past this share of its time counts as whole."""


@dataclass(frozen=True)
class Window:
    """One chunk's place in time, and which rows are in it."""

    label: str
    start: datetime
    end: datetime
    rows: Rows
    partial: bool
    """It is the last one, and rows may still come."""


def cut(chunk: str, times: Moments, rows: Rows, zone: str | None) -> list[Window]:
    """Return the windows that hold ``rows``, in order; ``times`` are wall-clock times of ``zone`` (None: UTC)."""
    if not len(rows):
        return []
    order = rows[np.argsort(times[rows], kind="stable")]
    if chunk.startswith(SIZE):
        return _by_size(int(chunk.removeprefix(SIZE)), times, order, zone)
    return _by_time(chunk, times, order, zone)


def unit_of(chunk: str) -> str:
    """Return the word for one chunk: ``month``, or ``chunk`` when it is cut by size."""
    return "chunk" if chunk.startswith(SIZE) else chunk


def _by_time(chunk: str, times: Moments, order: Rows, zone: str | None) -> list[Window]:
    starts = _floored(chunk, times[order])
    bounds = np.flatnonzero(np.concatenate(([True], starts[1:] != starts[:-1], [True])))
    windows = []
    for first, after in pairwise(bounds.tolist()):
        start = starts[first]
        end = _next(chunk, start)
        last = times[order[after - 1]]
        opened, closed = start.astype("datetime64[us]"), end.astype("datetime64[us]")
        reached = float((last - opened) / (closed - opened))
        windows.append(
            Window(
                label=_label(chunk, start),
                start=_aware(opened, zone),
                end=_aware(closed, zone),
                rows=order[first:after],
                partial=bool(after == len(order) and reached < NEARLY_WHOLE),
            )
        )
    return windows


def _by_size(size: int, times: Moments, order: Rows, zone: str | None) -> list[Window]:
    windows: list[Window] = []
    for number, first in enumerate(range(0, len(order), size), start=1):
        rows = order[first : first + size]
        start = _aware(times[rows[0]], zone)
        if windows and start <= windows[-1].start:
            start = windows[-1].start + timedelta(microseconds=1)
        end = max(_aware(times[rows[-1]], zone), start)
        windows.append(Window(f"#{number}", start, end, rows, partial=len(rows) < size))
    return windows


def _floored(chunk: str, times: Moments) -> Moments:
    floored: Moments = times.astype(f"datetime64[{UNITS[chunk]}]")
    if chunk == "week":
        weekday = (floored.astype(np.int64) + 3) % 7
        floored = floored - weekday.astype("timedelta64[D]")
    return floored


def _next(chunk: str, start: np.datetime64) -> np.datetime64:
    following: np.datetime64 = start + np.timedelta64(7 if chunk == "week" else 1, UNITS[chunk])  # type: ignore[call-overload]
    return following


def _label(chunk: str, start: np.datetime64) -> str:
    moment: datetime = start.astype("datetime64[us]").item()
    if chunk == "month":
        return f"{moment:%b %Y}"
    if chunk == "week":
        year, week, _ = moment.isocalendar()
        return f"{year}-W{week:02d}"
    return f"{moment:%Y-%m-%d}" if chunk == "day" else f"{moment:%Y-%m-%d %H:00}"


def _aware(moment: np.datetime64, zone: str | None) -> datetime:
    naive: datetime = moment.astype("datetime64[us]").item()
    return naive.replace(tzinfo=UTC if zone is None else ZoneInfo(zone)).astimezone(UTC)
