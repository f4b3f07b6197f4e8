"""When a line of a step's log was written, by the index that its supervisor kept beside it."""

from __future__ import annotations

import os
import struct
from datetime import datetime
from pathlib import Path

from opsconsole.core import text

ENTRY = struct.Struct("<QQ")
"""The log's size, and when it was that: milliseconds since 1970."""
WIDTH = 8
"""Cells that a time takes."""


class Times:
    """Reads the pairs where they are needed: an index of days costs no memory."""

    def __init__(self, log: Path) -> None:
        self.path = log.with_suffix(".idx")
        self._descriptor = -1
        self._count = 0
        self._known: dict[int, int | None] = {}

    def look(self) -> bool:
        """Take notice of new entries; return whether there are any."""
        if self._descriptor < 0:
            try:
                self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            except OSError:
                return False
        count = os.fstat(self._descriptor).st_size // ENTRY.size
        if count == self._count:
            return False
        self._count = count
        self._known.clear()
        return True

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor, self._count = -1, 0
            self._known.clear()

    @property
    def known(self) -> bool:
        """Whether there are times at all."""
        return self._count > 0

    @property
    def began(self) -> int | None:
        """The first time, in milliseconds."""
        return self._entry(0)[1] if self._count else None

    def at(self, offset: int) -> int | None:
        """Return by when the byte at an offset was there, in milliseconds, to half a second; None when that is not known."""
        if offset not in self._known:
            if len(self._known) > 4096:
                self._known.clear()
            self._known[offset] = self._find(offset)
        return self._known[offset]

    def offset_at(self, moment: int) -> int:
        """Return the offset that the log had reached by a time in milliseconds."""
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            if self._entry(middle)[1] <= moment:
                low = middle + 1
            else:
                high = middle
        return self._entry(low - 1)[0] if low else 0

    def _find(self, offset: int) -> int | None:
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            if self._entry(middle)[0] > offset:
                high = middle
            else:
                low = middle + 1
        return self._entry(low)[1] if low < self._count else None

    def _entry(self, number: int) -> tuple[int, int]:
        data = os.pread(self._descriptor, ENTRY.size, number * ENTRY.size)
        if len(data) < ENTRY.size:
            return 0, 0
        offset, moment = ENTRY.unpack(data)
        return offset, moment


def clock_time(moment: int | None) -> str:
    """Format milliseconds as the local time of day, exactly ``WIDTH`` cells."""
    if moment is None:
        return " " * WIDTH
    return datetime.fromtimestamp(moment / 1000).astimezone().strftime("%H:%M:%S")


def elapsed(moment: int | None, began: int | None) -> str:
    """Format milliseconds as time since a beginning, exactly ``WIDTH`` cells."""
    if moment is None or began is None:
        return " " * WIDTH
    return f"+{text.duration(max(moment - began, 0) / 1000)}"[:WIDTH].rjust(WIDTH)
