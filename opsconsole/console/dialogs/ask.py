"""A question before an act that the command line asks about, too: what it said, then ``y`` goes on and Esc does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from opsconsole.console.dialogs.base import Dialog
from opsconsole.console.widgets.rows import BLANK, Row, RowList, Rows, note
from opsconsole.console.widgets.tones import Column, Toned
from opsconsole.core import text

WIDE = (Column(),)


class AskDialog(Dialog):
    """Nothing has the focus that a stray Enter could press."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "go_on", "go on", show=False)]

    def __init__(self, title: str, asks: tuple[str, ...], hint: str, then: Callable[[], object]) -> None:
        super().__init__()
        self.title_words = title
        self.asks, self.hint = asks, hint
        self.then = then

    def title_text(self) -> str:
        """Name it."""
        return f" {self.title_words} "

    def body(self) -> ComposeResult:
        """Leave room for what is asked."""
        yield RowList(id="asked")

    def on_mount(self) -> None:
        """Show what is asked, a line for each thing."""
        super().on_mount()
        rows: list[Row] = [
            Row(number, (Toned(text.clean(line), "warn" if number == 0 else "text"),), WIDE)
            for number, line in enumerate(self.asks)
        ]
        rows += [BLANK, note(text.clean(self.hint)), note("y goes on   Esc leaves it")]
        listing = self.query_one(RowList)
        listing.show(Rows(rows))
        listing.focus()

    def on_row_list_opened(self) -> None:
        """A stray Enter does nothing but say what would."""
        self.console.say("y goes on, Esc leaves it", "warn")

    def action_go_on(self) -> None:
        """Do it."""
        self.dismiss(None)
        self.then()
