"""Opening files that steps or other users left: regular files only, without blocking, up to a size limit."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from opsconsole.core.errors import UsageError

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_foreign(path: Path, *, limit: int | None = None, follow: bool = False) -> BinaryIO:
    """Open a file for reading in bytes; UsageError for what is no regular file, is larger than ``limit``, or absent.

    A link is refused unless ``follow``: what a run leaves must not lead out of its folder.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:
        raise UsageError(f"{_named(path)}: {_why(error)}", hint="it must be a file that can be read") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            kind = next((word for test, word in _KINDS if test(status.st_mode)), "something else")
            raise UsageError(f"{_named(path)}: is no file but {kind}")
        if limit is not None and status.st_size > limit:
            raise UsageError(f"{_named(path)}: {status.st_size:,} bytes, at most {limit:,} are read")
        os.set_blocking(descriptor, True)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_foreign(path: Path, *, limit: int, follow: bool = False) -> bytes:
    """Return a file's whole content; UsageError as ``open_foreign``, also for one that grows past ``limit`` meanwhile."""
    with open_foreign(path, limit=limit, follow=follow) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise UsageError(f"{_named(path)}: grew past {limit:,} bytes while it was read")
    return data


def is_there(path: Path) -> bool:
    """Tell whether anything stands at a path, also what cannot be read; a name no file can have is not there."""
    try:
        return os.path.lexists(path)
    except ValueError:
        return False


def _named(path: Path) -> str:
    return path.name[:200].encode("utf-8", "backslashreplace").decode()


def _why(error: OSError | ValueError) -> str:
    if not isinstance(error, OSError):
        return "no file has such a name"
    if error.errno == errno.ELOOP:
        return "is a link, and links are not followed"
    return (error.strerror or str(error)).lower()
