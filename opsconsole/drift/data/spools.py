"""An unnamed temporary file: gone with the object that holds it, or with the process."""

from __future__ import annotations

import os
import tempfile
import weakref
from pathlib import Path


class Spool:
    """An open file without a name; ``path`` leads to it as long as this object lives."""

    def __init__(self) -> None:
        self.descriptor, name = tempfile.mkstemp(prefix="opsconsole-rows-")
        Path(name).unlink()
        self.path = Path(f"/proc/self/fd/{self.descriptor}")
        self._end = 0
        weakref.finalize(self, os.close, self.descriptor)

    def append(self, data: memoryview) -> int:
        """Write at the end and return where; OSError where there is no room."""
        place, done = self._end, 0
        while done < len(data):
            done += os.pwrite(self.descriptor, data[done:], place + done)
        self._end += done
        return place

    def read(self, place: int, length: int) -> bytearray:
        """Return what was written at a place."""
        data, done = bytearray(length), 0
        while done < length and (read := os.preadv(self.descriptor, [memoryview(data)[done:]], place + done)):
            done += read
        return data


def where_to_make_room() -> str:
    """Return the hint for when a spool cannot be written."""
    return f"free some space in {tempfile.gettempdir()}, or point TMPDIR elsewhere"
