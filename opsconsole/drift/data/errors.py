"""Errors in data: which file, which column, which row, and what to do next."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opsconsole.core import text
from opsconsole.core.errors import UsageError

SHOWN = 40
"""So many characters of an offending value are shown."""


class DataError(UsageError):
    """Data cannot be used; the message names the file, and the column and the row where there is one."""

    code = "data"


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn what pyarrow or the system says about a broken file into a DataError that names it."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        message = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"{name}: cannot be read: {text.clean(message, limit=300)}",
            hint="the file may be cut short or of another format than its name says",
        ) from error


def shown(value: object) -> str:
    """Return a value from outside as one harmless, short piece of a message."""
    return text.clean(str(value), limit=SHOWN)


def printable(path: str | Path) -> str:
    """Return a path as text that can be written anywhere: bytes of its name that are none become signs for that."""
    return os.fsencode(path).decode("utf-8", "replace")
