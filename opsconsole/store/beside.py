"""What is stored beside the database: run folders, versions, links, copies. If any exist without it, the store is lost.

What is read here are names alone, so that a store which is gone, older or damaged is never believed about which numbers
were used before. Standard library only.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from opsconsole.core.errors import LostStoreError

FILE_NAME = "store.db"
BACKUPS = "backups"
HISTORY = ".history"
"""The folder of a model with the records of its versions and moves."""
VERSIONS = "versions"
_NUMBERED = re.compile(r"(?:v|run-|version-)?0*([0-9]{1,15})(?:\.|$)")
_LINKED = re.compile(r"versions/([0-9]{1,15})")


@dataclass(frozen=True)
class Beside:
    """How much there is of what a store would know."""

    runs: int = 0
    versions: int = 0
    links: int = 0
    others: tuple[str, ...] = ()
    """What else tells of a store that was there."""

    def __bool__(self) -> bool:
        return bool(self.runs or self.versions or self.links or self.others)

    def __str__(self) -> str:
        from opsconsole.core.text import plural  # needed rarely, and a run's supervisor imports us

        counted = ((self.runs, "run folder"), (self.versions, "version"), (self.links, "link"))
        return ", ".join([plural(number, word) for number, word in counted if number] + list(self.others))


def beside(state: Path) -> Beside:
    """Return what lies beside the store of a workspace, whose state folder is ``state``."""
    folders = list(model_folders(state))
    others = ["copies of it"] * (newest_copy(state) is not None)
    others += ["evidence of versions"] * any(True for _ in _numbers_of_evidence(state))
    others += ["records of versions and moves"] * any(any(_names(folder / HISTORY)) for folder in folders)
    return Beside(
        runs=sum(1 for _ in run_numbers(state)),
        versions=sum(len({number for _, number in _numbered(folder / VERSIONS)}) for folder in folders),
        links=sum(1 for folder in folders for _ in links(folder)),
        others=tuple(others),
    )


def is_lost(path: Path) -> bool:
    """Whether a store that should be at ``path`` is gone (or was emptied) while what it knew of is still there."""
    if not _is_empty(path):
        return False
    known = os.path.lexists(f"{path}-wal") or bool(beside(path.parent))
    return known and _is_empty(path)  # or another process made the first one meanwhile


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False  # there is something that cannot be looked at: opening it says what


def lost(path: Path) -> LostStoreError:
    """Return the error for a lost store."""
    copy = newest_copy(path.parent)
    newest = (
        f"opsconsole store restore {shlex.quote(str(copy))}, or "
        if copy is not None
        else "opsconsole store restore FILE, or "
    )
    return LostStoreError(
        f"{path}: the store is missing, and this is no new workspace: beside it lie"
        f" {str(beside(path.parent)) or 'the last writes of one'}",
        hint=f"{newest}opsconsole store rebuild, which makes it anew from what is there; nothing was changed",
    )


def copies(state: Path) -> list[Path]:
    """Return the copies of the store that were kept, oldest first: those of each day, and those before a migration."""
    paths = [state / BACKUPS / name for name in _names(state / BACKUPS) if name.endswith(".db")]
    paths += [state / name for name in _names(state) if re.fullmatch(r"store\.schema\d+\.\w+\.db", name)]
    return sorted(paths, key=lambda path: (_modified(path), path.name))


def newest_copy(state: Path) -> Path | None:
    """Return the newest copy of the store that was kept."""
    paths = copies(state)
    return paths[-1] if paths else None


def last_run(state: Path) -> int:
    """Return the highest number that a run's folder or its kept scores bear; 0 for none."""
    scored = (number for model in _names(state / "evidence" / "predictions") for number in _scored_runs(state, model))
    return max(chain(run_numbers(state), scored), default=0)


def last_version(state: Path, model: str) -> int:
    """Return the highest version number that any folder, link or record of a model bears; 0 for none."""
    folder = state.parent / "models" / model
    places = (folder / VERSIONS, folder / HISTORY, state / "evidence" / model)
    numbers = (number for place in places for name, number in _numbered(place) if not name.startswith("run-"))
    return max(chain(numbers, (number for _, number in links(folder))), default=0)


def run_numbers(state: Path) -> Iterator[int]:
    """Yield the number of each run that has a folder, whatever became of it."""
    return (number for _, number in _numbered(state / "runs"))


def model_folders(state: Path) -> Iterator[Path]:
    """Yield each folder that may be a model's."""
    models = state.parent / "models"
    return (models / name for name in sorted(_names(models)) if not name.startswith(".") and (models / name).is_dir())


def links(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield each alias of a model's folder by its link, with the version that it leads to."""
    for name in sorted(_names(folder)):
        try:
            leads = _LINKED.fullmatch(os.readlink(folder / name))  # noqa: PTH115 - the text itself
        except OSError:
            continue
        if leads is not None and not name.startswith("."):
            yield name, int(leads[1])


def version_numbers(folder: Path) -> list[int]:
    """Return the versions whose folder is in its place in a model's folder, in order."""
    return sorted(int(name) for name in _names(folder / VERSIONS) if name.isdecimal() and name.isascii())


def _scored_runs(state: Path, model: str) -> Iterator[int]:
    return (number for _, number in _numbered(state / "evidence" / "predictions" / model))


def _numbers_of_evidence(state: Path) -> Iterator[int]:
    return (number for model in _names(state / "evidence") for _, number in _numbered(state / "evidence" / model))


def _numbered(folder: Path) -> Iterator[tuple[str, int]]:
    for name in _names(folder):
        match = _NUMBERED.match(name)
        if match is not None:
            yield name, int(match[1])


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as listing:
            return [entry.name for entry in listing]
    except OSError:
        return []


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
