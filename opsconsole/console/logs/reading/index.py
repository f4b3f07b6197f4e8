"""Which line an offset is on, and where a line starts: newlines counted up to every so many bytes, in a few MB at most."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable

STRIDE = 1 << 16
"""Bytes between two counts at first; it doubles when there are too many."""
MOST = 1 << 17
"""Counts at most: 1 MB of memory, whatever the file."""
SEARCHED = 2048

Read = Callable[[int, int], bytes]
"""Returns the bytes from one offset to another."""


class LineIndex:
    """Newlines before multiples of a stride; the rest is counted when it is asked for."""

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._stride = STRIDE
        self._counts = array("Q", [0])
        self.indexed = 0
        """Bytes counted so far."""
        self.newlines = 0

    def add(self, counted: Iterable[tuple[int, int]]) -> None:
        """Take up stretches of (bytes, newlines) that go on where the last ended; none crosses a multiple of STRIDE."""
        for size, newlines in counted:
            self.indexed += size
            self.newlines += newlines
            if self.indexed % self._stride == 0:
                self._counts.append(self.newlines)
                if len(self._counts) > self._most:
                    self._counts = self._counts[::2]
                    self._stride *= 2

    def line_at(self, offset: int, read: Read) -> int | None:
        """Return how many lines end before an offset; None when that was not counted yet."""
        if offset > self.indexed:
            return None
        block = min(offset // self._stride, len(self._counts) - 1)
        return self._counts[block] + read(block * self._stride, offset).count(b"\n")

    def offset_of(self, line: int, read: Read) -> int | None:
        """Return where a line (from 0) starts; None when it was not counted yet."""
        if line <= 0:
            return 0
        if line > self.newlines:
            return None
        block = bisect_left(self._counts, line) - 1
        start = block * self._stride
        data = read(start, min(start + self._stride, self.indexed))
        return start + _after_newline(data, line - self._counts[block])


def _after_newline(data: bytes, wanted: int) -> int:
    """Return the place after the ``wanted``-th newline, halving what has to be looked through."""
    low, high = 0, len(data)
    while high - low > SEARCHED:
        middle = (low + high) // 2
        newlines = data.count(b"\n", low, middle)
        if newlines >= wanted:
            high = middle
        else:
            low, wanted = middle, wanted - newlines
    place = low - 1
    for _ in range(wanted):
        place = data.find(b"\n", place + 1)
        if place < 0:
            return len(data)  # the file was cut meanwhile
    return place + 1


def count(descriptor: int, start: int, stop: int) -> list[tuple[int, int]]:
    """Count newlines of a stretch of a file for ``LineIndex.add``; safe in a thread."""
    counted: list[tuple[int, int]] = []
    while start < stop:
        wanted = min(STRIDE - start % STRIDE, stop - start)
        try:
            block = os.pread(descriptor, wanted, start)
        except OSError:
            break
        if not block:
            break
        counted.append((len(block), block.count(b"\n")))
        start += len(block)
    return counted
