"""The palette finds every act from every tab, says where it acts and by which key, and why it cannot."""

from __future__ import annotations

from inspect import isawaitable

import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot

from opsconsole.config.workspace import Workspace
from opsconsole.console.builds.plan import PlanDialog
from opsconsole.console.host.tabs import TABS, TABS_BY_ID
from opsconsole.console.models.promotion import PromotionDialog
from opsconsole.console.shell.app import ConsoleApp
from opsconsole.console.shell.bars import StatusBar
from opsconsole.console.shell.palette import Entry, entries
from opsconsole.console.shell.prompt import Prompt
from opsconsole.core.nouns import Danger
from opsconsole.lifecycle.usecases import BY_WORD, USE_CASES
from tests.console.shell.test_console_flows import screen_text, until
from tests.console.shell.test_console_focus import open_tab

REACHABLE = {case.id for case in USE_CASES.values() if case.key or case.word}


async def choose(pilot: Pilot[None], entry: Entry) -> None:
    done = entry.act()
    if isawaitable(done):
        await done
    await pilot.pause()


EACH_TAB = pytest.mark.parametrize("key", [spec.key for spec in TABS])


@EACH_TAB
async def test_every_use_case_with_a_key_or_a_word_is_found_from_every_tab_with_its_place_and_key(
    world: Workspace, key: str
) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_tab(app, pilot, key)
        found = entries(app)
        assert {entry.use_case for entry in found} - {None} == REACHABLE
        places = {"Everywhere", "Log", *(spec.title for spec in TABS)}
        for entry in found:
            assert entry.title.partition(" · ")[0] in places
            assert entry.description
        assert len({entry.title for entry in found}) == len(found), "no two read the same"


@pytest.mark.parametrize("key", ["1", "5"])
async def test_what_acts_elsewhere_goes_there_and_says_so(world: Workspace, key: str) -> None:
    """Every tab offers the same (above); between them these two are elsewhere for whatever there is."""
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        for wanted in REACHABLE:
            if key != "1" and USE_CASES[wanted].key is None:
                continue
            await open_tab(app, pilot, key)
            entry = next(entry for entry in entries(app) if entry.use_case == wanted)
            place = entry.title.partition(" · ")[0]
            case = USE_CASES[wanted]
            if case.key is None:
                await choose(pilot, entry)
                prompt = app.query_one(Prompt)
                assert prompt.line.strip() == case.word
                await pilot.press("escape")
            elif place != TABS_BY_ID[app.tab.place].title:
                await choose(pilot, entry)
                await until(pilot, lambda: TABS_BY_ID[app.tab.place].title == place)  # noqa: B023
                assert app.query_one(StatusBar).plain.count(f"{place}: ") == 1, wanted


async def test_an_act_of_here_names_what_it_acts_on_and_does_it(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_tab(app, pilot, "3")
        by_title = {entry.title: entry for entry in entries(app)}
        await choose(pilot, by_title["Models · promote flights:2 to production"])
        await until(pilot, lambda: isinstance(app.screen, PromotionDialog))
        await pilot.press("escape")
        await open_tab(app, pilot, "2")
        by_title = {entry.title: entry for entry in entries(app)}
        assert "Builds · rerun #1" in by_title
        await choose(pilot, by_title["Builds · plan app"])
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))


async def test_what_cannot_be_done_now_says_why_before_and_after_it_is_chosen(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_tab(app, pilot, "2")
        entry = next(entry for entry in entries(app) if entry.use_case == "run.cancel")
        assert entry.blocked
        assert "run #1 is over" in entry.description
        await choose(pilot, entry)
        assert "run #1 is over" in app.query_one(StatusBar).plain


@EACH_TAB
async def test_a_read_only_session_is_told_so_by_every_act_that_writes(world: Workspace, key: str) -> None:
    app = ConsoleApp(world.root, readonly=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_tab(app, pilot, key)
        for entry in entries(app):
            if entry.use_case is not None and USE_CASES[entry.use_case].danger is not Danger.READ:
                assert entry.blocked
                assert "read-only" in entry.description


async def test_it_is_typed_found_and_chosen_at_both_ends(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_tab(app, pilot, "1")
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"acknowledge")
        await until(pilot, lambda: "Overview · acknowledge 1" in screen_text(app))
        await pilot.press("escape", "ctrl+p", *"resolve")
        await until(pilot, lambda: "Everywhere · resolve" in screen_text(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: bool(app.query(Prompt)) and app.query_one(Prompt).line == "resolve ")
    assert "resolve" in BY_WORD
