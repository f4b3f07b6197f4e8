"""The lines of the ``:`` prompt as they were given, kept for the next session: private, bounded, each once."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from opsconsole.console.host.line_help import Walk
from opsconsole.core import text
from opsconsole.core.files import locked, read_regular, write_atomically

NAME = "console-history"
LIMIT = 500
"""Lines that are kept."""
LONGEST = 1_000
"""Characters of a line that is kept."""
_CREDENTIALS = re.compile(r"://[^/\s]*@|[?&][\w-]*(?:token|key|secret|passw)[\w-]*=", re.IGNORECASE)


class History:
    """What was typed before, newest last; it is read when the first line is asked for."""

    def __init__(self, state: Path, *, readonly: bool = False) -> None:
        self._path = state / NAME
        self._readonly = readonly
        self._own: list[str] = []
        """What cannot be kept in the file is known to this session alone."""

    def lines(self) -> list[str]:
        """Return what is known, the newest last, each once; a file that cannot be read holds nothing."""
        return _each_once([*_read(self._path), *self._own])

    def add(self, line: str) -> None:
        """Keep a line; one with credentials in it, or that begins with a blank, is not kept anywhere."""
        if not line.strip() or line.startswith(" ") or len(line) > LONGEST or _CREDENTIALS.search(line):
            return
        line = text.clean(line).strip()
        self._own.append(line)
        if self._readonly:
            return
        with suppress(OSError):
            self._keep(line)
            self._own.clear()

    def _keep(self, line: str) -> None:
        """Write the file anew with what others wrote meanwhile, under the lock of a file beside it."""
        with locked(self._path.with_suffix(".lock")):
            kept = _each_once([*_read(self._path), *self._own, line])[-LIMIT:]
            write_atomically(self._path, "".join(f"{item}\n" for item in kept).encode(), durable=False)


def way(lines: list[str], typed: str) -> Walk:
    """Return a way through lines, the newest last: back and forth over those that begin as was typed, then that itself."""
    matching = [*(line for line in lines if line.startswith(typed) and line != typed), typed]
    at = len(matching) - 1

    def step(by: int) -> str | None:
        nonlocal at
        if not 0 <= at + by < len(matching):
            return None
        at += by
        return matching[at]

    return step


def _read(path: Path) -> list[str]:
    try:
        raw = read_regular(path, limit=LIMIT * (LONGEST * 4 + 1))
    except OSError:
        return []
    return [line for line in (text.clean(part)[:LONGEST] for part in raw.split(b"\n")) if line.strip()]


def _each_once(lines: list[str]) -> list[str]:
    """Keep of each line the newest."""
    return list(reversed(dict.fromkeys(reversed(lines))))
