"""Sandboxing steps: they may write their work tree, out folder, TMPDIR and configured paths, and read everything else.

By Landlock where the kernel has it (landlock(7): the calls have no wrapper in the C library), else by bubblewrap where
that is installed. A step that is confined so cannot look into processes outside either. Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import stat
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

CREATE, ADD_RULE, RESTRICT = 444, 445, 446
"""The calls' numbers, the same on every architecture but alpha."""
VERSION_FLAG = 1
RULE_PATH_BENEATH = 1
WRITE_FILE, REFER, TRUNCATE = 1 << 1, 1 << 13, 1 << 14
MAKE_AND_REMOVE = sum(1 << bit for bit in range(4, 13))
"""Removing files and folders, making files, folders, links, sockets, FIFOs and devices."""
PR_SET_NO_NEW_PRIVS = 38
DEVICES = tuple(
    Path("/dev", name) for name in ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm", "fuse")
)
"""Devices, and folders of them, that programs expect to write to."""


@dataclass(frozen=True)
class Confinement:
    """How steps are confined on this machine."""

    kind: str
    """``landlock``, ``bubblewrap``, or ``none``."""
    detail: str

    @property
    def confines(self) -> bool:
        """Whether anything confines them."""
        return self.kind != "none"


@lru_cache(maxsize=1)
def available() -> Confinement:
    """Return what this machine confines steps with."""
    abi = _abi()
    if abi > 0:
        return Confinement("landlock", f"Landlock, version {abi}")
    program = shutil.which("bwrap")
    if program is not None:
        return Confinement("bubblewrap", program)
    return Confinement("none", "neither Landlock in the kernel nor bubblewrap: steps may write what you may")


@dataclass
class Sandbox:
    """What one step may write; ``prepare`` before it starts, ``enter`` in its process."""

    writable: Sequence[Path]
    _also: tuple[Path, ...] = ()
    _ruleset: int | None = field(default=None, repr=False)

    def prepare(self, also: Sequence[Path | None] = ()) -> None:
        """Make ready what the new process then only has to enter; OSError when the kernel refuses."""
        self.close()
        self._also = tuple(path for path in also if path is not None)
        if available().kind == "landlock":
            self._ruleset = _ruleset([*self.writable, *DEVICES, *self._also])

    @property
    def prefix(self) -> list[str]:
        """The words before the step's own command line."""
        if available().kind != "bubblewrap":
            return []
        binds = [
            word for path in (*self.writable, *self._also) if path.exists() for word in ("--bind", str(path), str(path))
        ]
        return ["bwrap", "--ro-bind", "/", "/", "--dev-bind", "/dev", "/dev", *binds, "--"]

    @property
    def enter(self) -> Callable[[], None] | None:
        """What the new process calls before it becomes the step's program."""
        ruleset = self._ruleset
        return None if ruleset is None else lambda: _restrict(ruleset)

    def close(self) -> None:
        """Let go of what was made ready."""
        if self._ruleset is not None:
            os.close(self._ruleset)
            self._ruleset = None


def _abi() -> int:
    if platform.system() != "Linux" or platform.machine() == "alpha":
        return 0
    return int(_libc().syscall(CREATE, None, ctypes.c_size_t(0), VERSION_FLAG))


def _ruleset(writable: Sequence[Path]) -> int:
    abi = _abi()
    handled = WRITE_FILE | MAKE_AND_REMOVE | (REFER if abi >= 2 else 0) | (TRUNCATE if abi >= 3 else 0)
    attributes = ctypes.create_string_buffer(struct.pack("=Q", handled), 8)
    ruleset = _called(CREATE, attributes, ctypes.c_size_t(8), 0)
    try:
        for path in writable:
            _allow(ruleset, path, handled)
    except BaseException:
        os.close(ruleset)
        raise
    return ruleset


def _allow(ruleset: int, path: Path, handled: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # it is not there, so nothing can be written to it
    try:
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        rights = handled if folder else handled & (WRITE_FILE | TRUNCATE)
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, descriptor), 12)
        _called(ADD_RULE, ruleset, RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)


def _restrict(ruleset: int) -> None:
    """Confine this process and all it becomes and starts; without the right to, first give up gaining any by a program."""
    libc = _libc()
    if libc.syscall(RESTRICT, ruleset, 0) == 0:
        return
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _called(RESTRICT, ruleset, 0)


def _called(number: int, *arguments: object) -> int:
    answer = int(_libc().syscall(number, *arguments))
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"the sandbox: {os.strerror(code)}")
    return answer


@lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
