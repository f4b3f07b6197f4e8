"""The keeper's wait for the end of its supervisor, and its takeover if the supervisor died.

Standard library only.
"""

from __future__ import annotations

import os
from pathlib import Path

from opsconsole.runs.execute import finalize
from opsconsole.runs.process.process_tree import end_below, reap
from opsconsole.runs.process.signals import Signals
from opsconsole.runs.record.folder import RunFolder
from opsconsole.runs.record.journal import Journal
from opsconsole.runs.record.spec import RunSpec


def wait_for(pid: int, signals: Signals) -> int:
    """Return the supervisor's wait status; adopted orphans are collected on the way."""
    while True:
        for ended, status in reap():
            if ended == pid:
                return status
        signals.wait(3600.0)


def take_over(path: str, code: int, intake: list[str], lock: int) -> None:
    """End what a dead supervisor left, whole, and have the run taken in by the command ``intake``, which holds the run's ``lock`` too."""
    folder = RunFolder(Path(path))
    end_below(os.getpid(), grace=0.0)
    order = RunSpec.read(folder.order)
    journal = Journal(folder.journal)
    cause = f"signal {-code}" if code < 0 else f"exit {code}"
    journal.write("noted", note=f"its supervisor died ({cause})", durable=True)
    journal.close()
    finalize.clear(folder, order)
    finalize.take_in(folder, order, intake, lock)
