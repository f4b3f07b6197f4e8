"""The lines of a log that a query finds: known further and further, by a child where there is much, at once where there is little."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from contextlib import suppress

from opsconsole.console.logs.reading.file import LogFile
from opsconsole.console.logs.reading.query import Matcher, Query, TooSlowError, at_most
from opsconsole.console.logs.reading.scan import FRAME, argv_of
from opsconsole.core.process import own_python

MOST = 1_000_000
"""Marks that are kept: 8 MB. A search that finds more stops there and says so."""
AT_ONCE = 1 << 20
"""Bytes that are looked through without a child; of errors and sections, which cost more, a quarter."""
PROBE = 128 << 10
PROBE_S = 0.025
"""How long the neighbourhood is looked through for a first hit."""
_SLOW_S = 0.05


class Trail:
    """Where the lines start that a query finds, in their order."""

    def __init__(self, file: LogFile, query: Query, changed: Callable[[], None], *, most: int = MOST) -> None:
        self.query = query
        self.matcher = Matcher(query)
        self.marks = array("Q")
        self.judged = 0
        """Every line before this offset is judged."""
        self.looked = 0
        """Bytes looked at, which may be more than are judged."""
        self.full = False
        self.stopped = False
        """Whether the operator stopped it."""
        self.broken = False
        self.too_slow = False
        """Whether the pattern was too slow to be used on the screen's own time."""
        self._file = file
        self._changed = changed
        self._most = most
        self._until = 0
        self._child: subprocess.Popen[bytes] | None = None
        self._buffer = b""

    @property
    def running(self) -> bool:
        """Whether a child is looking."""
        return self._child is not None

    @property
    def complete(self) -> bool:
        """Whether every line that is known of was judged."""
        return not self.running and self._until >= self._file.size and not self.stopped and not self.full

    @property
    def share(self) -> float:
        """How much of the file was looked at, from 0 to 1."""
        return min(self.looked / self._file.size, 1.0) if self._file.size else 1.0

    def go_on(self) -> None:
        """Look through what was not looked through yet."""
        size = self._file.size
        if self.running or self.stopped or self.full or self.broken or size <= self._until:
            return
        del self.marks[bisect_left(self.marks, self.judged) :]
        if size - self.judged > AT_ONCE // (4 if self.query.words else 1) or self.too_slow or not self._at_once(size):
            self._start(size)

    def stop(self) -> None:
        """Stop looking; what was found stays."""
        if self.running:
            self._end_child(now=True)
            self.stopped = True
            self._until = self.judged

    def resume(self) -> None:
        """Look on after it was stopped."""
        self.stopped = False
        self.go_on()

    def close(self) -> None:
        """Let go of the child."""
        self._end_child(now=True)

    def next(self, offset: int) -> int | None:
        """Return the first mark after an offset, as far as is known."""
        at = bisect_right(self.marks, offset)
        return self.marks[at] if at < len(self.marks) else None

    def previous(self, offset: int) -> int | None:
        """Return the last mark before an offset, as far as is known."""
        at = bisect_left(self.marks, offset)
        return self.marks[at - 1] if at else None

    def number(self, offset: int) -> int | None:
        """Return which mark (from 1) an offset is; None when it is none that is known."""
        at = bisect_left(self.marks, offset)
        return at + 1 if at < len(self.marks) and self.marks[at] == offset else None

    def near(self, offset: int, step: int) -> int | None:
        """Look through the neighbourhood for a hit from a line's start on (1), or before it (-1), for a short time."""
        if self.too_slow:
            return None
        try:
            with at_most(_SLOW_S):
                return self._forward(offset) if step > 0 else self._backward(offset)
        except TooSlowError:
            self.too_slow = True
            return None

    def _forward(self, start: int) -> int | None:
        deadline = time.monotonic() + PROBE_S
        while start < self._file.size and time.monotonic() < deadline:
            stop = min(start + PROBE, self._file.size)
            if stop < self._file.size:
                stop = self._file.start_of(stop)
            stop = stop if stop > start else self._file.line(start).stop
            starts = self.matcher.starts(self._file.read(start, stop))
            if starts:
                return start + starts[0]
            start = stop
        return None

    def _backward(self, stop: int) -> int | None:
        deadline = time.monotonic() + PROBE_S
        while stop > 0 and time.monotonic() < deadline:
            start = self._file.start_of(max(stop - PROBE, 0))
            start = start if start < stop else self._file.start_of(stop - 1)
            starts = self.matcher.starts(self._file.read(start, stop))
            if starts:
                return start + starts[-1]
            stop = start
        return None

    def _at_once(self, size: int) -> bool:
        """Look through the rest here; return whether that was quick enough to be done."""
        start = self.judged
        try:
            with at_most(_SLOW_S):
                starts = self.matcher.starts(self._file.read(start, size))
        except TooSlowError:
            self.too_slow = True
            return False
        self.marks.extend(start + place for place in starts[: self._most - len(self.marks)])
        self._ended(size)
        self.full = len(self.marks) >= self._most
        return True

    def _ended(self, size: int) -> None:
        """Note that all is judged; a last line that may still grow will be judged again."""
        self._until = self.looked = size
        whole = size == 0 or self._file.read(size - 1, size) == b"\n"
        self.judged = size if whole else self._file.start_of(size - 1)

    def _start(self, size: int) -> None:
        self._until = size
        self._buffer = b""
        limits = (str(self.judged), str(size), str(self._most - len(self.marks)))
        log = self._file.duplicate()
        try:
            self._child = subprocess.Popen(
                own_python("opsconsole.console.logs.reading.scan", *limits, *argv_of(self.query)),
                stdin=log,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                process_group=0,
            )
        except OSError:
            self.broken = True
            return
        finally:
            os.close(log)
        assert self._child.stdout is not None
        asyncio.get_running_loop().add_reader(self._child.stdout.fileno(), self._hear)

    def _hear(self) -> None:
        child = self._child
        if child is None or child.stdout is None:
            return
        data = os.read(child.stdout.fileno(), 1 << 18)
        if data:
            self._buffer += data
            self._take_frames()
        else:
            code = self._end_child()
            self.full = code == 3
            self.broken = code not in {0, 3}
            if code == 0:
                self._ended(self._until)
        self._changed()

    def _take_frames(self) -> None:
        place = 0
        while len(self._buffer) - place >= FRAME.size:
            judged, looked, count = FRAME.unpack_from(self._buffer, place)
            stop = place + FRAME.size + count * 8
            if len(self._buffer) < stop:
                break
            self.marks.frombytes(self._buffer[place + FRAME.size : stop])
            self.judged, self.looked = judged, max(looked, self.looked)
            place = stop
        self._buffer = self._buffer[place:]

    def _end_child(self, *, now: bool = False) -> int:
        child, self._child = self._child, None
        if child is None or child.stdout is None:
            return 0
        with suppress(RuntimeError):  # no loop any more: the console left
            asyncio.get_running_loop().remove_reader(child.stdout.fileno())
        child.stdout.close()
        if now:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        return child.wait()
