"""A child that looks through a log for a query, so that no pattern, however slow, holds the screen up.

    python -m opsconsole.console.logs.reading.scan START STOP MOST KIND FLAGS PATTERN < LOG

It writes frames to stdout: three unsigned 64-bit numbers (every line before this offset is judged; bytes looked at; how
many marks follow), then the offsets where the lines start that were found. Exit code 0: all is judged; 3: ``MOST`` were
found; 2: the pattern is none. Where ripgrep is installed it finds, in the lines that are shown as they are stored; lines with
escape sequences or carriage returns are judged as the screen shows them. Standard library only.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator

from opsconsole.console.logs.reading.query import Matcher, Query, Sought

FRAME = struct.Struct("<QQQ")
BLOCK = 1 << 19
LONGEST = 8 << 20
"""A line that is longer is judged in pieces."""
EVERY_S = 0.05
"""Between two frames, once something was found."""
RIPGREP = ("rg", "--no-config", "--no-heading", "--color=never", "--text", "--crlf", "--encoding=none", "--line-buffered",
           "--only-matching", "--byte-offset", "--line-number", "--replace=")  # fmt: skip
_PATIENCE_S = 0.002


def argv_of(query: Query) -> list[str]:
    """Return a query as arguments."""
    flags = ("i" if query.ignores_case else "") + ("v" if query.inverse else "")
    return [query.sought.value, flags or "-", query.pattern]


def _query_of(arguments: list[str]) -> Query:
    kind, flags, pattern = arguments
    return Query(Sought(kind), pattern, ignores_case="i" in flags, inverse="v" in flags)


def blocks(descriptor: int, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
    """Yield stretches of whole lines with their offsets; the last may want its newline."""
    size = BLOCK
    while start < stop:
        block = os.pread(descriptor, min(size, stop - start), start)
        if not block:
            return
        end = block.rfind(b"\n") + 1
        if start + len(block) < stop and not end and size < LONGEST:
            size *= 2
            continue
        if start + len(block) < stop and end:
            block = block[:end]
        size = BLOCK
        yield start, block
        start += len(block)


def shown_as_stored(block: bytes) -> bool:
    """Return whether a block's bytes are what the screen shows."""
    if b"\x1b" in block:
        return False
    return b"\r" not in block or block.count(b"\r") == block.count(b"\r\n")


