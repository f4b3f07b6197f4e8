"""Who may be at work: ``slots/N.lock`` files that live runs hold, and a queue in the order of run numbers.

No process keeps the queue: a waiting run has a ticket, and whoever has the lowest ticket of a live run is next; one that
waits only for its repo's own limit lets others by. Standard library only.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from opsconsole.ground.files import try_lock
from opsconsole.runs.folder import run_folder


@dataclass(frozen=True)
class _Ticket:
    """A run that waits."""

    run_id: int
    repo: str
    slots: int
    """The limit of its repo; 0: none."""

    @classmethod
    def read(cls, run_id: int, path: Path) -> _Ticket:
        try:
            slots, _, repo = path.read_text(encoding="utf-8").partition(" ")
            return cls(run_id, repo, int(slots or 0))
        except (OSError, ValueError):
            return cls(run_id, "", 0)


class SlotQueue:
    """One run's place in the queue, for a slot of the workspace and one of its repo."""

    def __init__(
        self, state: Path, run_id: int, *, workspace: int, repo: str = "", repo_slots: int | None = None
    ) -> None:
        self.state = state
        self.run_id = run_id
        self.workspace = workspace
        self.repo_slots = repo_slots
        self._folder = state / "slots"
        self._of_repo = self._folder / "repos" / repo
        self._tickets = self._folder / "waiting"
        self._tickets.mkdir(mode=0o700, parents=True, exist_ok=True)
        if repo_slots is not None:
            self._of_repo.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._ticket = self._tickets / str(run_id)
        self._ticket.write_text(f"{repo_slots or 0} {repo}", encoding="utf-8")
        self._ticket.chmod(0o600)
        self._repo = repo

    def try_take(self) -> list[int]:
        """Return the descriptors of the locks that are held until they are closed; empty when it is not our turn."""
        own = self._slot_of_repo()
        if own is None:
            return []
        general = self._free(self._folder, self.workspace) if self._is_next() else None
        if general is None:
            if own >= 0:
                os.close(own)
            return []
        self.leave()
        return [general, own] if own >= 0 else [general]

    def leave(self) -> None:
        """Give the place up."""
        self._ticket.unlink(missing_ok=True)

    def _slot_of_repo(self) -> int | None:
        """Return a slot of the repo; -1 when the repo has no limit, None when it is full or another of it is first."""
        if self.repo_slots is None:
            return -1
        if any(other.run_id < self.run_id and other.repo == self._repo for other in self._waiting()):
            return None
        return self._free(self._of_repo, self.repo_slots)

    @staticmethod
    def _free(folder: Path, slots: int) -> int | None:
        for number in range(slots):
            descriptor = try_lock(folder / f"{number}.lock")
            if descriptor is not None:
                return descriptor
        return None

    def _is_next(self) -> bool:
        """Whether nobody before us waits for a slot of the workspace; who waits for a full repo does not."""
        return not any(other.run_id < self.run_id and not self._is_full(other) for other in self._waiting())

    def _is_full(self, other: _Ticket) -> bool:
        """Whether every slot of another run's repo is held, as far as can be seen without taking one."""
        folder = self._folder / "repos" / other.repo
        return other.slots > 0 and all(_held(folder / f"{number}.lock") for number in range(other.slots))

    def _waiting(self) -> list[_Ticket]:
        """Return the live runs that wait, tearing up the tickets of the dead."""
        found = []
        for run_id in sorted(int(ticket.name) for ticket in self._tickets.iterdir() if ticket.name.isdigit()):
            if run_id == self.run_id:
                continue
            ticket = self._tickets / str(run_id)
            if is_live(self.state, run_id):
                found.append(_Ticket.read(run_id, ticket))
            else:
                ticket.unlink(missing_ok=True)
        return found


def is_live(state: Path, run_id: int) -> bool:
    """Whether someone holds the run's lock; a shared look, so two who look do not take each other for the holder."""
    return _held(run_folder(state, run_id).lock)


def _held(lock: Path) -> bool:
    if not lock.exists():
        return False
    descriptor = try_lock(lock, shared=True)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False
