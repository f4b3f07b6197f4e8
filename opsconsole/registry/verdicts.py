"""What a gate says: its verdict, one sentence, and the evidence in numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from opsconsole.ground.nouns import GateOutcome


@dataclass(frozen=True)
class Gate:
    """One gate's verdict."""

    name: str
    outcome: GateOutcome
    detail: str
    evidence: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as the promotion keeps it."""
        return {"name": self.name, "outcome": str(self.outcome), "detail": self.detail, "evidence": self.evidence}


@dataclass(frozen=True)
class TestsAtCommit:
    """What is known of the tests at a version's commit; told by whoever knows the runs."""

    __test__ = False

    run_id: int | None = None
    passed: int = 0
    failed: int = 0
