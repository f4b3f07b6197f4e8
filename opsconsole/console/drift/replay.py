"""``R``: the alerts that a monitor's settings would have raised on its reference, and the false alarms to expect."""

from __future__ import annotations

from typing import Any, ClassVar

from opsconsole.console.dialogs.sheet import SheetDialog
from opsconsole.console.widgets.marks import SEVERITY_MARKS
from opsconsole.console.widgets.rows import BLANK, Row, heading, sentences
from opsconsole.console.widgets.tones import Column, Toned
from opsconsole.core import text
from opsconsole.core.nouns import Severity

WINDOWS = (Column(width=10), Column(width=26), Column(least=20))


class ReplayDialog(SheetDialog):
    """The settings, before they are let loose."""

    use_case = "drift.replay"
    waiting: ClassVar[str] = "drawing two thousand chunks in which nothing drifted …"

    def __init__(self, monitor: str) -> None:
        super().__init__()
        self.monitor = monitor

    def title_text(self) -> str:
        """Name it."""
        return f" {self.monitor}: how often would it cry wolf? "

    def values(self) -> dict[str, object]:
        """Ask for the monitor."""
        return {"monitor": self.monitor}

    def rows(self, data: dict[str, Any]) -> list[Row]:
        """Return the answer in words, then the windows that would have told something."""
        *before, verdict = data["words"]
        rows = [row for sentence in before for row in sentences(sentence, self.room)]
        rows += sentences(verdict, self.room, "good" if data["bearable"] else "bad")
        alerts = data["would_alert"]
        if alerts:
            rows += [BLANK, heading("WOULD HAVE TOLD", len(alerts))]
        for one in alerts:
            mark = SEVERITY_MARKS[Severity(one["severity"])]
            what = ["performance"] if one["performance"] else []
            columns = text.clean(", ".join([*what, *one["columns"]]))
            rows.append(
                Row(None, ((mark, Toned(f" {one['severity']}", mark.tone)), text.clean(one["label"]), columns), WINDOWS)
            )
        return rows
