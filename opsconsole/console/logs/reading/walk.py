"""The order in which lines are shown: all of them, or only those that match, with their neighbours and rules between."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from opsconsole.console.logs.reading.file import LogFile
from opsconsole.console.logs.reading.trail import Trail

CONTEXT = 2
"""Lines that are shown before and after a match."""


class Spot(NamedTuple):
    """One thing that is shown: a line, or the rule above it. Sorts in the order of the screen."""

    start: int
    """Where the line starts."""
    line: bool = True
    """False: the rule above the line."""


class Walk(Protocol):
    """A way through a log."""

    def last(self) -> Spot | None:
        """Return the last spot; None when nothing is shown."""

    def after(self, spot: Spot) -> Spot | None:
        """Return the next spot."""

    def before(self, spot: Spot) -> Spot | None:
        """Return the spot before."""

    def nearest(self, offset: int) -> Spot | None:
        """Return the spot at an offset, else the nearest after it, else the last."""


class Whole:
    """Every line."""

    def __init__(self, file: LogFile) -> None:
        self._file = file

    def last(self) -> Spot | None:
        """Return the last line."""
        start = self._file.last()
        return Spot(start) if start is not None else None

    def after(self, spot: Spot) -> Spot | None:
        """Return the next line."""
        stop = self._file.line(spot.start).stop
        return Spot(stop) if stop < self._file.size else None

    def before(self, spot: Spot) -> Spot | None:
        """Return the line before."""
        start = self._file.before(spot.start)
        return Spot(start) if start is not None else None

    def nearest(self, offset: int) -> Spot | None:
        """Return the line that holds an offset."""
        return Spot(self._file.start_of(offset)) if offset < self._file.size else self.last()


class Matches:
    """The lines of a trail with their context; nothing is listed, neighbours are found where they are asked for."""

    def __init__(self, file: LogFile, trail: Trail, context: int = CONTEXT) -> None:
        self._file = file
        self._trail = trail
        self.context = context

    def last(self) -> Spot | None:
        """Return the last line of the last group."""
        marks = self._trail.marks
        return Spot(self._down(marks[-1], self.context)) if marks else None

    def after(self, spot: Spot) -> Spot | None:
        """Return the next line of the group, or the rule above the next group."""
        if not spot.line:
            return Spot(spot.start)
        following = self._file.line(spot.start).stop
        if following >= self._file.size:
            return None
        if self._near(following):
            return Spot(following)
        mark = self._trail.next(following)
        return Spot(self._up(mark, self.context), line=False) if mark is not None else None

    def before(self, spot: Spot) -> Spot | None:
        """Return the line before, or the rule above the group."""
        previous = self._file.before(spot.start)
        if previous is None:
            return None
        if spot.line and self._near(previous):
            return Spot(previous)
        mark = self._trail.previous(spot.start)
        if mark is None:
            return None
        return Spot(spot.start, line=False) if spot.line else Spot(self._down(mark, self.context))

    def nearest(self, offset: int) -> Spot | None:
        """Return the line at an offset when it is shown, else the first of the next group, else the last."""
        start = self._file.start_of(offset)
        if self._near(start):
            return Spot(start)
        mark = self._trail.next(start)
        return Spot(self._up(mark, self.context)) if mark is not None else self.last()

    def _near(self, start: int) -> bool:
        """Return whether a line is a match, or within the context of one."""
        following = self._trail.next(start - 1)
        if following is not None and following <= self._down(start, self.context):
            return True
        previous = self._trail.previous(start)
        return previous is not None and previous >= self._up(start, self.context)

    def _up(self, start: int, lines: int) -> int:
        for _ in range(lines):
            previous = self._file.before(start)
            if previous is None:
                break
            start = previous
        return start

    def _down(self, start: int, lines: int) -> int:
        for _ in range(lines):
            stop = self._file.line(start).stop
            if stop >= self._file.size:
                break
            start = stop
        return start
