"""How a list is drawn: the one bar, the marks, the marked heading, the cells in their columns; two rows for a moved cursor."""

from __future__ import annotations

from collections.abc import Hashable

from rich.segment import Segment
from rich.style import Style
from textual.reactive import var
from textual.strip import Strip

from opsconsole.console.widgets.lines import FOCUSED, LineView
from opsconsole.console.widgets.pages import Page, Row, Rows
from opsconsole.console.widgets.tones import GAP, Column, Toned, fit, parts, segments, widths

BAR = "▌"
"""At the edge of the one row that keys go to."""
LEFT = "▏"
"""At the edge of the row under the cursor of a list that does not have the focus."""


class RowView(LineView):
    """Rows with a cursor, as they are seen."""

    cursor: var[int] = var(-1, init=False)

    def __init__(self, *, id: str | None = None, empty: str = "") -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._page: Page = Rows(())
        self._filter = ""
        self._empty = empty
        self._key: Hashable = None
        self._marked: frozenset[Hashable] = frozenset()
        self._layouts: dict[tuple[tuple[Column, ...], int], list[int]] = {}

    @property
    def counts(self) -> tuple[Toned, ...]:
        """What a heading says beside the whole number."""
        return ()

    def line_count(self) -> int:
        """Return how many lines there are; an empty list has one that says what to press."""
        return len(self._page) or 1

    def draw(self, index: int, width: int) -> Strip:
        """Draw one row: the gutter, then the cells in their columns."""
        if not len(self._page):
            tones = self.tones(self.rich_style)
            mark = Toned(BAR, "accent") if self.lit and self._empty else Toned(" ")
            return Strip(segments([mark, *fit(Toned(self._empty, "dim"), width - 1)], tones))
        row = self._page.row(index)
        chosen = index == self.cursor and row.selectable
        lit = self.lit
        base = self.rich_style
        if chosen and lit:
            base += self.get_component_rich_style("line--cursor", partial=True)
        styles = self.tones(base)
        if chosen and lit and self.app.current_theme.ansi:
            styles = {
                **styles,
                "dim": styles["text"],
                "faint": styles["text"],
            }  # of sixteen colours none is dim on a bar
        stretches: list[Toned] = []
        cells = row.cells
        if row.heads and self._filter and index == self._head_at(self.cursor):
            cells = ((*parts(cells[0]), *self.counts), *cells[1:])
        for cell, column, size in zip(cells, row.columns, self._widths(row.columns, width - 1), strict=True):
            if size:
                if stretches:
                    stretches.append(Toned(" " * GAP))
                stretches.extend(fit(cell, size, right=column.right))
        if row.heads and lit and self.title_line is None:
            styles = {**styles, "strong": styles["accent"] + Style(bold=True)}
        return Strip([self._gutter(index, row, base, chosen=chosen), *segments(stretches, styles)]).adjust_cell_length(
            width, base
        )

    def show_focus(self) -> None:
        """Repaint the cursor's row and the headings in sight: all of them are of the pane, one is marked."""
        super().show_focus()
        top = self.scroll_offset.y
        shown = range(top, min(top + self.page_height, len(self._page)))
        heads = {index for index in shown if self.title_line is None and self._page.row(index).heads}
        self._refresh_lines({self._bar_at(), self.cursor, *heads})

    def watch_cursor(self, before: int, after: int) -> None:
        """Repaint the two rows that changed, and the heading that was left and come to."""
        heads: set[int | None] = {self._head_at(before), self._head_at(after)}
        self._refresh_lines({before, after} if len(heads) == 1 else {before, after, *heads})

    def _refresh_lines(self, places: set[int | None]) -> None:
        for place in places:
            if place is not None:
                self.refresh_line(place)

    def _in_sight(self, index: int) -> bool:
        return 0 <= index - self.scroll_offset.y < self.page_height

    def _widths(self, columns: tuple[Column, ...], width: int) -> list[int]:
        known = self._layouts.get((columns, width))
        if known is None:
            known = self._layouts[columns, width] = widths(columns, width)
        return known

    def _gutter(self, index: int, row: Row, base: Style, *, chosen: bool) -> Segment:
        accent = base + self.get_component_rich_style("line--gutter", partial=True)
        if self.lit and index == self._bar_at():
            return Segment(BAR, accent)
        if row.key is not None and row.key in self._marked:
            return Segment("•", accent)
        if self.lit and row.heads and index == self._head_at(self.cursor):
            return Segment(FOCUSED, accent + Style(bold=True))
        return Segment(LEFT, self.tones(base)["dim"]) if chosen and self.can_focus else Segment(" ", accent)

    def _bar_at(self) -> int:
        """Return the one line that bears the bar while the list has the focus: the cursor's, else the first to read."""
        if self.cursor >= 0 and self._in_sight(self.cursor):
            return self.cursor
        top = self.scroll_offset.y
        return top + 1 if top + 1 < len(self._page) and self._page.row(top).heads else top

    def _head_at(self, index: int) -> int | None:
        """Return where the section's heading stands; a list with a heading of its own marks that alone."""
        return self._page.head_of(index) if self.title_line is None else None
