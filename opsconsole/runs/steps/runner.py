"""The runner of one step, to its end: condition, cached result, attempts, artifacts.

One process for each step, forked by the supervisor, which hears of it on its stdout, line by line. It is a child
subreaper: whatever the step hides from everybody is still below its runner, so a step can be ended whole while others
go on. Standard library only.
"""

from __future__ import annotations

import json
import os
import resource
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsconsole.core.errors import OpsconsoleError
from opsconsole.core.nouns import StepState
from opsconsole.runs.process.control_group import ControlGroup, new_group
from opsconsole.runs.process.privacy import end_with_parent
from opsconsole.runs.process.sandbox import Sandbox
from opsconsole.runs.process.signals import Signals
from opsconsole.runs.process.subreaper import become_subreaper
from opsconsole.runs.record.masking import Masker
from opsconsole.runs.steps import artifacts
from opsconsole.runs.steps.command import Command, CommandEnd, Limits
from opsconsole.runs.steps.log import StepLog
from opsconsole.runs.steps.protocol import StepEnd, StepOrder

if TYPE_CHECKING:
    from opsconsole.runs.record import cache

UNANSWERED = frozenset({126, 127})
"""How a shell ends that could not run what it was asked to: no answer, and surely no `no`."""
CONFINED = (
    "it was refused a write, perhaps by its sandbox: `writes` of its [repos] table names what else its steps may write"
)
LOCK_S = 0.2
"""How often a place that another run fills is looked at."""


