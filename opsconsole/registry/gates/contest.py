"""The rows that two versions are judged on, with what each scored there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsconsole.core.nouns import ModelTask
from opsconsole.store.evaluations import Evaluation

if TYPE_CHECKING:
    from opsconsole.registry.evidence.scored import Reading, Scored  # numpy: the console reads the evidence alone


@dataclass(frozen=True)
class Contest:
    """The rows that two versions scored, side by side, in one order."""

    reading: Reading
    evaluation: Evaluation
    """The challenger's."""
    challenger: Scored
    champion: Scored | None
    champions: Evaluation | None = None
    """The champion's, on the same rows."""
    doubt: str = ""
    """Why its scores are not to be believed; empty when nothing speaks against them."""

    @property
    def task(self) -> ModelTask:
        """What the two predict."""
        return self.reading.task
