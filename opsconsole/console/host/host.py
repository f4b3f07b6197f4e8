"""The two contracts: what the console's parts may ask of the app, and what the app may ask of a tab."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias, cast

from textual import on
from textual.containers import Container
from textual.widget import Widget

from opsconsole.config.workspace import Workspace
from opsconsole.console.widgets.rows import RowList
from opsconsole.console.widgets.tones import Tone
from opsconsole.core import clock, text
from opsconsole.core.nouns import Danger
from opsconsole.lifecycle.inbox import Waiting
from opsconsole.store.connection import Store

if TYPE_CHECKING:
    from textual.driver import Driver
    from textual.screen import Screen
    from textual.theme import Theme
    from textual.worker import Worker

    from opsconsole.console.host.line_help import LineHelp
    from opsconsole.console.processes.cli_client import Answer
    from opsconsole.repos.status import RepoStatus


Done: TypeAlias = "str | Callable[[dict[str, Any]], str]"
"""What is said when an act is done: words, with places for what was answered, or a function of it."""


def refusal(app: Host, danger: Danger) -> str:
    """Return why this session does nothing of such a danger; empty where it may."""
    return "this session is read-only" if app.readonly and danger is not Danger.READ else ""


class Host(Protocol):
    """The app as its tabs, dialogs and keys see it; the last of it is what Textual's own app offers."""

    workspace: Workspace
    store: Store
    readonly: bool
    absolute_times: bool
    """Show times as dates, not as ages."""
    last_tab: str
    waiting: list[Waiting]

    @property
    def tab(self) -> Tab:
        """The tab that is open."""

    @property
    def idle(self) -> bool:
        """Whether the operator has nothing open over the tab, and is asked for no line."""

    def say(self, message: str, tone: Tone = "text") -> None:
        """Show a message in the status row for a while."""

    def open_tab(self, name: str, then: Callable[[Tab], object] | None = None) -> None:
        """Open a tab; ``then`` is called when it shows its data."""

    def jump(self, kind: str, name: str) -> None:
        """Go to a thing by kind and name."""

    def reload_tab(self) -> None:
        """Let the open tab read its data again."""

    def open_outside(self, path: Path, line: int) -> None:
        """Open a file in the operator's own program: a log in the pager, anything else in the editor."""

    def forget_screen(self) -> None:
        """Paint everything anew."""

    def repo_names(self) -> list[str]:
        """Return every repo by name."""

    def repo_status(self, name: str) -> RepoStatus | None:
        """Return where a repo stands, as last looked at."""

    def repo_trusted(self, name: str) -> bool:
        """Return whether the operator lets a repo's pipelines run."""

    async def ask_line(
        self,
        mark: str,
        then: Callable[[str], None],
        *,
        value: str = "",
        typed: Callable[[str | None], None] | None = None,
        help: LineHelp | None = None,  # noqa: A002
    ) -> None:
        """Ask for a line; ``then`` gets it when Enter is pressed, ``typed`` after each letter, None when it is left."""

    async def ask_command(self, begun: str = "") -> None:
        """Ask for a ``:`` line, which may be begun already."""

    def give_focus(self, widget: Widget) -> None:
        """Give a pane the focus; while a line is asked for, after that."""

    async def action_do(self, action_id: str) -> None:
        """Carry out an action of the registry, in the place where it holds."""

    async def ask(self, use_case: str, **values: object) -> Answer:
        """Ask the CLI twin."""

    def carry_out(
        self, use_case: str, done: Done, *, then: Callable[[dict[str, Any]], object] | None = None, **values: object
    ) -> None:
        """Carry out a use case in a child and say how it went."""

    @property
    def terminal(self) -> Driver | None:
        """What paints, and can step aside; None while nothing does."""

    @property
    def focused(self) -> Widget | None:
        """The pane that has the focus."""

    theme: str

    @property
    def available_themes(self) -> dict[str, Theme]:
        """Return every theme by its name."""

    def push_screen(self, screen: Screen[None]) -> Awaitable[object]:
        """Open a dialog over what is there."""

    def run_worker(
        self,
        work: Coroutine[Any, Any, None],
        name: str | None = "",
        group: str = "default",
        *,
        exit_on_error: bool = True,
        exclusive: bool = False,
    ) -> Worker[None]:
        """Let work go on beside the screen; ``exclusive`` ends what is at work in its group."""

    def copy_to_clipboard(self, text: str) -> None:
        """Send text to the terminal's clipboard."""

    def action_command_palette(self) -> None:
        """Open the palette."""

    def exit(self) -> None:
        """End the console."""


