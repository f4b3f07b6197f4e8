"""The supervisor's end of a step runner: start it, hear what it tells, ask it to end its step. Standard library only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import suppress
from typing import Any

from opsconsole.core import umask
from opsconsole.core.nouns import StepState
from opsconsole.core.process import Identity, identity, own_python, send, with_room
from opsconsole.runs.steps.environment import MARKER
from opsconsole.runs.steps.protocol import StepEnd, StepOrder

DIED = StepEnd(StepState.LOST, note="its runner died")


class StepHandle:
    """A step in its runner's hands."""

    def __init__(self, out: str, handed: tuple[int, ...] = ()) -> None:
        """Start the runner; it waits for its order. ``out`` marks it as one of this run's processes.

        ``handed`` are descriptors of the secrets of its step; one that was started before its step was known has none.
        """
        self.end: StepEnd | None = None
        self.asked = 0
        self._rest = b""
        self._process = with_room(
            lambda: subprocess.Popen(
                own_python("opsconsole.runs.steps.runner"),
                cwd="/",
                env={**os.environ, MARKER: out},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=handed,
                umask=umask.operators(),
            )
        )
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self._who: Identity | None = identity(self._process.pid)
        self._closed = False

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The runner."""
        return self._process

    @property
    def voice(self) -> tuple[int, ...]:
        """What to listen to."""
        return () if self._closed or self._process.stdout is None else (self._process.stdout.fileno(),)

    def send(self, order: StepOrder) -> None:
        """Tell it what to do."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it died: its silence says so
            self._process.stdin.write(order.to_json() + b"\n")
            self._process.stdin.close()

    def hear(self) -> list[dict[str, Any]]:
        """Return what it told since the last time; the last word is how the step ended."""
        if self._closed or self._process.stdout is None:
            return []
        while True:
            try:
                block = os.read(self._process.stdout.fileno(), 1 << 16)
            except BlockingIOError:
                break
            if not block:
                self._close()
                break
            self._rest += block
        *lines, self._rest = self._rest.split(b"\n")
        told: list[dict[str, Any]] = [json.loads(line) for line in lines]
        for fact in told:
            if fact["event"] == "ended":
                self.end = StepEnd.from_facts({key: value for key, value in fact.items() if key != "event"})
        if self._closed and self.end is None:
            self.end = DIED
        return told

    def ask_to_end(self) -> None:
        """Ask it to end its step; asked again, it kills."""
        self.asked += 1
        if self._who is not None:
            send(self._who, signal.SIGTERM)

    def _close(self) -> None:
        self._closed = True
        assert self._process.stdout is not None
        self._process.stdout.close()
