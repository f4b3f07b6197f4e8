"""The one-line prompt in the footer's row: ``:`` to jump, ``/`` to filter or search, and short questions."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input


class Prompt(Input):
    """Hidden until something is asked; gives the focus back when it is answered."""

    SCOPED_CSS = False
    DEFAULT_CSS = """
    #prompt { display: none; background: $tone-bar; color: $tone-text; padding: 0 1; border: none; height: 1; }
    #bottom.asking #footer { display: none; }
    #bottom.asking #prompt { display: block; }
    """
    """Here, not with the app's own: it is read when the first line is asked for, not before the first frame."""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave", show=False)]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, compact=True, select_on_focus=False)
        self._then: Callable[[str], None] | None = None
        self._back: Widget | None = None
        self._mark = ""
        self._typed: Callable[[str | None], None] | None = None
        self._told = ""

    def ask(
        self,
        mark: str,
        then: Callable[[str], None],
        *,
        value: str = "",
        typed: Callable[[str | None], None] | None = None,
    ) -> None:
        """Show the prompt with its mark; ``then`` gets the line when Enter is pressed.

        ``typed`` gets what stands there after each letter, and None when it is left without an answer.
        """
        self._then, self._mark, self._typed = then, mark, typed
        if self.app.focused is not self:
            self._back = self.app.focused
        self.placeholder = ""
        self.value = self._told = mark + value
        self.cursor_position = len(self.value)
        self.parent.add_class("asking")  # type: ignore[union-attr]
        self.screen.set_focus(self)  # at once: the next key is part of the line

    @property
    def asking(self) -> bool:
        """Whether a line is asked for now."""
        return self._then is not None

    def back_to(self, widget: Widget) -> None:
        """Give the focus to another widget than the one that had it, when the line is answered."""
        self._back = widget

    def on_input_changed(self) -> None:
        """The mark cannot be deleted; deleting it leaves."""
        if self._then is None:
            return
        if not self.value.startswith(self._mark):
            self.action_leave()
        elif self._typed is not None and self.value != self._told:
            self._told = self.value
            self._typed(self.value[len(self._mark) :])

    def on_input_submitted(self) -> None:
        """Hand the line over."""
        then, line = self._then, self.value[len(self._mark) :]
        self._typed = None
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
