"""The fixed rows of the screen: tabs, status, footer."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.message import Message

from opsconsole.console.actions import Action
from opsconsole.console.widgets.lines import OneLine
from opsconsole.console.widgets.tones import Column, Toned
from opsconsole.ground import text

TABS = (
    ("overview", "Overview"),
    ("builds", "Builds"),
    ("models", "Models"),
    ("drift", "Drift"),
    ("activity", "Activity"),
)


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
        for number, (name, title) in enumerate(TABS, start=1):
            chosen = name == current
            stretches.append(Toned(f" {number} ", "accent" if chosen else "dim"))
            stretches.append(Toned(f"{title} ", "strong" if chosen else "dim"))
        self.show(
            (Column(), tuple(stretches)),
            (Column(width=min(text.width(where) + 1, 40), right=True, drop=1), Toned(where + " ", "dim")),
        )

    def on_click(self, event: events.Click) -> None:
        """Open the tab that was clicked."""
        edge = 1
        for name, title in TABS:
            edge += len(title) + 4
            if event.x < edge:
                self.post_message(self.Chosen(name))
                return


class StatusBar(OneLine):
    """What runs, what is wrong, what waits, and the last message."""


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
