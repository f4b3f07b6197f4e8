"""What every read-write process does first: put right what a dead one left behind."""

from __future__ import annotations

from opsconsole.config.workspace import Workspace
from opsconsole.ground.errors import OpsconsoleError
from opsconsole.registry.links import sync_links
from opsconsole.runs.recover import recover
from opsconsole.store.connection import Store


def settle(workspace: Workspace, store: Store) -> list[OpsconsoleError]:
    """Recover runs whose supervisor died, and make every link say what its row says; cheap when all is well.

    Returns what could not be put right: it is told, and keeps nobody from looking.
    """
    recover(workspace, store)
    return [*sync_links(workspace, store)]
