"""Reading the raw logs of steps from either end, in bounded memory; they are plain files, ``tail -f`` works as well."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from opsconsole.core.files import open_regular

BLOCK = 1 << 18


@dataclass(frozen=True)
class LogPiece:
    """Some bytes of one step's log."""

    step: str
    data: bytes


def blocks(path: Path, start: int = 0) -> Iterator[bytes]:
    """Yield a log from an offset on, block by block; an absent log is an empty one."""
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            file.seek(start)
            while block := file.read(BLOCK):
                yield block
    except OSError:
        return


def tail_offset(path: Path, lines: int) -> int:
    """Return the offset where the last ``lines`` lines begin, reading backwards from the end."""
    try:
        descriptor = open_regular(path)
    except OSError:
        return 0
    try:
        end = os.fstat(descriptor).st_size
        if lines <= 0:
            return end
        at, wanted = end, lines
        if end and os.pread(descriptor, 1, end - 1) == b"\n":
            at -= 1
        while at > 0:
            start = max(0, at - BLOCK)
            block = os.pread(descriptor, at - start, start)
            breaks = block.count(b"\n")
            if breaks >= wanted:
                place = len(block)
                for _ in range(wanted):
                    place = block.rindex(b"\n", 0, place)
                return start + place + 1
            wanted -= breaks
            at = start
        return 0
    finally:
        os.close(descriptor)


class LogFollower:
    """What was written to the logs of a run's steps since the last look, in the order of the steps."""

    def __init__(self, paths: dict[str, Path], *, tail: int | None = None) -> None:
        self._paths = paths
        self._offsets = {step: 0 if tail is None else tail_offset(path, tail) for step, path in paths.items()}

    def pieces(self) -> Iterator[LogPiece]:
        """Yield the new bytes; a log that was cut is read from its new beginning."""
        for step, path in self._paths.items():
            try:
                size = path.stat().st_size
            except OSError:
                continue
            if size < self._offsets[step]:
                self._offsets[step] = 0
            if size == self._offsets[step]:
                continue
            for block in blocks(path, self._offsets[step]):
                self._offsets[step] += len(block)
                yield LogPiece(step, block)
