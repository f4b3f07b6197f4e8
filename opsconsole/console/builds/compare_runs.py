"""``c`` on Builds: two runs side by side: what broke, was mended, came, went, grew slow."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from opsconsole.console.dialogs.sheet import SheetDialog
from opsconsole.console.widgets.rows import BLANK, Row, heading, note
from opsconsole.console.widgets.tones import Column, Tone, Toned
from opsconsole.core import text

WIDE = (Column(),)
TIMES = (Column(least=40), Column(width=9, right=True), Column(width=9, right=True))
SHOWN = 100
SECTIONS: tuple[tuple[str, str, Tone], ...] = (
    ("broken", "BROKEN", "bad"),
    ("mended", "MENDED", "good"),
    ("still_broken", "STILL BROKEN", "warn"),
    ("added", "NEW", "accent"),
    ("gone", "GONE", "dim"),
)


class RunsDialog(SheetDialog):
    """The tests of two runs, by what became of them."""

    use_case = "run.compare"
    waiting = "comparing …"

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.before, self.after = before, after

    def title_text(self) -> str:
        """Name the two."""
        return f" Runs #{self.before} and #{self.after} "

    def values(self) -> dict[str, object]:
        """Ask for the two."""
        return {"a": self.before, "b": self.after}

    def rows(self, data: dict[str, Any]) -> list[Row]:
        """Return each kind of change with its tests."""
        rows: list[Row] = []
        for key, title, tone in SECTIONS:
            names = data[key]
            if names:
                rows += [heading(title, len(names))]
                rows += [Row((key, name), (Toned(f" {name}", tone),), WIDE) for name in names[:SHOWN]]
                rows += [note(f"… and {len(names) - SHOWN:,} more")] if len(names) > SHOWN else []
                rows.append(BLANK)
        slower = data["slower"]
        if slower:
            head = (Toned("SLOWER", "strong"), Toned(f"#{self.before}", "dim"), Toned(f"#{self.after}", "dim"))
            rows.append(Row(None, head, TIMES))
            rows += [
                Row(
                    ("slower", item["id"]),
                    (f" {item['id']}", Toned(text.duration(item["before_s"]), "dim"), text.duration(item["after_s"])),
                    TIMES,
                )
                for item in slower[:SHOWN]
            ]
        return rows or [note("no test differs")]

    def open_row(self, key: Hashable) -> None:
        """Go to the run that the test is to be seen in: one that is gone or was mended, in the run before."""
        if isinstance(key, tuple):
            self.go_to("run", str(self.before if key[0] in {"mended", "gone"} else self.after))
