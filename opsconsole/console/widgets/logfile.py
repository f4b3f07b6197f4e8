"""A log file by line number, without holding it: a sparse index of line starts, grown as the file grows."""

from __future__ import annotations

import os
import re
from array import array
from collections import OrderedDict
from pathlib import Path

EVERY = 64
"""One indexed offset for so many lines."""
BLOCK = 1 << 20
SHOWN = 8192
"""Bytes of a line that are read for the screen; a 5 MB line is cut there."""
CACHED = 64
HEAD = 256
"""Bytes by which a replaced file is known."""


class LogFile:
    """Reads a growing file; knows truncation and replacement by size and inode."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._inode = 0
        self._size = 0
        self._lines = 0
        self._open_line = False
        self._starts = array("Q")
        self._groups: OrderedDict[int, list[bytes]] = OrderedDict()
        self._head = b""
        self._reset()

    def __len__(self) -> int:
        """Return how many lines are indexed; a last line without its newline counts."""
        return self._lines + int(self._open_line)

    @property
    def size(self) -> int:
        """Bytes indexed so far."""
        return self._size

    def grow(self, budget: int = 64 * BLOCK) -> bool:
        """Index what was appended, at most ``budget`` bytes; return whether anything changed."""
        try:
            status = self.path.stat()
        except OSError:
            return False
        changed = False
        if status.st_ino != self._inode or status.st_size < self._size or not self._same_head(status.st_size):
            self._reset()
            self._inode = status.st_ino
            changed = True
        if status.st_size > self._size:
            self._index(min(status.st_size, self._size + budget))
            changed = True
        return changed

    def behind(self) -> bool:
        """Return whether there is more to index."""
        try:
            return self.path.stat().st_size > self._size
        except OSError:
            return False

    def line(self, number: int) -> bytes:
        """Return a line's first bytes, without its newline."""
        group, offset = divmod(number, EVERY)
        lines = self._groups.get(group)
        if lines is None:
            lines = self._read_group(group)
            self._groups[group] = lines
            if len(self._groups) > CACHED:
                self._groups.popitem(last=False)
        return lines[offset] if offset < len(lines) else b""

    def find(self, pattern: re.Pattern[bytes], start: int, *, limit: int) -> tuple[list[int], int]:
        """Return the lines that match from line ``start`` on, reading at most ``limit`` lines, and where to go on."""
        found: list[int] = []
        stop = min(start + limit, len(self))
        group = start // EVERY
        while group * EVERY < stop:
            for offset, content in enumerate(self._read_group(group)):
                number = group * EVERY + offset
                if start <= number < stop and pattern.search(content):
                    found.append(number)
            group += 1
        return found, stop

    def _same_head(self, size: int) -> bool:
        """Compare the file's first bytes: a new file may get the inode of the one it replaced."""
        if size == self._size:
            return True
        try:
            with self.path.open("rb") as file:
                head = file.read(HEAD)
        except OSError:
            return False
        return head.startswith(self._head)

    def _reset(self) -> None:
        self._size = 0
        self._lines = 0
        self._open_line = False
        self._starts = array("Q", [0])
        self._groups.clear()
        self._head = b""

    def _index(self, until: int) -> None:
        self._groups.pop(self._lines // EVERY, None)
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return
        try:
            if len(self._head) < HEAD:
                self._head = os.pread(descriptor, min(HEAD, until), 0)
            while self._size < until:
                block = os.pread(descriptor, min(BLOCK, until - self._size), self._size)
                if not block:
                    break
                self._index_block(block)
        finally:
            os.close(descriptor)

    def _index_block(self, block: bytes) -> None:
        count = block.count(b"\n")
        wanted = EVERY - self._lines % EVERY
        if count >= wanted:
            self._mark_starts(block)
        self._lines += count
        self._size += len(block)
        self._open_line = not block.endswith(b"\n")

    def _mark_starts(self, block: bytes) -> None:
        """Note the offset of every ``EVERY``-th line that starts inside a block."""
        number, position = self._lines, 0
        while True:
            position = block.find(b"\n", position) + 1
            if position == 0:
                return
            number += 1
            if number % EVERY == 0:
                self._starts.append(self._size + position)

    def _read_group(self, group: int) -> list[bytes]:
        """Read the lines of one group, each cut to what a screen can show."""
        if group >= len(self._starts):
            return []
        start = self._starts[group]
        stop = self._starts[group + 1] if group + 1 < len(self._starts) else self._size
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return []
        lines: list[bytes] = []
        rest = b""
        try:
            while start < stop and len(lines) < EVERY:
                block = os.pread(descriptor, min(BLOCK, stop - start), start)
                if not block:
                    break
                start += len(block)
                pieces = block.split(b"\n")
                pieces[0] = rest + pieces[0][: SHOWN - len(rest)] if rest else pieces[0]
                rest = pieces.pop()[:SHOWN]
                lines.extend(piece[:SHOWN] for piece in pieces)
        finally:
            os.close(descriptor)
        if rest or start >= self._size:
            lines.append(rest)
        return lines[:EVERY]
