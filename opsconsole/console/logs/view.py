"""The log view: opens a file of any size at its end, follows it, jumps, and draws only visible rows."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from opsconsole.console.logs.opened import OpenLog
from opsconsole.console.logs.page import Page
from opsconsole.console.logs.pane import LogPane
from opsconsole.console.logs.reading.file import Change
from opsconsole.console.logs.reading.query import Sought
from opsconsole.console.logs.seeking import Seeking, Step

REPAINTS = 2.0 if os.environ.get("SSH_CONNECTION") else 4.0
"""Repaints a second at most, fewer over SSH."""
QUIET_S = 1.0
"""Between two looks at a log that has not grown for a while."""
SIDLE = 16
"""Cells that one press moves sidewards."""


class LogView(LogPane):
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

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._quiet = 0
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
            log.look(counting=False)
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
        if self.seeking is not None and self._seen and self.seeking.settle():
            self._stop_following()
            self.repaint()

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

    def go(self, sought: Sought, step: int) -> Step:
        """Go to the next (1) or the previous (-1) match, error or section."""
        if self.seeking is None:
            return Step("there is no log here", possible=False)
        taken = self.seeking.go(sought, step)
        self._sought()
        return taken

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
