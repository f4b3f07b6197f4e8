"""Keys typed ahead belong to what the key before them opened, from that very key on."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from opsconsole.config.workspace import Workspace
from opsconsole.console.builds.build import BuildDialog
from opsconsole.console.models.promotion import PromotionDialog
from opsconsole.console.models.rollback import RollbackDialog
from opsconsole.console.processes.cli_client import Answer
from opsconsole.console.processes.launch import show_started
from opsconsole.console.shell.app import ConsoleApp
from opsconsole.console.shell.prompt import Prompt
from opsconsole.console.widgets.rows import RowList
from opsconsole.store import runs
from opsconsole.store.connection import open_store
from tests.console.pty_terminal import Terminal
from tests.console.shell.test_console_flows import until
from tests.console.world import environment

NAMED = {":": "colon", "/": "slash", " ": "space", "\r": "enter", "-": "minus"}


class Recorder:
    """Stands for the command line's child: notes what was asked, and answers nothing of use."""

    def __init__(self, app: ConsoleApp, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[str, dict[str, object]]] = []
        monkeypatch.setattr(app, "ask", self.ask)

    async def ask(self, use_case: str, **values: object) -> Answer:
        self.asked.append((use_case, values))
        return Answer(1, None, "asked")

    @property
    def acts(self) -> list[str]:
        return [name for name, _ in self.asked if name not in {"status", "model.gates"}]


def type_at_once(app: ConsoleApp, line: str) -> None:
    """Hand over a burst as the terminal's reader does, without waiting for anything."""
    assert app._driver is not None
    for char in line:
        shown = char if char.isprintable() else None
        event = events.Key(NAMED.get(char, char), shown or ("\r" if char == "\r" else None))
        assert char in NAMED or unicodedata.category(char)[0] in "LNP"
        event.set_sender(app)
        app._driver.send_message(event)


async def opened(app: ConsoleApp, pilot: Pilot[None], key: str, ready: Callable[[], object]) -> None:
    await pilot.press(key)
    await until(pilot, ready)


@pytest.mark.parametrize("mounted", [False, True], ids=["first prompt", "prompt mounted before"])
async def test_a_jump_line_typed_at_once_is_a_line_and_no_act(
    world: Workspace, monkeypatch: pytest.MonkeyPatch, *, mounted: bool
) -> None:
    app = ConsoleApp(world.root)
    asked = Recorder(app, monkeypatch)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, "4", lambda: app.tab.place == "drift" and app.query_one("#alerts", RowList).key)
        if mounted:
            await pilot.press("colon", "escape")
        type_at_once(app, ":theme ansi\r")
        await until(pilot, lambda: app.theme == "ansi")
        assert asked.acts == []


@pytest.mark.parametrize("mounted", [False, True], ids=["first prompt", "prompt mounted before"])
async def test_a_filter_typed_at_once_starts_no_build(
    world: Workspace, monkeypatch: pytest.MonkeyPatch, *, mounted: bool
) -> None:
    app = ConsoleApp(world.root)
    asked = Recorder(app, monkeypatch)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, "2", lambda: app.tab.place == "builds" and app.query_one("#runs", RowList).key)
        if mounted:
            await pilot.press("slash", "escape")
        type_at_once(app, "/bu")
        await until(pilot, lambda: app.query(Prompt) and app.query_one(Prompt).value == "/bu")
        assert asked.acts == []


async def test_the_length_of_a_snooze_typed_at_once_is_the_lines(
    world: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ConsoleApp(world.root)
    asked = Recorder(app, monkeypatch)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, "4", lambda: app.tab.place == "drift" and app.query_one("#alerts", RowList).key)
        type_at_once(app, "z30m\r")
        await until(pilot, lambda: asked.acts)
        assert asked.asked[-1] == ("alert.snooze", {"alert": 1, "time": "2h30m"})


async def test_a_tab_opened_for_the_first_time_owns_the_keys_that_follow(
    world: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ConsoleApp(world.root)
    asked = Recorder(app, monkeypatch)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        type_at_once(app, "4a")
        await until(pilot, lambda: asked.acts)
        assert asked.asked[-1] == ("alert.ack", {"alert": 1})
        assert app.tab.place == "drift"


@pytest.mark.parametrize(("key", "kind"), [("p", PromotionDialog), ("u", RollbackDialog)])
async def test_a_dialog_owns_the_keys_that_follow_the_one_that_opened_it(
    world: Workspace, monkeypatch: pytest.MonkeyPatch, key: str, kind: type
) -> None:
    app = ConsoleApp(world.root)
    asked = Recorder(app, monkeypatch)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, "3", lambda: app.tab.place == "models" and app.query_one("#versions", RowList).key)
        type_at_once(app, f"{key} tucv because\rflights")
        await until(pilot, lambda: isinstance(app.screen, kind) and app.screen.query("#name"))
        await until(pilot, lambda: app.screen.query_one("#name", Input).value == "flights")
        assert app.screen.query_one("#reason", Input).value.endswith(" tucv because")
        assert len(app.screen_stack) == 2
        assert asked.acts == []


async def test_the_choice_of_a_build_owns_the_keys_that_follow(
    world: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ConsoleApp(world.root)
    asked = Recorder(app, monkeypatch)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, "2", lambda: app.tab.place == "builds" and app.query_one("#runs", RowList).key)
        type_at_once(app, "BbRx")
        await until(pilot, lambda: isinstance(app.screen, BuildDialog) and app.focused is not None)
        assert asked.acts == []


async def test_what_follows_enter_belongs_to_where_the_line_led(
    world: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ConsoleApp(world.root)
    asked = Recorder(app, monkeypatch)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        type_at_once(app, ":alert 1\ra")
        await until(pilot, lambda: asked.acts)
        assert asked.asked[-1] == ("alert.ack", {"alert": 1})


async def test_a_run_that_starts_meanwhile_does_not_take_the_keys_from_a_line(
    world: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ConsoleApp(world.root)
    Recorder(app, monkeypatch)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(app, pilot, "4", lambda: app.tab.place == "drift" and app.query_one("#alerts", RowList).key)
        await pilot.press("colon", "t")
        show_started(app, {"id": 1})
        app.open_tab("overview")
        await pilot.press("h")
        assert app.query_one(Prompt).value == ":th"
        await pilot.press("escape")
        await until(pilot, lambda: app.focused is app.query_one("#overview-list"))


def test_bursts_on_a_real_terminal_are_lines(world: Workspace, tmp_path: Path) -> None:
    env = environment(tmp_path) | {"PYTHONPATH": str(Path(__file__).parents[3])}
    with Terminal([sys.executable, "-m", "opsconsole"], cwd=world.root, env=env) as terminal:
        terminal.until("WAITING FOR YOU")
        terminal.press("2")
        terminal.until("RUNS  1")
        terminal.press("/bu")
        terminal.until(lambda text: "/bu" in text.splitlines()[-1])
        terminal.press("escape")
        terminal.until("q quit")
        terminal.press("3p because\r")
        terminal.until(" because")
        terminal.until("refused by same rows")
        terminal.press("escape")
        terminal.until(lambda text: "refused by same rows" not in text)
        terminal.press("4:builds\r")
        terminal.until("RUNS  1")
        terminal.press("q")
        assert terminal.wait() == 0
    with open_store(world.state) as store:
        assert runs.count(store, repo="app") == 1
