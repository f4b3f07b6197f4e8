"""The log view: follows a file of any length, repaints at most a few times a second, searches without leaving the spot."""

from __future__ import annotations

import itertools
import os
import re
from dataclasses import dataclass
from pathlib import Path

from rich.segment import Segment
from rich.style import Style
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip

from opsconsole.console.widgets.lines import LineView
from opsconsole.console.widgets.logfile import LogFile
from opsconsole.ground import text
from opsconsole.ground.text import Sgr, Span

REPAINTS = 2.0 if os.environ.get("SSH_CONNECTION") else 4.0
"""Repaints a second at most, fewer over SSH."""
SEARCHED = 200_000
"""Lines searched in one go before the screen is served again."""

_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


class LogView(LineView):
    """A log file, live."""

    follow: var[bool] = var(default=True, init=False)

    @dataclass
    class Changed(Message):
        """Lines, following or search changed: the heading says so."""

        view: LogView

        def can_replace(self, message: Message) -> bool:
            """One is enough."""
            return isinstance(message, LogView.Changed)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._file: LogFile | None = None
        self._pattern: re.Pattern[str] | None = None
        self._found: list[int] = []
        self._searched = 0
        self._at = -1

    def on_mount(self) -> None:
        """Look for new lines a few times a second, while the view is seen."""
        self._timer = self.set_interval(1 / REPAINTS, self._tick)

    def on_show(self) -> None:
        """Look for new lines again."""
        self._timer.resume()
        self._tick(force=True)

    def on_hide(self) -> None:
        """A hidden log costs nothing."""
        self._timer.pause()

    def show_file(self, path: Path | None) -> None:
        """Show another file, from its end."""
        if (self._file.path if self._file else None) == path:
            return
        self._file = LogFile(path) if path is not None else None
        self._found, self._searched, self._at = [], 0, -1
        self.follow = True
        self._tick(force=True)

    @property
    def path(self) -> Path | None:
        """The file that is shown."""
        return self._file.path if self._file else None

    @property
    def search_state(self) -> tuple[int, int] | None:
        """Return which match is at hand (from 1; 0: none yet) and how many there are; None without a search."""
        return (self._at + 1, len(self._found)) if self._pattern is not None else None

    def line_count(self) -> int:
        """Return how many lines are indexed."""
        return len(self._file) if self._file else 0

    def draw(self, index: int, width: int) -> Strip:
        """Draw one line of the log: its colours kept, everything else that could act on a terminal gone."""
        if self._file is None:
            return Strip.blank(width, self.rich_style)
        base = self.rich_style
        current = bool(self._found) and 0 <= self._at < len(self._found) and self._found[self._at] == index
        spans, _ = text.styled(self._file.line(index))
        plain = "".join(span.text for span in spans)
        pieces = (
            _highlighted(spans, self._pattern, plain)
            if self._pattern is not None
            else [(span, False) for span in spans]
        )
        match = (
            self.get_component_rich_style("line--match", partial=True) if self._pattern is not None else Style.null()
        )
        drawn = [
            Segment(piece.text, base + _style(piece.style) + (match if hit else Style.null())) for piece, hit in pieces
        ]
        gutter = Segment("▌" if current else " ", base + self.get_component_rich_style("line--gutter", partial=True))
        return Strip([gutter, *drawn]).crop_extend(0, width, base)

    def search(self, wanted: str) -> str | None:
        """Search for a regular expression from the top; return what is wrong with it, or None. Empty ends the search."""
        self._found, self._searched, self._at = [], 0, -1
        try:
            self._pattern = re.compile(wanted, re.IGNORECASE if wanted.islower() else 0) if wanted else None
        except re.error as error:
            return f"not a regular expression: {error}"
        if self._pattern is not None:
            self._search_on()
            self.go_to_match(1)
        self.refresh()
        self.post_message(self.Changed(self))
        return None

    def go_to_match(self, step: int) -> None:
        """Go to the next (1) or the previous (-1) match from what is seen, round the end."""
        if not self._found:
            return
        if self._at < 0:
            top = self.scroll_offset.y
            after = [index for index, line in enumerate(self._found) if line >= top]
            self._at = (after[0] if after else 0) if step > 0 else (after[0] - 1 if after else -1) % len(self._found)
        else:
            self._at = (self._at + step) % len(self._found)
        self.follow = False
        self.scroll_to(y=max(self._found[self._at] - self.page_height // 3, 0), animate=False, immediate=True)
        self.refresh()
        self.post_message(self.Changed(self))

    def action_scroll_up(self) -> None:
        """Go a line up; following ends."""
        self._scroll(-1)

    def action_scroll_down(self) -> None:
        """Go a line down; at the end following begins again."""
        self._scroll(1)

    def action_page_up(self) -> None:
        """Go a page up; following ends."""
        self._scroll(1 - self.page_height)

    def action_page_down(self) -> None:
        """Go a page down; at the end following begins again."""
        self._scroll(self.page_height - 1)

    def action_scroll_home(self) -> None:
        """Go to the first line."""
        self._scroll(-self.line_count())

    def action_scroll_end(self) -> None:
        """Go to the last line and follow."""
        self.follow = True

    def watch_follow(self, follow: bool) -> None:  # noqa: FBT001 - Textual's signature
        """Jump to the end when following begins."""
        if follow:
            self.scroll_to(y=self._bottom, animate=False, immediate=True)
        self.post_message(self.Changed(self))

    def on_resize(self) -> None:
        """Keep the end in sight while following."""
        self.resize_lines()
        if self.follow:
            self.call_after_refresh(self._to_bottom)

    def _to_bottom(self) -> None:
        self.scroll_to(y=self._bottom, animate=False, immediate=True)

    @property
    def _bottom(self) -> int:
        return max(self.line_count() - self.page_height, 0)

    def _scroll(self, lines: int) -> None:
        target = min(max(self.scroll_offset.y + lines, 0), self._bottom)
        self.scroll_to(y=target, animate=False, immediate=True)
        if lines < 0:
            self.follow = False
        elif target == self._bottom:
            self.follow = True

    def _tick(self, *, force: bool = False) -> None:
        if self._file is None:
            if force:
                self.resize_lines()
                self.refresh()
            return
        if not force and not self.is_on_screen:
            return
        if not self._file.grow() and not force:
            return
        self.resize_lines()
        if self._pattern is not None:
            self._search_on()
        if self.follow:
            self.scroll_to(y=self._bottom, animate=False, immediate=True)
            self.refresh()
        elif force:
            self.refresh()
        self.post_message(self.Changed(self))

    def _search_on(self) -> None:
        """Search the lines that were not searched yet."""
        if self._file is None or self._pattern is None:
            return
        plain = re.compile(self._pattern.pattern.encode(), self._pattern.flags & re.IGNORECASE)
        found, self._searched = self._file.find(plain, self._searched, limit=SEARCHED)
        self._found.extend(found)
        if self._searched < len(self._file):
            self.call_later(self._search_on)


def _highlighted(spans: list[Span], pattern: re.Pattern[str], plain: str) -> list[tuple[Span, bool]]:
    """Split spans at the matches, telling which pieces are inside one."""
    edges = [edge for match in pattern.finditer(plain) if match.end() > match.start() for edge in match.span()]
    if not edges:
        return [(span, False) for span in spans]
    pieces: list[tuple[Span, bool]] = []
    position = 0
    for span in spans:
        cuts = [0, *(edge - position for edge in edges if 0 < edge - position < len(span.text)), len(span.text)]
        for start, stop in itertools.pairwise(cuts):
            inside = sum(edge <= position + start for edge in edges) % 2 == 1
            pieces.append((Span(span.text[start:stop], span.style), inside))
        position += len(span.text)
    return pieces


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
