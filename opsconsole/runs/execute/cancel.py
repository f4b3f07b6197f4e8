"""Cancelling a run: its supervisor is asked once to end everything, and the second time to do it at once."""

from __future__ import annotations

import shlex
import signal
import time

from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import ConflictError, NotFoundError
from opsconsole.core.process import Identity, alive, send
from opsconsole.runs.execute.recover import recover
from opsconsole.runs.execute.slots import is_live
from opsconsole.runs.record import journal
from opsconsole.runs.record.folder import run_folder
from opsconsole.store import events, runs
from opsconsole.store.connection import Store
from opsconsole.store.runs import RunRecord

BIRTH_S = 10.0
"""How long a run that was only just started may take to name its supervisor."""


def cancel(
    workspace: Workspace, store: Store, run_id: int, *, reason: str | None = None, actor: str | None = None
) -> RunRecord:
    """Ask a run to end; return it as it stands right after (``runs.execute.follow.wait`` sees it to its end).

    TERM, five seconds of grace, KILL; cancelled again, KILL at once. NotFoundError for an unknown run, ConflictError for
    one that is over. A run that nobody keeps alive any more is recovered instead.
    """
    record = runs.get(store, run_id)
    if record is None:
        raise NotFoundError(f"there is no run {run_id}", hint="opsconsole runs lists them")
    if record.state.final:
        raise ConflictError(f"run {run_id} is over: {record.state}", hint=f"opsconsole show {run_id} says more")
    who = _supervisor_of(workspace, run_id)
    if who is not None:
        with store.immediate() as connection:
            events.record(
                connection,
                "run.cancel_asked",
                f"run {run_id}",
                reason=reason,
                command=shlex.join(["opsconsole", "cancel", str(run_id), *(["--reason", reason] if reason else [])]),
                actor=actor,
            )
        send(who, signal.SIGTERM)
    elif not is_live(workspace.state, run_id):
        recover(workspace, store)
    return runs.get(store, run_id) or record


def supervisor(workspace: Workspace, run_id: int) -> tuple[int | None, bool]:
    """Return the number of a run's supervisor, and whether the run is kept alive."""
    who = journal.read(run_folder(workspace.state, run_id).journal).supervisor
    return (None if who is None else who.pid), is_live(workspace.state, run_id)


def _supervisor_of(workspace: Workspace, run_id: int) -> Identity | None:
    """Return a live run's supervisor, waiting for one that is just being born; None when the run is dead or ending."""
    deadline = time.monotonic() + BIRTH_S
    while True:
        history = journal.read(run_folder(workspace.state, run_id).journal)
        if history.supervisor is not None:
            return history.supervisor if alive(history.supervisor) else None
        if not is_live(workspace.state, run_id) or time.monotonic() > deadline:
            return None
        time.sleep(0.02)
