"""What chunks are called, such as ``Jan 2013``, ``2013-W05`` or ``#12``: written here, and read back here alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
TO = " – "
"""Between the first and the last of chunks that were joined."""


class Period(StrEnum):
    """What a chunk is one of."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    NUMBER = "number"


@dataclass(frozen=True)
class ChunkName:
    """A label's parts; those that its period does not have are 0."""

    period: Period
    year: int = 0
    month: int = 0
    day: int = 0
    hour: int = 0
    part: int = 0
    """Which week or quarter of its year."""
    number: int = 0


def label_of(period: str, start: datetime) -> str:
    """Return what a chunk is called that begins at ``start``, as a clock on the wall of its zone shows it."""
    if period == Period.QUARTER:
        return f"{start.year}-Q{(start.month + 2) // 3}"
    if period == Period.MONTH:
        return f"{MONTHS[start.month - 1]} {start.year:04d}"
    if period == Period.WEEK:
        year, week, _ = start.isocalendar()
        return f"{year}-W{week:02d}"
    return f"{start:%Y-%m-%d}" if period == Period.DAY else f"{start:%Y-%m-%d %H:00}"


def numbered(number: int) -> str:
    """Return what a chunk of so many rows is called."""
    return f"#{number}"


def joined(first: str, last: str) -> str:
    """Return what chunks are called that were too small alone."""
    return f"{first}{TO}{last}"


_MONTH = re.compile(r"(?P<name>[A-Z][a-z]{2}) (?P<year>\d+)|(?P<of>\d{4,})-(?P<month>0[1-9]|1[0-2])")
_PART = re.compile(r"(?P<year>\d+)-(?P<unit>[WQ])(?P<part>\d+)")
_DAY = re.compile(r"(?P<year>\d+)-(?P<month>\d\d)-(?P<day>\d\d)(?: (?P<hour>\d\d):\d\d)?")
_NUMBER = re.compile(r"#(?P<number>\d+)")


def read(label: str) -> ChunkName | None:
    """Return a label's parts, of joined chunks those of the first; None for one that was not written here."""
    first = label.partition(TO)[0]
    if (match := _MONTH.fullmatch(first)) and (match["month"] or match["name"] in MONTHS):
        month = int(match["month"]) if match["month"] else MONTHS.index(match["name"]) + 1
        return ChunkName(Period.MONTH, int(match["year"] or match["of"]), month)
    if match := _PART.fullmatch(first):
        period = Period.WEEK if match["unit"] == "W" else Period.QUARTER
        return ChunkName(period, int(match["year"]), part=int(match["part"]))
    if match := _DAY.fullmatch(first):
        day = (int(match["year"]), int(match["month"]), int(match["day"]))
        return (
            ChunkName(Period.DAY, *day) if match["hour"] is None else ChunkName(Period.HOUR, *day, int(match["hour"]))
        )
    if match := _NUMBER.fullmatch(first):
        return ChunkName(Period.NUMBER, number=int(match["number"]))
    return None
