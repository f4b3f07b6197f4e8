"""The base of all dialogs: one frame, the title in it, Esc leaves, no button has the focus."""

from __future__ import annotations

from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from opsconsole.console.host.host import Host
from opsconsole.console.widgets.lines import show_focus_of


class Dialog(ModalScreen[None]):
    """A framed question over the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "cancel", show=False)]
    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog > #frame {
        width: 104; max-width: 96%; height: auto; max-height: 94%; padding: 1 2;
        background: $tone-bar; border: round $tone-accent; border-title-color: $tone-text; border-title-style: bold;
    }
    Dialog OneLine { background: $tone-bar; }
    Dialog RowList { background: $tone-bar; height: auto; max-height: 74vh; scrollbar-background: $tone-bar; }
    Dialog Input { background: $background; color: $tone-text; border: none; height: 1; padding: 0 1; margin: 0; }
    Dialog Input:focus { background: $tone-selected; }
    Dialog .field { height: 1; layout: horizontal; margin: 0; }
    Dialog .field OneLine { width: 22; }
    """

    @property
    def console(self) -> Host:
        """The app, by its real type."""
        return cast("Host", self.app)

    def compose(self) -> ComposeResult:
        """Draw the frame around the body."""
        with Vertical(id="frame"):
            yield from self.body()

    def body(self) -> ComposeResult:
        """Return what stands inside the frame."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Show the title in the frame."""
        self.query_one("#frame").border_title = self.title_text()

    def go_to(self, kind: str, name: str) -> None:
        """Leave every dialog, and go to what a row is about."""
        while len(self.app.screen_stack) > 1:
            self.app.pop_screen()
        self.console.jump(kind, name)

    def on_screen_suspend(self) -> None:
        """Another dialog lies over this one: its keys go there."""
        show_focus_of(self)

    def on_screen_resume(self) -> None:
        """Keys come here again."""
        show_focus_of(self)

    def title_text(self) -> str:
        """Return what the frame says; only words of ours and names that the configuration allows."""
        raise NotImplementedError
