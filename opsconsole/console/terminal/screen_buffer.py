"""What a terminal shows, cell by cell: which cells differ from what is wanted, and which rows only moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from rich.cells import get_character_cell_size

SEEN_ON_BLANKS = frozenset({"underline", "reverse", "strike"})
BRIDGE = 6
"""Unchanged cells between two changes that are sent again: to move the cursor costs as much."""
MATCHES = 3
"""Rows that must stand elsewhere on the screen already before scrolling is thought of."""
GAIN = 60
"""Cells that scrolling must save: it costs some thirty bytes itself."""
EDGE = 2
"""Cells at the right, where scroll bars are, that do not count in recognising a row."""


class Pen(NamedTuple):
    """How the terminal draws: colours as SGR parameters (empty: its default), and attributes."""

    foreground: str = ""
    background: str = ""
    attributes: frozenset[str] = frozenset()


DEFAULT = Pen()


@lru_cache(maxsize=1024)
def blank_of(pen: Pen) -> Pen:
    """Return what of a pen is seen on a blank."""
    return pen if pen.attributes & SEEN_ON_BLANKS else Pen(background=pen.background)


class Line:
    """One row: a character and a pen for each cell; None where nothing is known."""

    __slots__ = ("chars", "pens")

    def __init__(self, chars: list[str | None], pens: list[Pen]) -> None:
        self.chars = chars
        self.pens = pens

    def copy(self) -> Line:
        """Return a line to write on."""
        return Line(self.chars.copy(), self.pens.copy())

    def write(self, column: int, cells: Sequence[str], pen: Pen) -> None:
        """Put cells into the line; a wide character that loses one half loses both."""
        stop, blank = column + len(cells), blank_of(pen)
        if self.chars[column] == "" and column:
            self.chars[column - 1] = None
        if stop < len(self.chars) and self.chars[stop] == "":
            self.chars[stop] = None
        self.chars[column:stop] = cells
        self.pens[column:stop] = [blank if cell == " " else pen for cell in cells]

    def changes(self, shown: Line) -> Iterator[tuple[int, int]]:
        """Return the spans to send where ``shown`` is shown: changes that lie near each other are joined."""
        if self.chars == shown.chars and self.pens == shown.pens:
            return
        if not any(shown.chars) and None not in self.chars:
            yield 0, len(self.chars)
            return
        first = last = -1
        for index, (cell, pen, cell_shown, pen_shown) in enumerate(
            zip(self.chars, self.pens, shown.chars, shown.pens, strict=True)
        ):
            if cell is None or (cell == cell_shown and pen == pen_shown):
                continue
            start = index - 1 if cell == "" and index and self.chars[index - 1] is not None else index
            if start > last and (last < 0 or start > last + BRIDGE or not self._bridges(last, start)):
                if last >= 0:
                    yield first, last
                first = start
            last = max(last, index + 2 if self._wide(index) else index + 1)
        if last >= 0:
            yield first, last

    def stretch(self, first: int, last: int) -> tuple[int, Pen, Pen]:
        """Return how far from ``first`` one pen goes, that pen, and the pen of the blanks between."""
        pen: Pen | None = None
        blank: Pen | None = None
        for index in range(first, last):
            own = self.pens[index]
            if self.chars[index] == " ":
                if blank is not None and own != blank:
                    return index, pen or own, blank
                blank = own
            else:
                if (pen is not None and own != pen) or (blank is not None and blank_of(own) != blank):
                    return index, pen or blank or own, blank or blank_of(own)
                pen, blank = own, blank_of(own)
        first_pen = pen or blank or DEFAULT
        return last, first_pen, blank or blank_of(first_pen)

    def text(self, first: int, last: int) -> str:
        """Return the characters of some cells."""
        return "".join(cell or "" for cell in self.chars[first:last])

    def difference(self, shown: Line | None) -> int:
        """Return how many cells would be sent where ``shown`` is shown; None: nothing is known, blanks cost little."""
        if shown is None:
            return sum(cell not in {None, " "} for cell in self.chars)
        return sum(one is not None and one != other for one, other in zip(self.chars, shown.chars, strict=True))

    def spoiled_by(self, moved: Line) -> bool:
        """Whether a row that moves here would write on cells of which nothing is known: that could never be mended."""
        if None not in self.chars:
            return False
        return any(one is None and other is not None for one, other in zip(self.chars, moved.chars, strict=True))

    def _wide(self, index: int) -> bool:
        return index + 1 < len(self.chars) and self.chars[index + 1] == ""

    def _bridges(self, start: int, stop: int) -> bool:
        """Whether the cells between two changes can be sent again without a change of pen of their own."""
        if None in self.chars[start:stop]:
            return False
        around = {self.pens[start - 1], self.pens[min(stop, len(self.pens) - 1)]}
        return {*self.pens[start:stop]} <= around | {blank_of(pen) for pen in around}


class Scroll(NamedTuple):
    """Rows ``top`` to ``bottom`` move up by ``by``; down where it is negative."""

    top: int
    bottom: int
    by: int

    @property
    def sequence(self) -> str:
        """What does it inside these margins: lines deleted, or inserted, at their top."""
        return f"\x1b[{self.by}M" if self.by > 0 else f"\x1b[{-self.by}L"

    def source(self, row: int) -> int | None:
        """Return where a row's content comes from; None where nothing moves in."""
        row_before = row + self.by
        return row_before if self.top <= row_before <= self.bottom else None

    def apply(self, shown: list[Line], columns: int) -> None:
        """Move what is shown; rows that come free are not known."""
        before = shown[self.top : self.bottom + 1]
        for row in range(self.top, self.bottom + 1):
            row_before = self.source(row)
            shown[row] = before[row_before - self.top] if row_before is not None else _unknown(columns)


def _unknown(columns: int) -> Line:
    return Line([None] * columns, [DEFAULT] * columns)


def best_scroll(shown: Sequence[Line], wanted: Mapping[int, Line]) -> Scroll | None:
    """Return the scrolling that saves most, if any is worth its own cost."""
    if len(wanted) < MATCHES or not any(line.chars[0] for line in shown):
        return None
    places: dict[str, list[int]] = {}
    for row, line in enumerate(shown):
        places.setdefault(line.text(0, -EDGE), []).append(row)
    moves: Counter[int] = Counter()
    matches: dict[int, list[int]] = {}
    for row, line in wanted.items():
        line_text = line.text(0, -EDGE)
        rows_before = places.get(line_text, []) if line_text.strip() else []
        for place in rows_before if row not in rows_before else ():
            moves[place - row] += 1
            matches.setdefault(place - row, []).append(row)
    if not moves:
        return None
    by, count = moves.most_common(1)[0]
    if count < MATCHES:
        return None
    rows = [*matches[by], *(row + by for row in matches[by])]
    scroll = Scroll(min(rows), max(rows), by)
    saved = 0
    for row in range(scroll.top, scroll.bottom + 1):
        line, source = wanted.get(row, shown[row]), scroll.source(row)
        if source is not None and line.spoiled_by(shown[source]):
            return None
        saved += line.difference(shown[row]) - line.difference(shown[source] if source is not None else None)
    return scroll if saved >= GAIN else None


def cells_of(text: str) -> list[str]:
    """Return one string a cell; the second cell of a wide character is empty, a combining mark joins its cell."""
    if text.isascii():
        return list(text)
    cells: list[str] = []
    for char in text:
        size = get_character_cell_size(char)
        if size == 0:
            if cells:
                index = len(cells) - (2 if cells[-1] == "" and len(cells) > 1 else 1)
                cells[index] += char
        else:
            cells += [char, ""] if size == 2 else [char]
    return cells
