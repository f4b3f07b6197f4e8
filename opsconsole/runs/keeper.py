"""The keeper: outlives its supervisor, so that a run whose supervisor dies ends at once, whole, and taken in.

``python -I -m opsconsole.runs.keeper FOLDER LOCK-DESCRIPTOR``, started detached by ``runs.start``. It does nothing but
wait, so there is nothing in it that could fail. Standard library only.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from opsconsole.ground.process import own_python
from opsconsole.runs import ending
from opsconsole.runs.folder import RunFolder
from opsconsole.runs.journal import Journal
from opsconsole.runs.order import Order
from opsconsole.runs.signals import Signals
from opsconsole.runs.tree import become_subreaper, end_below, reap


def main() -> None:
    """Keep the run whose folder and lock are named on the command line."""
    folder, lock = RunFolder(Path(sys.argv[1])), int(sys.argv[2])
    os.set_inheritable(lock, False)  # noqa: FBT003 - steps must not hold the run's lock
    become_subreaper()
    signals = Signals()
    supervisor = subprocess.Popen(
        own_python("opsconsole.runs.supervisor", str(folder.path), str(lock)),
        stdin=subprocess.DEVNULL,
        pass_fds=(lock,),
    )
    status = _wait_for(supervisor.pid, signals)
    supervisor.returncode = os.waitstatus_to_exitcode(status)
    if supervisor.returncode != 0:
        _take_over(folder, supervisor.returncode)


def _wait_for(pid: int, signals: Signals) -> int:
    """Return the supervisor's wait status; adopted orphans are collected on the way."""
    while True:
        for ended, status in reap():
            if ended == pid:
                return status
        signals.wait(3600.0)


def _take_over(folder: RunFolder, code: int) -> None:
    end_below(os.getpid(), grace=0.0)
    order = Order.read(folder.order)
    journal = Journal(folder.journal)
    cause = f"signal {-code}" if code < 0 else f"exit {code}"
    journal.write("noted", note=f"its supervisor died ({cause})", durable=True)
    journal.close()
    ending.clear(folder, order)
    ending.take_in(folder, order)


if __name__ == "__main__":
    main()
