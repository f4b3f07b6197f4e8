"""What a check found: kept with its chunk, and as the evidence of an alert. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from opsconsole.core.nouns import Severity


@dataclass(frozen=True)
class Finding:
    """One thing that a check found, in words and numbers."""

    kind: str
    """``performance``, ``score``, ``input``, ``rates``, ``schema`` or ``note``."""
    severity: Severity
    text: str
    column: str | None = None
    psi: float | None = None
    outside: float | None = None
    missing: float | None = None
    unseen: float | None = None
    stale: bool = False
    """It says that no row has come for longer than is allowed, which is so of the newest chunk only."""
