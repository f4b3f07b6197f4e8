"""The log of a step as it is written: masked, bounded, with an index of when which offset was reached.

Standard library only. A disk that is full or a log that is too long loses output, never the step.
"""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path

from opsconsole.runs.record.masking import Masker

INDEX_S = 0.5
"""How often the index notes where the log stands."""
INDEX_ENTRY = struct.Struct("<QQ")
REFUSALS = (b"Permission denied", b"EACCES", b"PermissionError", b"Read-only file system", b"EROFS")
LOOKED_THROUGH = 4 << 20
TAIL = 256 << 10
"""Bytes of a log past its limit that are kept from its end."""


class StepLog:
    """Where the output of one step goes."""

    def __init__(self, path: Path, index: Path, *, masker: Masker, limit: int | None) -> None:
        self._masker = masker
        self._limit = limit
        self._path = path
        self._log = _appended(path)
        self._index = _appended(index)
        self._offset = os.fstat(self._log).st_size
        self._noted_at = 0.0
        self._noted = -1
        self._tail = bytearray()
        self._dropped = 0

    def write(self, block: bytes) -> None:
        """Write output."""
        self._put(self._masker.feed(block))
        if time.monotonic() - self._noted_at >= INDEX_S:
            self._note()

    def say(self, line: str) -> None:
        """Write a line of ours, on a line of its own."""
        self._put(self._masker.flush() + f"── {line}\n".encode())

    def shows_refusal(self) -> bool:
        """Say whether the last of what was written holds the system's word for a write that was not allowed."""
        try:
            with self._path.open("rb") as log:
                log.seek(max(self._offset - LOOKED_THROUGH, 0))
                return any(word in line for line in log for word in REFUSALS)
        except OSError:
            return False

    def close(self) -> None:
        """Write what was held back, and the end of a log that grew too long."""
        self._put(self._masker.flush())
        if self._dropped:
            left_out = self._dropped - len(self._tail)
            self._limit = None
            self._put(f"\n── {left_out:,} bytes are left out here: the log reached its limit\n".encode())
            self._put(bytes(self._tail))
        self._note()
        os.close(self._log)
        os.close(self._index)

    def _put(self, data: bytes) -> None:
        if self._limit is not None and self._offset + len(data) > self._limit:
            room = max(self._limit - self._offset, 0)
            self._keep(data[room:])
            data = data[:room]
        view = memoryview(data)
        while view:
            try:
                written = os.write(self._log, view)
            except OSError:
                return  # a full disk: what does not fit is dropped
            self._offset += written
            view = view[written:]

    def _keep(self, data: bytes) -> None:
        self._dropped += len(data)
        self._tail += data
        del self._tail[: max(len(self._tail) - TAIL, 0)]

    def _note(self) -> None:
        """Note the time; losing an entry loses a time, nothing else."""
        self._noted_at = time.monotonic()
        if self._offset == self._noted:
            return
        try:
            os.write(self._index, INDEX_ENTRY.pack(self._offset, time.time_ns() // 1_000_000))
            self._noted = self._offset
        except OSError:
            return


def _appended(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
