"""Choosing run folders to delete (pure, by count, age and size), and deleting them safely while others read.

A run's row stays for ever: it is its logs, reports and artifacts that take room.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from opsconsole.config.schema import RetentionConfig
from opsconsole.config.workspace import Workspace
from opsconsole.core import clock
from opsconsole.core.files import try_lock
from opsconsole.repos.worktrees import remove_tree
from opsconsole.runs.record.folder import run_folder
from opsconsole.store import pruning
from opsconsole.store.connection import Store
from opsconsole.store.pruning import Keepable

GONE = ".gone"
YOUNG = timedelta(hours=1)
"""What ended less than this ago is left alone: someone may be about to read it."""


@dataclass(frozen=True)
class Condemned:
    """A run whose folder goes, and why."""

    run_id: int
    size: int
    why: str


@dataclass(frozen=True)
class Pruned:
    """What was done, or would be."""

    runs: tuple[Condemned, ...]
    kept_results: tuple[tuple[str, int], ...]
    """Environments and results that go, with their bytes."""

    @property
    def size(self) -> int:
        """Bytes that are freed."""
        return sum(run.size for run in self.runs) + sum(size for _, size in self.kept_results)


def condemned(
    runs: Iterable[Keepable], sizes: dict[int, int], rules: RetentionConfig, now: datetime
) -> list[Condemned]:
    """Return which run folders go, oldest first. ``runs`` are final, the newest first; the protected never go.

    The newest of each pipeline and its last green run stay whatever the rules say.
    """
    seen: Counter[tuple[str, str]] = Counter()
    green: set[tuple[str, str]] = set()
    total = sum(sizes.values())
    chosen: list[Condemned] = []
    spare: list[Keepable] = []
    for run in runs:
        pipeline = (run.repo, run.pipeline)
        seen[pipeline] += 1
        first_green = run.passed and pipeline not in green
        if run.passed:
            green.add(pipeline)
        if run.protected or first_green or seen[pipeline] == 1 or now - run.ended_at < YOUNG or run.id not in sizes:
            continue
        if rules.runs is not None and seen[pipeline] > rules.runs:
            chosen.append(Condemned(run.id, sizes[run.id], f"{seen[pipeline] - 1} newer runs of {'/'.join(pipeline)}"))
        elif rules.age is not None and (now - run.ended_at).total_seconds() > rules.age:
            chosen.append(Condemned(run.id, sizes[run.id], f"{(now - run.ended_at).days} days old"))
        else:
            spare.append(run)
    left = total - sum(item.size for item in chosen)
    for run in reversed(spare):
        if rules.size is None or left <= rules.size:
            break
        chosen.append(Condemned(run.id, sizes[run.id], f"all runs together took {left / 1e9:.1f} GB"))
        left -= sizes[run.id]
    return sorted(chosen, key=lambda item: item.run_id)


def prune(workspace: Workspace, store: Store, *, dry_run: bool = False) -> Pruned:
    """Take away what the retention rules do not keep; what someone reads, writes or has not taken in stays."""
    rules = workspace.config.workspace.retention
    finish_deleting(workspace)
    sizes = {run_id: _size(run_folder(workspace.state, run_id).path) for run_id in _folders(workspace)}
    chosen = condemned(pruning.keepable(store, sizes), sizes, rules, clock.now())
    stale = list(_stale_results(workspace.state, None if rules.cache is None else int(rules.cache)))
    if dry_run:
        return Pruned(tuple(chosen), tuple((path.name, size) for path, size in stale))
    done = [item for item in chosen if _take_away(workspace, store, item)]
    gone = [(path.name, size) for path, size in stale if _take_result(path)]
    return Pruned(tuple(done), tuple(gone))


def finish_deleting(workspace: Workspace) -> None:
    """Delete what was renamed away before and not yet deleted, by whoever died over it."""
    for home in (workspace.runs, workspace.state / "cache", workspace.state / "environments"):
        for path in home.glob(f"*{GONE}"):
            remove_tree(path)


def _take_away(workspace: Workspace, store: Store, item: Condemned) -> bool:
    folder = run_folder(workspace.state, item.run_id)
    lock = try_lock(folder.lock)
    if lock is None:
        return False
    try:
        with store.immediate() as connection:
            if not pruning.mark(connection, item.run_id, item.why):
                return False
        away = folder.path.with_name(f"{folder.path.name}{GONE}")
        folder.path.rename(away)
    finally:
        os.close(lock)
    remove_tree(away)
    return True


def _folders(workspace: Workspace) -> list[int]:
    if not workspace.runs.is_dir():
        return []
    return [int(entry.name) for entry in workspace.runs.iterdir() if entry.name.isdigit()]


def _size(folder: Path) -> int:
    """Return what a folder takes on the disk."""
    total = 0
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    total += status.st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
        except OSError:
            continue
    return total


def _stale_results(state: Path, limit: int | None) -> Iterator[tuple[Path, int]]:
    """Yield the marks of kept results past the limit, least recently used first, with their bytes."""
    if limit is None:
        return
    homes = (state / "environments", state / "cache")
    marks = [
        (mark.stat().st_mtime, mark, _size(mark.with_suffix(""))) for home in homes for mark in home.glob("*.json")
    ]
    total = sum(size for _, _, size in marks)
    for used, mark, size in sorted(marks):
        if total <= limit:
            return
        if clock.now().timestamp() - used > YOUNG.total_seconds():
            total -= size
            yield mark, size


def _take_result(mark: Path) -> bool:
    lock = try_lock(mark.with_suffix(".lock"))
    if lock is None:
        return False
    try:
        mark.unlink(missing_ok=True)
        away = mark.with_name(f"{mark.stem}{GONE}")
        shutil.move(mark.with_suffix(""), away)
    finally:
        os.close(lock)
    remove_tree(away)
    return True
