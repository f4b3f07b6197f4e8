"""The console's app: wiring only. Data come from the store, acts go through CLI children, keys from the registry."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable
from inspect import isawaitable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import App, ComposeResult
from textual.containers import Container
from textual.widgets import ContentSwitcher

from opsconsole.config.workspace import Workspace, open_workspace
from opsconsole.console.host.host import Done, Tab, refusal
from opsconsole.console.host.keymap import BY_ID, bindings_for, footer_of
from opsconsole.console.host.tabs import FIRST, HOMES, PLACES, TABS, TABS_BY_ID
from opsconsole.console.processes.probe_child import ProbeChild
from opsconsole.console.processes.repo_watch import RepoWatch, trusted
from opsconsole.console.shell.acts import Acts
from opsconsole.console.shell.bars import Footer, StatusBar, TabBar
from opsconsole.console.shell.global_keys import GlobalKeys
from opsconsole.console.shell.key_queue import KeyQueue
from opsconsole.console.shell.screen import TabsScreen, acts_provider
from opsconsole.console.shell.status import status_of
from opsconsole.console.terminal.diff_driver import DiffDriver
from opsconsole.console.terminal.themes import THEMES
from opsconsole.console.widgets.tones import Tone, Toned
from opsconsole.core import actor, faults, text
from opsconsole.core.errors import OpsconsoleError
from opsconsole.lifecycle.inbox import Waiting, waiting
from opsconsole.store import repos
from opsconsole.store.connection import Store, open_store

if TYPE_CHECKING:
    from textual.driver import Driver
    from textual.widget import Widget

    from opsconsole.console.host.line_help import LineHelp
    from opsconsole.console.processes.cli_client import Answer
    from opsconsole.console.shell.prompt import Prompt
    from opsconsole.repos.status import RepoStatus

POLL = 0.25
"""Seconds between looks at the store's change counter: 3 µs each."""
MINUTE = 60.0


