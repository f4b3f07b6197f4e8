"""Who may be at work: ``slots/N.lock`` files that live runs hold, and a queue in the order of run numbers.

No process keeps the queue: a waiting run has a ticket, and whoever has the lowest ticket of a live run is next.
Standard library only.
"""

from __future__ import annotations

import os
from pathlib import Path

from opsconsole.ground.files import try_lock
from opsconsole.runs.folder import run_folder


class SlotQueue:
    """One run's place in the queue."""

    def __init__(self, state: Path, run_id: int, slots: int) -> None:
        self.state = state
        self.run_id = run_id
        self.slots = slots
        self._folder = state / "slots"
        self._tickets = self._folder / "waiting"
        self._tickets.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._ticket = self._tickets / str(run_id)
        self._ticket.touch(mode=0o600)

    def try_take(self) -> int | None:
        """Return the descriptor of a slot's lock (held until it is closed), or None when it is not our turn."""
        if self._next() != self.run_id:
            return None
        for number in range(self.slots):
            descriptor = try_lock(self._folder / f"{number}.lock")
            if descriptor is not None:
                self.leave()
                return descriptor
        return None

    def leave(self) -> None:
        """Give the place up."""
        self._ticket.unlink(missing_ok=True)

    def _next(self) -> int:
        """Return the first run that still waits, tearing up the tickets of the dead."""
        for run_id in sorted(int(ticket.name) for ticket in self._tickets.iterdir() if ticket.name.isdigit()):
            if run_id == self.run_id or is_live(self.state, run_id):
                return run_id
            (self._tickets / str(run_id)).unlink(missing_ok=True)
        return self.run_id


def is_live(state: Path, run_id: int) -> bool:
    """Whether someone holds the run's lock; a shared look, so two who look do not take each other for the holder."""
    lock = run_folder(state, run_id).lock
    if not lock.exists():
        return False
    descriptor = try_lock(lock, shared=True)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False
