"""A control group of its own for each step, where the kernel lets us make one: nothing escapes it, and it dies at once.

Standard library only. cgroup v2 (also beside v1), and a group that we may write to: root, a delegated unit, a container.
Everywhere else the subreaper's rounds do the same, a little later.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

MOUNTS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))


class ControlGroup:
    """One group; without one (``door`` None) every act does nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    @property
    def path(self) -> str:
        """Where it is; empty without one."""
        return "" if self._folder is None else str(self._folder)

    @property
    def door(self) -> Path | None:
        """The file that a process writes 0 into to join the group."""
        return None if self._folder is None else self._folder / "cgroup.procs"

    def kill(self) -> None:
        """KILL every process of the group at once."""
        if self._folder is not None:
            with suppress(OSError):
                (self._folder / "cgroup.kill").write_text("1", encoding="ascii")

    def peak(self) -> int | None:
        """Return the most memory, in bytes, that the group held; None where it is not counted."""
        if self._folder is None:
            return None
        try:
            return int((self._folder / "memory.peak").read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def close(self) -> None:
        """Give the empty group back."""
        if self._folder is not None:
            with suppress(OSError):
                self._folder.rmdir()


def new_group(name: str) -> ControlGroup:
    """Make a group below our own; one without a folder where that cannot be."""
    own = _own()
    if own is None:
        return ControlGroup(None)
    _forget_dead(own)
    folder = own / f"opsconsole-{name}-{os.getpid()}"
    try:
        folder.mkdir(exist_ok=True)
        if not (folder / "cgroup.kill").exists():
            folder.rmdir()
            return ControlGroup(None)
    except OSError:
        return ControlGroup(None)
    return ControlGroup(folder)


def _forget_dead(own: Path) -> None:
    """Give back the empty groups of step runners that were killed."""
    for folder in own.glob("opsconsole-*"):
        pid = folder.name.rpartition("-")[2]
        if pid.isdigit() and not Path("/proc", pid).exists():
            with suppress(OSError):
                folder.rmdir()


def _own() -> Path | None:
    """Return the folder of our own group in the unified hierarchy."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    path = next((line[3:] for line in lines if line.startswith("0::")), None)
    if path is None:
        return None
    for mount in MOUNTS:
        if (mount / "cgroup.controllers").exists():
            return mount / path.lstrip("/")
    return None
