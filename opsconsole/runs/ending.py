"""The end of a run: the checkout goes, one fresh process takes the results in, and never does a run stay half ended.

Used by the supervisor, by the keeper when the supervisor died, and by recovery when both did. Standard library only.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from opsconsole.ground import clock
from opsconsole.ground.errors import ExitCode, OpsconsoleError
from opsconsole.ground.nouns import RunState
from opsconsole.ground.process import Completed, capture, own_python
from opsconsole.repos import worktrees
from opsconsole.runs import journal
from opsconsole.runs.folder import RunFolder
from opsconsole.runs.order import Order
from opsconsole.store import events, runs, steps
from opsconsole.store.connection import FILE_NAME, Store

INTAKE_S = 3600.0
ATTEMPTS = 2
INTAKE = "opsconsole.lifecycle.intake"
"""The program that takes a run in, by its name alone: it stands above us and imports us."""


def intake_command(root: Path) -> list[str]:
    """Return the command line that takes the runs of the workspace at ``root`` in; the run's number is appended."""
    return own_python(INTAKE, str(root))


def clear(folder: RunFolder, order: Order) -> None:
    """Take away what only the steps needed."""
    if folder.worktree.is_symlink():
        folder.worktree.unlink()  # a tree of the pool stays for the next run
    elif folder.worktree.exists():
        worktrees.remove(order.plan.repo_path, folder.worktree)
    worktrees.remove_tree(folder.temporary)


def take_in(folder: RunFolder, order: Order, intake: list[str]) -> bool:
    """Run the command ``intake`` with the run's number, once more when it fails, then write ``error``; False when the store would not take either.

    What is left live then has a free lock soon, and the next process that writes takes it up again.
    """
    answer = None
    for _ in range(ATTEMPTS):
        answer = _intake(folder, intake)
        said = (answer.stdout + answer.stderr).decode("utf-8", "replace").strip()
        good = answer.exit_code == 0 and not answer.timed_out
        if said or not good:
            note(folder, f"intake ended with {answer.exit_code}\n{said}")
        if good:
            return True
    assert answer is not None
    if answer.exit_code == ExitCode.STORE:
        return False
    lines = answer.stderr.decode("utf-8", "replace").strip().splitlines()
    reason = lines[-1][:400] if lines else f"exit {answer.exit_code}"
    return close_as(folder, order.run_id, RunState.ERROR, f"the results could not be taken in: {reason}", order)


def close_as(folder: RunFolder, run_id: int, state: RunState, error: str, order: Order | None = None) -> bool:
    """Write a final outcome without taking results in; False when the store does not take it.

    Steps end as the journal has them; without an ``order`` (a broken folder), what was at work is lost.
    """
    from opsconsole.runs.outcome import (
        final_steps,  # what it needs is the intake's; a run that ends well has no use for it
    )

    history = journal.read(folder.journal)
    try:
        with Store(folder.state / FILE_NAME) as store, store.immediate() as connection:
            if not runs.finish(
                connection,
                run_id,
                state,
                started_at=history.started_at,
                ended_at=history.ended_at or clock.now(),
                error=error,
                note=history.note,
                tests=None,
                seconds=history.seconds,
            ):
                return True
            if order is None:
                steps.close_open(connection, run_id)
            else:
                steps.put(connection, final_steps(order, history))
            events.record(connection, f"run.{state}", f"run {run_id}", detail={"error": error})
    except (OpsconsoleError, sqlite3.Error, OSError) as failure:
        note(folder, f"the outcome {state} was not written: {failure}")
        return False
    return True


def note(folder: RunFolder, text: str) -> None:
    """Put a line where the operator finds it when a run went wrong; a full disk loses it."""
    try:
        with folder.diary.open("a", encoding="utf-8") as diary:
            diary.write(f"{clock.to_text(clock.now())} {text}\n")
    except OSError:
        return


def _intake(folder: RunFolder, intake: list[str]) -> Completed:
    argv = [*intake, str(folder.run_id)]
    environment = os.environ | {"OPSCONSOLE_ORIGIN": "intake"}
    try:
        return capture(argv, cwd=folder.state.parent, env=environment, timeout=INTAKE_S)
    except OpsconsoleError as error:
        return Completed(tuple(argv), exit_code=127, stdout=b"", stderr=str(error).encode())
