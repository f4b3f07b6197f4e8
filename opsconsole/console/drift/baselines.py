"""``b``: what a monitor compares with, and what it compared with before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from opsconsole.console.dialogs.sheet import SheetDialog
from opsconsole.console.widgets.rows import BLANK, Row, heading, note, sentences
from opsconsole.console.widgets.tones import Column, Toned
from opsconsole.core import clock, text

COLUMNS = (
    Column("", width=8),
    Column("rows", width=9, right=True),
    Column("reference", least=24),
    Column("performance", width=12, right=True, drop=2),
    Column("why", least=12, drop=1),
    Column("by", width=10, drop=3),
    Column("", width=7, right=True),
)


class BaselinesDialog(SheetDialog):
    """All references of the version that holds the alias, the newest first."""

    use_case = "drift.baseline"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("B", "rebaseline", "rebaseline", show=False)]
    waiting: ClassVar[str] = "reading …"

    def __init__(self, monitor: str, rebaseline: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self.monitor = monitor
        self._rebaseline = rebaseline

    def title_text(self) -> str:
        """Name it."""
        return f" {self.monitor}: what it compares with "

    def values(self) -> dict[str, object]:
        """Ask for the monitor."""
        return {"monitor": self.monitor}

    def rows(self, data: dict[str, Any]) -> list[Row]:
        """Return the baselines."""
        baselines = list(reversed(data["baselines"]))
        if not baselines:
            return [note("no baseline yet: c checks, and makes it")]
        now = clock.now()
        rows = [
            heading("BASELINES", len(baselines)),
            Row(None, tuple(Toned(column.title, "dim") for column in COLUMNS), COLUMNS),
        ]
        for one in baselines:
            holds = bool(one["holds"])
            realised = one["realised"]
            rows.append(
                Row(
                    ("baseline", str(one["revision"])),
                    (
                        Toned("✓ holds" if holds else "", "good"),
                        text.count(one["rows"]),
                        Toned(text.clean(one["origin"]), "text" if holds else "dim"),
                        "" if realised is None else text.decimals(realised["value"]),
                        Toned(text.clean(one["reason"] or ""), "dim"),
                        Toned(text.clean(one["actor"] or ""), "dim"),
                        Toned(text.age(datetime.fromisoformat(one["made_at"]), now), "dim"),
                    ),
                    COLUMNS,
                )
            )
        hint = "B takes other rows as the reference, or takes that back; each with a reason"
        return [*rows, BLANK, *sentences(hint, self.room, "dim")]

    def open_row(self, key: Hashable) -> None:  # noqa: ARG002 - they all have one answer
        """A baseline is taken, or taken back, with a reason."""
        self.run_worker(self.action_rebaseline(), exit_on_error=False, group="rebaseline", name="rebaseline")

    async def action_rebaseline(self) -> None:
        """Leave, and take other rows as the reference."""
        self.dismiss(None)
        await self._rebaseline()
