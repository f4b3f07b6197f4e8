"""Repair at the start of every read-write process: finish what a dead process left undone."""

from __future__ import annotations

from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import OpsconsoleError
from opsconsole.registry.promotion.links import sync_links
from opsconsole.registry.versions.ledger import record
from opsconsole.runs.execute.recover import recover
from opsconsole.store.connection import Store
from opsconsole.store.recovery import copies


def settle(workspace: Workspace, store: Store) -> list[OpsconsoleError]:
    """Recover dead runs, make links say what their rows say, write the records and the copy of the day that lack.

    Cheap when all is well.

    Returns what could not be repaired: it is reported, and the store is opened all the same.
    """
    recover(workspace, store)
    copied = copies.settle_daily(store, workspace.config.workspace.backups, most=copies.SMALL)
    return [*sync_links(workspace, store), *record(workspace, store), *copied]
