"""A sorted list says by what and which way, beside its filter, and each says how it is changed."""

from __future__ import annotations

import pytest

from opsconsole.config.workspace import Workspace
from opsconsole.console.host.orders import turned
from opsconsole.console.shell.app import ConsoleApp
from opsconsole.console.widgets.rows import Row, RowList
from opsconsole.core.nouns import PipelineKind, RunState
from opsconsole.store.connection import open_store
from tests.console.shell.test_console_flows import screen_text, until
from tests.console.shell.test_console_focus import FIRST, open_tab
from tests.console.shell.test_console_screens import new_run

MARKS = {
    "2": ["▼ number", "▲ number", "▼ took", "▲ took"],
    "3": ["▼version", "▼ AUC"],
    "4": ["▼ severity", "▼ opened"],
    "5": ["▼ when", "▲ when"],
}


@pytest.mark.parametrize("key", MARKS)
async def test_each_order_is_said_where_the_list_is_and_comes_round_again(world: Workspace, key: str) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_tab(app, pilot, key)
        for mark in (*MARKS[key], MARKS[key][0]):
            await until(pilot, lambda: mark in screen_text(app))  # noqa: B023
            others = {other for other in MARKS[key] if other != mark}
            assert not any(other in screen_text(app) for other in others)
            await pilot.press("S")
            await until(pilot, lambda: "; S: " in screen_text(app) and "new above" not in screen_text(app))


async def test_the_other_way_round_is_the_other_way_round(world: Workspace) -> None:
    with open_store(world.state) as store:
        new_run(store, "build", PipelineKind.BUILD, RunState.PASSED)
    app = ConsoleApp(world.root)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_tab(app, pilot, "2")
        listing = app.query_one("#runs", RowList)
        assert [listing._page.row(at).key for at in range(2)] == [2, 1]
        await pilot.press("S")
        await until(pilot, lambda: [listing._page.row(at).key for at in range(2)] == [1, 2])


@pytest.mark.parametrize("key", FIRST)
async def test_a_filter_is_said_in_a_heading_of_every_list_with_how_it_is_cleared(world: Workspace, key: str) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_tab(app, pilot, key)
        await pilot.press("slash", *"zzz", "enter")
        await until(pilot, lambda: "/zzz: 0 shown, Esc clears" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: "Esc clears" not in screen_text(app))


@pytest.mark.parametrize(("start", "size", "wanted"), [(0, 3, [0, 1, 2]), (8, 5, [8, 9]), (10, 5, [])])
def test_a_list_read_in_blocks_is_read_from_its_other_end(start: int, size: int, wanted: list[int]) -> None:
    def newest_first(first: int, count: int) -> list[Row]:
        return [Row(9 - at, (), ()) for at in range(first, min(first + count, 10))]

    assert [row.key for row in turned(10, newest_first)(start, size)] == wanted
