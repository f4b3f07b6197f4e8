"""The supervisor: runs the steps of one run, writes the journal, ends everything on cancel, starts the intake.

``python -I -m opsconsole.runs.supervisor FOLDER LOCK-DESCRIPTOR``, started by the keeper. Standard library only.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from opsconsole.ground import clock
from opsconsole.ground.errors import OpsconsoleError
from opsconsole.ground.nouns import RunState, StepState
from opsconsole.ground.process import own_identity
from opsconsole.repos import worktrees
from opsconsole.runs import ending
from opsconsole.runs.environment import step_environment
from opsconsole.runs.execution import GRACE_S, StepEnd, StepProcess
from opsconsole.runs.folder import RunFolder
from opsconsole.runs.journal import Journal
from opsconsole.runs.order import Order, PlannedStep
from opsconsole.runs.projection import Projection
from opsconsole.runs.signals import Signals
from opsconsole.runs.slots import SlotQueue
from opsconsole.runs.tree import become_subreaper, end_below
from opsconsole.store import runs as run_rows
from opsconsole.store import steps as step_rows
from opsconsole.store.steps import StepRecord

SLOT_S = 0.1
"""How often a waiting run looks for a free slot."""
PROJECTION_S = 5.0
"""How long the end of a run waits for its rows."""


class Supervisor:
    """One run, from its place in the queue to its intake."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.order = Order.read(folder.order)
        self.signals = Signals()
        self.journal = Journal(folder.journal)
        self.rows = Projection(folder.state, lambda text: ending.note(folder, text))
        self.states: dict[str, StepState] = {}
        self.records = [
            StepRecord(self.order.run_id, position, step.name, step.run, StepState.QUEUED)
            for position, step in enumerate(self.order.plan.steps)
        ]

    def run(self) -> None:
        """Do all of it."""
        self.journal.write("supervised", process=own_identity().to_text(), durable=True)
        slot = self._wait_for_slot()
        if not self.signals.cancels:
            self._work()
        self._end_leftovers()
        if self.signals.cancels:
            self.journal.write("cancel")
        self.journal.write("ended", durable=True)
        ending.clear(self.folder, self.order)
        run_id = self.order.run_id
        self.rows.put(lambda rows: run_rows.advance(rows, run_id, RunState.ENDING, started_at=None))
        self.rows.close(PROJECTION_S)
        self.journal.close()
        if slot is not None:
            os.close(slot)
        ending.take_in(self.folder, self.order)

    def _wait_for_slot(self) -> int | None:
        if self.order.slots is None:
            return None
        queue = SlotQueue(self.folder.state, self.order.run_id, self.order.slots)
        try:
            while not self.signals.cancels:
                slot = queue.try_take()
                if slot is not None:
                    return slot
                self.signals.wait(SLOT_S)
        finally:
            queue.leave()
        return None

    def _work(self) -> None:
        started = clock.now()
        self.journal.write("started", at=started)
        run_id = self.order.run_id
        self.rows.put(lambda rows: run_rows.advance(rows, run_id, RunState.RUNNING, started_at=started))
        for path in (self.folder.out, self.folder.temporary):
            path.mkdir(mode=0o700, exist_ok=True)
        try:
            worktrees.add(self.order.plan.repo_path, self.order.plan.commit, self.folder.worktree)
        except (OpsconsoleError, OSError) as error:
            self.journal.write("broke", error=f"the commit could not be checked out: {error}", durable=True)
            return
        limit = self.order.plan.timeout
        deadline = None if limit is None else time.monotonic() + limit
        for position, step in enumerate(self.order.plan.steps):
            self._step(position, step, deadline)

    def _step(self, position: int, step: PlannedStep, deadline: float | None) -> None:
        waits_for = [need for need in step.needs if self.states.get(need) is not StepState.PASSED]
        if self.signals.cancels or waits_for:
            note = None if not waits_for else f"{waits_for[0]} did not pass"
            self._record(position, StepEnd(StepState.NOT_REACHED, None, note))
            return
        if step.timeout is not None:
            own = time.monotonic() + step.timeout
            deadline = own if deadline is None else min(own, deadline)
        environment = step_environment(self.order, self.folder, step, os.environ)
        started = clock.now()
        try:
            process = StepProcess(step, self.folder, environment, self.signals)
        except OSError as error:
            self._record(position, StepEnd(StepState.ERROR, None, f"could not be started: {error}"))
            return
        who = process.identity.to_text() if process.identity else ""
        self.journal.write("step_started", step=step.name, process=who, at=started)
        self._project(position, state=StepState.RUNNING, started_at=started)
        self._record(position, process.wait(deadline))

    def _record(self, position: int, end: StepEnd) -> None:
        name = self.order.plan.steps[position].name
        ended = clock.now()
        self.states[name] = end.state
        self.journal.write(
            "step_ended", step=name, state=end.state, exit_code=end.exit_code, note=end.note, at=ended, durable=True
        )
        ended_at = ended if self.records[position].started_at else None
        self._project(position, state=end.state, exit_code=end.exit_code, note=end.note, ended_at=ended_at)

    def _project(self, position: int, **changes: object) -> None:
        record = replace(self.records[position], **changes)  # type: ignore[arg-type]
        self.records[position] = record
        self.rows.put(lambda rows: step_rows.put(rows, [record]))

    def _end_leftovers(self) -> None:
        """End what the steps left running; a server that outlives its run would hold its files and ports."""
        ended = end_below(os.getpid(), grace=GRACE_S, kill_now=lambda: self.signals.cancels > 1)
        if ended:
            self.journal.write(
                "noted", note=f"{ended} process{'es' if ended > 1 else ''} outlived the steps and had to be ended"
            )


def main() -> None:
    """Supervise the run whose folder and lock are named on the command line."""
    folder, lock = RunFolder(Path(sys.argv[1])), int(sys.argv[2])
    os.set_inheritable(lock, False)  # noqa: FBT003 - steps must not hold the run's lock
    become_subreaper()
    Supervisor(folder).run()


if __name__ == "__main__":
    main()
