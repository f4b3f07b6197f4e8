"""Filling a store from the records beside it: runs, versions, moves, scores. Existing rows stay as they are.

Of an empty store this makes all that can be known anew; of a copy from yesterday, what happened since. It never changes
what is served: where a link leads elsewhere than the records say, the link is believed, and that is on record.
"""

from __future__ import annotations

from opsconsole.config.workspace import Workspace
from opsconsole.lifecycle.recovery import refilling_models, refilling_runs
from opsconsole.lifecycle.recovery.refilled import Refilled
from opsconsole.store import events
from opsconsole.store.connection import Store


def refill(workspace: Workspace, store: Store) -> Refilled:
    """Write into a store that nobody else has open what is known beside it and it does not hold."""
    done = Refilled()
    with store.immediate() as connection:
        refilling_models.versions(workspace, connection, done)
        refilling_models.moves(workspace, connection, done)
        refilling_runs.runs(workspace, connection, done)
        refilling_runs.scores(workspace, connection, done)
        events.record_past(connection, done.past)
    return done
