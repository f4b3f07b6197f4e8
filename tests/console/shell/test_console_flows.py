"""The console driven by keys, asserted on state."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input

from opsconsole.config.workspace import Workspace
from opsconsole.console.logs.view import LogView
from opsconsole.console.models.promotion import PromotionDialog
from opsconsole.console.shell.app import ConsoleApp
from opsconsole.console.shell.bars import Footer, StatusBar
from opsconsole.console.widgets.lines import OneLine
from opsconsole.console.widgets.rows import RowList
from opsconsole.registry.promotion.links import read_link
from opsconsole.store import promotions, runs

HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


async def until(pilot: Pilot[Any], holds: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        await pilot.pause(0.05)


def screen_text(app: App[Any]) -> str:
    return "\n".join("".join(segment.text for segment in line) for line in app.screen._compositor.render_strips())


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_every_tab_shows_hostile_data_harmlessly_at_both_sizes(world: Workspace, size: tuple[int, int]) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=size) as pilot:
        for key, wanted in (
            ("1", "WAITING FOR YOU"),
            ("2", "RUNS"),
            ("3", "flights"),
            ("4", "ALERTS"),
            ("5", "run failed"),
        ):
            await pilot.press(key)
            await until(pilot, lambda wanted=wanted: wanted in screen_text(app))  # type: ignore[misc]
            for line in screen_text(app).split("\n"):
                assert not HARMFUL.search(line)
        await pilot.press("4", "enter")
        await until(pilot, lambda: "Performance fell" in screen_text(app))
        assert "[/] [bold]" in screen_text(app)


async def test_the_overview_names_the_alert_the_decision_and_the_broken_build(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "broken" in screen_text(app))
        shown = screen_text(app)
        assert "▲ critical" in shown
        assert "1 of 3 tests" in shown
        await until(pilot, lambda: ", tests/test_app.py::test_broken" in screen_text(app))
        assert re.search(r"app/build #\d+: step \w+, tests/test_app.py::test_broken", screen_text(app)), screen_text(
            app
        )
        assert "1 critical" in app.query_one(StatusBar).plain


async def test_enter_on_an_item_of_the_overview_is_a_door(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: app.tab.place == "drift")


async def test_a_promotion_needs_reason_and_name_and_moves_row_and_link(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        await until(
            pilot, lambda: app.tab.place == "models" and app.query_one("#versions", RowList).key == ("flights", 2)
        )
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, PromotionDialog))
        dialog = app.screen
        assert isinstance(dialog, PromotionDialog)
        assert app.focused is dialog.query_one("#reason", Input)
        await until(pilot, lambda: dialog.fresh is not None)
        assert "same rows" in dialog.blocked()
        dialog.query_one("#reason", Input).value = "because"
        await pilot.press("enter", *"flights", "enter")
        await pilot.pause(0.2)
        assert "refused" in dialog.query_one("#said", OneLine).plain
        held = promotions.alias(app.store, "flights", "production")
        assert held is not None
        assert held.version == 1
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, PromotionDialog))


async def test_the_name_typed_wrong_does_nothing_and_says_so(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: app.tab.place == "models" and app.query_one("#versions", RowList).key is not None)
        await pilot.press("u")
        await until(pilot, lambda: bool(app.screen.query("#name")))
        await pilot.press("tab", *"flight", "enter")
        await pilot.pause()
        said = app.screen.query_one("#said", OneLine).plain
        assert "nothing was live" in said or "type flights" in said
        assert len(promotions.history(app.store, "flights", "production")) == 1


async def test_a_build_started_by_key_is_followed_live_and_ends(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2", "b")
        await until(pilot, lambda: runs.count(app.store, repo="app") == 2)
        await until(pilot, lambda: app.query_one("#runs", RowList).key == 2)
        await until(pilot, lambda: (run := runs.get(app.store, 2)) is not None and run.state.final, 40)
        await until(pilot, lambda: "failed" in app.query_one("#run-title", OneLine).plain)
        assert app.query_one(LogView).line_count() > 5


async def test_search_in_the_log_counts_matches_and_walks_them(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: bool(app.query("#log")) and app.query_one(LogView).line_count() > 5)
        app.query_one(LogView).focus()
        await pilot.press("slash", *"assert", "enter")
        view = app.query_one(LogView)
        await until(pilot, lambda: view.search_state is not None and view.search_state[1] > 1)
        first = view.search_state
        await pilot.press("n")
        assert view.search_state != first
        assert not view.follow
        await pilot.press("escape")
        assert view.search_state is None


async def test_a_filter_hides_rows_until_escape(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("5")
        await until(pilot, lambda: bool(app.query("#events")) and app.query_one("#events", RowList).line_count() > 4)
        listing = app.query_one("#events", RowList)
        whole = listing.line_count()
        await pilot.press("slash", *"!run", "enter")
        assert 0 < listing.line_count() < whole
        await pilot.press("escape")
        assert listing.line_count() == whole


async def test_colon_jumps_to_a_run_and_says_what_it_does_not_know(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("colon", *"run 1", "enter")
        await until(pilot, lambda: app.tab.place == "builds")
        await pilot.press("colon", *"modle x", "enter")
        assert "did you mean :model" in app.query_one(StatusBar).plain
        await pilot.press("minus")
        await until(pilot, lambda: app.tab.place == "overview")


async def test_a_read_only_console_is_not_offered_writes_and_refuses_them(world: Workspace) -> None:
    app = ConsoleApp(world.root, readonly=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: app.tab.place == "builds")
        assert "build" not in app.query_one(Footer).plain
        await pilot.press("b")
        assert "read-only" in app.query_one(StatusBar).plain
        await pilot.press("3", "p")
        assert not isinstance(app.screen, PromotionDialog)
        assert runs.count(app.store, repo="app") == 1


async def test_rows_that_arrive_above_leave_the_cursor_on_its_row(world: Workspace) -> None:
    from opsconsole.store import events

    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("5")
        await until(pilot, lambda: bool(app.query("#events")) and app.query_one("#events", RowList).line_count() > 4)
        listing = app.query_one("#events", RowList)
        await pilot.press("down", "down")
        key, line = listing.key, listing.cursor - listing.scroll_offset.y
        with app.store.immediate() as connection:
            events.record(connection, "test.event", "run 1")
        app.refresh_data()
        await pilot.pause()
        assert listing.key == key
        assert listing.cursor - listing.scroll_offset.y in {line, line + 1}


async def test_the_promoted_link_is_what_the_row_says(world: Workspace) -> None:
    assert read_link(world.models / "flights" / "production") == "versions/1"


@pytest.mark.parametrize("theme", ["dark", "ansi", "textual-light"])
async def test_every_theme_draws_every_tab(world: Workspace, theme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSCONSOLE_THEME", theme)
    app = ConsoleApp(world.root)
    async with app.run_test(size=(100, 30)) as pilot:
        for key in "2345":
            await pilot.press(key)
            await pilot.pause()
        await pilot.press("question_mark")
        await pilot.pause()
        assert "KEYS" in screen_text(app).upper()


async def test_a_message_goes_with_its_tab_and_with_time(world: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from opsconsole.console.shell import bars

    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: app.tab.place == "builds")
        monkeypatch.setattr(bars, "LASTING", 0.2)
        app.say("short news")
        assert "short news" in app.query_one(StatusBar).plain
        await until(pilot, lambda: "short news" not in app.query_one(StatusBar).plain)
        monkeypatch.setattr(bars, "LASTING", 60.0)
        app.say("of this moment")
        await pilot.press("3")
        await until(pilot, lambda: app.tab.place == "models")
        assert "of this moment" in app.query_one(StatusBar).plain
        monkeypatch.setattr(bars, "FRESH", 0.0)
        await pilot.press("2")
        await until(pilot, lambda: app.tab.place == "builds")
        assert "of this moment" not in app.query_one(StatusBar).plain


async def test_what_changed_while_a_tab_was_hidden_is_painted_when_it_is_shown_again(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: "PERFORMANCE" in screen_text(app) or "ALERTS" in screen_text(app))
        await until(pilot, lambda: "Performance fell" in screen_text(app))
        await pilot.press("2")
        await until(pilot, lambda: "RUNS" in screen_text(app))
        with app.store.immediate() as connection:
            connection.execute("UPDATE alerts SET words = replace(words, 'Performance fell', 'It is told anew')")
        await pilot.pause(0.6)
        await pilot.press("4")
        await until(pilot, lambda: "It is told anew" in screen_text(app), seconds=3.0)
        assert "Performance fell" not in screen_text(app)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_a_page_of_the_reference_is_shown_and_a_wrong_topic_says_what_it_may_have_been(
    world: Workspace, size: tuple[int, int]
) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=size) as pilot:
        await pilot.press("colon", *"help", "enter")
        await until(pilot, lambda: "pipelines" in screen_text(app) and "drift" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "WHAT IS BUILT" in screen_text(app))
        await pilot.press("escape", "escape", "colon", *"help modles", "enter")  # the page, then the list of pages
        await until(pilot, lambda: "there is no topic `modles`" in screen_text(app))


def name_another_repo(root: Path) -> None:
    """A repo that the configuration names and nobody trusted yet."""
    repo = root / "repos" / "new"
    repo.mkdir()
    (repo / "opsconsole.toml").write_text('[pipelines.build]\nrun = "touch ran"\n', encoding="utf-8")
    git = ["git", "-C", str(repo), "-c", "user.name=t", "-c", "user.email=t@example.com"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "begin"]):
        subprocess.run([*git, *words], check=True)
    config = root / "opsconsole.toml"
    config.write_text(config.read_text(encoding="utf-8") + '[repos.new]\npath = "repos/new"\n', encoding="utf-8")


async def test_a_repo_that_nothing_runs_of_waits_and_is_trusted_by_a_key_that_says_what_that_allows(
    world: Workspace,
) -> None:
    name_another_repo(world.root)
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "nothing of it runs before you say so" in screen_text(app))
        assert app.query_one("#overview-list", RowList).select(("repo", "new", "waiting"))
        await pilot.press("t")
        await until(pilot, lambda: "Trust new?" in screen_text(app) and "touch ran" in screen_text(app))
        await pilot.press("escape", "t")
        await until(pilot, lambda: "y trusts it" in screen_text(app))
        assert not app.repo_trusted("new")
        await pilot.press("y")
        await until(pilot, lambda: app.repo_trusted("new"))
        await until(pilot, lambda: "nothing of it runs before you say so" not in screen_text(app))


async def test_a_bare_name_leads_to_what_bears_it_on_the_open_tab_first(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        for tab, name, place in (
            ("1", "flights", "models"),
            ("4", "flights", "drift"),
            ("3", "flights", "models"),
            ("4", "app", "builds"),
        ):
            await pilot.press(tab, "colon", *name, "enter")
            await until(pilot, partial(_is_at, app, place))


def _is_at(app: ConsoleApp, place: str) -> bool:
    return app.tab.place == place
