"""The one-line prompt in the footer's row: ``:`` to jump, ``/`` to filter or search, and short questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, cast

from textual.binding import Binding, BindingType
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from opsconsole.console.host.host import Host
from opsconsole.console.host.line_help import Candidate, LineHelp, Walk
from opsconsole.console.widgets.lines import Toning
from opsconsole.console.widgets.tones import Toned, fit, segments
from opsconsole.core import text

GAP = 3
"""Blank cells between the line and what it may go on with."""
LEAST = 12
"""Cells below which nothing is shown beside the line."""
FEW = 4
"""So many candidates are each shown with what they are."""


@dataclass
class _Offer:
    """What Tab found, and which of it stands in the line now."""

    head: str
    """The line up to the word."""
    candidates: tuple[Candidate, ...]
    tail: str
    at: int = -1
    """The candidate that was put in; -1: only what all begin with."""


class Prompt(Input, Toning):
    """Hidden until something is asked; gives the focus back when it is answered."""

    SCOPED_CSS = False
    DEFAULT_CSS = """
    #prompt { display: none; background: $tone-bar; color: $tone-text; padding: 0 1; border: none; height: 1; }
    #bottom.asking #footer { display: none; }
    #bottom.asking #prompt { display: block; }
    """
    """Here, not with the app's own: it is read when the first line is asked for, not before the first frame."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False),
        Binding("tab", "complete(1)", "complete", show=False),
        Binding("shift+tab", "complete(-1)", "complete backwards", show=False),
        Binding("up", "recall(-1)", "older line", show=False),
        Binding("down", "recall(1)", "newer line", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, compact=True, select_on_focus=False)
        self._then: Callable[[str], None] | None = None
        self._back: Widget | None = None
        self._mark = ""
        self._typed: Callable[[str | None], None] | None = None
        self._reported = ""
        self._help = LineHelp()
        self._offer: _Offer | None = None
        self._walk: Walk | None = None
        self._made = ""
        """The line as Tab or Up made it: another one was typed since."""

    def ask(
        self,
        mark: str,
        then: Callable[[str], None],
        *,
        value: str = "",
        typed: Callable[[str | None], None] | None = None,
        help: LineHelp | None = None,  # noqa: A002
    ) -> None:
        """Show the prompt with its mark; ``then`` gets the line when Enter is pressed.

        ``typed`` gets what stands there after each letter, and None when it is left without an answer; ``help`` completes
        and remembers.
        """
        self._then, self._mark, self._typed = then, mark, typed
        self._help, self._offer, self._walk = help or LineHelp(), None, None
        if self.app.focused is not self:
            self._back = self.app.focused
        self.placeholder = ""
        self.value = self._reported = mark + value
        self.cursor_position = len(self.value)
        self.parent.add_class("asking")  # type: ignore[union-attr]
        self.screen.set_focus(self)  # at once: the next key is part of the line

    @property
    def asking(self) -> bool:
        """Whether a line is asked for now."""
        return self._then is not None

    @property
    def line(self) -> str:
        """What stands behind the mark."""
        return self.value[len(self._mark) :]

    def back_to(self, widget: Widget) -> None:
        """Give the focus to another widget than the one that had it, when the line is answered."""
        self._back = widget

    def on_input_changed(self) -> None:
        """The mark cannot be deleted; deleting it leaves."""
        if self.value != self._made:
            self._offer = self._walk = None
        if self._then is None:
            return
        if not self.value.startswith(self._mark):
            self.action_leave()
        elif self._typed is not None and self.value != self._reported:
            self._reported = self.value
            self._typed(self.line)

    def on_input_submitted(self) -> None:
        """Hand the line over."""
        then, line = self._then, self.line
        self._typed = None
        self._help.keep(line)
        self.action_leave()
        if then is not None:
            then(line)

    def action_leave(self) -> None:
        """Hide again."""
        self._then, typed, self._typed = None, self._typed, None
        if typed is not None:
            typed(None)
        self.parent.remove_class("asking")  # type: ignore[union-attr]
        if self._back is not None and self._back.is_attached:
            self.screen.set_focus(self._back)

    def action_home(self, select: bool = False) -> None:  # noqa: FBT001, FBT002 - Textual's signature
        """Go to the beginning of what is typed; the mark is no part of it."""
        super().action_home(select)
        if not select:
            self.cursor_position = len(self._mark)

    def action_delete_left_all(self) -> None:
        """Clear what is typed before the cursor, and stay."""
        self.value = self._mark + self.value[max(self.cursor_position, len(self._mark)) :]
        self.cursor_position = len(self._mark)

    def action_complete(self, step: int) -> None:
        """Fill in what is certain, show what there is; again: the next of it."""
        offer = self._offer
        if offer is not None and self.value == self._made:
            offer.at = (offer.at + step) % len(offer.candidates)
            self._put(offer.head, offer.candidates[offer.at].word, offer.tail)
            return
        place = max(self.cursor_position - len(self._mark), 0)
        before, tail = self.line[:place], self.line[place:]
        completion = self._help.complete(before)
        if not completion.candidates:
            self._say("nothing fits here" if before else "nothing to complete here")
        elif len(completion.candidates) == 1:
            only = completion.candidates[0]
            self._offer = None
            self._put(before[: completion.start], only.word + ("" if only.open or tail.startswith(" ") else " "), tail)
        else:
            first = (
                completion.candidates[0].word == completion.common
            )  # it stands there already: the next is the one after it
            self._offer = _Offer(before[: completion.start], completion.candidates, tail, at=0 if first else -1)
            self._put(before[: completion.start], completion.common, tail)

    def action_recall(self, step: int) -> None:
        """Put in the line before, or after, that begins as this one."""
        if self._walk is None or self.value != self._made:
            self._walk = self._help.walk(self.line)
        line = self._walk(step) if self._walk is not None else None
        if line is not None:
            self._offer = None
            self._put("", line, "")

    def render_line(self, y: int) -> Strip:
        """Draw the line, and dim behind it what it may go on with."""
        strip = super().render_line(y)
        width = self.scrollable_content_region.width
        used = text.width(self.value) + 1 + GAP
        room = width - used
        if self._offer is not None and self.value == self._made:
            beside = _shown(self._offer, room)
        else:
            beside = (Toned(self._help.hint, "faint"),) if self._help.hint and not self.line else ()
        if y or not beside or room < LEAST:
            return strip
        shown = Strip(segments(fit(beside, room), self.tones(self.rich_style)))
        return Strip([*strip.crop_extend(0, used, self.rich_style), *shown])

    def _put(self, head: str, word: str, tail: str) -> None:
        self.value = self._made = self._mark + head + word + tail
        self.cursor_position = len(self._mark + head + word)
        self.refresh()

    def _say(self, message: str) -> None:
        cast("Host", self.app).say(message, "dim")


def _shown(offer: _Offer, room: int) -> tuple[Toned, ...]:
    """Return the candidates as one row, from the one that stands in the line on, and how many more there are."""
    items = offer.candidates
    first = _first(offer, room)
    row: list[Toned] = [Toned("… ", "faint")] if first else []
    used = sum(text.width(part.text) for part in row)
    for number in range(first, len(items)):
        item = items[number]
        chosen = number == offer.at
        about = f" {item.about}" if item.about and (chosen or len(items) <= FEW) else ""
        left = len(items) - number - 1
        taken = text.width(item.word) + text.width(about) + GAP
        if used + taken + (10 if left else 0) > room and row:
            row.append(Toned(f"+{left + 1}", "faint"))
            break
        row += [Toned(item.word, "accent" if chosen else "dim"), Toned(about, "faint"), Toned(" " * GAP)]
        used += taken
    return tuple(row)


def _first(offer: _Offer, room: int) -> int:
    """Return from which candidate on the row is shown, so that the chosen one is seen."""
    used = 0
    for number in range(offer.at, -1, -1):
        used += text.width(offer.candidates[number].word) + GAP
        if used > room // 2:
            return number
    return 0
