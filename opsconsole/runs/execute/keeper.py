"""The keeper: outlives the supervisor; if that dies, it ends the run's processes and has the results taken in.

``python -I -m opsconsole.runs.execute.keeper FOLDER LOCK-DESCRIPTOR SECRETS INTAKE…``, started detached by
``runs.execute.launch``. It imports what it and the supervisor need, forks the supervisor, and does nothing but wait from
then on, so that nothing in it can fail. Standard library only.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from opsconsole.core import umask
from opsconsole.core.process import with_room
from opsconsole.runs.execute import finalize, supervisor
from opsconsole.runs.execute.takeover import take_over, wait_for
from opsconsole.runs.process.fork import fork
from opsconsole.runs.process.privacy import hide
from opsconsole.runs.process.signals import Signals
from opsconsole.runs.process.subreaper import become_subreaper
from opsconsole.runs.record.folder import RunFolder


def main() -> None:
    """Keep the run whose folder and lock are named on the command line."""
    hide()
    umask.settle()
    become_subreaper()
    path, lock, secrets, *intake = sys.argv[1:]
    handed = {name: int(number) for name, _, number in (word.partition("=") for word in secrets.split(",")) if number}
    descriptors = (int(lock), *handed.values())
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - no step may hold the run's lock, nor what it was not given
    signals = Signals()
    intake = intake or finalize.intake_command(RunFolder(Path(path)).state.parent)
    child = with_room(
        lambda: fork("ops-supervisor", lambda: supervisor.main(path, int(lock), handed, intake), keep=descriptors)
    )
    for descriptor in handed.values():
        os.close(descriptor)  # the supervisor has them now
    code = os.waitstatus_to_exitcode(wait_for(child.pid, signals))
    if code != 0:
        take_over(path, code, intake, int(lock))


if __name__ == "__main__":
    main()
