"""Chunks named in few cells: each by its unit, and where that alone is not enough by what it is part of.

``06h`` of two days, ``Jan`` of two years and ``W05`` are told apart by the day or the year above them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from opsconsole.drift.chunk_labels import MONTHS, Period, numbered, read

UNIT = 3
"""Cells of a unit."""


@dataclass(frozen=True)
class Heading:
    """A chunk's name: ``unit`` within the first of ``groups`` that there is room for, the longest first."""

    unit: str
    groups: tuple[str, ...] = ()
    alone: str = ""
    """The unit where it stands alone."""

    @property
    def plain(self) -> str:
        """Return what says most in few cells without a group."""
        return self.alone or self.unit


def heading(label: str) -> Heading:
    """Return a chunk's name; of chunks that were joined the first counts."""
    name = read(label)
    if name is None:
        return Heading(label[:UNIT], (), label[:6])
    year, short = str(name.year), f"'{name.year % 100:02d}"
    match name.period:
        case Period.MONTH:
            return Heading(MONTHS[name.month - 1], (year, short))
        case Period.WEEK:
            return Heading(f"W{name.part:02d}", (year, short))
        case Period.QUARTER:
            return Heading(f"Q{name.part}", (year, short))
        case Period.DAY:
            month = MONTHS[name.month - 1]
            return Heading(f"{name.day:02d}", (f"{month} {year}", month), f"{name.month:02d}-{name.day:02d}")
        case Period.HOUR:
            day = f"{name.month:02d}-{name.day:02d}"
            return Heading(f"{name.hour:02d}h", (f"{year}-{day}", day, f"{name.day:02d}"))
        case Period.NUMBER:
            return _numbered(name.number)


def _numbered(number: int) -> Heading:
    whole = numbered(number)
    if len(whole) <= UNIT:
        return Heading(whole, (), whole)
    hundreds, rest = divmod(number, 100)
    return Heading(f"{rest:02d}", (f"#{hundreds}00…", f"{hundreds % 1000}"), whole)


def grouped(headings: Sequence[Heading], cell: int) -> str | None:
    """Return the line above the units, each group over its first chunk; None where units say enough."""
    units = [one.unit for one in headings]
    if len(set(units)) == len(units) and not any(one.alone for one in headings):
        return None
    starts = [
        index for index, one in enumerate(headings) if not index or headings[index - 1].groups[:1] != one.groups[:1]
    ]
    line = ""
    for start, after in pairwise([*starts, len(headings)]):
        room = (after - start) * cell
        name = next((one for one in headings[start].groups if len(one) < room), "")
        line += f"{name:<{room}}"
    return line


def ticks(headings: Sequence[Heading]) -> list[str]:
    """Return the names along an axis, each with its group where another has the same."""
    often = Counter(one.plain for one in headings)
    return [f"{one.groups[-1]} {one.plain}" if often[one.plain] > 1 and one.groups else one.plain for one in headings]
