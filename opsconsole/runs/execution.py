"""One step, from its start to its end: process, log, index, limits, cancel. Standard library only."""

from __future__ import annotations

import os
import pty
import struct
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from opsconsole.ground.nouns import StepState
from opsconsole.ground.process import Identity, identity
from opsconsole.runs.folder import RunFolder
from opsconsole.runs.order import PlannedStep
from opsconsole.runs.signals import Signals
from opsconsole.runs.tree import end_below, reap

INDEX_S = 0.5
"""How often the index notes where the log stands."""
GRACE_S = 5.0
"""From TERM to KILL."""
INDEX_ENTRY = struct.Struct("<QQ")
SHELL = "/bin/sh"
ON_TERMINAL = 'exec <"$1" >"$1" 2>&1; exec /bin/sh -ec "$2"'
"""A session leader that opens a terminal gets it as its own; no code between fork and exec is needed."""


@dataclass(frozen=True)
class StepEnd:
    """How a step ended."""

    state: StepState
    exit_code: int | None
    note: str | None = None


class StepProcess:
    """A step that runs; ``wait`` sees it to its end."""

    def __init__(self, step: PlannedStep, folder: RunFolder, environment: dict[str, str], signals: Signals) -> None:
        self.signals = signals
        self._statuses: dict[int, int] = {}
        self._log = folder.log(step.name)
        self._master: int | None = None
        cwd = folder.worktree / step.cwd
        log = os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._terminal_log = log
        try:
            if step.tty:
                self._process = self._on_terminal(step.run, cwd, environment)
            else:
                self._process = subprocess.Popen(
                    [SHELL, "-ec", step.run],
                    cwd=cwd,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        except BaseException:
            os.close(log)
            raise
        self._index = _Index(self._log, folder.index(step.name))
        self.identity: Identity | None = identity(self._process.pid)

    def _on_terminal(self, run: str, cwd: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        self._master, slave = pty.openpty()
        try:
            return subprocess.Popen(
                [SHELL, "-c", ON_TERMINAL, "step", os.ttyname(slave), run],
                cwd=cwd,
                env={"TERM": "xterm-256color"} | environment,
                stdin=subprocess.DEVNULL,
                stdout=self._terminal_log,
                stderr=self._terminal_log,
                start_new_session=True,
            )
        finally:
            os.set_blocking(self._master, False)
            self._slave = slave  # held open until the end: the terminal must not hang up between two programs

    def wait(self, deadline: float | None) -> StepEnd:
        """See the step to its end, or end it when ``deadline`` (monotonic seconds) passes or a cancel comes."""
        state: StepState | None = None
        while True:
            self._collect()
            if self._process.pid in self._statuses:
                break
            if self.signals.cancels:
                state = StepState.CANCELLED
            elif deadline is not None and time.monotonic() >= deadline:
                state = StepState.TIMED_OUT
            if state is not None:
                end_below(os.getpid(), grace=GRACE_S, kill_now=self._asked_twice, on_end=self._statuses.__setitem__)
                break
            left = INDEX_S if deadline is None else min(INDEX_S, deadline - time.monotonic())
            self.signals.wait(left, *(() if self._master is None else (self._master,)))
            self._pump()
            self._index.note()
        return self._ended(state)

    def _ended(self, state: StepState | None) -> StepEnd:
        code = os.waitstatus_to_exitcode(self._statuses[self._process.pid])
        self._process.returncode = code
        self._pump()
        self._index.note()
        self._index.close()
        for descriptor in (self._terminal_log, *(() if self._master is None else (self._master, self._slave))):
            os.close(descriptor)
        if state is StepState.TIMED_OUT:
            return StepEnd(state, code, "its time was up")
        if state is not None:
            return StepEnd(state, code)
        if code < 0:
            return StepEnd(StepState.FAILED, code, f"ended by signal {-code}")
        return StepEnd(StepState.PASSED if code == 0 else StepState.FAILED, code)

    def _collect(self) -> None:
        for pid, status in reap():
            self._statuses[pid] = status

    def _asked_twice(self) -> bool:
        self._pump()
        return self.signals.cancels > 1

    def _pump(self) -> None:
        """Bring the terminal's output into the log; what does not fit on a full disk is dropped, the step goes on."""
        if self._master is None:
            return
        while True:
            try:
                block = os.read(self._master, 1 << 16)
            except (BlockingIOError, OSError):
                return
            if not block:
                return
            with suppress(OSError):
                os.write(self._terminal_log, block)


class _Index:
    """Which offset of a log was reached when; losing an entry loses a time, nothing else."""

    def __init__(self, log: Path, path: Path) -> None:
        self._log = log
        self._offset = 0
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def note(self) -> None:
        try:
            offset = self._log.stat().st_size
            if offset != self._offset:
                os.write(self._descriptor, INDEX_ENTRY.pack(offset, time.time_ns() // 1_000_000))
                self._offset = offset
        except OSError:
            return

    def close(self) -> None:
        os.close(self._descriptor)
