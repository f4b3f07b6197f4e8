"""Waiting briefly for files that are still being written: only those that changed a moment ago."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from opsconsole.drift.data.formats.parquets import PARQUET_SUFFIXES, has_footer

RECENT_S = 3.0
"""A file that was changed longer ago is taken as it is, unasked."""
QUIET_S = 0.5
"""Without a change for so long, a file counts as written, where the system cannot tell whether it is open."""
WAIT_S = 5.0
"""For all files of a source together."""
POLL_S = 0.05


@dataclass
class _Watch:
    state: tuple[int, int] | None
    since: float


def unsettled(paths: list[Path]) -> set[Path]:
    """Return the files that are still being written after a wait of at most ``WAIT_S`` seconds."""
    now = time.time_ns()
    watches = {
        path: _Watch(state, time.monotonic())
        for path in paths
        if (state := _state(path)) is not None and now - state[1] < RECENT_S * 1e9 and not _closed(path)
    }
    deadline = time.monotonic() + WAIT_S
    while watches and time.monotonic() < deadline:
        time.sleep(POLL_S)
        for path, watch in list(watches.items()):
            if _closed(path) or _quiet(path, watch):
                del watches[path]
    return set(watches)


def _state(path: Path) -> tuple[int, int] | None:
    """Return a file's size and time; None when it is gone, which opening it will tell."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_size, about.st_mtime_ns


def _quiet(path: Path, watch: _Watch) -> bool:
    state = _state(path)
    if state != watch.state:
        watch.state, watch.since = state, time.monotonic()
        return False
    return time.monotonic() - watch.since >= QUIET_S and _ended(path)


def _ended(path: Path) -> bool:
    """Whether a pause may be the end: a Parquet file without its footer is only half of one."""
    return not path.name.lower().endswith(PARQUET_SUFFIXES) or has_footer(path)


def _closed(path: Path) -> bool:
    """Whether certainly no one has the file open for writing; False also where the system does not tell.

    The kernel grants a read lease only then. While we hold it, for an instant, a writer's ``open`` would wait and we
    would be signalled; the signal is one that is ignored.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return True  # gone, or not for us: opening it will tell
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        if error.errno in {errno.EAGAIN, errno.EACCES, errno.EINVAL, errno.EPERM, errno.ENOTSUP, errno.ENOLCK}:
            return False
        raise
    finally:
        os.close(descriptor)
    return True
