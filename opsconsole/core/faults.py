"""System errors with a known cause (full disk, no memory, too many files): what each means for the operator.

A full disk or too many open files are nobody's bug. They become sentences at the edge of each process, with the exit
code of the store, because it is the workspace's disk and limits that they are about. Standard library only.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

from opsconsole.core.errors import OpsconsoleError, StoreError

PASSING = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EMFILE,
        errno.ENFILE,
        errno.EROFS,
        errno.EAGAIN,
        errno.ENOMEM,
        errno.EFBIG,
        errno.ESTALE,
    }
)
"""What goes over when somebody makes room: the same act can be done again then."""
_WAYS_OUT = {
    errno.ENOSPC: "the disk is full: free some space (opsconsole store prune --dry-run says what could go), then try again",
    errno.EDQUOT: "your quota on this disk is used up: free some space or have it raised, then try again",
    errno.EIO: "the disk or its connection is failing: look at the kernel's log (dmesg) and save what is there",
    errno.EMFILE: "this process may not open more files: raise the limit (ulimit -n), then try again",
    errno.ENFILE: "this machine has too many files open: close some programs, then try again",
    errno.EROFS: "the disk is mounted read-only: mount it for writing; --readonly still shows what is there",
    errno.EAGAIN: "this machine takes no more processes: raise the limit (ulimit -u) or end some, then try again",
    errno.ENOMEM: "this machine has no memory left: end some programs, then try again",
    errno.EFBIG: "a file may not grow further: raise the limit (ulimit -f), then try again",
    errno.ESTALE: "the folder was taken away on its server: mount it anew, then try again",
    errno.EACCES: "you may not do that there: see who owns it and its mode",
    errno.EPERM: "you may not do that there: see who owns it and its mode",
    errno.ENAMETOOLONG: "a shorter name would do",
    errno.ENODEV: "the disk is gone: mount it again, then try again",
    errno.ENXIO: "the disk is gone: mount it again, then try again",
}


def explained(error: BaseException) -> OpsconsoleError | None:
    """Return a known error of the system in words; None for one that is not known.

    It may lie below others: what a library raises for a write that failed has the write's error as its cause.
    """
    for fault in _chain(error):
        if isinstance(fault, OSError) and fault.errno in _WAYS_OUT:
            return _of_system(fault)
        if isinstance(fault, MemoryError):
            return StoreError("there is not enough memory", hint=_WAYS_OUT[errno.ENOMEM])
    return None


def passes(error: BaseException) -> bool:
    """Whether an error is of the system and goes over, so that what failed of it can be done again."""
    return any(isinstance(fault, OSError) and fault.errno in PASSING for fault in _chain(error))


def _of_system(error: OSError) -> StoreError:
    message = (error.strerror or os.strerror(error.errno or 0)).lower()
    where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes | os.PathLike) else ""
    return StoreError(f"{where}: {message}" if where else message, hint=_WAYS_OUT[error.errno or 0])


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        fault = waiting.pop(0)
        if fault is None or id(fault) in seen:
            continue
        seen.add(id(fault))
        yield fault
        waiting += [fault.__cause__, fault.__context__]
        if isinstance(fault, BaseExceptionGroup):
            waiting += fault.exceptions
