"""The list of rows: 1 M rows or ten, one cursor, selection kept by key, two rows repainted when the cursor moves."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from opsconsole.console.widgets.pages import (
    BLANK,
    FILTERED,
    Example,
    Page,
    Row,
    Rows,
    Window,
    filtered,
    heading,
    note,
    nothing_yet,
    sentences,
)
from opsconsole.console.widgets.row_view import BAR, LEFT, RowView
from opsconsole.console.widgets.tones import Toned, parts

__all__ = [
    "BAR", "BLANK", "LEFT", "Example", "Page", "Row", "RowList", "Rows", "Window", "heading", "note", "nothing_yet", "sentences",
]  # fmt: skip

REST = 0.15
"""Seconds after which a cursor that does not move rests: longer than a held key takes to repeat."""


class RowList(RowView):
    """A list the operator walks by keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home,g", "end(-1)", "first", show=False),
        Binding("end,G", "end(1)", "last", show=False),
        Binding("enter", "open", "open", show=False),
    ]

    @dataclass
    class Moved(Message):
        """The cursor rests on another row; bursts are one."""

        list: RowList
        key: Hashable

        def can_replace(self, message: Message) -> bool:
            """Only the last of a burst matters."""
            return isinstance(message, RowList.Moved) and message.list is self.list

        @property
        def control(self) -> RowList:
            """The list, for ``@on`` selectors."""
            return self.list

    @dataclass
    class Rested(Message):
        """The cursor has rested on a row: what belongs to it can be shown, without being sent for every row walked over."""

        list: RowList
        key: Hashable

        @property
        def control(self) -> RowList:
            """The list, for ``@on`` selectors."""
            return self.list

    @dataclass
    class Counted(Message):
        """How many rows there are to see, or are new above, is not what it was."""

        list: RowList

        @property
        def control(self) -> RowList:
            """The list, for ``@on`` selectors."""
            return self.list

    @dataclass
    class Opened(Message):
        """Enter was pressed on a row."""

        list: RowList
        key: Hashable

        @property
        def control(self) -> RowList:
            """The list, for ``@on`` selectors."""
            return self.list

    @dataclass
    class Begun(Message):
        """Enter was pressed on the example of an empty list."""

        example: Example

    def __init__(self, *, id: str | None = None, empty: str = "", sheet: bool = False) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, empty=empty)
        self._sheet = sheet
        """It is read from its top, wherever its first door is."""
        self._whole: Page = self._page
        self._resting: asyncio.TimerHandle | None = None
        self._news = 0

    @property
    def key(self) -> Hashable:
        """The key of the row under the cursor; None when the list is empty."""
        return self._key

    @property
    def words(self) -> str:
        """What the row under the cursor says, as one line of words; of an example what is to be pasted."""
        if isinstance(self._key, Example):
            return self._key.pasted
        at = self._page.index_of(self._key) if self._key is not None else None
        if at is None:
            return ""
        texts = ("".join(part.text for part in parts(cell)).strip() for cell in self._page.row(at).cells)
        return "  ".join(cell for cell in texts if cell)

    @property
    def marked(self) -> frozenset[Hashable]:
        """The keys that were marked."""
        return self._marked

    def show(self, page: Page, *, anew: bool = False) -> None:
        """Show other data: the cursor stays on its key, and its row where it is on the screen; ``anew`` begins at the top."""
        if anew:
            self._key = None
            self.set_reactive(RowList.cursor, -1)
            self.scroll_to(y=0, animate=False, immediate=True)
            self.refresh()
        if isinstance(page, Rows) and isinstance(self._whole, Rows) and page.rows == self._whole.rows:
            return
        self._whole = page
        self._show(page)

    def _show(self, whole: Page) -> None:
        before, place = self._seen(), self.cursor - self.scroll_offset.y
        top, cursor = self.scroll_offset.y, self.cursor
        page = self._page = filtered(whole, self._filter) if self._filter else whole
        self.resize_lines()
        index = page.index_of(self._key) if self._key is not None else None
        if index is None:
            self._place(self._nearest(min(max(self.cursor, 0), max(len(page) - 1, 0))), follow=not self._sheet)
        elif index != self.cursor:
            arrived = index - self.cursor
            self.set_reactive(RowList.cursor, index)
            self.scroll_to(y=max(index - place, 0), animate=False, immediate=True)
            if arrived > 0 and not self._filter and self.scroll_offset.y > top:
                self._count_news(self._news + arrived)
        hidden = (
            not self.size or not self.is_on_screen
        )  # no line of it can be told apart: what was painted is forgotten
        if hidden or (self.scroll_offset.y, self.cursor) != (top, cursor):
            self.refresh()
            return
        after = self._seen()
        for line in range(max(len(before), len(after))):
            if before[line : line + 1] != after[line : line + 1]:
                self.refresh_line(top + line)

    def _seen(self) -> list[Row]:
        """Return the rows that are on the screen now."""
        top = self.scroll_offset.y
        return [self._page.row(index) for index in range(top, min(top + self.page_height, len(self._page)))]

    @property
    def filtered(self) -> bool:
        """Whether a filter hides rows."""
        return bool(self._filter)

    @property
    def wanted(self) -> str:
        """What it is filtered by; empty when all is shown."""
        return self._filter

    def filter(self, wanted: str) -> int:
        """Show only rows that hold a text (``!`` first: that do not); return how many. Empty shows all."""
        self._filter = wanted.strip()
        self._show(self._whole)
        self._count_news(0)
        self.post_message(self.Counted(self))
        return self._selectable()

    @property
    def counts(self) -> tuple[Toned, ...]:
        """What a heading says beside the whole number: how many a filter leaves, how many are new above the first line."""
        stretches = (
            [Toned(f"   /{self._filter}: {self._selectable():,} shown, Esc clears", "warn")] if self._filter else []
        )
        return (*stretches, *([Toned(f"   +{self._news:,} new above", "accent")] if self._news else []))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Seen from the first line on, nothing is new any more."""
        super().watch_scroll_y(old_value, new_value)
        if round(new_value) == 0:
            self._count_news(0)

    def _selectable(self) -> int:
        return sum(self._page.row(index).selectable for index in range(min(len(self._page), FILTERED)))

    def _count_news(self, count: int) -> None:
        if count != self._news:
            self._news = count
            self.post_message(self.Counted(self))

    def forget_news(self) -> None:
        """Count nothing as new: the rows were only put in another order."""
        self._count_news(0)

    def select(self, key: Hashable) -> bool:
        """Put the cursor on a key; return whether it is there."""
        index = self._page.index_of(key)
        if index is None:
            return False
        self._place(index)
        return True

    def toggle_mark(self) -> None:
        """Mark the row under the cursor, or unmark it."""
        if self._key is not None:
            self._marked ^= {self._key}
            self.refresh_line(self.cursor)

    def clear_marks(self) -> None:
        """Unmark every row."""
        self._marked = frozenset()
        self.refresh()

    def action_move(self, step: int) -> None:
        """Go to the next row that can be selected; where none is near, scroll, so that every line can be read."""
        index = self._next(self.cursor + step, step) if self.cursor >= 0 and not self._ahead(step) else None
        if index is None or (abs(index - self.cursor) > 1 and not self._in_sight(index)):
            self.scroll_relative(y=step, animate=False, immediate=True)
        else:
            self._place(index)

    def action_page(self, step: int) -> None:
        """Go a page up or down."""
        size = self.page_height - 1
        target = min(max(self.cursor + step * size, 0), max(len(self._page) - 1, 0))
        index = self._nearest(target) if self.cursor >= 0 and not self._ahead(step) else None
        if index is None or abs(index - target) > 1:
            self.scroll_relative(y=step * size, animate=False, immediate=True)
        else:
            self._place(index)

    def action_end(self, step: int) -> None:
        """Go to the first or the last row, and to the first or the last line."""
        last = max(len(self._page) - 1, 0)
        self._place(self._nearest(0 if step < 0 else last))
        self.scroll_to(y=0 if step < 0 else last, animate=False, immediate=True)

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if self._key is not None:
            if self._resting is not None:
                self._rest()
            self.post_message(self.Begun(self._key) if isinstance(self._key, Example) else self.Opened(self, self._key))

    def on_resize(self) -> None:
        """Lay the columns out anew."""
        self._layouts.clear()
        self.resize_lines()
        if self.cursor >= 0 and not self._sheet:
            self.call_after_refresh(self._show_with_heading, self.cursor)

    def on_click(self, event: object) -> None:
        """Select the row that was clicked."""
        y = getattr(event, "y", None)
        if y is not None:
            index = self.scroll_offset.y + int(y)
            if index < len(self._page) and self._page.row(index).selectable:
                self._place(index)

    def _place(self, index: int | None, *, follow: bool = True) -> None:
        key = self._page.row(index).key if index is not None and index < len(self._page) else None
        self.cursor = index if index is not None else -1
        if index is not None and follow:
            self._show_with_heading(index)
        if key != self._key:
            self._key = key
            self.post_message(self.Moved(self, key))
            self._rest_later()

    def _rest_later(self) -> None:
        """Begin to wait for the cursor to rest; on the loop itself, because a timer of Textual wakes the whole app."""
        if self._resting is not None:
            self._resting.cancel()
        self._resting = asyncio.get_running_loop().call_later(REST, self._rest)

    def _rest(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        if self.is_attached:
            self.post_message(self.Rested(self, self._key))

    def _show_with_heading(self, index: int) -> None:
        """Scroll to a row; the first that can be selected brings what stands above it, as far as there is room."""
        if index < self.page_height and self._next(index - 1, -1) is None:
            self.scroll_to(y=0, animate=False, immediate=True)
        else:
            self.show_line(index)

    def _ahead(self, step: int) -> bool:
        """Whether the cursor lies out of sight in this direction: then one reads on until it comes."""
        return not self._in_sight(self.cursor) and (self.cursor > self.scroll_offset.y) == (step > 0)

    def _nearest(self, index: int) -> int | None:
        below = self._next(index, 1)
        return below if below is not None else self._next(index, -1)

    def _next(self, index: int, step: int) -> int | None:
        while 0 <= index < len(self._page):
            if self._page.row(index).selectable:
                return index
            index += step
        return None
