"""The log view: opens a file of any size on its end, follows it, and goes where it is sent, drawing only what is seen."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip

from opsconsole.console.logs.file import Change
from opsconsole.console.logs.heading import told
from opsconsole.console.logs.opened import OpenLog
from opsconsole.console.logs.page import Page, Shown
from opsconsole.console.logs.query import Sought, TooSlowError, at_most
from opsconsole.console.logs.seeking import Seeking
from opsconsole.console.logs.times import WIDTH, clock_time, elapsed
from opsconsole.console.widgets.lines import LineView
from opsconsole.console.widgets.tones import Toned
from opsconsole.ground import text
from opsconsole.ground.text import Sgr

REPAINTS = 2.0 if os.environ.get("SSH_CONNECTION") else 4.0
"""Repaints a second at most, fewer over SSH."""
QUIET_S = 1.0
"""Between two looks at a log that has not grown for a while."""
SIDLE = 16
"""Cells that one press moves sidewards."""
_SLOW_S = 0.25
_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


class LogView(LineView):
    """A log file, live."""

    DEFAULT_CSS = "LogView { overflow-y: hidden; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "rows(-1)", "up", show=False),
        Binding("down,j", "rows(1)", "down", show=False),
        Binding("pageup", "pages(-1)", "page up", show=False),
        Binding("pagedown,space", "pages(1)", "page down", show=False),
        Binding("home,g", "top", "first line", show=False),
        Binding("end,G", "end", "last line", show=False),
        Binding("left,h", "sidle(-1)", "left", show=False),
        Binding("right,l", "sidle(1)", "right", show=False),
    ]

    follow: var[bool] = var(default=True, init=False)

    @dataclass
    class Changed(Message):
        """What the heading says changed: lines, place, search."""

        view: LogView

        def can_replace(self, message: Message) -> bool:
            """One is enough."""
            return isinstance(message, LogView.Changed)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.opened: OpenLog | None = None
        self.page: Page | None = None
        self.seeking: Seeking | None = None
        self.times = ""
        """``clock``, ``elapsed``, or empty: no times."""
        self.wrap = False
        self._began: int | None = None
        self._on_screen: list[Shown] | None = None
        self._quiet = 0
        self._seen = False
        self._news = False
        self._alarm: asyncio.TimerHandle | None = None

    # the file

    def show_file(self, path: Path | None, *, at_error: bool = False, began_ms: int | None = None) -> None:
        """Show another file: from its end, or from the first line that tells of a failure.

        ``began_ms`` is when the step began, in milliseconds since 1970; without it the first known time counts.
        """
        if self.path == path:
            return
        self._let_go()
        self._began = began_ms
        if path is not None:
            log = self.opened = OpenLog(path, self._more_is_known)
            log.look()
            self.page = Page(log.file)
            self.page.wrap = self.wrap
            self.seeking = Seeking(log, self.page)
            log.times.look()
            self._lay_out()
            self.page.to_end()
            if at_error:
                self.seeking.open_at_error()
        held = self.seeking is not None and (self.seeking.waits or self.seeking.current is not None)
        self.set_reactive(LogView.follow, not (at_error and held))
        self._quiet = 0
        self._look_later()
        self.repaint()

    @property
    def path(self) -> Path | None:
        """The file that is shown."""
        return self.opened.file.path if self.opened else None

    def line_count(self) -> int:
        """Return how many lines there are, as far as is known."""
        return self.opened.lines if self.opened else 0

    def on_unmount(self) -> None:
        """Let go of files and children."""
        self._let_go()

    def _let_go(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self.opened is not None:
            self.opened.close()
        self.opened = self.page = self.seeking = None

    # looking

    def on_show(self) -> None:
        """Look at the file again."""
        self._seen = True
        self._quiet = 0
        self._look_later(0.0)

    def on_hide(self) -> None:
        """A hidden log costs nothing."""
        self._seen = False

    def _look_later(self, seconds: float | None = None) -> None:
        """Look again in a while; on the loop itself, because a timer of Textual wakes the whole app."""
        if self._alarm is not None:
            self._alarm.cancel()
        if self.opened is None or not self.is_attached:
            self._alarm = None
            return
        wait = seconds if seconds is not None else 1 / REPAINTS if self._quiet < 5 * REPAINTS else QUIET_S
        self._alarm = asyncio.get_running_loop().call_later(wait, self._tick)

    def _tick(self) -> None:
        self._alarm = None
        if self.opened is None or not self._seen:
            return
        self.look()
        self._look_later()

    def look(self) -> None:
        """Take notice of what happened to the file, and of what is known by now; paint only what changed."""
        log, page = self.opened, self.page
        if log is None or page is None or self.seeking is None:
            return
        change = log.look()
        news = (bool(self.times) and log.times.look()) or self._news
        if change is Change.NOTHING and not news:
            self._quiet += 1
            return
        self._quiet, self._news = 0, False
        if change is Change.REPLACED:
            page.forget()
            self.seeking.replaced()
            if not self.follow:
                self._keep_place()
        if self.seeking.settle():
            self._stop_following()
        if self.follow or page.anchor is None:
            page.to_end()
        self.repaint()

    def _keep_place(self) -> None:
        """Stay where we were in a file that was replaced, as far as it reaches."""
        if self.page is not None and self.page.anchor is not None:
            self.page.show(self.page.anchor.start, 0)

    def _more_is_known(self) -> None:
        self._news = True
        self._quiet = 0
        if self._alarm is not None and self._alarm.when() - asyncio.get_running_loop().time() > 1 / REPAINTS:
            self._look_later()
        if self.seeking is not None and self.seeking.waits and self._seen:
            self.look()

    # moving

    def action_rows(self, rows: int) -> None:
        """Move by rows; following ends, and begins again at the end."""
        page = self.page
        if page is None:
            return
        page.scroll(rows)
        self._moved(following=rows > 0 and page.at_end)

    def action_pages(self, pages: int) -> None:
        """Move by pages; two rows stay in sight."""
        self.action_rows(pages * max(self.page_height - 2, 1))

    def action_top(self) -> None:
        """Go to the first line."""
        if self.page is not None:
            self.page.to_top()
            self._moved(following=False)

    def action_end(self) -> None:
        """Go to the last line and follow."""
        self._moved(following=True)

    def action_sidle(self, step: int) -> None:
        """Move sidewards."""
        if self.page is not None and not self.wrap:
            self.page.sidle(step * SIDLE)
            self.repaint()

    def go_to(self, offset: int) -> None:
        """Go to the line at an offset."""
        if self.page is not None and self.seeking is not None:
            self.seeking.mark(offset)
            self.page.show(offset, self.page_height // 3)
            self._moved(following=False)

    def search(self, wanted: str, *, upwards: bool | None = None) -> str | None:
        """Search for a regular expression from what is in sight; return what is wrong with it, or None. Empty ends it."""
        if self.seeking is None:
            return "there is no log here"
        problem = self.seeking.begin(wanted, upwards=self.follow if upwards is None else upwards)
        self._sought()
        return problem

    def go(self, sought: Sought, step: int) -> str:
        """Go to the next (1) or the previous (-1) match, error or section; return what to say."""
        if self.seeking is None:
            return "there is no log here"
        said = self.seeking.go(sought, step)
        self._sought()
        return said

    def escape(self) -> bool:
        """Stop a search that runs, else leave the filter, else the search; return whether there was one."""
        left = self.seeking is not None and self.seeking.escape()
        if left:
            self.repaint()
        return left

    @property
    def search_state(self) -> tuple[int, int] | None:
        """Return which match is at hand (from 1; 0: none yet) and how many there are; None without a search."""
        seeking = self.seeking
        if seeking is None or seeking.search is None:
            return None
        at = seeking.search.number(seeking.current) if seeking.current is not None else None
        return at or 0, len(seeking.search.marks)

    def _sought(self) -> None:
        """Show where a search went; following ends there."""
        if self.seeking is not None and self.seeking.current is not None:
            self._stop_following()
        self.repaint()

    def _stop_following(self) -> None:
        self.set_reactive(LogView.follow, False)  # noqa: FBT003 - Textual's signature

    def watch_follow(self, follow: bool) -> None:  # noqa: FBT001 - Textual's signature
        """Jump to the end when following begins."""
        if follow and self.page is not None:
            self.page.to_end()
        self.repaint()

    def _moved(self, *, following: bool) -> None:
        if self.seeking is not None:
            self.seeking.moved()
        if following != self.follow:
            self.follow = following
        elif following and self.page is not None:
            self.page.to_end()
        self.repaint()

    # drawing

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

    def set_times(self, times: str) -> None:
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
        said = told(self.opened, self.page, self.seeking)
        said += [Toned("   wrap", "dim")] if self.wrap else []
        return said + ([Toned(f"   {self.times}", "dim")] if self.times else [])

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

    def rows(self) -> list[Shown]:
        """Return what is on the screen, row by row."""
        if self._on_screen is None:
            self._on_screen = self._shown()
        return self._on_screen

    def _shown(self) -> list[Shown]:
        page = self.page
        if page is None:
            return []
        try:
            with at_most(_SLOW_S):
                return page.shown()
        except TooSlowError:  # lighting the matches is what took so long
            page.pattern = None
            page.forget()
            return page.shown()

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
        drawn = [Segment("▌" if chosen else " ", gutter)]
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

    # the mouse

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move down."""
        event.stop()
        self.action_rows(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move up."""
        event.stop()
        self.action_rows(-3)

    def on_click(self, event: events.Click) -> None:
        """Choose the line that was clicked; on the bar, go to that part of the file."""
        rows = self.rows()
        if self.opened is None or self.seeking is None or self.page is None:
            return
        if event.x >= self.scrollable_content_region.width - 1:
            self.page.show(round(self.opened.file.size * event.y / self.page_height), 0)
            self._moved(following=self.page.at_end)
        elif event.y < len(rows):
            self.seeking.mark(rows[event.y].spot.start)
            self.repaint()

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
