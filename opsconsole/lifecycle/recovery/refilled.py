"""The result of rebuilding a store."""

from __future__ import annotations

from dataclasses import dataclass, field

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
