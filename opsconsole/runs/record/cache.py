"""Cached results of steps, by key: environments and outputs. Standard library only.

An environment is filled in place and used where it lies, because a Python environment cannot be moved; outputs are
copied in and out. A file lock for each key: whoever fills it has it alone, whoever uses it shares it, and what is not
marked whole is made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from opsconsole.core.errors import OpsconsoleError
from opsconsole.core.files import try_lock, write_atomically
from opsconsole.core.process import capture
from opsconsole.repos.worktrees import remove_tree
from opsconsole.runs.record.spec import PlannedCache

COPY_S = 1800.0
NAMED = 3
"""How many changed inputs are named."""


@dataclass(frozen=True)
class Kept:
    """Who made a kept result, and when."""

    run_id: int
    at: float
    """Epoch seconds."""


class CacheEntry:
    """The place of one key."""

    def __init__(self, state: Path, key: str, *, environment: bool) -> None:
        self.key = key
        self._home = state / ("environments" if environment else "cache")
        self.folder = self._home / key
        self._mark = self._home / f"{key}.json"

    def try_use(self) -> int | None:
        """Return a lock that keeps a whole result as it is while one uses it; None when there is none (yet)."""
        if not self._mark.exists():
            return None
        lock = try_lock(self._lock(), shared=True)
        if lock is not None and not self._mark.exists():
            os.close(lock)
            return None
        return lock

    def try_fill(self) -> int | None:
        """Return a lock that lets one fill the place, which is empty then; None when someone else is at it."""
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = try_lock(self._lock())
        if lock is None:
            return None
        if self._mark.exists():  # filled in the meantime
            os.close(lock)
            return None
        remove_tree(self.folder)
        self.folder.mkdir(mode=0o700)
        return lock

    def mark_whole(self, run_id: int, *, linked: bool = False) -> None:
        """Say that the result is whole; ``linked``: others will share its files, so how they are is written down."""
        state = _state(self.folder) if linked else None
        write_atomically(self._mark, json.dumps({"run": run_id, "at": time.time(), "state": state}).encode())

    def is_as_it_was(self) -> bool:
        """Say whether no step that shared its files changed one of them in place."""
        try:
            state = json.loads(self._mark.read_bytes()).get("state")
            return state is None or state == _state(self.folder)
        except (OSError, ValueError, AttributeError):
            return False

    def discard(self) -> None:
        """Let nobody use the result any more; it is made anew."""
        self._mark.unlink(missing_ok=True)

    def kept(self) -> Kept | None:
        """Return who made the result; None when it is not whole. Looking counts as using."""
        try:
            data = json.loads(self._mark.read_bytes())
            os.utime(self._mark)
            return Kept(int(data["run"]), float(data["at"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _lock(self) -> Path:
        return self._home / f"{self.key}.lock"


def save(shelf: CacheEntry, outputs: tuple[str, ...], tree: Path, out: Path) -> list[str]:
    """Copy outputs onto a shelf that is being filled; return the names of those that are not there."""
    missing = []
    for number, name in enumerate(outputs):
        source = _place(name, tree, out)
        if not source.exists() and not source.is_symlink():
            missing.append(name)
            continue
        _copy(source, shelf.folder / str(number), link=False)
    return missing


def restore(shelf: CacheEntry, cache: PlannedCache, tree: Path, out: Path) -> None:
    """Bring outputs back from a shelf that is whole; OpsconsoleError when one cannot be."""
    for number, name in enumerate(cache.outputs):
        kept = shelf.folder / str(number)
        if not kept.exists() and not kept.is_symlink():
            continue
        target = _place(name, tree, out)
        remove_tree(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(kept, target, link=cache.link)


@dataclass(frozen=True)
class Decided:
    """What decided a result: settings by their names, inputs by their paths."""

    parts: dict[str, str]
    inputs: dict[str, str]

    @classmethod
    def by(cls, cache: PlannedCache) -> Decided:
        """Return what decides the result of a planned step."""
        return cls(dict(cache.parts), dict(cache.inputs))


def changes(before: Decided | None, cache: PlannedCache) -> str:
    """Say in words why a step runs: what decided its result last time is not what decides it now."""
    if before is None:
        return "nothing is kept of it yet"
    now = Decided.by(cache)
    files = _differing(now.inputs, before.inputs)
    reasons = [f"its {name} changed" for name in _differing(now.parts, before.parts)]
    if files:
        shown = ", ".join(files[:NAMED])
        reasons.append(f"{shown}{f' and {len(files) - NAMED} more' if len(files) > NAMED else ''} changed")
    return "; ".join(reasons) or "what was kept is gone"


def _differing(now: dict[str, str], before: dict[str, str]) -> list[str]:
    return sorted(name for name in now.keys() | before.keys() if now.get(name) != before.get(name))


class KeyHistory:
    """What a step's result was made of the last time, so that a change can be explained."""

    def __init__(self, state: Path, step: str) -> None:
        self._path = state / "cache" / "last" / f"{step}.json"

    def read(self) -> Decided | None:
        """Return what the key was made of; None when nothing is known."""
        try:
            document = json.loads(self._path.read_bytes())
            return Decided(dict(document["parts"]), dict(document["inputs"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, cache: PlannedCache) -> None:
        """Remember; a full disk loses it."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self._path, json.dumps(asdict(Decided.by(cache))).encode())
        except OSError:
            return


def _state(folder: Path) -> str:
    """Return a digest of names, modes, sizes and times of change of all files below a folder, of links the same."""
    digest = hashlib.sha256()
    for home, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = f"{home}/{name}"  # a Path for each of 30,000 files costs more than looking at them
            now = os.lstat(path)
            facts = f"\0{now.st_mode}\0{now.st_size}\0{now.st_mtime_ns}\0"
            digest.update(os.fsencode(os.path.relpath(path, folder)) + facts.encode())
    return digest.hexdigest()


def _place(name: str, tree: Path, out: Path) -> Path:
    """Return where an output lies: in the work tree, or below ``$OPSCONSOLE_OUT``."""
    own = name.removeprefix("$OPSCONSOLE_OUT/")
    return out / own if own != name else tree / name


def _copy(source: Path, target: Path, *, link: bool) -> None:
    """Copy a file or a folder; ``cp`` does 30,000 files in the time that Python takes for 5,000."""
    if shutil.which("cp") is None:
        raise OpsconsoleError("cp: no such program", hint="install coreutils")
    answer = capture(["cp", "-a", *(["-l"] if link else []), "--", str(source), str(target)], timeout=COPY_S)
    if answer.exit_code != 0:
        lines = answer.stderr.decode("utf-8", "replace").strip().splitlines()
        raise OpsconsoleError(f"{source}: could not be copied: {lines[-1] if lines else answer.exit_code}")