class Tab(Container):
    """One tab. A subclass names its place and its opening pane, and reads its data in ``load``."""

    place: ClassVar[str]
    first: ClassVar[str]
    """The selector of the pane that has the focus at first."""

    @property
    def console(self) -> Host:
        """The app, by what it offers."""
        return cast("Host", self.app)

    def load(self) -> None:
        """Read what is shown, and show what changed."""
        raise NotImplementedError

    def reveal(self, kind: str, name: str) -> bool:
        """Put the cursor on a thing that was jumped to; return whether it is here."""
        raise NotImplementedError

    def panes(self) -> list[Widget]:
        """Return the panes that Tab walks through."""
        return [widget for widget in self.query("LineView") if widget.can_focus and widget.display]

    def focus_first(self) -> None:
        """Give the focus to the pane that had it, else to the opening pane."""
        if self.app.focused is None or self not in self.app.focused.ancestors:
            self.console.give_focus(self.query_one(self.first))

    def places(self) -> tuple[str, ...]:
        """Return which places' keys hold now."""
        return (self.place,)

    def keys_of(self, place: str) -> object:  # noqa: ARG002 - a tab with more than one place answers differently
        """Return what carries out the keys of a place of this tab, by methods ``do_verb``."""
        return self

    def subject(self, verb: str) -> str:  # noqa: ARG002 - a tab with cursors answers
        """Return what one of our acts would act on now, in a word or two."""
        return ""

    def blocked(self, verb: str) -> str:  # noqa: ARG002 - a tab with cursors answers
        """Return why one of our acts cannot be done now; empty when it can."""
        return ""

    def jump_inside(self, word: str, rest: str) -> bool:  # noqa: ARG002 - most tabs have nowhere to go
        """Go to a place inside this tab that the ``:`` line names; return whether there is one."""
        return False

    def back(self) -> bool:
        """Leave what was zoomed into; return whether there was something to leave."""
        return False

    def outside(self) -> tuple[Path, int] | None:
        """Return the file (and its line, 0: none) that ``o`` opens."""
        return None

    def sort(self) -> str:
        """Sort by the next order; return what to say of it."""
        return "this list has one order"

    def copy_text(self) -> str:
        """Return what ``y`` copies: the words of the row under the cursor."""
        focused = self.app.focused
        return focused.words if isinstance(focused, RowList) else ""

    @on(RowList.Begun)
    async def example_begun(self, message: RowList.Begun) -> None:
        """Begin the line that does here what an empty list's example does in a shell."""
        if message.example.begun:
            await self.console.ask_command(message.example.begun)
        else:
            self.console.say("y copies it: it is for a shell", "dim")

    def when(self, moment: datetime | None) -> str:
        """Return a time as the operator wants times shown."""
        if moment is None:
            return "–"
        if self.console.absolute_times:
            return moment.astimezone().strftime("%m-%d %H:%M")
        return text.age(moment, clock.now())

    def ago(self, moment: datetime | None) -> str:
        """Return a time as part of a sentence: ``3 h ago``, ``just now``, or the date."""
        words = self.when(moment)
        if self.console.absolute_times or moment is None:
            return words
        return "just now" if words == "now" else f"{words} ago"
