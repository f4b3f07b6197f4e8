"""Ending every process that a step started: double forks, own sessions and ignored signals included.

The caller is a child subreaper, so whatever loses its parent becomes the caller's child and stays findable.
Standard library only.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from opsconsole.core.process import Identity, identity, process_state, send

ROUND_S = 0.02


def descendants(root: int) -> list[int]:
    """Return the numbers of all living processes below ``root``, from ``/proc``; zombies do not live."""
    children: dict[int, list[int]] = {}
    living = set()
    for pid in _numbers():
        state = process_state(pid)
        if state is not None:
            children.setdefault(state.parent, []).append(pid)
            if state.code not in "ZX":
                living.add(pid)
    pids, waiting = [], [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        waiting += below
        pids += [pid for pid in below if pid in living]
    return pids


def reap() -> Iterator[tuple[int, int]]:
    """Collect every child that ended: its number and wait status."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


class Child(Protocol):
    """A process of ours that collects itself."""

    pid: int
    returncode: int | None

    def poll(self) -> int | None:
        """Collect it if it ended; return its exit code, None while it runs."""


def collect(known: Mapping[int, Child]) -> None:
    """Collect every child that ended; those that are ``known`` learn of it themselves, adopted orphans just go."""
    while True:
        try:
            child = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if child is None:
            return
        process = known.get(child.si_pid)
        if process is not None and process.returncode is None:  # later, its number is somebody else's
            process.poll()
        else:
            os.waitpid(child.si_pid, os.WNOHANG)


def childless() -> bool:
    """Whether this process has no child at all; below a subreaper that means that nothing is left of what it started."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


def end_below(
    root: int,
    *,
    grace: float,
    kill_now: Callable[[], bool] = lambda: False,
    on_end: Callable[[int, int], object] | None = None,
    on_kill: Callable[[], None] = lambda: None,
    passed_over: AbstractSet[int] = frozenset(),
) -> int:
    """TERM everything below ``root``, wait ``grace`` seconds, then KILL in rounds until nothing is left.

    A round lists afresh, so what is born between two rounds is met in the next. Returns how many processes were
    signalled, not counting those ``passed_over``. ``kill_now`` ends the grace early; ``on_end`` hears of each child of ours that was collected, ``on_kill``
    is called at the beginning of each round that kills.
    """
    met: set[int] = set()
    deadline = time.monotonic() + grace
    while True:
        left = descendants(root)
        for pid, status in reap():
            if on_end is not None:
                on_end(pid, status)
        if not left:
            return len(met - passed_over)
        killing = time.monotonic() >= deadline or kill_now()
        if killing:
            on_kill()
        for pid in left:
            if killing or pid not in met:
                met.add(pid)
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL if killing else signal.SIGTERM)
        time.sleep(ROUND_S)


def end_marked(marker: bytes, known: list[Identity], *, rounds: int = 200) -> int:
    """KILL the known processes, and whatever carries ``marker`` in its environment; return how many were met.

    For a run whose keeper and supervisor are both gone, so that nobody is its subreaper: the best that can be done.
    """
    met: set[Identity] = set()
    for _ in range(rounds):
        alive = [who for who in known if identity(who.pid) == who]
        alive += [who for pid in _numbers() if _carries(pid, marker) and (who := identity(pid)) is not None]
        if not alive:
            break
        for who in alive:
            met.add(who)
            send(who, signal.SIGKILL)
        time.sleep(ROUND_S)
    return len(met)


def _carries(pid: int, marker: bytes) -> bool:
    if pid == os.getpid():
        return False
    try:
        return marker in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _numbers() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
