"""What a step runner is handed, and how a step ended: the first in memory, the second as JSON over a pipe and in the journal.

Standard library only.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from opsconsole.core.nouns import StepState
from opsconsole.runs.record.folder import RunFolder
from opsconsole.runs.record.secrets import HandedSecret
from opsconsole.runs.record.spec import PlannedStep


@dataclass(frozen=True)
class StepOrder:
    """One step to see to its end."""

    step: PlannedStep
    folder: RunFolder
    memory: str
    """By what name the step is remembered from run to run."""
    environment: dict[str, str]
    secrets: tuple[HandedSecret, ...] = ()
    """Where the secrets lie that it names: read by its runner alone, passed to the step, masked in its output."""
    writable: tuple[str, ...] | None = None
    """Folders and files that it may write; None: whatever the operator may."""
    seconds: float | None = None
    """What is left of the whole run's time."""
    log_limit: int | None = None
    service: bool = False
    """It is to run until it is asked to end."""
    log_name: str = ""
    """The log's name where it is not the step's."""


@dataclass(frozen=True)
class StepEnd:
    """How a step ended."""

    state: StepState
    exit_code: int | None = None
    note: str | None = None
    tries: int = 1
    seconds: float | None = None
    """By a clock that does not jump."""
    cpu_s: float | None = None
    peak_bytes: int | None = None
    """The most memory it held: of its control group, else of its largest process."""

    def facts(self) -> dict[str, Any]:
        """Return what the journal keeps."""
        return asdict(self)

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> StepEnd:
        """Read what ``facts`` gave."""
        return cls(**facts | {"state": StepState(facts["state"])})
