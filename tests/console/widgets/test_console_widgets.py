"""The list of rows: a million rows, and only what changed is repainted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from opsconsole.console.terminal.themes import THEMES
from opsconsole.console.widgets.rows import Row, RowList, Rows, Window
from opsconsole.console.widgets.tones import Column, Toned, fit, widths
from opsconsole.core import text

COLUMNS = (Column(width=8), Column(least=10))


class Bench(App[None]):
    """One list."""

    def __init__(self) -> None:
        super().__init__()
        self.painted: list[int] = []

    def compose(self) -> ComposeResult:
        yield RowList(id="rows")

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(THEMES[0].variables)


def row(number: int) -> Row:
    return Row(number, (str(number), f"name {number}"), COLUMNS)


async def test_a_million_rows_are_read_only_where_they_are_seen() -> None:
    fetched: list[int] = []

    def fetch(start: int, size: int) -> list[Row]:
        fetched.append(start)
        return [row(number) for number in range(start, start + size)]

    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        listing = app.query_one("#rows", RowList)
        listing.focus()
        listing.show(Window(1_000_000, fetch))
        await pilot.press("G")
        last = listing.key
        await pilot.press("k", "g", "j")
        assert (last, listing.key) == (999_999, 1)
        assert len(fetched) <= 4


async def test_moving_the_cursor_repaints_two_rows() -> None:
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        listing = app.query_one("#rows", RowList)
        listing.focus()
        listing.show(Rows([row(number) for number in range(100)]))
        await pilot.press("j")
        await pilot.pause()
        drawn: list[int] = []
        draw = listing.draw

        def counted(index: int, width: int) -> object:
            drawn.append(index)
            return draw(index, width)

        listing.draw = counted  # type: ignore[method-assign,assignment]
        await pilot.press("j")
        await pilot.pause()
        assert set(drawn) == {1, 2}


async def test_the_cursor_stays_on_its_key_when_data_change() -> None:
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        listing = app.query_one("#rows", RowList)
        listing.focus()
        listing.show(Rows([row(number) for number in range(50)]))
        await pilot.press("j", "j", "j")
        listing.show(Rows([row(number) for number in (90, 91, *range(50))]))
        keys = [listing.key]
        for rows in ([row(number) for number in range(2)], []):
            listing.show(Rows(rows))
            keys.append(listing.key)
        assert keys == [3, 1, None]


async def test_every_line_of_a_sheet_can_be_reached_though_few_are_doors() -> None:
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        sheet = app.query_one("#rows", RowList)
        sheet.focus()
        sheet.show(Rows([row(number) if number == 3 else Row(None, ("", "prose"), COLUMNS) for number in range(200)]))
        await pilot.press("G")
        assert sheet.scroll_offset.y == 200 - sheet.page_height
        await pilot.press("g")
        assert (sheet.scroll_offset.y, sheet.key) == (0, 3)
        await pilot.press("pagedown", "j")
        assert sheet.scroll_offset.y == sheet.page_height
        await pilot.press("k", "pageup")
        assert sheet.scroll_offset.y == 0


@given(st.text(max_size=60), st.integers(1, 40))
def test_a_cell_is_exactly_as_wide_as_its_column(content: str, width: int) -> None:
    drawn = "".join(part.text for part in fit(Toned(content), width))
    assert text.width(drawn) <= width


def test_columns_are_dropped_in_their_order_when_the_list_is_narrow() -> None:
    columns = (Column(width=10), Column(width=20, drop=2), Column(least=10), Column(width=30, drop=1))
    assert widths(columns, 200)[1] == 20
    assert widths(columns, 60)[1] == 0
    assert widths(columns, 60)[3] == 30
    assert widths(columns, 30) == [10, 0, 18, 0]


async def test_what_belongs_to_a_row_is_wanted_only_where_the_cursor_rests() -> None:
    rested: list[object] = []

    class Walked(Bench):
        def on_row_list_rested(self, message: RowList.Rested) -> None:
            rested.append(message.key)

    app = Walked()
    async with app.run_test(size=(80, 24)) as pilot:
        listing = app.query_one("#rows", RowList)
        listing.focus()
        listing.show(Rows([row(number) for number in range(50)]))
        await pilot.pause(0.3)
        rested.clear()
        for _ in range(12):
            listing.action_move(1)
        await pilot.pause(0.4)
        assert rested == [12]
        listing.action_move(1)
        listing.action_open()
        await pilot.pause(0.05)
        assert rested == [12, 13]  # before what opens it


async def test_a_sheet_is_read_from_its_top_down_to_its_first_door() -> None:
    class Read(Bench):
        def compose(self) -> ComposeResult:
            yield RowList(id="rows", sheet=True)

    app = Read()
    async with app.run_test(size=(80, 10)) as pilot:
        sheet = app.query_one("#rows", RowList)
        sheet.focus()
        prose = [Row(None, ("", f"prose {number}"), COLUMNS) for number in range(30)]
        sheet.show(Rows([*prose, *(row(number) for number in range(3))]))
        await pilot.pause()
        assert (sheet.key, sheet.scroll_offset.y) == (0, 0)
        tops = []
        for _ in range(21):
            await pilot.press("down")
            tops.append(sheet.scroll_offset.y)
        keys = [sheet.key]
        await pilot.press("down", "down")
        keys.append(sheet.key)
        assert tops == list(range(1, 22))
        assert keys == [0, 2]
        sheet.show(Rows([*prose, row(2)]), anew=True)
        await pilot.pause()
        assert sheet.scroll_offset.y == 0
