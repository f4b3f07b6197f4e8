"""The two line widgets: a million rows, a growing log, and only what changed is repainted."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from opsconsole.console.themes import THEMES
from opsconsole.console.widgets.log import LogView
from opsconsole.console.widgets.logfile import LogFile
from opsconsole.console.widgets.rows import Row, RowList, Rows, Window
from opsconsole.console.widgets.tones import Column, Toned, fit, widths
from opsconsole.ground import text

COLUMNS = (Column(width=8), Column(least=10))


class Bench(App[None]):
    """One list and one log."""

    def __init__(self) -> None:
        super().__init__()
        self.painted: list[int] = []

    def compose(self) -> ComposeResult:
        yield RowList(id="rows")
        yield LogView(id="log")

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


async def test_a_followed_log_shows_what_was_appended_and_stops_where_the_operator_scrolls(tmp_path: Path) -> None:
    path = tmp_path / "step.log"
    path.write_bytes(b"".join(b"line %d\n" % number for number in range(500)))
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.query_one(LogView)
        view.show_file(path)
        await pilot.pause(0.1)
        with path.open("ab") as file:
            file.write(b"the end\n")
        await pilot.pause(0.6)
        assert view.line_count() == 501
        assert view.scroll_offset.y == 501 - view.page_height
        view.focus()
        await pilot.press("up")
        assert not view.follow
        with path.open("ab") as file:
            file.write(b"more\n" * 50)
        await pilot.pause(0.6)
        assert view.scroll_offset.y == 500 - view.page_height


def test_a_log_line_cannot_reach_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "step.log"
    path.write_bytes(
        b"a\x1b]52;c;aGFjaw==\x07b\x00\x1b[31mred\x1b[0m\r\n"
        b"\xff\xfe bad\n" + b"x" * 5_000_000 + b"\n10%\r50%\r100%\nlast"
    )
    log = LogFile(path)
    log.grow()
    assert len(log) == 5
    drawn = ["".join(span.text for span in text.styled(log.line(number))[0]) for number in range(5)]
    assert drawn[0] == "abred"
    assert drawn[1] == "\ufffd\ufffd bad"
    assert len(drawn[2]) <= 8192
    assert drawn[3:] == ["100%", "last"]


def test_a_truncated_and_a_replaced_log_are_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "step.log"
    path.write_bytes(b"one\ntwo\nthree\n")
    log = LogFile(path)
    log.grow()
    path.write_bytes(b"new\n")
    assert log.grow()
    assert (len(log), log.line(0)) == (1, b"new")
    path.unlink()
    path.write_bytes(b"other\nlines\n")
    log.grow()
    assert [log.line(number) for number in range(len(log))] == [b"other", b"lines"]


@given(st.lists(st.lists(st.sampled_from([b"a", b"bb", b"\n", b"", b"\r"]), max_size=80), max_size=12))
def test_the_sparse_index_finds_every_line_however_the_file_grew(chunks: list[list[bytes]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.touch()
        log = LogFile(path)
        for chunk in chunks:
            with path.open("ab") as file:
                file.write(b"".join(chunk))
            log.grow()
        lines = path.read_bytes().split(b"\n")
        expected = lines[:-1] if lines[-1] == b"" else lines
        assert [log.line(number) for number in range(len(log))] == expected


def test_search_finds_the_lines_that_match(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(
        b"".join(b"%d %s\n" % (number, b"ERROR" if number % 97 == 0 else b"fine") for number in range(1000))
    )
    log = LogFile(path)
    log.grow()
    found, stop = log.find(re.compile(b"ERROR"), 0, limit=10_000)
    assert found == list(range(0, 1000, 97))
    assert stop == 1000


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
