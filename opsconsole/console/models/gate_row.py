"""A gate as one line: its verdict as a glyph, its name, its evidence in words; and the predictions that change sides."""

from __future__ import annotations

from opsconsole.console.widgets.rows import Row
from opsconsole.console.widgets.tones import EVIDENCE, Toned
from opsconsole.core.nouns import GateOutcome
from opsconsole.registry.gates.gate import Gate
from opsconsole.store.judgements import Changes

MARKS = {
    GateOutcome.PASS: Toned("✓", "good"),
    GateOutcome.WARN: Toned("△", "warn"),
    GateOutcome.INCONCLUSIVE: Toned("≈", "warn"),
    GateOutcome.FAIL: Toned("✗", "bad"),
    GateOutcome.SKIP: Toned("–", "dim"),
}


def gate_row(gate: Gate) -> Row:
    """Return one gate."""
    detail = Toned(gate.detail, "bad" if gate.outcome.blocks else "dim")
    return Row(None, (MARKS[gate.outcome], str(gate.name), detail), EVIDENCE)


def changes_words(changes: Changes) -> tuple[Toned, ...]:
    """Return how many predictions change sides, and to which."""
    return (
        Toned(f"{changes.changed:,} of {changes.rows:,} predictions change sides: "),
        Toned(f"{changes.to_right:,} to right", "good"),
        Toned(", "),
        Toned(f"{changes.to_wrong:,} to wrong", "bad"),
    )