class ConsoleApp(App[None]):
    """The console. It holds no state that matters: kill it, and nothing is lost."""

    CSS_PATH = "console.tcss"
    TITLE = "opsconsole"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar = bindings_for("everywhere")
    COMMANDS: ClassVar = {acts_provider}

    def __init__(self, root: Path, *, readonly: bool = False) -> None:
        super().__init__(driver_class=DiffDriver)
        self.workspace: Workspace = open_workspace(root)
        self.readonly = readonly
        self.store: Store = open_store(self.workspace.state, readonly=readonly)
        self.absolute_times = False
        self.waiting: list[Waiting] = []
        self.doors = GlobalKeys(self)
        self.acts = Acts(self)
        self._gate = KeyQueue(self, super().on_event)
        self._repos = RepoWatch()
        self._prober = ProbeChild()
        self._seen = -1
        self._config_seen = 0.0
        self.last_tab = FIRST.id
        self._live = 0
        self._ticks = 0
        self._prompt: Prompt | None = None
        self._command_help: LineHelp | None = None
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = os.environ.get("OPSCONSOLE_THEME") or "dark"
        self._disable_tooltips = self._disable_notifications = True  # never shown here, and two widgets less to lay out

    def get_default_screen(self) -> TabsScreen:
        """Return the screen that holds the tabs."""
        return TabsScreen(id="_default")

    def compose(self) -> ComposeResult:
        """Lay out the fixed rows and the place where a tab is shown; the first tab alone is made at once."""
        yield TabBar(id="tabs")
        yield StatusBar(id="status")
        with ContentSwitcher(id="switcher", initial=FIRST.id):
            yield FIRST.make()
        with Container(id="bottom"):
            yield Footer(id="footer")

    def on_mount(self) -> None:
        """Start the change feed and the clock; leave cleanly when the terminal goes."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGTERM):
            loop.add_signal_handler(number, self.doors.leave)
        self.refresh_data()
        self.tab.focus_first()
        loop.call_later(POLL, self._poll)
        self.set_interval(MINUTE, self.reload_tab)
        self.set_interval(5.0, self._look_at_repos)
        self.call_after_refresh(self._look_at_repos)
        self.call_after_refresh(self._started)

    async def on_event(self, event: events.Event) -> None:
        """Let keys through one at a time: each belongs to what the one before it opened."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            await self._gate.take(event)
        else:
            await super().on_event(event)

    def on_unmount(self) -> None:
        """Let go of the store."""
        self._gate.close()
        self._prober.stop()
        self.store.close()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the tones for themes that do not bring their own."""
        return dict(THEMES[0].variables)

    # what is shown

    @property
    def tab(self) -> Tab:
        """The tab that is open."""
        return self.query_one(f"#{self.query_one(ContentSwitcher).current}", Tab)

    @property
    def terminal(self) -> Driver | None:
        """What paints, and can step aside; None while nothing does."""
        return self._driver

    def refresh_data(self) -> None:
        """Read what the open tab shows; rows stay as they are when the store cannot be read."""
        try:
            self._reload_config()
            self.waiting = waiting(self.workspace, self.store)
            self.reload_tab()
            self._show_status()
        except OpsconsoleError as error:
            self.say(error.message, "bad")
        except OSError as error:
            known = faults.explained(error)
            if known is None:
                raise
            self.say(f"{known.message}: {known.hint}", "bad")
        self.show_footer()

    @property
    def idle(self) -> bool:
        """Whether the operator has nothing open over the tab, and is asked for no line."""
        return len(self.screen_stack) == 1 and not (self._prompt is not None and self._prompt.asking)

    def reload_tab(self) -> None:
        """Let the open tab read its data again, once it is laid out."""
        if self.tab.children:
            self.tab.load()

    def show_footer(self) -> None:
        """Show the keys that hold here."""
        in_log = self.focused is not None and self.focused.id == "log"
        places = ("everywhere", *(place for place in self.tab.places() if (place == "log") == in_log))
        self.query_one(Footer).show_keys(footer_of(places, readonly=self.readonly))

    def say(self, message: str, tone: Tone = "text") -> None:
        """Show a message in the status row for a while."""
        self.query_one(StatusBar).tell(Toned(text.clean(message), tone))

    def repo_names(self) -> list[str]:
        """Return every repo, of the configuration and of the store, by name."""
        return sorted({*self.workspace.config.repos, *(repo.name for repo in repos.all_repos(self.store))})

    def repo_trusted(self, name: str) -> bool:
        """Return whether the operator lets a repo's pipelines run, from where it lies now."""
        return trusted(self.workspace, self.store, name) and not self._repos.replaced(name)

    def repo_status(self, name: str) -> RepoStatus | None:
        """Return where a repo stands, as last looked at."""
        return self._repos.status(name)

    def open_tab(self, name: str, then: Callable[[Tab], object] | None = None) -> None:
        """Open a tab, making it the first time; ``then`` is called when it shows its data."""
        switcher = self.query_one(ContentSwitcher)
        if switcher.current != name:
            self.last_tab = switcher.current or FIRST.id
        if switcher.query(f"#{name}"):
            self._show_tab(name, then)  # at once: the next key already belongs to the new tab
        else:
            self.call_later(self._make_and_show_tab, name, then)

    def jump(self, kind: str, name: str) -> None:
        """Go to a thing by kind and name, as ``:run 42`` does."""
        home = HOMES.get(kind) or next((spec for spec in TABS if kind in spec.inner), None)
        if home is None:
            self.say(f"there is no place for {kind} {name}", "warn")
            return
        self.open_tab(home.id, lambda tab: self._reveal(tab, kind, name))

    def open_outside(self, path: Path, line: int) -> None:
        """Open a file in the operator's own program."""
        self.doors.open_outside(path, line)

    def forget_screen(self) -> None:
        """Paint everything anew: something else wrote on the terminal."""
        if isinstance(self._driver, DiffDriver):
            self._driver.forget()
        self.screen.refresh(layout=True)

    # acts

    async def action_do(self, action_id: str) -> None:
        """Carry out an action of the registry, in the place where it holds."""
        action = BY_ID[action_id]
        if why := refusal(self, action.danger):
            self.say(f"{action.title}: {why}", "warn")
            return
        if action.tab is not None:
            self.open_tab(action.tab)
            return
        why = "" if action.place == "everywhere" else self.tab.blocked(action.verb)
        if why:
            self.say(why, "warn")
            return
        target: object = self.doors if action.place == "everywhere" else self.tab.keys_of(action.place)
        done = getattr(target, f"do_{action.verb}")()
        if isawaitable(done):
            await done

    async def ask_line(
        self,
        mark: str,
        then: Callable[[str], None],
        *,
        value: str = "",
        typed: Callable[[str | None], None] | None = None,
        help: LineHelp | None = None,  # noqa: A002
    ) -> None:
        """Ask for a line in the footer's row; the prompt is made when it is first needed."""
        from opsconsole.console.shell.prompt import Prompt

        if self._prompt is None:
            self._prompt = Prompt(id="prompt")
            await self.query_one("#bottom").mount(self._prompt)
        self._prompt.ask(mark, then, value=value, typed=typed, help=help)

    async def ask_command(self, begun: str = "") -> None:
        """Ask for a ``:`` line, which may be begun already."""
        from opsconsole.console.shell.command_line import CommandHelp, obey

        self._command_help = self._command_help or CommandHelp(self)
        await self.ask_line(":", lambda line: obey(self, line), value=begun, help=self._command_help)

    def give_focus(self, widget: Widget) -> None:
        """Give a pane the focus, at once; while a line is asked for, the pane gets it after that."""
        if self._prompt is not None and self._prompt.asking:
            self._prompt.back_to(widget)
        else:
            widget.screen.set_focus(widget)

    def carry_out(
        self, use_case: str, done: Done, *, then: Callable[[dict[str, Any]], object] | None = None, **values: object
    ) -> None:
        """Carry out a use case in a child and say how it went; ``then`` gets its answer, the change feed shows the rest."""
        self.acts.carry_out(use_case, done, then, values)

    async def ask(self, use_case: str, **values: object) -> Answer:
        """Ask the CLI twin."""
        from opsconsole.console.processes import cli_client

        return await cli_client.ask(use_case, str(self.workspace.root), readonly=self.readonly, **values)

    def action_help_quit(self) -> None:
        """Say what leaves: Ctrl-C does not."""
        self.say("q leaves; what runs goes on", "dim")

    # inside

    def _started(self) -> None:
        """After the first frame: collect garbage again, and let a child put right what a dead process left."""
        gc.freeze()
        gc.enable()
        if not self.readonly:
            self.run_worker(self.ask("status"), group="settle", exit_on_error=False, name="settle")
            self._prober.start(self.workspace)

    async def _make_and_show_tab(self, name: str, then: Callable[[Tab], object] | None) -> None:
        switcher = self.query_one(ContentSwitcher)
        if not switcher.query(f"#{name}"):
            made = TABS_BY_ID[name].make()
            made.display = False
            await switcher.mount(made)
        self._show_tab(name, then)

    def _show_tab(self, name: str, then: Callable[[Tab], object] | None) -> None:
        """Switch in one frame: the tab is filled and given the focus before anything is painted."""
        with self.batch_update():
            if self.query_one(ContentSwitcher).current != name:
                self.query_one(StatusBar).forget()
            self.query_one(ContentSwitcher).current = name
            self.refresh_data()
            self.tab.focus_first()
            if then is not None:
                then(self.tab)
            self.show_footer()

    def _reveal(self, tab: Tab, kind: str, name: str) -> None:
        if not tab.reveal(kind, name):
            self.say(f"there is no {kind} {name} here", "warn")

    def _poll(self) -> None:
        """Look at the store's change counter; on the loop itself, because a timer of Textual wakes the whole app."""
        if not self.is_running:
            return
        asyncio.get_running_loop().call_later(POLL, self._poll)
        version = self.store.data_version()
        if version != self._seen:
            self._seen = version
            self.refresh_data()
        elif self._live:
            self._tick_running()

    def _tick_running(self) -> None:
        """Once a second while something runs, show how long it has been."""
        self._ticks += 1
        if self._ticks % 4 == 0:
            self.reload_tab()

    def _look_at_repos(self) -> None:
        if TABS_BY_ID[self.query_one(ContentSwitcher).current or FIRST.id].shows_repos:
            self.run_worker(self._look(), group="repos", exclusive=True, exit_on_error=False, name="look at repos")

    async def _look(self) -> None:
        recorded = repos.all_repos(self.store)
        given = {repo.name: repo for repo in recorded if repo.trusted}
        known = {repo.name: repo.path for repo in recorded}
        known |= {name: self.workspace.repo_path(name) for name in self.workspace.config.repos}
        if await asyncio.to_thread(self._repos.look, known, given):
            self.reload_tab()

    def _reload_config(self) -> None:
        """Read opsconsole.toml again when it was written."""
        changed = self.workspace.file.stat().st_mtime
        if changed != self._config_seen:
            if self._config_seen:
                self.workspace = open_workspace(self.workspace.root)
                if not self.readonly:
                    self._prober.start(self.workspace)
            self._config_seen = changed

    def _show_status(self) -> None:
        status = status_of(self.store, self.waiting, readonly=self.readonly)
        self._live = status.ticking
        self.query_one(StatusBar).show_state(status.stretches)
        self.query_one(TabBar).show_tab(self.query_one(ContentSwitcher).current or "overview", self._where())

    def _where(self) -> str:
        return f"{self.workspace.name}   {actor.current_actor().partition('@')[0]}@{socket.gethostname()[:16]}"

    def on_descendant_focus(self) -> None:
        """Show the keys of what has the focus now, but for the last screen's while it closes."""
        if self.screen_stack:
            self.show_footer()

    def on_resize(self, event: events.Resize) -> None:
        """Lay out for a narrow or a wide terminal; the app's own size is still the one before."""
        self.set_class(event.size.width < 100, "narrow")

    def on_tab_bar_chosen(self, message: TabBar.Chosen) -> None:
        """Open the tab that was clicked."""
        self.open_tab(message.tab)


assert set(PLACES) >= {action.place for action in BY_ID.values()}
