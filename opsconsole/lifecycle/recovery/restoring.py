"""Restoring a lost or damaged store: from a copy, or rebuilt from run and model folders."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from opsconsole.config.workspace import Workspace
from opsconsole.core import faults
from opsconsole.core.belonging import make_ours
from opsconsole.core.errors import ConfirmationError, ConflictError, StoreError
from opsconsole.lifecycle.recovery.refilled import Refilled
from opsconsole.lifecycle.recovery.refilling import refill
from opsconsole.lifecycle.usecases import command
from opsconsole.registry.versions.ledger import MARK
from opsconsole.runs.execute.slots import is_live
from opsconsole.store import events
from opsconsole.store.beside import FILE_NAME, run_numbers
from opsconsole.store.connection import Store
from opsconsole.store.recovery import replacing

NEVER_KNOWN = (
    "alerts, drift checks, baselines, labels that came later and gate judgements are in no file: drift check makes checks anew",
    "of the audit trail, what runs, versions and moves tell was written anew; the rest of it is gone",
    "runs whose folders retention took away are gone, and so are pins",
)
"""What no file beside the store holds."""
PATIENCE_S = 5.0
"""How long a run that is being taken in is waited for."""


@dataclass(frozen=True)
class Restored:
    """A store that stands in its place again."""

    store: Path
    aside: Path | None
    """Where the one that was there is now."""
    refilled: Refilled


def restore(workspace: Workspace, source: Path) -> Restored:
    """Put a copy of the store in its place, with what happened since and left files; the old one is kept aside.

    StoreError for a copy that is damaged or none of ours, ConflictError while the store is in use or a run is alive.
    Killed at any point, the store is the old one or the new one, whole.
    """
    replacing.require_other(source, workspace.state)
    return _replaced(workspace, source)


def rebuild(workspace: Workspace, *, asked: bool = False) -> Restored:
    """Make the store anew from journals, records, manifests and moves; ConfirmationError where a sound one stands.

    What no file holds is reported: see ``NEVER_KNOWN``.
    """
    if not asked and replacing.is_sound(workspace.state):
        raise ConfirmationError(
            f"{workspace.state / FILE_NAME} is sound: made anew, it would know less",
            hint="opsconsole store rebuild --yes does it all the same, and keeps this one aside",
        )
    return _replaced(workspace, None)


def _replaced(workspace: Workspace, source: Path | None) -> Restored:
    make_ours(workspace.state)
    try:
        with replacing.prepared(workspace.state) as place:
            _require_still(workspace)
            if source is not None:
                replacing.take_copy(source, place)
            store = Store(place / FILE_NAME)
            try:
                refilled = refill(workspace, store)
                if source is None:
                    refilled.unknown[:0] = NEVER_KNOWN
                _tell(store, source, refilled)
            finally:
                replacing.fold(store)
            (workspace.state / MARK).unlink(missing_ok=True)
            aside = replacing.put_in_place(workspace.state, place)
    except OSError as error:
        raise faults.explained(error) or StoreError(
            f"{error.filename or workspace.state}: {error.strerror}", hint="nothing was changed"
        ) from error
    return Restored(workspace.state / FILE_NAME, aside, refilled)


def _require_still(workspace: Workspace) -> None:
    """Refuse while a run is alive: what it writes would go to the store that is taken away."""
    alive = _alive(workspace)
    deadline = time.monotonic() + PATIENCE_S
    while alive and time.monotonic() < deadline:
        time.sleep(0.05)
        alive = _alive(workspace)
    if alive:
        raise ConflictError(
            f"run {', '.join(map(str, alive[:5]))} is alive",
            hint="let it end, or end its processes; nothing was changed",
        )


def _alive(workspace: Workspace) -> list[int]:
    return [number for number in sorted(set(run_numbers(workspace.state))) if is_live(workspace.state, number)]


def _tell(store: Store, source: Path | None, refilled: Refilled) -> None:
    detail = refilled.as_json() | {"unknown": refilled.unknown[:100]}
    with store.durable() as connection:
        if source is None:
            events.record(connection, "store.rebuilt", "store", command=command("store.rebuild"), detail=detail)
        else:
            line = command("store.restore", file=str(source))
            events.record(connection, "store.restored", "store", command=line, detail={**detail, "from": str(source)})
