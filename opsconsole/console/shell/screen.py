"""The screen below all dialogs, and what the palette over it offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen

from opsconsole.console.widgets.lines import show_focus_of

if TYPE_CHECKING:
    from textual.command import Provider


def acts_provider() -> type[Provider]:
    """Return what the palette offers; it is read when the palette is first opened."""
    from opsconsole.console.shell.palette import ActsProvider

    return ActsProvider


class TabsScreen(Screen[None]):
    """The one screen below all dialogs: it shows the focus only while none lies over it."""

    def on_screen_suspend(self) -> None:
        """Keys go to what was laid over it."""
        show_focus_of(self)

    def on_screen_resume(self) -> None:
        """Keys come here again."""
        show_focus_of(self)
