"""Both are judged on the same rows, which neither was trained on, with scores that can be believed."""

from __future__ import annotations

from opsconsole.registry.gates.case import Case
from opsconsole.registry.gates.gate import Evidence, Gate


class SameRowsEvidence(Evidence, frozen=True):
    """The rows, and what is on record of the champion's scores on them."""

    rows: int | None = None
    digest: str | None = None
    on_record: int | None = None
    """Rows whose scores stand elsewhere too."""
    disagree: int | None = None
    """How many of these have another score there."""
    overlap: int | None = None
    """Rows that a contender was trained on."""


def evaluate(case: Case) -> Gate:
    """Say whether there are rows to judge on, and whether they may be."""
    return case.same_rows
