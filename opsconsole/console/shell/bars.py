"""The fixed rows of the screen: tabs, status, footer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from textual import events
from textual.message import Message

from opsconsole.console.host.keymap import Action
from opsconsole.console.host.tabs import TABS
from opsconsole.console.widgets.lines import OneLine
from opsconsole.console.widgets.tones import Column, Toned
from opsconsole.core import text

LASTING = 10.0
"""Seconds that a message is shown."""
LASTING_BAD = 30.0
"""Seconds that one is shown which says that something went wrong."""
FRESH = 1.0


class TabBar(OneLine):
    """The five tabs, and which workspace and machine this is."""

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, tab: str) -> None:
            super().__init__()
            self.tab = tab

    def show_tab(self, current: str, where: str) -> None:
        """Show which tab is open."""
        stretches: list[Toned] = [Toned(" ")]
        for spec in TABS:
            chosen = spec.id == current
            stretches.append(Toned(f" {spec.key} ", "accent" if chosen else "dim"))
            stretches.append(Toned(f"{spec.title} ", "strong" if chosen else "dim"))
        self.show(
            (Column(), tuple(stretches)),
            (Column(width=min(text.width(where) + 1, 40), right=True, drop=1), Toned(where + " ", "dim")),
        )

    def on_click(self, event: events.Click) -> None:
        """Open the tab that was clicked."""
        edge = 1
        for spec in TABS:
            edge += len(spec.title) + 4
            if event.x < edge:
                self.post_message(self.Chosen(spec.id))
                return


class StatusBar(OneLine):
    """What runs, what is wrong, what waits, and for a while the last message."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._state: tuple[Toned, ...] = ()
        self._message = Toned("")
        self._shown_at = 0.0

    def show_state(self, stretches: tuple[Toned, ...]) -> None:
        """Show how things stand."""
        self._state = stretches
        self._draw()

    def tell(self, message: Toned) -> None:
        """Show a message beside it, for as long as a message is news."""
        self._message, self._shown_at = message, time.monotonic()
        self._draw()
        if message.text:
            lasting = LASTING_BAD if message.tone == "bad" else LASTING
            asyncio.get_running_loop().call_later(lasting, self._expire, self._shown_at)

    def forget(self) -> None:
        """Take the message away with the screen it belonged to; one of just now may be why the screen changed."""
        if time.monotonic() - self._shown_at > FRESH:
            self.tell(Toned(""))

    def _expire(self, shown_at: float) -> None:
        if self.is_attached and shown_at == self._shown_at:
            self.tell(Toned(""))

    def _draw(self) -> None:
        width = sum(text.width(part.text) for part in self._state)
        self.show((Column(width=width), self._state), (Column(right=True), self._message))


class Footer(OneLine):
    """The keys that hold here, the likeliest first, as many as fit."""

    _actions: Sequence[Action] = ()

    def on_resize(self) -> None:
        """Show as many as fit now."""
        self.show_keys(self._actions)

    def show_keys(self, actions: Sequence[Action]) -> None:
        """Show actions with their keys; the last ones (help, quit) always fit."""
        self._actions = actions
        tail = [action for action in actions if action.footer >= 90]
        room = self.size.width - 2 - sum(_length(action) for action in tail)
        shown: list[Action] = []
        for action in (item for item in actions if item.footer < 90):
            room -= _length(action)
            if room < 0:
                break
            shown.append(action)
        stretches: list[Toned] = [Toned(" ")]
        for action in [*shown, *tail]:
            stretches += [Toned(action.shown, "accent"), Toned(f" {action.title}   ", "dim")]
        self.say(*stretches)


def _length(action: Action) -> int:
    return text.width(action.shown) + text.width(action.title) + 4
