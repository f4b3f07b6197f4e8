"""An open log: its file, line index, times and searches."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from opsconsole.console.logs.reading.file import Change, LogFile
from opsconsole.console.logs.reading.index import LineIndex, count
from opsconsole.console.logs.reading.query import CLEAR, ERRORS, SECTIONS, Query, Sought
from opsconsole.console.logs.reading.times import Times
from opsconsole.console.logs.reading.trail import MOST, Trail

AT_ONCE = 4 << 20
"""Bytes whose lines are counted without a thread."""
SLICE = 32 << 20
"""Bytes that are counted in a thread before the screen hears of it."""
_ASKED_FOR = {Sought.ERRORS: ERRORS, Sought.SECTIONS: SECTIONS}


class OpenLog:
    """Everything that is known of one log; ``changed`` is called when more is known."""

    def __init__(self, path: Path, changed: Callable[[], None]) -> None:
        self.file = LogFile(path)
        self.index = LineIndex()
        self.times = Times(path)
        self.trails: dict[Sought, Trail] = {}
        self._changed = changed
        self._counting = False

    def close(self) -> None:
        """Let go of files and children."""
        for trail in self.trails.values():
            trail.close()
        self.file.close()
        self.times.close()

    def look(self, *, counting: bool = True) -> Change:
        """Take notice of what happened to the file, and go on with what is looked for.

        Without ``counting`` no thread is started, which would only delay the first frame.
        """
        change = self.file.look()
        if change is Change.REPLACED:
            self.index = LineIndex()
            self.drop(Sought.CLEAR)
            for sought, trail in self.trails.items():
                trail.close()
                self.trails[sought] = Trail(self.file, trail.query, self._changed)
            self.times.close()
        if self.file.opened:
            if counting or self.file.size - self.index.indexed <= AT_ONCE:
                self._count_on()
            for trail in self.trails.values():
                trail.go_on()
        return change

    def seek(self, query: Query, *, most: int = MOST) -> Trail:
        """Begin to look for something; ``re.error`` when the pattern is none."""
        self.drop(query.sought)
        trail = self.trails[query.sought] = Trail(self.file, query, self._changed, most=most)
        trail.go_on()
        return trail

    def drop(self, sought: Sought) -> None:
        """Look for it no longer."""
        trail = self.trails.pop(sought, None)
        if trail is not None:
            trail.close()

    def trail(self, sought: Sought) -> Trail | None:
        """Return what is known of errors, sections or the operator's search; the first two begin when they are asked for."""
        known = self.trails.get(sought)
        if known is None and sought in _ASKED_FOR:
            known = self.seek(_ASKED_FOR[sought])
        return known

    def first_clear(self) -> Trail:
        """Look for the first line that surely tells of a failure, and no further."""
        return self.seek(CLEAR, most=1)

    @property
    def counted(self) -> bool:
        """Whether every line was counted."""
        return self.index.indexed >= self.file.size

    @property
    def lines(self) -> int:
        """How many lines there are; reckoned from their length so far while they are counted."""
        if self.counted:
            return self.index.newlines + int(self._open_end())
        if not self.index.indexed:
            return max(self.file.size // 80, 1)
        return round(self.index.newlines * (self.file.size / self.index.indexed))

    def line_at(self, offset: int) -> int | None:
        """Return the number (from 1) of the line that starts at an offset; None while it is not known."""
        line = self.index.line_at(offset, self.file.read)
        return line + 1 if line is not None else None

    def offset_of(self, line: int) -> int:
        """Return where a line (from 1) starts; reckoned when it was not counted yet."""
        offset = self.index.offset_of(line - 1, self.file.read)
        if offset is not None:
            return min(offset, self.file.last() or 0)
        if self.counted:
            return self.file.last() or 0
        return self.file.start_of(round(self.file.size * min(line / max(self.lines, 1), 1.0)))

    def _open_end(self) -> bool:
        size = self.file.size
        return size > 0 and self.file.read(size - 1, size) != b"\n"

    def _count_on(self) -> None:
        rest = self.file.size - self.index.indexed
        if rest <= 0 or self._counting:
            return
        start = self.index.indexed
        if rest <= AT_ONCE:
            self._count_here(start)
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._count_here(start)
            return
        self._counting = True
        descriptor, index = self.file.duplicate(), self.index
        working = loop.run_in_executor(None, count, descriptor, start, min(start + SLICE, self.file.size))
        working.add_done_callback(lambda done: self._counted(descriptor, index, done))

    def _count_here(self, start: int) -> None:
        descriptor = self.file.duplicate()
        self.index.add(count(descriptor, start, self.file.size))
        os.close(descriptor)

    def _counted(self, descriptor: int, index: LineIndex, done: asyncio.Future[list[tuple[int, int]]]) -> None:
        os.close(descriptor)
        self._counting = False
        if done.cancelled() or not self.file.opened:
            return
        counted = done.result()
        if index is self.index:  # else the file was replaced meanwhile
            index.add(counted)
        self._changed()
        if counted:
            self._count_on()
