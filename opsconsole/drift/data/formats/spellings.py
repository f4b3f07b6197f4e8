"""Numbers that a CSV reader takes for text: decimal commas, thousands separators, times of day.

Whether ``1,234`` is one or a thousand is decided by the other values of its column; where they do not decide it, the
column stays text, with a note.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

_SPACE = r"\s\x{a0}\x{202f}'"
_COMMA = rf"^\s*[-+]?(\d{{1,3}}([.{_SPACE}]\d{{3}})+|\d+)(,\d+)?([eE][-+]?\d+)?\s*$"
_POINT = rf"^\s*[-+]?(\d{{1,3}}([,{_SPACE}]\d{{3}})+|\d+)(\.\d+)?([eE][-+]?\d+)?\s*$"
_CLOCK = (
    r"^\s*(?:(?P<days>[-+]?\d+) days?,? ?\+?|(?P<sign>[-+]))?"
    r"(?P<hours>\d+):(?P<minutes>\d\d):(?P<seconds>\d\d(?:\.\d+)?)\s*$"
)
_ISO = (
    r"^\s*(?P<sign>[-+])?P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?"
    r"(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?\s*$"
)
_LENGTHS = {"days": 86_400.0, "hours": 3_600.0, "minutes": 60.0, "seconds": 1.0}


class Spelling(StrEnum):
    """How the numbers of a text column are spelled; the value says so to the operator."""

    COMMA = "numbers with a decimal comma"
    POINT = "numbers with separated thousands"
    CLOCK = "times or durations"
    ISO = "durations"
    KEY = "ids that are whole numbers"
    """``12.0`` for 12, as programs write whole numbers of which some are missing."""


PATTERNS = {Spelling.COMMA: _COMMA, Spelling.POINT: _POINT, Spelling.CLOCK: _CLOCK, Spelling.ISO: _ISO}
"""Those that are looked for."""


@dataclass
class Survey:
    """What the values of one text column so far could be."""

    possible: set[Spelling]
    decisive: set[Spelling]
    """Of comma and point: those that at least one value can only be."""
    marked: bool = False
    """Whether a comma or a point stands in any of them."""
    rows: int = 0
    unfit: tuple[int, str] | None = None
    """The first value that none fits, with its row."""

    def add(self, column: pa.Array) -> None:
        """Take some more values in; missing ones fit all."""
        masks = {one: _matches(column, one) for one in sorted(self.possible)}
        self.marked = self.marked or _any(pc.match_substring_regex(column, "[.,]"))
        if {Spelling.COMMA, Spelling.POINT} <= masks.keys():
            comma, point = masks[Spelling.COMMA], masks[Spelling.POINT]
            self.decisive |= {Spelling.COMMA} if _any(pc.and_not(comma, point)) else set()
            self.decisive |= {Spelling.POINT} if _any(pc.and_not(point, comma)) else set()
        left = {one for one, mask in masks.items() if pc.all(mask).as_py() in {None, True}}
        if not left and self.possible:
            best = max(masks.values(), key=lambda mask: pc.sum(mask).as_py() or 0)
            place = pc.index(best, value=False).as_py()
            self.unfit = self.rows + place, str(column[place].as_py())
        self.possible = left
        self.rows += len(column)

    def spelling(self, delimiter: str) -> Spelling | None:
        """Return the one spelling that all values have; None where there is none, or more than one."""
        if {Spelling.COMMA, Spelling.POINT} <= self.possible:
            if not self.marked:
                return Spelling.POINT
            return Spelling.COMMA if delimiter != "," else None  # fields were not separated by it: so numbers are
        if self.possible & {Spelling.COMMA, Spelling.POINT}:
            return (self.possible & {Spelling.COMMA, Spelling.POINT}).pop()
        return min(self.possible, default=None)


def begun(column: pa.Array) -> Survey | None:
    """Return a survey of a column of which most of the first values are spelled one of the ways; else None."""
    present = len(column) - column.null_count
    likely = {one for one in PATTERNS if 2 * (pc.sum(_matches(column, one)).as_py() or 0) > present}
    return Survey(set(likely), set()) if likely else None


def _matches(column: pa.Array, spelling: Spelling) -> pa.Array:
    fits = pc.match_substring_regex(column, PATTERNS[spelling])
    return pc.and_(fits, pc.match_substring_regex(column, r"\d")) if spelling is Spelling.ISO else fits


def _any(mask: pa.Array) -> bool:
    return bool(pc.any(mask).as_py())


def numbers(column: pa.Array, spelling: Spelling) -> pa.Array:
    """Return the numbers that texts spell, times and durations in seconds; ids stay text."""
    if spelling is Spelling.KEY:
        whole = pc.match_substring_regex(column, r"^-?\d+\.0*$")
        every = pc.all(whole).as_py() in {None, True}
        return pc.replace_substring_regex(column, r"\.0*$", "") if every else column
    if spelling in {Spelling.CLOCK, Spelling.ISO}:
        return _seconds(column, PATTERNS[spelling])
    thousands = f"[.{_SPACE}]" if spelling is Spelling.COMMA else f"[,{_SPACE}]"
    plain = pc.replace_substring_regex(column, thousands, "")
    return pc.replace_substring(plain, ",", ".").cast(pa.float64())


def _seconds(column: pa.Array, pattern: str) -> pa.Array:
    parts = pc.extract_regex(column, pattern)
    total = pa.scalar(0.0)
    for name, length in _LENGTHS.items():
        text = pc.struct_field(parts, name)
        number = pc.if_else(pc.equal(text, ""), "0", text).cast(pa.float64())
        total = pc.add(total, pc.multiply(number, length))
    negative = pc.equal(pc.struct_field(parts, "sign"), "-")
    return pc.if_else(negative, pc.negate(total), total)
