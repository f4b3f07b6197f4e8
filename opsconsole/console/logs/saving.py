"""Writing a log, or the lines of it that are shown, to a file the operator names; nothing is overwritten unasked."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from opsconsole.console.logs.reading.file import LogFile
from opsconsole.console.logs.reading.trail import Trail
from opsconsole.console.logs.reading.walk import Matches
from opsconsole.core import text
from opsconsole.core.files import expanded

BLOCK = 1 << 20
RULE = b"--\n"
"""Between groups, as grep writes it."""


@dataclass(frozen=True)
class Target:
    """Where to write, as the operator typed it; a ``!`` at the end overwrites."""

    path: Path
    overwrites: bool

    @classmethod
    def of(cls, typed: str) -> Target:
        """Read what was typed: ``~`` is home, a bare name lies in the current folder."""
        name = typed.strip()
        return cls(expanded(name.rstrip("!").rstrip()).absolute(), overwrites=name.endswith("!"))

    def problem(self, log: Path) -> str | None:
        """Say why nothing may be written there; None when it may."""
        if self.path.exists() and self.path.samefile(log):
            return "that is the log itself"
        if self.path.is_dir():
            return f"{self.path} is a folder: add a name"
        if self.path.exists() and not self.overwrites:
            return f"{self.path} exists: another name, or {self.path.name}! to overwrite it"
        return None if self.path.parent.is_dir() else f"there is no folder {self.path.parent}"


@dataclass(frozen=True)
class Saved:
    """How a save went."""

    words: str
    whole: bool
    """Whether all of it is there; else nothing is."""


def save(blocks: Generator[bytes, None, None], target: Target, stop: threading.Event) -> Saved:
    """Write blocks beside the target, then rename; return what to say. Safe in a thread; ``stop`` ends it early."""
    draft = target.path.with_name(f".{target.path.name}.{os.getpid()}.part")
    size = 0
    reserved = False
    try:
        if not target.overwrites:
            os.close(_made(target.path))
            reserved = True
        with closing(blocks), os.fdopen(_made(draft), "wb") as file:
            for block in blocks:
                if stop.is_set():
                    raise InterruptedError(errno.EINTR, "stopped")
                size += file.write(block)
        draft.replace(target.path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        if reserved:
            with suppress(OSError):
                target.path.unlink()
        return Saved(f"not saved: {error.strerror} ({target.path})", whole=False)
    return Saved(f"saved {text.size(size)} to {target.path}", whole=True)


def whole(descriptor: int, size: int) -> Generator[bytes, None, None]:
    """Yield a log as it lies there, from a descriptor that is closed at the end."""
    try:
        start = 0
        while start < size and (block := os.pread(descriptor, min(BLOCK, size - start), start)):
            start += len(block)
            yield block
    finally:
        os.close(descriptor)


def filtered(path: Path, size: int, trail: Trail, context: int) -> Generator[bytes, None, None]:
    """Yield the lines that are shown while only matches are, as they lie in the log, with rules between groups."""
    file = LogFile(path)
    file.look()
    walk = Matches(file, trail, context)
    spot = walk.nearest(0)
    try:
        while spot is not None and spot.start < size:
            if spot.line:
                line = file.line(spot.start)
                raw = file.read(line.start, line.stop)
                yield raw if raw.endswith(b"\n") else raw + b"\n"
            else:
                yield RULE
            spot = walk.after(spot)
    finally:
        file.close()


def _made(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
