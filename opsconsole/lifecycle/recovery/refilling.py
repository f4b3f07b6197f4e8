"""A store filled with what is known beside it: runs, versions, moves, scores. What it holds already stays as it is.

Of an empty store this makes all that can be known anew; of a copy from yesterday, what happened since. It never changes
what is served: where a link leads elsewhere than the records say, the link is believed, and that is on record.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from opsconsole.config.workspace import Workspace
from opsconsole.lifecycle.recovery import refilling_models, refilling_runs
from opsconsole.store import events
from opsconsole.store.connection import Store
from opsconsole.store.events import PastEvent


@dataclass
class Refilled:
    """What was written anew, and what could not be known."""

    runs: int = 0
    versions: int = 0
    moves: int = 0
    scores: int = 0
    """Files of production scores."""
    repos: list[str] = field(default_factory=list)
    """Repos that must be trusted again."""
    unknown: list[str] = field(default_factory=list)
    past: list[PastEvent] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """Return it as the command line prints it."""
        return {
            "runs": self.runs,
            "versions": self.versions,
            "moves": self.moves,
            "scores": self.scores,
            "repos": self.repos,
            "unknown": self.unknown,
        }


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
