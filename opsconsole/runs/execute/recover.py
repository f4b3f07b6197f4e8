"""Finding runs whose processes all died, and ending them. Called when a read-write process starts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import StoreError
from opsconsole.core.files import try_lock
from opsconsole.core.nouns import RunState, StepState
from opsconsole.runs.record.folder import RunFolder, run_folder
from opsconsole.store import runs
from opsconsole.store.connection import Store


@dataclass(frozen=True)
class Recovered:
    """A dead run that was found, and what it came to."""

    run_id: int
    state: RunState
    """Live states mean that the store did not take the outcome yet."""


def recover(workspace: Workspace, store: Store) -> list[Recovered]:
    """End every live run whose lock is free: its journal is replayed, and what it finished is taken in, else ``lost``.

    Alive is who holds the lock, not who was heard of lately: a slow run is never taken for a dead one. Any number of
    processes may call this at once; each dead run is ended by one of them.
    """
    recovered = []
    for record in runs.live(store):
        folder = run_folder(workspace.state, record.id)
        lock = _taken_lock(folder)
        if lock is None:
            continue
        try:
            current = runs.get(store, record.id)
            if current is None or current.state.final:
                continue
            _end(workspace, folder, lock)
            after = runs.get(store, record.id)
            recovered.append(Recovered(record.id, after.state if after else RunState.LOST))
        finally:
            os.close(lock)
    return recovered


def _taken_lock(folder: RunFolder) -> int | None:
    """Take a run's lock, or return None when someone holds it; the folder may be gone, the row says so then."""
    try:
        folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return try_lock(folder.lock)
    except OSError as error:
        raise StoreError(f"{folder.path}: {error.strerror}", hint="the workspace's folder must be writable") from error


def _end(workspace: Workspace, folder: RunFolder, lock: int) -> None:
    """Finish a dead run whose lock we hold.

    A run of another workspace, whose folder was copied here while it ran, is only closed: its processes and its intake
    belong to the original, which may be alive. What this needs is imported now: every command looks, few find one.
    """
    from opsconsole.repos.worktrees import remove_tree
    from opsconsole.runs.execute import finalize
    from opsconsole.runs.process.control_group import ControlGroup
    from opsconsole.runs.process.process_tree import end_marked
    from opsconsole.runs.record import journal
    from opsconsole.runs.record.spec import RunSpec
    from opsconsole.runs.steps.environment import marker

    history = journal.read(folder.journal)
    try:
        order = RunSpec.read(folder.order)
    except StoreError:
        end_marked(marker(folder), [])
        finalize.close_as(folder, folder.run_id, RunState.LOST, "its run folder is gone or broken")
        return
    if order.workspace.resolve() != workspace.root.resolve():
        remove_tree(folder.worktree)
        remove_tree(folder.temporary)
        error = f"the workspace was copied or moved from {order.workspace} while it ran"
        finalize.close_as(folder, folder.run_id, RunState.LOST, error, order)
        return
    for step in history.steps.values():
        if step.group and step.state is StepState.RUNNING:
            ControlGroup(Path(step.group)).kill()
    known = [step.process for step in history.steps.values() if step.process is not None]
    end_marked(marker(folder), known)
    finalize.clear(folder, order)
    if history.complete:
        finalize.take_in(folder, order, finalize.intake_command(workspace.root), lock)
    else:
        at = next(reversed(history.steps), None)
        where = "before its first step" if at is None else f"at step {at}"
        finalize.close_as(folder, folder.run_id, RunState.LOST, f"its processes died {where}", order)
