"""``X``: the columns by which a chunk's rows differ most from the reference's."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, ClassVar

from opsconsole.console.dialogs.sheet import SheetDialog
from opsconsole.console.widgets.rows import BLANK, Row, heading, sentences
from opsconsole.console.widgets.tones import Column, Toned
from opsconsole.core import text

COLUMNS = (
    Column("column", least=20),
    Column("AUC it is worth", width=16, right=True),
    Column("AUC alone", width=10, right=True),
    Column(width=22, drop=1),
)
BAR = 20


class ExplainDialog(SheetDialog):
    """What a classifier found that tried to tell them apart."""

    use_case = "drift.explain"
    waiting: ClassVar[str] = "reading rows of both sides, and learning to tell them apart …"

    def __init__(self, monitor: str, chunk: str | None) -> None:
        super().__init__()
        self.monitor, self.chunk = monitor, chunk

    def title_text(self) -> str:
        """Name it."""
        return f" {self.monitor}: what is different{f' in {self.chunk}' if self.chunk else ''} "

    def values(self) -> dict[str, object]:
        """Ask for the chunk at hand."""
        return {"monitor": self.monitor, "chunk": self.chunk}

    def rows(self, data: dict[str, Any]) -> list[Row]:
        """Return the answer in words, then the columns."""
        caption = (
            f"   AUC {text.decimals(data['auc'])} (CI {text.decimals(data['low'])}–{text.decimals(data['high'])}),"
            f" {data['rows_reference']:,} reference rows, {data['rows_current']:,} of {text.clean(data['chunk'])}"
        )
        rows = [row for sentence in data["words"] for row in sentences(sentence, self.room, "strong")]
        rows += [BLANK, heading("COLUMNS", len(data["columns"]), Toned(caption, "dim"))]
        rows.append(Row(None, tuple(Toned(column.title, "dim") for column in COLUMNS), COLUMNS))
        for one in data["columns"]:
            filled = round(max(one["alone"] - 0.5, 0.0) * 2 * BAR)
            rows.append(
                Row(
                    ("column", one["name"]),
                    (
                        text.clean(one["name"], limit=40),
                        text.decimals(one["importance"]),
                        text.decimals(one["alone"]),
                        Toned("█" * filled + "░" * (BAR - filled), "accent" if one["alone"] >= 0.65 else "dim"),
                    ),
                    COLUMNS,
                )
            )
        return rows

    def open_row(self, key: Hashable) -> None:
        """Leave for the column's numbers and distributions in the evidence."""
        if isinstance(key, tuple):
            self.go_to("column", str(key[1]))
