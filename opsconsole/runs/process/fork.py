"""Forking our own processes: the child keeps the loaded modules and none of the open files.

Starting Python and importing anew would take longer than most of what such a process does. Standard library only.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import traceback
from collections.abc import Callable
from contextlib import suppress

from opsconsole.runs.process.signals import HANDLED

PR_SET_NAME = 15


class Forked:
    """A child of ours, as `subprocess.Popen` shows one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Collect it if it ended; return its exit code, negative for a signal, None while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


def fork(
    name: str,
    work: Callable[[], object],
    *,
    stdout: int | None = None,
    keep: tuple[int, ...] = (),
) -> Forked:
    """Start a process that does ``work`` and ends; ``name`` is what it is called among processes (15 letters at most).

    It has standard input, output and error (``stdout`` in the place of ours) and the descriptors to
    ``keep``, no other: neither a lock nor a database of ours. Threads stay behind; so does whatever of ours is unused,
    for a file that was collected there would close a descriptor that is another's by then. Signals are held back until
    ``work`` makes its `Signals`, so that none is lost. OSError when there is no room for a process.
    """
    parent = os.getpid()
    held = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    try:
        pid = os.fork()
        if pid == 0:
            _be(name, work, parent, stdout, keep)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
    return Forked(pid)


def _be(name: str, work: Callable[[], object], parent: int, stdout: int | None, keep: tuple[int, ...]) -> None:
    """Be the new process, to its end; this never returns."""
    code = 1
    try:
        gc.freeze()
        signal.set_wakeup_fd(-1)
        for number in HANDLED:
            signal.signal(number, signal.SIG_DFL)
        if os.getppid() == parent:
            if stdout is not None:
                os.dup2(stdout, 1)
            _close_all_but({0, 1, 2, *keep})
            ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode("ascii"), 0, 0, 0)
            work()
            code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # noqa: BLE001 - whatever it was, this process must not go on as a second copy of its parent
        os.write(2, traceback.format_exc().encode("utf-8", "backslashreplace"))
    finally:
        os._exit(code)


def _close_all_but(kept: set[int]) -> None:
    for descriptor in {int(number) for number in os.listdir("/proc/self/fd")} - kept:  # noqa: PTH208 - numbers, not files
        with suppress(OSError):  # the one that listed them is closed by now
            os.close(descriptor)
