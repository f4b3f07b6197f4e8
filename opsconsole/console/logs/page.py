"""What a screen of a log shows: rows from an anchor on, moved by rows, whatever lines they belong to."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import NamedTuple

from opsconsole.console.logs.layout import Piece, Row, column_of, pieces_of, window, wrapped
from opsconsole.console.logs.reading.file import Line, LogFile
from opsconsole.console.logs.reading.query import TooSlowError, at_most
from opsconsole.console.logs.reading.walk import Spot, Walk, Whole
from opsconsole.core import text
from opsconsole.core.text import Sgr

CACHED = 512
DIM = Sgr(dim=True)
SLOW_S = 0.05
"""How long lighting the matches of one line may take."""


class Shown(NamedTuple):
    """One row of the screen."""

    spot: Spot
    number: int
    """Which row of its line it is, from 0."""
    row: Row


class Page:
    """A window on a walk through a log."""

    def __init__(self, file: LogFile) -> None:
        self.file = file
        self.walk: Walk = Whole(file)
        self.pattern: re.Pattern[str] | None = None
        self.width, self.height = 80, 24
        self.wrap = False
        self.left = 0
        """Cells that are scrolled away at the left."""
        self.anchor: Spot | None = None
        self.number = 0
        """Which row of the anchor is the first that is shown."""
        self._laid: OrderedDict[tuple[int, int], list[Row]] = OrderedDict()

    def forget(self) -> None:
        """Lay everything out anew: width, wrapping, pattern or the file changed."""
        self._laid.clear()

    def resize(self, width: int, height: int) -> None:
        """Show on another size; the line at the top stays there."""
        if (width, height) != (self.width, self.height):
            self.width, self.height = width, height
            self.number = 0
            self.forget()

    def shown(self) -> list[Shown]:
        """Return the rows of the screen, from the top."""
        screen_rows: list[Shown] = []
        spot, number = self.anchor, self.number
        while spot is not None and len(screen_rows) < self.height:
            rows = self._rows(spot)
            stop = number + self.height - len(screen_rows)
            screen_rows += [Shown(spot, at, row) for at, row in enumerate(rows[number:stop], start=number)]
            spot, number = self.walk.after(spot), 0
        return screen_rows

    @property
    def at_end(self) -> bool:
        """Whether the last row is in sight."""
        if self.anchor is None:
            return True
        return self._room_below(self.anchor, self.number)

    def to_top(self) -> None:
        """Show the first row."""
        self.anchor, self.number = self.walk.nearest(0), 0

    def to_end(self) -> None:
        """Show the last row, at the bottom."""
        last = self.walk.last()
        self.anchor, self.number = last, 0
        if last is not None:
            self.anchor, self.number = self._up(last, self._count(last) - 1, self.height - 1)

    def scroll(self, rows: int) -> None:
        """Move by rows; the last row never leaves the bottom."""
        if self.anchor is None:
            return
        if rows < 0:
            self.anchor, self.number = self._up(self.anchor, self.number, -rows)
            return
        self.anchor, self.number = self._down(self.anchor, self.number, rows)
        if self._room_below(self.anchor, self.number):
            self.to_end()

    def show(self, offset: int, above: int) -> None:
        """Show the line at an offset with rows above it; a lit stretch of it is brought into sight."""
        spot = self.walk.nearest(offset)
        if spot is None:
            self.anchor = None
            return
        number = 0
        if self.wrap:
            rows = self._rows(spot)
            number = next((at for at, row in enumerate(rows) if any(piece.lit for piece in row.pieces)), 0)
        else:
            self._bring_into_sight(spot)
        self.anchor, self.number = self._up(spot, number, above)
        if self._room_below(self.anchor, self.number):
            self.to_end()

    def sidle(self, cells: int) -> None:
        """Move sidewards, as far as the lines in sight reach."""
        widest = max((sum_of(self.pieces(shown.spot)) for shown in self.shown() if shown.spot.line), default=0)
        self.left = max(min(self.left + cells, max(widest - self.width // 2, self.left if cells < 0 else 0)), 0)
        self.forget()

    def row_of(self, offset: int) -> int | None:
        """Return on which row of the screen a line begins; None when it is not in sight."""
        return next((y for y, shown in enumerate(self.shown()) if shown.spot == Spot(offset)), None)

    def pieces(self, spot: Spot) -> list[Piece]:
        """Return a whole line, as far as it is read."""
        line = self.file.line(spot.start)
        pieces = self._lit(line) if self.pattern is not None else pieces_of(line.raw, None)
        return [*pieces, _cut_mark(line)] if line.cut else pieces

    def _lit(self, line: Line) -> list[Piece]:
        """Return a line with its matches lit; a pattern that takes too long lights nothing any more."""
        try:
            with at_most(SLOW_S):
                return pieces_of(line.raw, self.pattern)
        except TooSlowError:
            self.pattern = None
            return pieces_of(line.raw, None)

    def _rows(self, spot: Spot) -> list[Row]:
        if not spot.line:
            return [Row()]
        key = (spot.start, self.file.line(spot.start).stop)
        known = self._laid.get(key)
        if known is None:
            pieces = self.pieces(spot)
            known = wrapped(pieces, self.width) if self.wrap else [window(pieces, self.left, self.width)]
            self._laid[key] = known
            if len(self._laid) > CACHED:
                self._laid.popitem(last=False)
        return known

    def _count(self, spot: Spot) -> int:
        return len(self._rows(spot)) if self.wrap else 1

    def _up(self, spot: Spot, number: int, rows: int) -> tuple[Spot, int]:
        while rows > number:
            rows -= number
            previous = self.walk.before(spot)
            if previous is None:
                return spot, 0
            spot, number = previous, self._count(previous)
        return spot, number - rows

    def _down(self, spot: Spot, number: int, rows: int) -> tuple[Spot, int]:
        while (count := self._count(spot)) <= number + rows:
            following = self.walk.after(spot)
            if following is None:
                return spot, count - 1
            rows -= count - number
            spot, number = following, 0
        return spot, number + rows

    def _room_below(self, spot: Spot, number: int) -> bool:
        """Return whether the last row is on a screen that begins here."""
        left = self.height + number
        following: Spot | None = spot
        while following is not None:
            left -= self._count(following)
            if left < 0:
                return False
            following = self.walk.after(following)
        return True

    def _bring_into_sight(self, spot: Spot) -> None:
        """Scroll sidewards no further than a match needs."""
        column = column_of(self.pieces(spot)) if self.pattern is not None else None
        before = self.left
        if column is None or column[1] <= self.width:
            self.left = 0
        elif not self.left <= column[0] <= column[1] <= self.left + self.width:
            self.left = max(column[0] - self.width // 3, 0)
        if self.left != before:
            self.forget()


def sum_of(pieces: list[Piece]) -> int:
    """Return how many cells a line takes."""
    rows = wrapped(pieces, 1 << 30)
    return rows[0].width


def _cut_mark(line: Line) -> Piece:
    """Return what stands where a line is cut."""
    return Piece(f"… {text.size(line.stop - line.start)} in this line", DIM)