class Ripgrep:
    """The matches that ripgrep finds in what is on our stdin, in their order."""

    def __init__(self, query: Query, start: int) -> None:
        self._start = start
        self._descriptor = os.open("/proc/self/fd/0", os.O_RDONLY | os.O_CLOEXEC)
        os.lseek(self._descriptor, start, os.SEEK_SET)
        flags = ["--ignore-case"] if query.ignores_case else []
        self._process = subprocess.Popen(
            [*RIPGREP, *flags, f"--regexp={query.rough}", "-"],
            stdin=self._descriptor,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        self._pipe = self._process.stdout.fileno()
        self._rest = b""
        self._offsets: list[int] = []
        self._next = 0
        self.ended = False

    @property
    def position(self) -> int:
        """How far it has read."""
        return os.lseek(self._descriptor, 0, os.SEEK_CUR)

    @property
    def failed(self) -> bool:
        """Whether it could not do it, as with a pattern that only Python knows."""
        return self.ended and self._process.wait() not in {0, 1}

    def before(self, stop: int) -> list[int] | None:
        """Return the matches before an offset; None while it has not come so far."""
        if not self.ended and (not self._offsets or self._offsets[-1] < stop):
            self._take()
            if not self.ended and (not self._offsets or self._offsets[-1] < stop):
                return None
        last = self._next
        while last < len(self._offsets) and self._offsets[last] < stop:
            last += 1
        offsets = self._offsets[self._next : last]
        self._next = last
        if self._next > 50_000:
            del self._offsets[: self._next]
            self._next = 0
        return offsets

    def _take(self) -> None:
        """Take up what it said; many short words are taken up together."""
        if not select.select([self._pipe], [], [], EVERY_S)[0]:
            return
        time.sleep(_PATIENCE_S)
        block = os.read(self._pipe, 1 << 16)
        if not block:
            self.ended = True
            return
        *lines, self._rest = (self._rest + block).split(b"\n")
        last = b""
        for line in lines:
            number, offset, _ = line.split(b":", 2)
            if number != last:
                self._offsets.append(self._start + int(offset))
                last = number

    def skip(self, stop: int) -> None:
        """Drop what it found before an offset, without waiting, so that its pipe does not fill."""
        if not self.ended and select.select([self._pipe], [], [], 0)[0]:
            self._take()
        while self._next < len(self._offsets) and self._offsets[self._next] < stop:
            self._next += 1

    def close(self) -> None:
        """Let it go."""
        self._process.kill()
        self._process.wait()


class Reporter:
    """Writes frames, not more often than someone can read."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._marks = array("Q")
        self._reported = 0
        self._at = 0.0

    def note(self, judged: int, marks: list[int]) -> bool:
        """Take marks up; return whether there are enough."""
        first = not self._reported and marks
        self._marks.extend(marks[: self._most - self._reported - len(self._marks)])
        if first or len(self._marks) > 8192 or time.monotonic() - self._at > EVERY_S:
            self.tell(judged)
        return self._reported + len(self._marks) >= self._most

    def tell(self, judged: int, looked: int = 0) -> None:
        """Write a frame now."""
        data = FRAME.pack(judged, max(judged, looked), len(self._marks)) + self._marks.tobytes()
        while data:
            data = data[os.write(1, data) :]
        self._reported += len(self._marks)
        self._marks = array("Q")
        self._at = time.monotonic()


def scan(query: Query, start: int, stop: int, most: int) -> int:
    """Look through stdin; return the exit code."""
    try:
        matcher = Matcher(query)
    except re.error:
        return 2
    quick = Ripgrep(query, start) if shutil.which("rg") and not query.inverse else None
    reporter = Reporter(most)
    judged = start
    coloured = 0
    for number, (offset, block) in enumerate(blocks(0, start, stop), start=1):
        marks: list[int] | None = None
        if quick is not None and shown_as_stored(block):
            while (matching := quick.before(offset + len(block))) is None:
                reporter.tell(judged, min(quick.position, stop))
            if not quick.failed:
                marks = _starts(matcher, offset, block, matching)
        elif quick is not None:
            coloured += 1
            quick.skip(offset)
        if quick is not None and (quick.failed or coloured > max(number // 2, 8)):
            quick.close()
            quick = None
        if marks is None:
            marks = [offset + place for place in matcher.starts(block)]
        judged = offset + len(block)
        if reporter.note(judged, marks):
            reporter.tell(judged)
            return 3
    reporter.tell(judged)
    return 0


def _starts(matcher: Matcher, offset: int, block: bytes, offsets: list[int]) -> list[int]:
    """Return where the lines start that hold matches, once each, those that the query accepts."""
    starts: list[int] = []
    stop = 0
    for place in offsets:
        inside = place - offset
        if inside < stop or inside < 0:
            continue
        start = block.rfind(b"\n", 0, inside) + 1
        stop = block.find(b"\n", inside) + 1 or len(block)
        if matcher.query.sought is Sought.TEXT or matcher.accepts_line(block[start : stop - 1]):
            starts.append(offset + start)
    return starts


def _end_with_parent() -> None:
    """Have the kernel end us when the console goes: a pattern that backtracks for ever never looks for itself."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


def main(arguments: list[str]) -> int:
    """Scan as the command line says."""
    _end_with_parent()
    start, stop, most = (int(word) for word in arguments[:3])
    return scan(_query_of(arguments[3:]), start, stop, most)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    os._exit(code)  # at once: ripgrep ends when nobody reads it
