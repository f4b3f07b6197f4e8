"""How a log is drawn: its rows with gutter, times, lit matches and a bar, each in exactly its cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip

from opsconsole.console.logs.heading import heading_of
from opsconsole.console.logs.opened import OpenLog
from opsconsole.console.logs.page import Page, Shown
from opsconsole.console.logs.reading.times import WIDTH, clock_time, elapsed
from opsconsole.console.logs.seeking import Seeking
from opsconsole.console.widgets.lines import LineView
from opsconsole.console.widgets.tones import Toned
from opsconsole.core import text
from opsconsole.core.text import Sgr

TimesShown: TypeAlias = Literal["", "clock", "elapsed"]
"""No times, the time of day, or the time since the step began."""
_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


class LogPane(LineView):
    """A log that is open, as it is seen."""

    follow: var[bool] = var(default=True, init=False)

    @dataclass
    class Changed(Message):
        """What the heading says changed: lines, place, search."""

        view: LogPane

        def can_replace(self, message: Message) -> bool:
            """One is enough."""
            return isinstance(message, LogPane.Changed)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.opened: OpenLog | None = None
        self.page: Page | None = None
        self.seeking: Seeking | None = None
        self.times: TimesShown = ""
        self.wrap = False
        self._began: int | None = None
        self._on_screen: list[Shown] | None = None
        self._seen = False

    def repaint(self) -> None:
        """Draw the page anew; the line to the terminal carries only cells that differ."""
        self._on_screen = None
        self.refresh()
        self.post_message(self.Changed(self))

    def set_wrap(self, wrap: bool) -> None:  # noqa: FBT001 - a switch
        """Wrap long lines, or not; the line at the top stays there."""
        self.wrap = wrap
        if self.page is not None:
            self.page.wrap, self.page.left, self.page.number = wrap, 0, 0
            self.page.forget()
            self._stay_at_end()
        self.repaint()

    def set_times(self, times: TimesShown) -> None:
        """Show times beside the lines: ``clock``, ``elapsed``, or none."""
        self.times = times
        if self.opened is not None:
            self.opened.times.look()
        self._lay_out()
        self.repaint()

    def heading(self) -> list[Toned]:
        """Return what is known of the log in a line: lines, place, following, matches, and how it is shown."""
        if self.opened is None or self.page is None or self.seeking is None:
            return []
        parts = heading_of(self.opened, self.page, self.seeking)
        parts += [Toned("   wrap", "dim")] if self.wrap else []
        return parts + ([Toned(f"   {self.times}", "dim")] if self.times else [])

    def on_resize(self) -> None:
        """Keep the end in sight while following, else the line at hand."""
        self._lay_out()
        self.repaint()

    def _stay_at_end(self) -> None:
        if self.page is not None and (self.follow or self.page.at_end):
            self.page.to_end()

    def _lay_out(self) -> None:
        """Take the widget's size; what matters stays in sight: the end while following, else the line at hand."""
        page, seeking = self.page, self.seeking
        if page is None or seeking is None:
            return
        at_end = self.follow or page.at_end
        held = seeking.current if seeking.current is not None and page.row_of(seeking.current) is not None else None
        size = self.scrollable_content_region.size
        taken = 2 + (WIDTH + 1 if self.times else 0)
        page.resize(max(size.width - taken, 2), max(size.height, 1))
        if self.follow or (at_end and held is None):
            page.to_end()
        elif held is not None and page.row_of(held) is None:
            page.show(held, page.height // 3)

    def show_focus(self) -> None:
        """Repaint the row that bears the bar, and the heading."""
        super().show_focus()
        self.refresh(Region(0, self._bar_row(), self.size.width, 1))

    def _bar_row(self) -> int:
        """Return the row of the screen that bears the bar while the log has the focus: the line gone to, else the first."""
        current = self.seeking.current if self.seeking is not None else None
        return next(
            (y for y, shown in enumerate(self.rows()) if current is not None and shown.spot.start == current), 0
        )

    def rows(self) -> list[Shown]:
        """Return what is on the screen, row by row."""
        if self._on_screen is None:
            self._on_screen = self.page.shown() if self.page is not None else []
        return self._on_screen

    def render_line(self, y: int) -> Strip:
        """Draw one row of the screen."""
        region = self.scrollable_content_region
        rows = self.rows()
        if region.width <= 2 or y >= len(rows):
            return Strip([Segment(" " * max(region.width - 1, 0), self.rich_style), *self._bar(y)])
        return self._draw(rows[y], y, region.width)

    def _draw(self, shown: Shown, y: int, width: int) -> Strip:
        base = self.rich_style
        tones = self.tones(base)
        if not shown.spot.line:
            rule = ("– " * width)[: width - 2]
            return Strip([Segment(" ", base), Segment(rule, tones["faint"]), *self._bar(y)])
        chosen = self.seeking is not None and self.seeking.current == shown.spot.start
        if chosen:
            base += self.get_component_rich_style("line--cursor", partial=True)
        gutter = base + self.get_component_rich_style("line--gutter", partial=True)
        drawn = [
            Segment("▌", gutter) if self.lit and y == self._bar_row() else Segment("▏" if chosen else " ", tones["dim"])
        ]
        if self.times:
            drawn.append(Segment(f"{self._time(shown)} ", base + Style(color=tones["dim"].color)))
        lit = self.get_component_rich_style("line--match", partial=True)
        drawn += [
            Segment(piece.text, base + _style(piece.style) + (lit if piece.lit else Style.null()))
            for piece in shown.row.pieces
        ]
        return Strip([*Strip(drawn).crop_extend(0, width - 1, base), *self._bar(y)])

    def _time(self, shown: Shown) -> str:
        if self.opened is None or shown.number:
            return " " * WIDTH
        moment = self.opened.times.at(shown.spot.start)
        if self.times == "clock":
            return clock_time(moment)
        return elapsed(moment, self._began if self._began is not None else self.opened.times.began)

    def _bar(self, y: int) -> list[Segment]:
        """Return the cell of the bar that shows which part of the file is seen."""
        first, last = self._thumb()
        styles = self.tones(self.rich_style)
        return [Segment("┃" if first <= y < last else " ", styles["faint"])]

    def _thumb(self) -> tuple[int, int]:
        rows = self.rows()
        size = self.opened.file.size if self.opened is not None else 0
        if not rows or not size or self.opened is None:
            return 0, 0
        start, stop = rows[0].spot.start, self.opened.file.line(rows[-1].spot.start).stop
        if stop - start >= size:
            return 0, 0
        height = self.page_height
        length = max(round((stop - start) / size * height), 1)
        free = max(size - (stop - start), 1)
        first = min(round(start / free * (height - length)), height - length)
        return first, first + length

    def copy_text(self) -> str:
        """Return the line that was gone to or clicked, when it is in sight; else what is in sight."""
        page, seeking = self.page, self.seeking
        if page is None or seeking is None or self.opened is None:
            return ""
        if seeking.current is not None and page.row_of(seeking.current) is not None:
            return "".join(span.text for span in text.styled(self.opened.file.line(seeking.current).raw)[0])
        starts = dict.fromkeys(shown.spot for shown in self.rows())
        return "\n".join(
            "".join(span.text for span in text.styled(self.opened.file.line(spot.start).raw)[0]) if spot.line else "--"
            for spot in starts
        )


@lru_cache(maxsize=512)
def _style(sgr: Sgr) -> Style:
    if sgr == text.PLAIN:
        return Style.null()
    return Style(
        color=_colour(sgr.foreground),
        bgcolor=_colour(sgr.background),
        bold=sgr.bold or None,
        dim=sgr.dim or None,
        italic=sgr.italic or None,
        underline=sgr.underline or None,
        reverse=sgr.reverse or None,
    )


def _colour(value: int | str | None) -> str | None:
    if isinstance(value, int):
        return _COLOURS[value] if value < 8 else f"bright_{_COLOURS[value - 8]}" if value < 16 else f"color({value})"
    return value
