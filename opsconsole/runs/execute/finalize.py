"""The end of a run: the checkout is removed, and one fresh process takes the results in; the run always ends.

Used by the supervisor, by the keeper when the supervisor died, and by recovery when both did. Standard library only.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from opsconsole.core import clock
from opsconsole.core.errors import ExitCode, OpsconsoleError
from opsconsole.core.nouns import RunState
from opsconsole.core.process import Completed, capture, own_python
from opsconsole.repos import worktrees
from opsconsole.runs.record import journal
from opsconsole.runs.record.folder import RunFolder
from opsconsole.runs.record.spec import RunSpec
from opsconsole.store import events, runs, steps
from opsconsole.store.connection import FILE_NAME, Store

INTAKE_S = 3600.0
TESTS_ALONE = "--tests-alone"
"""Asks the intake for what no taker can spoil, with the reason why as the next word."""
INTAKE = "opsconsole.lifecycle.intake.intake"
"""The program that takes a run in, by its name alone: it stands above us and imports us."""


def intake_command(root: Path) -> list[str]:
    """Return the command line that takes the runs of the workspace at ``root`` in; the run's number is appended."""
    return own_python(INTAKE, str(root))


def clear(folder: RunFolder, order: RunSpec) -> None:
    """Take away what only the steps needed."""
    if folder.worktree.is_symlink():
        folder.worktree.unlink()  # a tree of the pool stays for the next run
    elif folder.worktree.exists():
        worktrees.remove(order.plan.repo_path, folder.worktree)
    worktrees.remove_tree(folder.temporary)


def take_in(folder: RunFolder, order: RunSpec, intake: list[str], lock: int) -> bool:
    """Run the command ``intake`` with the run's number, once more when it fails, then for the tests alone.

    It holds the run's ``lock`` as we do, so that nobody takes the run up beside it when we die. Where not even the
    tests can be taken in, ``error`` is written; False when the store would not take that: what is left live then has a
    free lock soon, and the next process that writes takes it up again.
    """
    answer = _intake(folder, intake, lock)
    if not _good(answer) and not answer.timed_out:
        answer = _intake(folder, intake, lock)
    if _good(answer):
        return True
    if answer.exit_code == ExitCode.STORE:
        return False
    error = f"the results could not be taken in: {_reason(answer)}"
    if _good(_intake(folder, intake, lock, TESTS_ALONE, error)):
        return True
    return close_as(folder, order.run_id, RunState.ERROR, error, order)


def _good(answer: Completed) -> bool:
    return answer.exit_code == 0 and not answer.timed_out


def _reason(answer: Completed) -> str:
    """Return in words why an intake failed."""
    if answer.timed_out:
        return f"it took longer than {INTAKE_S / 60:.0f} minutes"
    lines = answer.stderr.decode("utf-8", "replace").strip().splitlines()
    if lines:
        return lines[-1][:400]
    code = answer.exit_code
    return f"signal {-code}" if code < 0 else f"exit {code}"


def close_as(folder: RunFolder, run_id: int, state: RunState, error: str, order: RunSpec | None = None) -> bool:
    """Write a final outcome without taking results in; False when the store does not take it.

    Steps end as the journal has them; without an ``order`` (a broken folder), what was at work is lost.
    """
    from opsconsole.runs.execute.outcome import final_steps
    from opsconsole.runs.record import run_row  # a run that ends well has no use for these: they are the intake's

    history = journal.read(folder.journal)
    try:
        with Store(folder.state / FILE_NAME) as store:
            with store.immediate() as connection:
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
            run_row.follow(store, folder)
    except (OpsconsoleError, sqlite3.Error, OSError) as failure:
        note(folder, f"the outcome {state} was not written: {failure}")
        return False
    return True


def note(folder: RunFolder, text: str) -> None:
    """Put a line where the operator finds it when a run went wrong; a full disk loses it."""
    try:
        descriptor = os.open(folder.diary, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace") as diary:
            diary.write(f"{clock.to_text(clock.now())} {text}\n")
    except OSError:
        return


def _intake(folder: RunFolder, intake: list[str], lock: int, *more: str) -> Completed:
    argv = [*intake, str(folder.run_id), *more]
    environment = os.environ | {"OPSCONSOLE_ORIGIN": "intake"}
    try:
        answer = capture(argv, cwd=folder.state.parent, env=environment, timeout=INTAKE_S, pass_fds=(lock,))
    except OpsconsoleError as error:
        answer = Completed(tuple(argv), exit_code=127, stdout=b"", stderr=str(error).encode())
    output = (answer.stdout + answer.stderr).decode("utf-8", "replace").strip()
    if output or not _good(answer):
        note(folder, f"intake ended with {answer.exit_code}\n{output}")
    return answer
