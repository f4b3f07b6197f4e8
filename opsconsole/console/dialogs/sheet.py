"""A dialog that asks the CLI twin and shows its answer as one scrolled sheet."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from opsconsole.console.dialogs.base import Dialog
from opsconsole.console.widgets.rows import Row, RowList, Rows, note


class SheetDialog(Dialog):
    """A subclass names the question and makes the rows of the answer."""

    use_case: ClassVar[str]
    waiting: ClassVar[str] = "asking …"

    def body(self) -> ComposeResult:
        """One scrolled sheet."""
        yield RowList(id="sheet", empty=self.waiting)

    def values(self) -> dict[str, object]:
        """Return what the question needs."""
        raise NotImplementedError

    def rows(self, data: Any) -> list[Row]:
        """Return the answer as rows."""
        raise NotImplementedError

    def open_row(self, key: Hashable) -> None:
        """Follow the row under the cursor; a sheet whose rows lead nowhere has none to select."""

    @on(RowList.Opened)
    def row_opened(self, message: RowList.Opened) -> None:
        """Enter goes on from a row."""
        self.open_row(message.key)

    def on_mount(self) -> None:
        """Ask."""
        super().on_mount()
        self.query_one(RowList).focus()
        self.ask()

    def ask(self) -> None:
        """Ask, and show the answer when it comes."""
        self.run_worker(self._ask(), exit_on_error=False, exclusive=True, group="sheet", name=self.use_case)

    @property
    def room(self) -> int:
        """How many cells a sentence may take in the frame."""
        return max(min(self.app.size.width - 12, 94), 40)

    async def _ask(self) -> None:
        answer = await self.console.ask(self.use_case, **self.values())
        listing = self.query_one(RowList)
        if answer.problem:
            listing.show(Rows([note(f"{answer.problem}  {answer.hint}".strip())]))
        else:
            listing.show(Rows(self.rows(answer.data)))
