"""A real terminal for tests and benchmarks: a pty, a process in front of it, and an emulator that knows what is seen."""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import NamedTuple, Self

import pyte

KEYS = {
    "down": "\x1b[B",
    "up": "\x1b[A",
    "pagedown": "\x1b[6~",
    "pageup": "\x1b[5~",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "enter": "\r",
    "tab": "\t",
    "escape": "\x1b",
}
ALTERNATE_SCREEN = 1049 << 5
"""How the emulator notes the private mode of the alternate screen."""
_UNSPOKEN = re.compile(rb"\x1b\[[<=][0-9;]*[a-z]")
_SYNCHRONISED = b"\x1b[?2026$p"


class Chunk(NamedTuple):
    """What one read returned, and when."""

    at: float
    data: bytes


class Terminal:
    """A terminal and the program that runs in it; the reader is a thread, so that arrival is stamped while we parse."""

    def __init__(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], size: tuple[int, int] = (120, 40)
    ) -> None:
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self.received = bytearray()
        self.last_at = time.monotonic()
        """When the newest byte came that was taken up."""
        self._chunks: SimpleQueue[Chunk | None] = SimpleQueue()
        self._master, slave = os.openpty()
        self._size(size)
        self._wake_read, self._wake_write = os.pipe()

        def take_terminal() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.began_at = time.monotonic()
        self.process = subprocess.Popen(
            argv,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env=dict(env),
            start_new_session=True,
            preexec_fn=take_terminal,  # noqa: PLW1509 - the one way to get a controlling terminal
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def press(self, *keys: str) -> float:
        """Send keys, by name or as they are; return when."""
        now = time.monotonic()
        os.write(self._master, "".join(KEYS.get(key, key) for key in keys).encode())
        return now

    def send(self, data: bytes) -> None:
        """Send bytes as a terminal does by itself."""
        os.write(self._master, data)

    @property
    def text(self) -> str:
        """What is on the screen now."""
        return "\n".join(self.screen.display)

    def until(self, holds: str | Callable[[str], object], seconds: float = 8.0) -> float:
        """Wait until the screen holds a text, or a condition; return when the bytes came that made it so."""

        def held() -> object:
            shown = self.text
            return holds in shown if isinstance(holds, str) else holds(shown)

        deadline = time.monotonic() + seconds
        while not held():
            if not self._take(deadline - time.monotonic()):
                raise AssertionError(f"it never came to that; the screen shows\n{self.text}")
        return self.last_at

    def settle(self, quiet: float = 0.3, seconds: float = 10.0) -> float:
        """Wait until nothing was sent for a while; return when the last byte came."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._take(quiet):
            pass
        return self.last_at

    def next_chunk(self, seconds: float) -> Chunk | None:
        """Take up what comes next and return it; None when nothing comes in that time."""
        chunk = self._next(seconds)
        if chunk is not None:
            self._show(chunk)
        return chunk

    def drain(self, seconds: float) -> list[Chunk]:
        """Return what comes in a span of time, without looking at it."""
        deadline = time.monotonic() + seconds
        found: list[Chunk] = []
        while (left := deadline - time.monotonic()) > 0:
            chunk = self._next(left)
            if chunk is not None:
                found.append(chunk)
        for chunk in found:
            self._show(chunk)
        return found

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size."""
        self.screen.resize(rows, columns)
        self._size((columns, rows))

    def hang_up(self) -> None:
        """Close the terminal, as a dropped line does: the kernel sends SIGHUP."""
        self._stop_reading()
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def wait(self, seconds: float = 5.0) -> int:
        """Wait for the program's end and take up its last words; return its exit code."""
        code = self.process.wait(seconds)
        if self._master >= 0:
            while self._take(1.0):
                pass
        return code

    def close(self) -> None:
        """End the program, if it has not ended."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(5)
        self.hang_up()
        os.close(self._wake_read)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _size(self, size: tuple[int, int]) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

    def _read(self) -> None:
        while True:
            ready, _, _ = select.select([self._master, self._wake_read], [], [])
            if self._wake_read in ready:
                return
            try:
                data = os.read(self._master, 65536)
            except OSError:  # the other side is closed
                data = b""
            if not data:
                self._chunks.put(None)
                return
            self._chunks.put(Chunk(time.monotonic(), data))
            if _SYNCHRONISED in data:
                os.write(self._master, b"\x1b[?2026;2$y")

    def _stop_reading(self) -> None:
        if self._wake_write >= 0:
            os.close(self._wake_write)
            self._wake_write = -1
            self._reader.join()

    def _next(self, seconds: float) -> Chunk | None:
        try:
            chunk = self._chunks.get(timeout=max(seconds, 0.0))
        except Empty:
            return None
        if chunk is None:
            self._chunks.put(None)
        return chunk

    def _take(self, seconds: float) -> bool:
        """Take up one chunk; return whether there was one."""
        return self.next_chunk(seconds) is not None

    def _show(self, chunk: Chunk) -> None:
        self.received += chunk.data
        self.last_at = chunk.at
        self._stream.feed(_UNSPOKEN.sub(b"", chunk.data))