class StepRunner:
    """One step, from its condition to its harvest."""

    def __init__(self, order: StepOrder) -> None:
        self.order = order
        self.step = order.step
        self.folder = order.folder
        self.tree = self.folder.worktree / self.step.cwd
        self.out = self.folder.out / self.step.out
        self.signals = Signals()
        self.group: ControlGroup = new_group(str(self.folder.run_id))
        name = order.log_name or self.step.name
        self._secrets = {secret.name: secret.value() for secret in order.secrets}
        self._masker = Masker(value.encode("utf-8", "surrogateescape") for value in self._secrets.values())
        self.sandbox = None if order.writable is None else Sandbox([Path(path) for path in order.writable])
        self.log = StepLog(
            self.folder.log(name),
            self.folder.index(name),
            masker=self._masker,
            limit=order.log_limit,
        )
        self._began = time.monotonic()
        self._tries = 0
        self._notes: list[str] = []
        self._command: Command | None = None
        self._locks: list[int] = []

    def run(self) -> None:
        """Do all of it, and tell how it ended; then stay for what the step left running."""
        try:
            end = self._to_the_end()
        except (OSError, OpsconsoleError) as error:
            end = CommandEnd(StepState.ERROR, None, f"could not be started: {_message_of(error)}")
        tell("ended", self._account(end).facts())
        if self._command is not None:
            self._command.linger()
            self._command.close()
        self.log.close()
        self.group.close()

    # the stages

    def _to_the_end(self) -> CommandEnd:
        if self.step.condition is not None:
            answer = self._execute(self.step.condition)
            if answer.exit_code in UNANSWERED or (answer.exit_code or 0) < 0:
                why = answer.note or f"exit {answer.exit_code}"
                return CommandEnd(
                    StepState.ERROR,
                    answer.exit_code,
                    f"its condition could not be asked ({why}): {self.step.condition}",
                )
            if answer.state is StepState.FAILED:
                return CommandEnd(StepState.SKIPPED, None, f"its condition said no: {self.step.condition}")
            if answer.state is not StepState.PASSED:
                return answer
        if self.step.environment is not None and self.step.cache is None:
            from opsconsole.runs.record import cache

            self._hold(cache.CacheEntry(self.folder.state, self.step.environment, environment=True))
        kept = self._kept()
        return kept if kept is not None else self._work()

    def _kept(self) -> CommandEnd | None:
        """Use a result that is kept, or make ready to keep the one that comes; None: the step has to run."""
        wanted = self.step.cache
        if wanted is None:
            return None
        from opsconsole.runs.record import cache  # most steps keep nothing

        shelf = cache.CacheEntry(self.folder.state, wanted.key, environment=wanted.environment)
        waits = False
        while not self.signals.cancels:
            if (lock := shelf.try_use()) is not None:
                if wanted.link and not shelf.is_as_it_was():
                    shelf.discard()
                    os.close(lock)
                    self._notes.append("what was kept had been changed in place by a step that used it")
                    continue
                self._locks.append(lock)
                return self._reuse(shelf)
            if (lock := shelf.try_fill()) is not None:
                self._locks.append(lock)
                before = cache.KeyHistory(self.folder.state, self.order.memory).read()
                self._notes.append(f"ran: {cache.changes(before, wanted)}")
                return None
            if not waits:
                waits = True
                self.log.say("another run makes the same; waiting for it")
            self.signals.wait(LOCK_S)
        return CommandEnd(StepState.CANCELLED, None)

    def _reuse(self, shelf: cache.CacheEntry) -> CommandEnd:
        from opsconsole.runs.record import cache

        wanted, made = self.step.cache, shelf.kept()
        assert wanted is not None
        cache.restore(shelf, wanted, self.folder.worktree, self.out)
        files = len(wanted.inputs)
        of = f"the same {files} inputs" if files != 1 else "the same input"
        note = f"kept from run {made.run_id}: {of if files else 'nothing it depends on changed'}" if made else None
        self.log.say(note or "kept")
        return CommandEnd(StepState.CACHED, None, note)

    def _work(self) -> CommandEnd:
        limits = self.step.retries + 1
        while True:
            self._tries += 1
            began = time.time()
            end = self._execute(self.step.run, announced=True)
            if self.sandbox is not None and end.state is StepState.FAILED and self.log.shows_refusal():
                end = replace(end, note=f"{end.note or f'exit {end.exit_code}'}; {CONFINED}")
            if end.state not in {StepState.FAILED, StepState.TIMED_OUT} or self._tries == limits:
                break
            reason = end.note or f"exit {end.exit_code}"
            self._notes.append(f"try {self._tries}: {reason}")
            tell("retried", {"note": reason, "exit_code": end.exit_code, "number": self._tries})
            self.log.say(f"try {self._tries} of {limits} ended: {reason}; again")
            artifacts.set_aside(self.out, self._tries, began)
        self._gather(end)
        return end

    def _execute(self, run: str, *, announced: bool = False) -> CommandEnd:
        """Run one command of the step to its end; ``announced``: the supervisor is informed of its start."""
        if self._command is not None:
            self._command.end()
            self._command.close()
        left = [self.step.timeout, None if self.order.seconds is None else self.order.seconds - self._passed()]
        known = [seconds for seconds in left if seconds is not None]
        limits = Limits(time.monotonic() + max(min(known), 0.0) if known else None, self.step.silence)
        self._command = Command(
            run,
            cwd=self.tree,
            environment=self.order.environment | self._secrets,
            sandbox=self.sandbox,
            log=self.log,
            signals=self.signals,
            group=self.group,
            tty=self.step.tty,
        )
        if announced:
            who = self._command.identity
            tell("started", {"process": who.to_text() if who else "", "group": self.group.path})
        end = self._command.wait(limits)
        if self.order.service and end.state is StepState.CANCELLED:
            return CommandEnd(StepState.PASSED, end.exit_code, "stopped: nobody needs it any more")
        return end

    def _gather(self, end: CommandEnd) -> None:
        """Take out of the work tree what is to be kept."""
        try:
            artifacts.take_reports(self.folder.worktree, self.step.reports, self.out, self.step.name)
        except (OSError, ValueError) as error:
            self._notes.append(f"not all of its reports could be kept: {_message_of(error)}")
        artifacts.mask_reports(self.out, self._masker)
        if self.step.artifacts:
            self._take_artifacts(end)
        wanted = self.step.cache
        if wanted is None or end.state is not StepState.PASSED:
            return
        from opsconsole.runs.record import cache

        shelf = cache.CacheEntry(self.folder.state, wanted.key, environment=wanted.environment)
        try:
            missing = cache.save(shelf, wanted.outputs, self.folder.worktree, self.out)
            if missing and not wanted.link:
                self._notes.append(f"not kept: it left no {', '.join(missing)}")
                return
            shelf.mark_whole(self.folder.run_id, linked=wanted.link)
        except (OpsconsoleError, OSError) as error:
            self._notes.append(f"not kept: {_message_of(error)}")
            return
        cache.KeyHistory(self.folder.state, self.order.memory).write(wanted)
        self._release()  # others may use it now, also while something of this step lingers

    def _take_artifacts(self, end: CommandEnd) -> None:
        home = self.folder.out / "artifacts" / self.step.out
        try:
            taken = artifacts.take_artifacts(self.folder.worktree, self.step.artifacts, home)
        except (OSError, ValueError) as error:
            self._notes.append(f"not all of its artifacts could be kept: {_message_of(error)}")
            return
        if taken.missing and end.state is StepState.PASSED:
            self._notes.append(f"no artifact matches {', '.join(taken.missing)}")
        if taken.left_out:
            self._notes.append(f"{taken.left_out:,} artifacts past the first {artifacts.MOST:,} were left out")

    # inside

    def _release(self) -> None:
        while self._locks:
            os.close(self._locks.pop())

    def _hold(self, shelf: cache.CacheEntry) -> None:
        """Keep the environment that the step works in from being pruned meanwhile."""
        lock = shelf.try_use()
        if lock is not None:
            self._locks.append(lock)
            shelf.kept()

    def _account(self, end: CommandEnd) -> StepEnd:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        ran = self._tries > 0
        first = end.note
        if first is None and end.state is StepState.FAILED and self._notes:
            first = f"exit {end.exit_code}"
        notes = [note for note in (first, *self._notes) if note]
        return StepEnd(
            state=end.state,
            exit_code=end.exit_code,
            note="; ".join(notes) or None,
            tries=max(self._tries, 1),
            seconds=round(self._passed(), 6),
            cpu_s=round(used.ru_utime + used.ru_stime, 3) if ran else None,
            peak_bytes=(self.group.peak() or used.ru_maxrss << 10) if ran else None,
        )

    def _passed(self) -> float:
        return time.monotonic() - self._began


def tell(what: str, facts: dict[str, Any]) -> None:
    """Tell the supervisor."""
    with suppress(OSError):  # nobody listens any more: the keeper ends us
        os.write(1, json.dumps({"event": what, **facts}).encode("ascii") + b"\n")


def _message_of(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def main(order: StepOrder) -> None:
    """See to a step, in a process that the supervisor forked for it; it hears of it on our standard output."""
    end_with_parent()
    become_subreaper()
    try:
        runner = StepRunner(order)
    except OpsconsoleError as error:  # a secret that was there when the run was planned
        tell("ended", StepEnd(StepState.ERROR, note=f"could not be started: {error.message}").facts())
        return
    runner.run()
