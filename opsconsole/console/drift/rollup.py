"""``+``: a monitor's chunks summed to weeks, months, quarters or years."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from opsconsole.config import metrics
from opsconsole.console.dialogs.sheet import SheetDialog
from opsconsole.console.widgets.rows import BLANK, Row, heading, note, sentences
from opsconsole.console.widgets.tones import Cell, Column, Toned
from opsconsole.core import text
from opsconsole.core.nouns import SUMMED_TO, version_name

NAMED = 3


class RollupDialog(SheetDialog):
    """The sums, oldest first; two keys make them longer and shorter."""

    use_case = "drift.sums"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus", "step(1)", "longer", show=False),
        Binding("minus", "step(-1)", "shorter", show=False),
    ]
    waiting: ClassVar[str] = "summing …"

    def __init__(self, monitor: str) -> None:
        super().__init__()
        self.monitor = monitor
        self.unit = "quarter"

    def title_text(self) -> str:
        """Name it."""
        return f" {self.monitor}: its chunks summed "

    def values(self) -> dict[str, object]:
        """Ask for the monitor."""
        return {"monitor": self.monitor, "per": self.unit}

    def action_step(self, by: int) -> None:
        """Sum to the next longer unit, or the next shorter."""
        place = SUMMED_TO.index(self.unit) + by
        if 0 <= place < len(SUMMED_TO):
            self.unit = SUMMED_TO[place]
            self.ask()

    def open_row(self, key: Hashable) -> None:  # noqa: ARG002 - the unit is that of all
        """Look closer: sum to the next shorter unit."""
        self.action_step(-1)

    def rows(self, data: dict[str, Any]) -> list[Row]:
        """Return the sums."""
        sums = data["sums"]
        metric = data["metric"] or next((name for one in sums for name in one["metrics"]), "")
        columns = (
            Column("", width=8),
            Column("", width=4),
            Column("chunks", width=6, right=True),
            Column("rows", width=10, right=True),
            Column("labels", width=6, right=True, drop=2),
            Column(metrics.short(metric), width=max(len(metrics.short(metric)), 6), right=True),
            Column("expected", width=8, right=True, drop=1),
            Column("moved", least=11),
        )
        head = tuple(Toned(column.title, "dim") for column in columns)
        rows = [heading(f"PER {data['per'].upper()}", len(sums)), Row(None, head, columns)]
        rows += [
            Row((data["per"], f"{one['label']} {version_name(one['version'])}"), _cells(one, metric), columns)
            for one in sums
        ]
        rows += [note(text.clean(one)) for one in data["notes"]]
        if any(one["estimated"] is not None and not one["trusted"] for one in sums):
            rows += [
                BLANK,
                *sentences("× expected without labels, and disproved by those that came", self.room, "warn"),
            ]
        return [
            *rows,
            BLANK,
            *sentences("+ longer   - or Enter shorter   summed from what is stored", self.room, "dim"),
        ]


def _cells(one: dict[str, Any], metric: str) -> tuple[Cell, ...]:
    moved = [text.clean(name, limit=24) for name in one["drifted"]]
    more = f" and {len(moved) - NAMED} more" if len(moved) > NAMED else ""
    estimated = one["estimated"]
    return (
        Toned(text.clean(one["label"]), "strong"),
        Toned(version_name(one["version"]), "dim"),
        text.count(one["chunks"]),
        text.count(one["rows"]),
        Toned(text.percent(one["labels"] / one["rows"] if one["rows"] else None), "dim"),
        text.decimals(one["metrics"].get(metric)),
        Toned("–", "dim")
        if estimated is None
        else (Toned("" if one["trusted"] else "× ", "warn"), Toned(text.decimals(estimated["value"]), "dim")),
        Toned(", ".join(moved[:NAMED]) + more or "–", "warn" if moved else "dim"),
    )
