"""Limiting how many runs execute at once: ``slots/N.lock`` files, and a queue in order of run numbers.

No process keeps the queue: a waiting run has a ticket, and whoever has the lowest ticket of a live run is next; one that
waits only for its repo's own limit lets others by. Who leaves wakes who is next; looking again by oneself is for what a
killed run could not tell, and the rarer the more runs are before one, so that a long queue costs hardly more than a
short one. Standard library only.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from opsconsole.core.files import read_regular, try_lock
from opsconsole.core.process import Identity, own_identity, send
from opsconsole.runs.record.folder import run_folder

LOOK_S = 0.1
"""How often who is next looks for a free slot; the one behind it half as often, and so on."""
LOOKS_S = 10.0
"""How often everybody looks at least."""
TICKET = 1 << 16


@dataclass(frozen=True)
class Ticket:
    """A run that waits."""

    run_id: int
    repo: str = ""
    slots: int = 0
    """How many runs of the workspace may be at work at once."""
    repo_slots: int = 0
    """The limit of its repo; 0: none."""
    process: str = ""
    """Who waits, to be woken."""

    @classmethod
    def read(cls, run_id: int, path: Path) -> Ticket:
        """Read a ticket; one that cannot be read waits for a slot of the workspace, as far as anybody knows."""
        try:
            document = json.loads(read_regular(path, limit=TICKET))
            return cls(
                run_id, str(document["repo"]), int(document["slots"]), int(document["repo_slots"]), document["process"]
            )
        except (OSError, ValueError, KeyError, TypeError):
            return cls(run_id)


@dataclass(frozen=True)
class Waiting:
    """What a queued run waits for."""

    repo: str | None
    """The repo whose own limit is reached; None: a slot of the workspace."""
    slots: int
    """How many there are."""
    holders: tuple[int, ...]
    """The runs that hold them."""
    before: tuple[int, ...]
    """The runs that wait, too, and come first."""


class SlotQueue:
    """One run's place in the queue, for a slot of the workspace and one of its repo."""

    def __init__(
        self, state: Path, run_id: int, *, workspace: int, repo: str = "", repo_slots: int | None = None
    ) -> None:
        self.state = state
        self.run_id = run_id
        self.look_s = LOOK_S
        """In how many seconds to look again, after a look."""
        self._line = _Line(state)
        self._line.tickets.mkdir(mode=0o700, parents=True, exist_ok=True)
        if repo_slots is not None:
            self._line.of_repo(repo).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._own = Ticket(run_id, repo, workspace, repo_slots or 0, own_identity().to_text())
        self._ticket = self._line.tickets / str(run_id)
        descriptor = os.open(self._ticket, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump(asdict(self._own), file)

    def try_take(self) -> list[int]:
        """Return the descriptors of the locks that are held until they are closed; empty when it is not our turn."""
        before = self._line.before(self._own, self._line.waiting(), {})
        self.look_s = min(LOOK_S * (len(before) + 1), LOOKS_S)
        for other in before:
            if is_live(self.state, other.run_id):
                return []
            (self._line.tickets / str(other.run_id)).unlink(missing_ok=True)  # it died waiting
        taken = self._take()
        if taken:
            self.leave()
        return taken

    def leave(self) -> None:
        """Give the place up, and wake who is next."""
        self._ticket.unlink(missing_ok=True)
        wake_next(self.state, self._own.repo)

    def _take(self) -> list[int]:
        own = None
        if self._own.repo_slots:
            own = self._free(self._line.of_repo(self._own.repo), self._own.repo_slots)
            if own is None:
                return []
        general = self._free(self._line.folder, self._own.slots)
        if general is None:
            if own is not None:
                os.close(own)
            return []
        return [general] if own is None else [general, own]

    def _free(self, folder: Path, slots: int) -> int | None:
        for number in range(slots):
            descriptor = try_lock(folder / f"{number}.lock")
            if descriptor is not None:
                os.ftruncate(descriptor, 0)
                os.write(descriptor, str(self.run_id).encode("ascii"))
                return descriptor
        return None


class _Line:
    """The queue as it stands; what a ticket says is read once."""

    def __init__(self, state: Path) -> None:
        self.folder = state / "slots"
        self.tickets = self.folder / "waiting"
        self._known: dict[int, Ticket] = {}

    def of_repo(self, repo: str) -> Path:
        """Return the folder of a repo's own slots."""
        return self.folder / "repos" / repo

    def waiting(self) -> list[Ticket]:
        """Return all tickets, the first in line first; some may be of the dead."""
        try:
            numbers = sorted(int(path.name) for path in self.tickets.iterdir() if path.name.isdecimal())
        except FileNotFoundError:
            return []
        self._known = {number: self._read(number) for number in numbers}
        return list(self._known.values())

    def _read(self, number: int) -> Ticket:
        known = self._known.get(number)
        return known if known is not None and known.slots else Ticket.read(number, self.tickets / str(number))

    def before(self, own: Ticket, waiting: Iterable[Ticket], full: dict[str, bool]) -> list[Ticket]:
        """Return who comes before ``own``; who waits for the slots of another repo that is full does not."""
        return [
            other
            for other in waiting
            if other.run_id < own.run_id
            and ((own.repo_slots and other.repo == own.repo) or not self.is_full(other, full))
        ]

    def is_full(self, ticket: Ticket, known: dict[str, bool]) -> bool:
        """Whether every slot of a run's repo is held, as far as can be seen without taking one."""
        if not ticket.repo_slots:
            return False
        if ticket.repo not in known:
            folder = self.of_repo(ticket.repo)
            known[ticket.repo] = all(_held(folder / f"{number}.lock") for number in range(ticket.repo_slots))
        return known[ticket.repo]

    def holders(self, folder: Path, slots: int) -> tuple[int, ...]:
        """Return the runs that hold the slots of a folder."""
        held = [path for number in range(slots) if _held(path := folder / f"{number}.lock")]
        return tuple(run_id for path in held if (run_id := _holder(path)))


def wake_next(state: Path, repo: str) -> None:
    """Wake who may come next: the first in line, the first whose repo is not full, and the first of a repo."""
    line = _Line(state)
    waiting, full = line.waiting(), dict[str, bool]()
    first = waiting[:1]
    free = next(([ticket] for ticket in waiting if not line.is_full(ticket, full)), [])
    same = next(([ticket] for ticket in waiting if ticket.repo == repo), [])
    for ticket in {ticket.run_id: ticket for ticket in (*first, *free, *same)}.values():
        _wake(ticket)


def wake(state: Path, run_id: int) -> None:
    """Have a waiting run look again, now."""
    _wake(Ticket.read(run_id, _Line(state).tickets / str(run_id)))


def _wake(ticket: Ticket) -> None:
    try:
        who = Identity.from_text(ticket.process)
    except ValueError:
        return
    if who.pid != os.getpid():
        send(who, signal.SIGHUP)


class QueueLook:
    """One look at the queue, for what any of its runs waits for."""

    def __init__(self, state: Path) -> None:
        self._line = _Line(state)
        self._waiting = {
            ticket.run_id: ticket for ticket in self._line.waiting() if is_live(state, ticket.run_id) and ticket.slots
        }
        self._full: dict[str, bool] = {}
        self._holders: dict[Path, tuple[int, ...]] = {}

    def of(self, run_id: int) -> Waiting | None:
        """Return what a queued run waits for; None when it does not wait for a slot."""
        own = self._waiting.get(run_id)
        if own is None:
            return None
        before = tuple(item.run_id for item in self._line.before(own, self._waiting.values(), self._full))
        if self._line.is_full(own, self._full):
            return Waiting(own.repo, own.repo_slots, self._held(self._line.of_repo(own.repo), own.repo_slots), before)
        return Waiting(None, own.slots, self._held(self._line.folder, own.slots), before)

    def _held(self, folder: Path, slots: int) -> tuple[int, ...]:
        if folder not in self._holders:
            self._holders[folder] = self._line.holders(folder, slots)
        return self._holders[folder]


def is_live(state: Path, run_id: int) -> bool:
    """Whether someone holds the run's lock; a shared look, so two who look do not take each other for the holder."""
    return _held(run_folder(state, run_id).lock)


def _holder(lock: Path) -> int | None:
    try:
        return int(read_regular(lock, limit=64))
    except (OSError, ValueError):
        return None


def _held(lock: Path) -> bool:
    if not lock.exists():
        return False
    descriptor = try_lock(lock, shared=True)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False
