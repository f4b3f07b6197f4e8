"""Following a run until it is over, from any process; the run does not depend on whoever watches it."""

from __future__ import annotations

import time
from collections.abc import Callable

from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import NotFoundError, StoreError, UnreachableError
from opsconsole.runs.execute.recover import recover
from opsconsole.runs.execute.slots import is_live
from opsconsole.runs.record.folder import run_folder
from opsconsole.runs.record.log_reader import LogFollower, LogPiece
from opsconsole.store import runs, steps
from opsconsole.store.connection import Store
from opsconsole.store.runs import RunRecord

LOOK_S = 0.02
"""A look at a lock and at a row: 0.1 ms."""
RECOVERY_S = 10.0
"""How long a store that does not take an outcome is asked again."""


def follow(
    workspace: Workspace,
    store: Store,
    run_id: int,
    *,
    on_output: Callable[[LogPiece], None] = lambda _: None,
    step: str | None = None,
    tail: int | None = None,
    timeout: float | None = None,
) -> RunRecord:
    """Hand on what the steps write until the run has its final outcome, and return it.

    ``step`` narrows to one step, ``tail`` begins at its last lines. A run that dies under our eyes is recovered (when
    the store may be written). NotFoundError for an unknown run or step; UnreachableError when ``timeout`` seconds pass.
    """
    names = [row.name for row in steps.of_run(store, run_id)]
    if step is not None and step not in names:
        raise NotFoundError(f"run {run_id} has no step {step!r}", hint=f"steps: {', '.join(names)}")
    folder = run_folder(workspace.state, run_id)
    chosen = names if step is None else [step]
    follower = LogFollower({name: folder.log(name) for name in chosen}, tail=tail)
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        alive = is_live(workspace.state, run_id)
        record = runs.get(store, run_id)
        if record is None:
            raise NotFoundError(f"there is no run {run_id}", hint="opsconsole runs lists them")
        for piece in follower.pieces():
            on_output(piece)
        if record.state.final:
            return record
        if not alive and not store.readonly:
            _recovered(workspace, store, run_id)
            continue
        if deadline is not None and time.monotonic() > deadline:
            raise UnreachableError(f"run {run_id} is still {record.state} after {timeout:g} s")
        time.sleep(LOOK_S)


def _recovered(workspace: Workspace, store: Store, run_id: int) -> None:
    """End a run that nobody keeps alive; StoreError when its outcome cannot be written for a while."""
    deadline = time.monotonic() + RECOVERY_S
    while True:
        recover(workspace, store)
        record = runs.get(store, run_id)
        if record is None or record.state.final or is_live(workspace.state, run_id):
            return
        if time.monotonic() > deadline:
            raise StoreError(
                f"run {run_id} is dead, and its outcome cannot be written",
                hint=f"is the disk full? {run_folder(workspace.state, run_id).diary} says more; the journal has the outcome",
            )
        time.sleep(RECOVERY_S / 10)


def wait(workspace: Workspace, store: Store, run_id: int, *, timeout: float | None = None) -> RunRecord:
    """Wait until a run is over and return it."""
    return follow(workspace, store, run_id, timeout=timeout)


def wait_until_released(workspace: Workspace, run_id: int) -> None:
    """Wait until nobody keeps a run alive any more: its intake, with all that follows from it, is over then."""
    while is_live(workspace.state, run_id):
        time.sleep(LOOK_S)
