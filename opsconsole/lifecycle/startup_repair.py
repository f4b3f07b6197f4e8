"""What every read-write process does first: put right what a dead one left behind."""

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

    Returns what could not be put right: it is told, and keeps nobody from looking.
    """
    recover(workspace, store)
    copied = copies.settle_daily(store, workspace.config.workspace.backups, most=copies.SMALL)
    return [*sync_links(workspace, store), *record(workspace, store), *copied]
