"""The floor: a Textual program of one Static."""

from __future__ import annotations

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.widgets import Static


class Bare(App[None]):
    """One line, and a key to leave."""

    BINDINGS: ClassVar[list[BindingType]] = [("q", "quit", "Quit")]

    def compose(self) -> ComposeResult:
        """Show the line."""
        yield Static("hello, operator")


if __name__ == "__main__":
    Bare().run()
