"""``P``: what a run would do, why, and what is missing on this machine."""

from __future__ import annotations

import textwrap
from typing import Any

from opsconsole.console.dialogs.sheet import SheetDialog
from opsconsole.console.widgets.rows import BLANK, Row, heading, note
from opsconsole.console.widgets.tones import Column, Tone, Toned

WRAPPED = 56
"""Cells of a line of words, so that it is whole at 80 columns, too."""
STEPS = (Column(width=22), Column(width=30, drop=1), Column(least=24))
LINES = (Column(width=11), Column(least=30))
WIDE = (Column(),)


class PlanDialog(SheetDialog):
    """The plan of a pipeline at what is checked out."""

    use_case = "run.plan"
    waiting = "planning …"

    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = target

    def title_text(self) -> str:
        """Name it."""
        return f" Plan of {self.target} "

    def values(self) -> dict[str, object]:
        """Ask for the pipeline."""
        return {"target": self.target}

    def rows(self, data: dict[str, Any]) -> list[Row]:
        """Return steps with what they wait for, services, and what is missing."""
        rows = [
            Row(None, (Toned("because", "dim"), data["reason"]), LINES),
            Row(None, (Toned("commit", "dim"), Toned(data["commit"][:12], "champion")), LINES),
            Row(None, (Toned("python", "dim"), Toned(data["interpreter_reason"], "dim")), LINES),
        ]
        if data["secrets"]:
            rows.append(Row(None, (Toned("secrets", "dim"), ", ".join(data["secrets"])), LINES))
        rows += [
            Row(None, (Toned("" if number else "sandbox", "dim"), Toned(line, "dim")), LINES)
            for number, line in enumerate(textwrap.wrap(data["sandbox"]["words"], WRAPPED))
        ]
        rows += [
            Row(None, (Toned("no secrets" if number == 0 else "", "warn"), Toned(line, "warn")), LINES)
            for number, line in enumerate(data["asks"])
        ]
        rows += [Row(None, (Toned("missing", "bad"), Toned(item, "bad")), LINES) for item in data["missing"]]
        rows += [BLANK, heading("STEPS", len(data["steps"]), Toned(f"   {data['parallel']} at once", "dim"))]
        rows += [row for step in data["steps"] for row in _step_rows(step)]
        if data["services"]:
            rows += [BLANK, heading("SERVICES", len(data["services"]))]
            rows += [Row(None, (Toned(item["name"], "strong"), item["run"]), LINES) for item in data["services"]]
        if not data["steps"]:
            rows.append(note("no steps"))
        return rows


def _step_rows(step: dict[str, Any]) -> list[Row]:
    marks = [
        f"after {', '.join(step['needs'])}" if step["needs"] else "",
        "always" if step["always"] else "",
        f"{step['retries'] + 1} tries" if step["retries"] else "",
        f"with {', '.join(step['services'])}" if step["services"] else "",
        "kept" if step["cache"] else "",
        "on condition" if step["if"] else "",
    ]
    first, *rest = step["run"].splitlines() or [""]
    marked = "; ".join(mark for mark in marks if mark)
    tone: Tone = "faint" if step["skip"] else "text"
    name: Tone = "faint" if step["skip"] else "strong"
    rows = [Row(None, (Toned(step["name"], name), Toned(marked, "dim"), Toned(first, tone)), STEPS)]
    rows += [Row(None, ("", "", Toned(line, "dim")), STEPS) for line in rest]
    if step["skip"]:
        rows.append(Row(None, ("", "", Toned(f"left out: {step['skip']}", "warn")), STEPS))
    return rows
