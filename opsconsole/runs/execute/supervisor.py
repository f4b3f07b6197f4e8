"""The supervisor: which step is next, the journal, the rows, services, cancel, the intake at the end.

A process that the keeper forked. Each step has a runner of its own; here they are put in order. Standard library only.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from opsconsole.core import clock
from opsconsole.core.errors import OpsconsoleError
from opsconsole.core.files import read_regular
from opsconsole.core.nouns import RunState, StepState
from opsconsole.core.process import own_identity
from opsconsole.repos import pool, worktrees
from opsconsole.runs.execute import finalize
from opsconsole.runs.execute.slots import SlotQueue, wake_next
from opsconsole.runs.process.fork import Forked
from opsconsole.runs.process.process_tree import Child, childless, collect, end_below
from opsconsole.runs.process.signals import Signals
from opsconsole.runs.process.subreaper import become_subreaper
from opsconsole.runs.record.folder import RunFolder, service_log
from opsconsole.runs.record.journal import Journal
from opsconsole.runs.record.projection import Projection
from opsconsole.runs.record.secrets import HandedSecret
from opsconsole.runs.record.spec import PlannedService, PlannedStep, RunSpec
from opsconsole.runs.steps.command import GRACE_S
from opsconsole.runs.steps.environment import step_environment
from opsconsole.runs.steps.handle import StepHandle
from opsconsole.runs.steps.protocol import StepEnd, StepOrder
from opsconsole.runs.steps.schedule import decide
from opsconsole.runs.steps.services import Services
from opsconsole.store import runs as run_rows
from opsconsole.store import steps as step_rows
from opsconsole.store.steps import StepRecord

LOOK_S = 0.2
"""How often a service that is not ready yet is looked at."""
IDLE_S = 3600.0
LEAVING_S = 0.1
"""How long step runners whose step is over are waited for, before what is left below us is looked for and ended."""
PROJECTION_S = 5.0
"""How long the end of a run waits for its rows."""


class Supervisor:
    """One run, from its place in the queue to its intake."""

    def __init__(self, folder: RunFolder, lock: int, intake: list[str], handed: dict[str, int]) -> None:
        self.folder = folder
        self.lock = lock
        self.intake = intake
        self.handed = handed
        self.order = RunSpec.read(folder.order)
        self.plan = self.order.plan
        self.signals = Signals()
        self.journal = Journal(folder.journal)
        self.rows = Projection(folder.state, lambda text: finalize.note(folder, text))
        self.states: dict[str, StepState] = {}
        self.handles: dict[str, StepHandle] = {}
        self.services = Services(self.plan.services, self._start_service)
        self.records = {
            step.name: StepRecord(self.order.run_id, position, step.name, step.run, StepState.QUEUED)
            for position, step in enumerate(self.plan.steps)
        }
        self._runners: list[Forked] = []
        self._began = time.monotonic()
        self._heeded = 0
        self._superseded = False
        self._tree: int | None = None
        """The lock of a tree of the pool: ours as long as we live."""

    def run(self) -> None:
        """Do all of it."""
        self.journal.write("supervised", process=own_identity().to_text(), durable=True)
        slots = self._wait_for_slots()
        self._began = time.monotonic()
        if not self.signals.cancels and not self._superseded:
            self._work()
        self._end_leftovers()
        if self.signals.cancels or self._superseded:
            self.journal.write("cancel")
        self.journal.write("ended", seconds=round(time.monotonic() - self._began, 6), durable=True)
        finalize.clear(self.folder, self.order)
        run_id = self.order.run_id
        self.rows.put(lambda rows: run_rows.advance(rows, run_id, RunState.ENDING, started_at=None))
        self.rows.close(PROJECTION_S)
        self.journal.close()
        for slot in slots:
            os.close(slot)
        if slots:
            wake_next(self.folder.state, self.plan.repo)
        finalize.take_in(self.folder, self.order, self.intake, self.lock)

    def _wait_for_slots(self) -> list[int]:
        """Take a slot of the workspace and one of the repo, both or none: half of them would keep others waiting."""
        if self.order.slots is None:
            return []
        queue = SlotQueue(
            self.folder.state,
            self.order.run_id,
            workspace=self.order.slots,
            repo=self.plan.repo,
            repo_slots=self.plan.slots,
        )
        try:
            while not self.signals.cancels:
                taken = queue.try_take()
                if taken:
                    return taken
                if self.folder.superseded.exists():
                    self._superseded = True
                    newer = read_regular(self.folder.superseded, limit=64).decode("ascii", "replace").strip()
                    self.journal.write("noted", note=f"superseded by run {newer}, which is of a newer commit")
                    break
                self.signals.wait(queue.look_s)
        finally:
            queue.leave()
        return []

    # the steps

    def _work(self) -> None:
        started = clock.now()
        self.journal.write("started", at=started)
        run_id = self.order.run_id
        self.rows.put(lambda rows: run_rows.advance(rows, run_id, RunState.RUNNING, started_at=started))
        for path in (self.folder.out, self.folder.temporary):
            path.mkdir(mode=0o700, exist_ok=True)
        try:
            self._check_out()
        except (OpsconsoleError, OSError) as error:
            self.journal.write("broke", error=f"the commit could not be checked out: {error}", durable=True)
            return
        while not self._over():
            self._turn()
        for problem in self.services.problems():
            self.journal.write("noted", note=problem)

    def _check_out(self) -> None:
        """Check the commit out; the tree of a large repo is one that was used before, brought to this commit."""
        plan, target = self.plan, self.folder.worktree
        if plan.pooled:
            self._tree = pool.take(
                self.folder.state, plan.repo, plan.repo_path, plan.commit, target, also=plan.checkout
            )
        else:
            worktrees.add(plan.repo_path, plan.commit, target, also=plan.checkout)

    def _over(self) -> bool:
        return len(self.states) == len(self.plan.steps) and not self.handles and self.services.over

    def _turn(self) -> None:
        """Start what can start, then wait for news and take them in."""
        waiting = self._advance()
        voices = [voice for handle in self._all_handles() for voice in handle.voice]
        if not self._over():
            self.signals.wait(LOOK_S if waiting or self._services_start() else IDLE_S, *voices)
        self._collect()
        for name, handle in list(self.handles.items()):
            for fact in handle.hear():
                self._take_in(name, fact)
            if handle.end is not None:
                del self.handles[name]
                self._end(name, handle.end)
        self.services.look()
        self._heed_cancels()

    def _advance(self) -> bool:
        """Start every step that can start; return whether one waits for a service."""
        waiting = False
        cancels = self.signals.cancels
        held: set[str] = set()
        while True:
            known = self.states | dict.fromkeys(held, StepState.QUEUED)
            decision = decide(
                self.plan.steps, known, parallel=self.plan.parallel, cancelled=cancels > 0, killed=cancels > 1
            )
            for step, end in decision.over:
                self._end(step.name, end)
            for step in decision.start:
                ready = self.services.ready(step)
                if isinstance(ready, str):
                    self._end(step.name, StepEnd(StepState.ERROR, note=ready))
                elif ready:
                    self._start(step)
                else:
                    held.add(step.name)
                    waiting = True
            if not decision:
                break
        self.services.stop_unneeded([step for step in self.plan.steps if not self._is_over(step.name)])
        return waiting

    def _is_over(self, name: str) -> bool:
        return self.states.get(name) not in {None, StepState.RUNNING}

    def _services_start(self) -> bool:
        return any(service.handle.end is None for service in self.services.running.values())

    def _start(self, step: PlannedStep) -> None:
        self.states[step.name] = StepState.RUNNING
        if not self.folder.worktree.joinpath(step.cwd).is_dir():
            self._end(step.name, StepEnd(StepState.ERROR, note=f"could not be started: {step.cwd}: no such folder"))
            return
        (self.folder.out / step.out).mkdir(parents=True, exist_ok=True)
        left = None if self.plan.timeout is None else self.plan.timeout - (time.monotonic() - self._began)
        order = StepOrder(
            step=step,
            folder=self.folder,
            memory=f"{self.plan.repo}.{self.plan.pipeline}.{step.name}",
            environment=self._environment(step),
            secrets=tuple(self._source(name) for name in step.secrets),
            writable=self._writable(step),
            seconds=left,
            log_limit=self.plan.log_limit,
        )
        try:
            self.handles[step.name] = self._new_handle(order)
        except OpsconsoleError as error:
            self._end(step.name, StepEnd(StepState.ERROR, note=f"could not be started: {error.message}"))

    def _source(self, name: str) -> HandedSecret:
        """Return where a step's runner reads a secret; we never do."""
        planned = next(secret for secret in self.plan.secrets if secret.name == name)
        return HandedSecret(name, planned.file, self.handed.get(name))

    def _writable(self, step: PlannedStep) -> tuple[str, ...] | None:
        """Return what a step may write; None: whatever we may."""
        if self.plan.writable is None:
            return None
        own = [self.folder.worktree.resolve(), self.folder.out, self.folder.temporary]
        if step.cache is not None and step.cache.environment:
            own.append(self.folder.state / "environments" / step.cache.key)
        for path in map(Path, self.plan.writable):
            with suppress(OSError):  # what cannot be made cannot be written either
                path.mkdir(parents=True, exist_ok=True)
        return tuple(map(str, [*own, *self.plan.writable]))

    def _start_service(
        self, service: PlannedService, variables: dict[str, str]
    ) -> tuple[StepHandle, dict[str, str], Path]:
        step = PlannedStep(f"service-{service.name}", service.run, cwd=service.cwd, env=service.env)
        environment = self._environment(step) | variables
        order = StepOrder(
            step=step,
            folder=self.folder,
            memory="",
            environment=environment,
            writable=self._writable(step),
            log_limit=self.plan.log_limit,
            service=True,
            log_name=service_log(service.name),
        )
        return self._new_handle(order), environment, self.folder.worktree / service.cwd

    def _new_handle(self, order: StepOrder) -> StepHandle:
        handle = StepHandle(order)
        self._runners.append(handle.process)
        return handle

    def _environment(self, step: PlannedStep) -> dict[str, str]:
        return step_environment(self.order, self.folder, step, os.environ) | self.services.variables()

    # news

    def _take_in(self, name: str, fact: dict[str, Any]) -> None:
        now = clock.now()
        match fact["event"]:
            case "started":
                self.journal.write(
                    "step_started", step=name, process=fact["process"], group=fact["group"], at=now, durable=True
                )
                self._project(name, state=StepState.RUNNING, started_at=self.records[name].started_at or now)
            case "retried":
                self.journal.write("step_retried", step=name, note=fact["note"], number=fact["number"], at=now)

    def _end(self, name: str, end: StepEnd) -> None:
        ended = clock.now()
        self.states[name] = end.state
        self.journal.write("step_ended", step=name, at=ended, durable=True, **end.facts())
        self._project(
            name,
            state=end.state,
            exit_code=end.exit_code,
            note=end.note,
            ended_at=ended if self.records[name].started_at else None,
            tries=end.tries,
            seconds=end.seconds,
            cpu_s=end.cpu_s,
            peak_bytes=end.peak_bytes,
        )

    def _project(self, name: str, **changes: object) -> None:
        record = replace(self.records[name], **changes)  # type: ignore[arg-type]
        self.records[name] = record
        self.rows.put(lambda rows: step_rows.put(rows, [record]))

    def _heed_cancels(self) -> None:
        """Hand a cancel on: the first ends steps (those that always run may finish), the second ends everything now."""
        always = {step.name for step in self.plan.steps if step.always}
        while self._heeded < self.signals.cancels:
            self._heeded += 1
            for name, handle in self.handles.items():
                if self._heeded > 1 or name not in always:
                    handle.ask_to_end()
            if self._heeded > 1:
                self.services.kill()

    # the end

    def _all_handles(self) -> list[StepHandle]:
        return [*self.handles.values(), *(service.handle for service in self.services.running.values())]

    def _end_leftovers(self) -> None:
        """End what the steps left running; a server that outlives its run would hold its files and ports."""
        if self._alone():
            return
        own = {runner.pid for runner in self._runners}
        left = end_below(os.getpid(), grace=GRACE_S, kill_now=lambda: self.signals.cancels > 1, passed_over=own)
        if left:
            self.journal.write(
                "noted", note=f"{left} process{'es' if left > 1 else ''} outlived the steps and had to be ended"
            )

    def _alone(self) -> bool:
        """Let the step runners leave; a subreaper without a child has nothing below it, so nothing need be looked for."""
        deadline = time.monotonic() + LEAVING_S
        while True:
            self._collect()
            if childless():
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self.signals.wait(left)

    def _collect(self) -> None:
        """Collect every child that ended: a runner whose number is another's by now is none of ours."""
        own: list[Child] = [*self._runners, *self.services.checks()]
        collect({child.pid: child for child in own})
        self._runners = [runner for runner in self._runners if runner.returncode is None]


def main(path: str, lock: int, handed: dict[str, int], intake: list[str]) -> None:
    """Supervise the run in the folder ``path``, whose ``lock`` we hold; ``handed`` are the descriptors of secrets."""
    become_subreaper()
    Supervisor(RunFolder(Path(path)), lock, intake, handed).run()
