"""A log file by byte offset: any line of it is found by looking around an offset, whatever the file's size."""

from __future__ import annotations

import os
import stat
from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

SHOWN = 16_384
"""Bytes of a line that are read for the screen; a 5 MB line is cut there."""
PIECE = 8 << 20
"""A line that is longer is taken for several, cut at multiples of this: what no newline ends must not stall us."""
NEAR = 4096
BLOCK = 1 << 18
CACHED = 512
PRINT = 256
"""Bytes at the head and at the known end by which a rewritten file is known."""


class Change(Enum):
    """What happened to a file since the last look."""

    NOTHING = "nothing"
    GREW = "grew"
    REPLACED = "replaced"
    """Truncated, rewritten or another file: nothing that was known of it holds."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line, as much of it as a screen can use."""

    start: int
    stop: int
    """Where the next line starts; the end of the file for the last."""
    raw: bytes
    """Without its newline; of a progress bar only the last state."""
    cut: bool = False
    """Whether the line is longer than ``raw``."""


@dataclass(frozen=True)
class _Stamp:
    """What a file looked like."""

    place: tuple[int, int]
    size: int
    written: int


class LogFile:
    """Reads a growing file through one descriptor; knows truncation, replacement and a rewrite to the same size."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        """Bytes known of: all offsets stay below."""
        self._descriptor = -1
        self._stamp = _Stamp((0, 0), 0, 0)
        self._head, self._tail = b"", b""
        self._lines: OrderedDict[int, Line] = OrderedDict()

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def look(self) -> Change:
        """Take notice of what happened to the file."""
        try:
            status = self.path.stat()
        except OSError:
            return Change.NOTHING  # renamed away: what was read stays readable until a new file is there
        stamp = _Stamp((status.st_dev, status.st_ino), status.st_size, status.st_mtime_ns)
        if self._descriptor >= 0 and stamp == self._stamp:
            return Change.NOTHING
        if self._descriptor < 0 or stamp.place != self._stamp.place:
            return self._open()
        if stamp.size <= self._stamp.size or not self._same_prints():
            return self._begin_anew()
        before, self._stamp, self.size = self.size, stamp, stamp.size
        self._forget_from(before)
        self._take_prints()
        return Change.GREW

    def read(self, start: int, stop: int) -> bytes:
        """Return bytes of the file; fewer when it was cut meanwhile."""
        if self._descriptor < 0 or start >= stop:
            return b""
        try:
            return os.pread(self._descriptor, stop - start, start)
        except OSError:  # a disk that fails, a mount that went
            return b""

    def duplicate(self) -> int:
        """Return a descriptor of one's own, for a thread or a child; its file position is its own too."""
        return os.open(f"/proc/self/fd/{self._descriptor}", os.O_RDONLY | os.O_CLOEXEC)

    @property
    def opened(self) -> bool:
        """Whether there is a file."""
        return self._descriptor >= 0

    def start_of(self, offset: int) -> int:
        """Return where the line starts that holds an offset."""
        offset = min(max(offset, 0), self.size)
        floor = offset - offset % PIECE
        newline = self._newline_before(offset, floor)
        if newline >= 0:
            return newline + 1
        newline = self._newline_before(floor, max(floor - PIECE, 0))
        return newline + 1 if newline >= 0 else floor

    def before(self, start: int) -> int | None:
        """Return where the line before the one at ``start`` starts; None at the top."""
        return self.start_of(start - 1) if start > 0 else None

    def last(self) -> int | None:
        """Return where the last line starts; None when there is none."""
        return self.start_of(self.size - 1) if self.size else None

    def line(self, start: int) -> Line:
        """Return the line that starts at an offset."""
        known = self._lines.get(start)
        if known is None:
            known = self._lines[start] = self._read_line(start)
            if len(self._lines) > CACHED:
                self._lines.popitem(last=False)
        return known

    def _read_line(self, start: int) -> Line:
        near = self.read(start, min(start + NEAR, self.size))
        end = near.find(b"\n")
        if end >= 0:
            return Line(start, start + end + 1, _last_state(near[:end]))
        stop, ended = self._end_of(start + len(near), start)
        content = stop - 1 if ended else stop
        raw = self.read(start, min(start + SHOWN, content))
        cut = content - start > SHOWN
        if cut and b"\r" in raw:
            tail = self.read(max(content - SHOWN, start), content).rstrip(b"\r")
            return Line(start, stop, _last_state(tail)) if b"\r" in tail else Line(start, stop, raw, cut=True)
        return Line(start, stop, _last_state(raw), cut=cut)

    def _end_of(self, offset: int, start: int) -> tuple[int, bool]:
        """Return where a line that starts at ``start`` ends, looking from an offset on, and whether a newline ends it."""
        limit = min(self.size, (start + 2 * PIECE - 1) // PIECE * PIECE)
        size = NEAR * 4
        while offset < limit:
            block = self.read(offset, min(offset + size, limit))
            if not block:
                return offset, False
            newline = block.find(b"\n")
            if newline >= 0:
                return offset + newline + 1, True
            offset += len(block)
            size = BLOCK
        return limit, False

    def _newline_before(self, offset: int, floor: int) -> int:
        """Return the last newline in ``[floor, offset)``, or -1."""
        size = NEAR
        while offset > floor:
            start = max(offset - size, floor)
            place = self.read(start, offset).rfind(b"\n")
            if place >= 0:
                return start + place
            offset = start
            size = BLOCK
        return -1

    def _open(self) -> Change:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return Change.NOTHING
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return Change.NOTHING
        self.close()
        self._descriptor = descriptor
        return self._begin_anew()

    def _begin_anew(self) -> Change:
        status = os.fstat(self._descriptor)
        self._stamp = _Stamp((status.st_dev, status.st_ino), status.st_size, status.st_mtime_ns)
        self.size = status.st_size
        self._lines.clear()
        self._take_prints()
        return Change.REPLACED

    def _take_prints(self) -> None:
        self._head = self.read(0, min(PRINT, self.size))
        self._tail = self.read(max(self.size - PRINT, 0), self.size)

    def _same_prints(self) -> bool:
        return self._head == self.read(0, len(self._head)) and self._tail == self.read(
            self.size - len(self._tail), self.size
        )

    def _forget_from(self, size: int) -> None:
        """Forget the lines that ended with the file: they may go on now."""
        for start in [start for start, line in self._lines.items() if line.stop >= size]:
            del self._lines[start]


def _last_state(raw: bytes) -> bytes:
    """Keep of a long progress bar its last state, so that what is cut off is what nobody sees."""
    if b"\r" not in raw:
        return raw
    return raw.rstrip(b"\r").rpartition(b"\r")[2]
