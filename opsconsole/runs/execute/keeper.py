"""The keeper: outlives its supervisor, so that a run whose supervisor dies ends at once, whole, and taken in.

``python -I -m opsconsole.runs.execute.keeper FOLDER LOCK-DESCRIPTOR SECRETS INTAKE…``, started detached by ``runs.start``. It does nothing but
wait, so there is nothing in it that could fail. What it would need then is imported at once, but beside the supervisor's
own start, which the operator waits for. Standard library only.
"""

from __future__ import annotations

import os
import signal
import sys

from opsconsole.runs.process.privacy import hide
from opsconsole.runs.process.signals import Signals
from opsconsole.runs.process.subreaper import become_subreaper

NAME = "opsconsole.runs.execute.keeper"
SUPERVISOR = "opsconsole.runs.execute.supervisor"


def main() -> None:
    """Keep the run whose folder and lock are named on the command line."""
    hide()
    become_subreaper()
    signals = Signals()
    supervisor = _start_supervisor()
    os.set_inheritable(int(sys.argv[2]), False)  # noqa: FBT003 - steps must not hold the run's lock
    for handed in sys.argv[3].split(","):
        if "=" in handed:
            os.close(int(handed.rpartition("=")[2]))  # the supervisor has them now
    from opsconsole.runs.execute.takeover import take_over, wait_for

    code = os.waitstatus_to_exitcode(wait_for(supervisor, signals))
    if code != 0:
        take_over(sys.argv[1], code, sys.argv[4:], int(sys.argv[2]))


def _start_supervisor() -> int:
    """Start it with our own interpreter, flags and arguments, and the lock that we inherited; return its number."""
    words = [SUPERVISOR if word == NAME else word for word in sys.orig_argv]
    ignored = [signal.SIGPIPE, signal.SIGXFSZ]  # Python ignores them; what is ignored stays ignored in every step
    try:
        return os.posix_spawn(sys.executable, words, os.environ, setsigdef=ignored)
    except BlockingIOError:
        from opsconsole.core.process import with_room

        return with_room(lambda: os.posix_spawn(sys.executable, words, os.environ, setsigdef=ignored))


if __name__ == "__main__":
    main()
