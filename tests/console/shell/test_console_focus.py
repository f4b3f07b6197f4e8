"""One bar on the screen, at the row that keys go to, and the heading of its pane is marked."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from opsconsole.config.workspace import Workspace
from opsconsole.console.host.tabs import TABS
from opsconsole.console.shell.app import ConsoleApp
from opsconsole.console.widgets.lines import FOCUSED, LineView
from opsconsole.console.widgets.rows import BAR, LEFT, RowList
from tests.console.shell.test_console_flows import screen_text, until

SIZES = pytest.mark.parametrize("size", [(120, 40), (80, 24)])
FIRST = {spec.key: spec.made_of().first for spec in TABS}


async def open_tab(app: ConsoleApp, pilot: Pilot[None], key: str) -> None:
    await pilot.press(key)
    first = FIRST[key]
    await until(pilot, lambda: bool(app.query(first)) and app.query_one(first, RowList).key is not None)
    await pilot.pause()


@SIZES
@pytest.mark.parametrize("key", FIRST)
async def test_each_pane_in_turn_has_the_only_bar_and_the_only_marked_heading(
    world: Workspace, size: tuple[int, int], key: str
) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=size) as pilot:
        await open_tab(app, pilot, key)
        for pane in app.tab.panes():
            assert app.focused is not None
            shown = screen_text(app)
            assert shown.count(BAR) == 1, shown
            assert shown.count(FOCUSED) == 1, shown
            assert isinstance(app.focused, LineView)
            bar_at = next(y for y, line in enumerate(shown.split("\n")) if BAR in line)
            assert app.focused.region.y <= bar_at < app.focused.region.bottom, pane
            await pilot.press("tab")
            await pilot.pause()


@pytest.mark.parametrize("key", FIRST)
async def test_under_a_dialog_or_the_palette_the_tab_gives_its_marks_up_and_takes_them_back(
    world: Workspace, key: str
) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_tab(app, pilot, key)
        pane = app.focused
        assert isinstance(pane, LineView)
        assert pane.lit
        for opens in ("question_mark", "ctrl+p"):
            await pilot.press(opens)
            await until(pilot, lambda: len(app.screen_stack) == 2)
            await pilot.pause()
            assert not pane.lit
            below = "\n".join(
                "".join(part.text for part in line) for line in app.screen_stack[0]._compositor.render_strips()
            )
            assert BAR not in below
            assert FOCUSED not in below
            await until(pilot, lambda: screen_text(app).count(BAR) == (opens == "question_mark"))  # noqa: B023
            await pilot.press("escape")
            await until(pilot, lambda: len(app.screen_stack) == 1)
            await until(pilot, lambda: screen_text(app).count(BAR) == screen_text(app).count(FOCUSED) == 1)


async def test_while_a_line_is_asked_for_the_list_keeps_a_weaker_mark(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_tab(app, pilot, "5")
        await pilot.press("colon")
        await until(pilot, lambda: BAR not in screen_text(app))
        assert f"\n{LEFT}" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: screen_text(app).count(BAR) == 1)
