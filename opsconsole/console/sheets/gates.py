"""A gate as one line: its verdict as a glyph, its name, its evidence in words; in the dialog and in the detail pane."""

from __future__ import annotations

from typing import Any

from opsconsole.console.widgets.rows import Row
from opsconsole.console.widgets.tones import Column, Toned

MARKS: dict[str, Toned] = {
    "pass": Toned("✓", "good"),
    "warn": Toned("△", "warn"),
    "inconclusive": Toned("≈", "warn"),
    "fail": Toned("✗", "bad"),
    "skip": Toned("–", "dim"),
}
GATES = (Column(width=1), Column(width=12), Column(least=20))


def gate_row(gate: dict[str, Any]) -> Row:
    """Return one gate, as it is stored with a judgement or printed by the CLI."""
    blocks = gate["outcome"] in {"fail", "inconclusive"}
    return Row(None, (MARKS[gate["outcome"]], gate["name"], Toned(gate["detail"], "bad" if blocks else "dim")), GATES)
