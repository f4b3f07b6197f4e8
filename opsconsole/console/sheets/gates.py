"""A gate as one line: its verdict as a glyph, its name, its evidence in words; in the dialog and in the detail pane."""

from __future__ import annotations

from opsconsole.console.widgets.rows import Row
from opsconsole.console.widgets.tones import Column, Toned
from opsconsole.ground.nouns import GateOutcome
from opsconsole.registry.gates.gate import Gate

MARKS = {
    GateOutcome.PASS: Toned("✓", "good"),
    GateOutcome.WARN: Toned("△", "warn"),
    GateOutcome.INCONCLUSIVE: Toned("≈", "warn"),
    GateOutcome.FAIL: Toned("✗", "bad"),
    GateOutcome.SKIP: Toned("–", "dim"),
}
GATES = (Column(width=1), Column(width=12), Column(least=20))


def gate_row(gate: Gate) -> Row:
    """Return one gate."""
    detail = Toned(gate.detail, "bad" if gate.outcome.blocks else "dim")
    return Row(None, (MARKS[gate.outcome], str(gate.name), detail), GATES)
