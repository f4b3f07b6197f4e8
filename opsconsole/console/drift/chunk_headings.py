"""Chunks named in few cells: each by its unit, and where that alone is not enough by what it is part of.

``06h`` of two days, ``Jan`` of two years and ``W05`` are told apart by the day or the year above them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
UNIT = 3
"""Cells of a unit."""
_MONTH = re.compile(r"(?P<name>[A-Z][a-z]{2}) (?P<year>\d+)|(?P<of>\d{4,})-(?P<number>0[1-9]|1[0-2])")
_PART = re.compile(r"(?P<year>\d+)-(?P<unit>[WQ]\d+)")
_DAY = re.compile(r"(?P<year>\d+)-(?P<month>\d\d)-(?P<day>\d\d)(?: (?P<hour>\d\d):\d\d)?")
_NUMBER = re.compile(r"#(?P<number>\d+)")


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
    """Take a chunk's label apart; of chunks that were joined the first counts."""
    first = label.partition(" – ")[0]
    if match := _MONTH.fullmatch(first):
        year = match["year"] or match["of"]
        return Heading(match["name"] or MONTHS[int(match["number"]) - 1], (year, f"'{year[-2:]}"))
    if match := _PART.fullmatch(first):
        return Heading(match["unit"], (match["year"], f"'{match['year'][-2:]}"))
    if match := _DAY.fullmatch(first):
        month = MONTHS[int(match["month"]) - 1]
        day = f"{match['month']}-{match['day']}"
        if match["hour"] is None:
            return Heading(match["day"], (f"{month} {match['year']}", month), day)
        return Heading(f"{match['hour']}h", (f"{match['year']}-{day}", day, match["day"]))
    if (match := _NUMBER.fullmatch(first)) and len(first) > UNIT:
        hundreds, rest = divmod(int(match["number"]), 100)
        return Heading(f"{rest:02d}", (f"#{hundreds}00…", f"{hundreds % 1000}"), first)
    return Heading(first[:UNIT], (), first[:6])


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
