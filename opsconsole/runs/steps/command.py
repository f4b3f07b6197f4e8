"""One command of a step, from its start to its end: process, output, limits, cancel. Standard library only.

Its output goes through us, so that secrets are masked, logs bounded, and silence is noticed when it falls.
"""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from opsconsole.core import umask
from opsconsole.core.nouns import StepState
from opsconsole.core.process import Identity, identity, with_room
from opsconsole.runs.process.control_group import ControlGroup
from opsconsole.runs.process.process_tree import childless, end_below, reap
from opsconsole.runs.process.sandbox import Sandbox
from opsconsole.runs.process.signals import Signals
from opsconsole.runs.steps.log import StepLog

LOOK_S = 0.5
"""How often a silent step is looked at."""
GRACE_S = 5.0
"""From TERM to KILL."""
BLOCK = 1 << 20
SHELL = "/bin/sh"
JOINED = 'if [ -n "$1" ]; then echo 0 >"$1"; fi 2>/dev/null; '
"""The shell joins its group itself, before anything of the step runs: nothing it starts can be outside."""
PLAIN = f'{JOINED}exec {SHELL} -ec "$2"'
ON_TERMINAL = f'{JOINED}exec <"$3" >"$3" 2>&1; exec {SHELL} -ec "$2"'
"""A session leader that opens a terminal gets it as its own; no code between fork and exec is needed."""


@dataclass(frozen=True)
class CommandEnd:
    """How a command ended."""

    state: StepState
    exit_code: int | None
    note: str | None = None


@dataclass(frozen=True)
class Limits:
    """When a command is ended, whatever it does."""

    deadline: float | None = None
    """Monotonic seconds."""
    silence: float | None = None
    """Seconds without output."""

    def broken(self, heard: float) -> str | None:
        """Return which limit is broken by a command that was last heard at ``heard`` (monotonic seconds)."""
        now = time.monotonic()
        if self.deadline is not None and now >= self.deadline:
            return "its time was up"
        if self.silence is not None and now - heard >= self.silence:
            return f"it was silent for {self.silence:g} s"
        return None

    def next_look(self, heard: float) -> float:
        """Return how long may be waited before the limits are looked at again."""
        now, wait = time.monotonic(), LOOK_S
        if self.deadline is not None:
            wait = min(wait, self.deadline - now)
        if self.silence is not None:
            wait = min(wait, heard + self.silence - now)
        return max(wait, 0.0)


class Command:
    """A command that runs; ``wait`` sees it to its end."""

    def __init__(
        self,
        run: str,
        *,
        cwd: Path,
        environment: dict[str, str],
        log: StepLog,
        signals: Signals,
        group: ControlGroup,
        tty: bool = False,
        sandbox: Sandbox | None = None,
    ) -> None:
        self._signals = signals
        self._log = log
        self._group = group
        self._statuses: dict[int, int] = {}
        self._reader, writer = pty.openpty() if tty else _wide_pipe()
        os.set_blocking(self._reader, False)
        prefix: list[str] = []
        if sandbox is not None:
            sandbox.prepare(also=(group.door,))
            prefix = sandbox.prefix
        script, terminal = (ON_TERMINAL, os.ttyname(writer)) if tty else (PLAIN, "")
        try:
            self._process = with_room(
                lambda: subprocess.Popen(
                    [*prefix, SHELL, "-c", script, "step", str(group.door or ""), run, terminal],
                    cwd=cwd,
                    env=(environment | {"TERM": "xterm-256color"}) if tty else environment,
                    stdin=subprocess.DEVNULL,
                    stdout=writer,
                    stderr=writer,
                    start_new_session=True,
                    umask=umask.operators(),
                    preexec_fn=None if sandbox is None else sandbox.enter,  # noqa: PLW1509 - two system calls, one thread
                )
            )
        except BaseException:
            os.close(self._reader)
            os.close(writer)
            raise
        self._kept = writer if tty else None  # a terminal must not hang up between two programs
        if not tty:
            os.close(writer)
        self._heard = time.monotonic()
        self._spoken = False
        self.identity: Identity | None = identity(self._process.pid)

    def wait(self, limits: Limits) -> CommandEnd:
        """See the command to its end, or end it and all it started when a limit is broken or a cancel comes."""
        state, note = None, None
        while True:
            self._collect()
            if self._process.pid in self._statuses:
                break
            broken = limits.broken(self._heard)
            if self._signals.cancels:
                state = StepState.CANCELLED
            elif broken is not None:
                state, note = StepState.TIMED_OUT, broken
            if state is not None:
                self.end()
                break
            self._signals.wait(limits.next_look(self._heard), *self._voices())
            self._pump()
        return self._ended(state, note)

    def linger(self) -> None:
        """Go on writing what the command left behind says, until nothing is left of it or a cancel comes."""
        while not self._left():
            self._pump()
            if self._signals.cancels:
                self.end()
            else:
                self._signals.wait(LOOK_S, *self._voices())
        self._pump()

    def end(self) -> None:
        """TERM, grace, KILL to everything that the command started."""
        end_below(
            os.getpid(),
            grace=GRACE_S,
            kill_now=self._asked_twice,
            on_end=self._statuses.setdefault,
            on_kill=self._group.kill,
        )

    def close(self) -> None:
        """Let go of its output."""
        self._pump()
        for descriptor in (self._reader, *(() if self._kept is None else (self._kept,))):
            os.close(descriptor)

    def _ended(self, state: StepState | None, note: str | None) -> CommandEnd:
        code = os.waitstatus_to_exitcode(self._statuses[self._process.pid])
        self._process.returncode = code
        self._pump()
        if state is not None:
            return CommandEnd(state, code, note)
        if code < 0:
            return CommandEnd(StepState.FAILED, code, f"ended by signal {-code}")
        return CommandEnd(StepState.PASSED if code == 0 else StepState.FAILED, code)

    def _voices(self) -> tuple[int, ...]:
        """Return what to listen to: a pipe that everybody closed would wake us without end."""
        return () if self._spoken else (self._reader,)

    def _left(self) -> bool:
        self._collect()
        return childless()

    def _collect(self) -> None:
        for pid, status in reap():
            self._statuses.setdefault(pid, status)  # an orphan may get the number of a process that is gone

    def _asked_twice(self) -> bool:
        self._pump()
        return self._signals.cancels > 1

    def _pump(self) -> None:
        """Copy pending output into the log; a writer that never stops must not keep us from its limits."""
        for _ in range(16):
            try:
                block = os.read(self._reader, BLOCK)
            except OSError:
                return
            if not block:
                self._spoken = True
                return
            self._heard = time.monotonic()
            self._log.write(block)


def _wide_pipe() -> tuple[int, int]:
    """Return a pipe that holds a megabyte where the kernel allows it: fewer wake-ups for a step that says much."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    try:
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, BLOCK)
    except OSError:
        return reader, writer
    return reader, writer
