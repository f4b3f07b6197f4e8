"""The supervisor's handle of a step runner: start it, read its messages, ask it to stop. Standard library only."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

from opsconsole.core.errors import OpsconsoleError
from opsconsole.core.nouns import StepState
from opsconsole.core.process import Identity, identity, send, with_room
from opsconsole.runs.process.fork import fork
from opsconsole.runs.steps.protocol import StepEnd, StepOrder
from opsconsole.runs.steps.runner import main

DIED = StepEnd(StepState.LOST, note="its runner died")


class StepHandle:
    """A step in its runner's hands."""

    def __init__(self, order: StepOrder) -> None:
        """Start the runner with its order; OpsconsoleError when there is no room for one more process."""
        self.end: StepEnd | None = None
        self.asked = 0
        self._rest = b""
        self._closed = False
        self._reader, writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._reader, False)
        handed = tuple(secret.descriptor for secret in order.secrets if secret.descriptor is not None)
        try:
            self.process = with_room(lambda: fork("ops-runner", lambda: main(order), stdout=writer, keep=handed))
        except OpsconsoleError:
            os.close(self._reader)
            raise
        finally:
            os.close(writer)
        self._who: Identity | None = identity(self.process.pid)

    @property
    def voice(self) -> tuple[int, ...]:
        """What to listen to."""
        return () if self._closed else (self._reader,)

    def hear(self) -> list[dict[str, Any]]:
        """Return its messages since the last call; the last one is how the step ended."""
        if self._closed:
            return []
        while True:
            try:
                block = os.read(self._reader, 1 << 16)
            except BlockingIOError:
                break
            if not block:
                self._close()
                break
            self._rest += block
        *lines, self._rest = self._rest.split(b"\n")
        facts: list[dict[str, Any]] = [json.loads(line) for line in lines]
        for fact in facts:
            if fact["event"] == "ended":
                self.end = StepEnd.from_facts({key: value for key, value in fact.items() if key != "event"})
        if self._closed and self.end is None:
            self.end = DIED
        return facts

    def ask_to_end(self) -> None:
        """Ask it to end its step; asked again, it kills."""
        self.asked += 1
        if self._who is not None:
            send(self._who, signal.SIGTERM)

    def _close(self) -> None:
        self._closed = True
        os.close(self._reader)
