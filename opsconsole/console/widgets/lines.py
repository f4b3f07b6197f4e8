"""The base of the two line widgets: rows drawn on demand, tones from the theme, only what changed is repainted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.geometry import Size
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from opsconsole.console.widgets.tones import TONES, Cell, Column, Tone, Toned, fit, parts, segments, widths

FOCUSED = "▸"
"""Before the heading of the pane that has the focus."""


@lru_cache(maxsize=64)
def _styles(colours: tuple[str, ...], background: Style) -> Mapping[Tone, Style]:
    """Return the styles of the tones, in their order, on a background."""
    return {
        tone: background + Style(color=Color.parse(colour).rich_color, bold=True if tone == "strong" else None)
        for tone, colour in zip(TONES, colours, strict=True)
    }


class Toning:
    """Turns tones into styles by the theme's own variables; mixed into the widgets that draw toned text.

    As component classes they would be nine nodes more for each widget to style, a good part of the time to the first frame.
    """

    def tones(self: Widget, background: Style) -> Mapping[Tone, Style]:  # type: ignore[misc]
        """Return the styles of all tones on a background."""
        known = self.app.theme_variables
        return _styles(tuple(known["tone-text" if tone == "strong" else f"tone-{tone}"] for tone in TONES), background)


class OneLine(Widget, Toning):
    """A single row of toned text: the tab bar, a heading, the footer."""

    DEFAULT_CSS = "OneLine { height: 1; width: 1fr; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._cells: list[tuple[Column, Cell]] = []

    def show(self, *cells: tuple[Column, Cell]) -> None:
        """Show cells in their columns; nothing is sent when nothing changed."""
        if list(cells) != self._cells:
            self._cells = list(cells)
            self.refresh()

    def say(self, *stretches: Toned) -> None:
        """Show one run of text."""
        self.show((Column(), stretches))

    @property
    def plain(self) -> str:
        """What it says, without tones."""
        return "  ".join("".join(part.text for part in parts(cell)) for _, cell in self._cells)

    def render_line(self, y: int) -> Strip:
        """Draw the row."""
        width = self.size.width
        if y > 0 or not self._cells:
            return Strip.blank(width, self.rich_style)
        styles = self.tones(self.rich_style)
        columns = [column for column, _ in self._cells]
        stretches: list[Toned] = []
        for (column, cell), size in zip(self._cells, widths(columns, width), strict=True):
            if size:
                if stretches:
                    stretches.append(Toned("  "))
                stretches.extend(fit(cell, size, right=column.right))
        return Strip(segments(stretches, styles)).adjust_cell_length(width, self.rich_style)


class PaneTitle(OneLine):
    """The heading of a pane, marked while the pane has the focus: by a sign, by colour and by weight."""

    def __init__(self, *, id: str, of: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._of = of
        self._lit = False

    def on_mount(self) -> None:
        """Let the pane know its heading."""
        pane = self.parent.query_one(f"#{self._of}", LineView) if isinstance(self.parent, Widget) else None
        if pane is not None:
            pane.title_line = self
            self.light(lit=pane.lit)

    def light(self, *, lit: bool) -> None:
        """Show whether the pane has the focus."""
        if lit != self._lit:
            self._lit = lit
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the mark, then the row."""
        row = super().render_line(y).crop(0, max(self.size.width - 1, 0))
        tones = self.tones(self.rich_style)
        if not self._lit:
            return Strip([Segment(" ", self.rich_style), *row])
        strong, accent = tones["strong"], tones["accent"] + Style(bold=True)
        return Strip(
            [Segment(FOCUSED, accent), *(part if part.style != strong else Segment(part.text, accent) for part in row)]
        )


class Rule(PaneTitle):
    """A quiet line from edge to edge; it names the pane below it while that has the focus."""

    def __init__(self, name: str, *, id: str, of: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, of=of)
        self._name = name

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is one row
        """Draw it."""
        width = self.size.width
        tones = self.tones(self.rich_style)
        named = f"{FOCUSED}{self._name} "[:width] if self._lit else ""
        return Strip(
            [Segment(named, tones["accent"] + Style(bold=True)), Segment("─" * (width - len(named)), tones["faint"])]
        )


class LineView(ScrollView, Toning):
    """A scrolled sequence of lines that are made only when they are seen."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"line--cursor", "line--match", "line--gutter"}
    DEFAULT_CSS = """
    LineView {
        height: 1fr; width: 1fr;
        overflow-x: hidden; overflow-y: auto;
        scrollbar-size-vertical: 1;
        scrollbar-color: $tone-faint; scrollbar-background: $background; scrollbar-color-hover: $tone-faint;
        scrollbar-background-hover: $background; scrollbar-color-active: $tone-dim; scrollbar-background-active: $background;
    }
    LineView .line--cursor { background: $tone-selected; }
    LineView .line--gutter { color: $tone-accent; }
    LineView .line--match { background: $tone-match; color: $tone-text; }
    """
    can_focus = True
    title_line: PaneTitle | None = None
    """Its heading, where that is a row of its own."""

    @property
    def lit(self) -> bool:
        """Whether it is what keys go to: it has the focus, and nothing lies over its screen."""
        return self.has_focus and self.screen.is_active

    def watch_has_focus(self, has_focus: bool) -> None:  # noqa: FBT001 - Textual's signature
        """Show whether it has the focus."""
        super().watch_has_focus(has_focus)
        self.show_focus()

    def show_focus(self) -> None:
        """Repaint what tells of the focus, and nothing else."""
        if self.title_line is not None:
            self.title_line.light(lit=self.lit)

    def line_count(self) -> int:
        """Return how many lines there are."""
        raise NotImplementedError

    def draw(self, index: int, width: int) -> Strip:
        """Return one line, exactly ``width`` cells."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        """Draw the line at a row of the widget."""
        width = self.scrollable_content_region.width
        index = self.scroll_offset.y + y
        if index >= self.line_count() or width <= 0:
            return Strip.blank(max(width, 0), self.rich_style)
        return self.draw(index, width)

    def resize_lines(self) -> None:
        """Tell the scroll bar how many lines there are now.

        Assigning ``virtual_size`` lays the whole screen out and sends all of it again (24 kB); that is only needed where
        the widget's own height follows its lines.
        """
        size = Size(0, self.line_count())
        if size == self.virtual_size:
            return
        height = self.styles.height
        if height is not None and height.is_auto:
            self.virtual_size = size
            self.refresh(layout=True)
        else:
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)

    @property
    def page_height(self) -> int:
        """How many lines are seen at once."""
        return max(self.scrollable_content_region.height, 1)

    def show_line(self, index: int) -> None:
        """Scroll no further than is needed to see a line."""
        top = self.scroll_offset.y
        if index < top:
            self.scroll_to(y=index, animate=False, immediate=True)
        elif index >= top + self.page_height:
            self.scroll_to(y=index - self.page_height + 1, animate=False, immediate=True)


def show_focus_of(screen: Screen[Any]) -> None:
    """Repaint what tells of the focus of a screen, because another was laid over it or taken away."""
    if isinstance(screen.focused, LineView):
        screen.focused.show_focus()
