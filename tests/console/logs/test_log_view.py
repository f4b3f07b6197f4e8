"""The log view driven by keys: where it opens, where it goes, what it says, and what it never sends to a terminal."""

from __future__ import annotations

import os
import re
import shutil
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from opsconsole.config.workspace import Workspace
from opsconsole.console.logs.reading.query import Sought
from opsconsole.console.logs.view import LogView
from opsconsole.console.shell.app import ConsoleApp
from opsconsole.console.shell.bars import StatusBar
from opsconsole.console.shell.palette import entries
from opsconsole.console.terminal.themes import THEMES
from opsconsole.console.widgets.lines import OneLine

HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
HOSTILE = (
    b"\x1b]52;c;aGFja2Vk\x07 copied", b"\xc2\x9d52;c;aGFja2Vk\xc2\x9c copied", b"\x1bP$qm\x1b\\ \x1b_G\x1b\\ strings",
    b"\x1b[2J\x1b[6n\x1b[?1049l\x1bc\x1b[5i moved", b"nul \x00 bell \x07 back \x08\x08 tab\tend", b"10 %\r99 %\r", b"\r\r\r",
    b"bad \xff\xfe\xc3\x28 utf \xed\xa0\x80", b"x" * 5_000_000, "[/] [bold] 日本 \u202e turned".encode(),
    ("e" + "\u0301" * 500 + "👩‍👩‍👧‍👦🏽 \u200b\ufeff ﷽ 각").encode(), b"\x1b[31;44;1;7m red \x1b[38;2;1;2;3m rgb", b"\t\t\t\xe6\x97\xa5\tx",
    b"", b"\x1b[", b"\x1b]0;never closed", "🇩🇪 １２３ ｱ".encode() * 60,
)  # fmt: skip


class Bench(App[None]):
    """One log."""

    def compose(self) -> ComposeResult:
        yield LogView(id="log")

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(THEMES[0].variables)

    @property
    def view(self) -> LogView:
        return self.query_one(LogView)

    def shown(self) -> list[str]:
        """Return the rows of the view, without the gutter and the bar."""
        view = self.view
        strips = [view.render_line(y) for y in range(view.size.height)]
        return ["".join(segment.text for segment in strip)[1:-1].rstrip() for strip in strips]


async def until(pilot: Pilot[None], holds: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        await pilot.pause(0.02)


def numbered(count: int, first: int = 0) -> bytes:
    return b"".join(b"line %d\n" % number for number in range(first, first + count))


async def test_a_log_opens_on_its_end_is_followed_and_stays_where_the_operator_scrolls(tmp_path: Path) -> None:
    path = tmp_path / "step.log"
    path.write_bytes(numbered(500))
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        app.view.show_file(path)
        app.view.focus()
        assert app.shown()[-1] == "line 499"
        with path.open("ab") as file:
            file.write(b"the end, not yet")
        await until(pilot, lambda: app.shown()[-1] == "the end, not yet")
        assert app.view.line_count() == 501
        await pilot.press("up")
        assert not app.view.follow
        before = app.shown()
        with path.open("ab") as file:
            file.write(b"\n" + numbered(50))
        await until(pilot, lambda: app.view.line_count() == 551)
        assert app.shown() == before
        await pilot.press("G")
        assert app.view.follow
        assert app.shown()[-1] == "line 49"
        await pilot.press("g", "j", "pagedown", "k")
        assert app.shown()[0] == "line 22"
        await pilot.press("end", "pageup")
        assert app.shown()[-1] == "line 27"


async def test_a_rotated_a_cut_and_a_rewritten_log_are_followed(tmp_path: Path) -> None:
    path = tmp_path / "step.log"
    path.write_bytes(numbered(5000))
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        app.view.show_file(path)
        app.view.search("line 1$")
        path.rename(tmp_path / "step.log.1")
        path.write_bytes(b"another file\nline 1\n")
        await until(pilot, lambda: "another file" in app.shown())
        assert app.view.search_state == (0, 1)
        app.view.follow = True
        os.truncate(path, 8)
        await until(pilot, lambda: app.shown()[0] == "another")
        path.write_bytes(b"rewrote\n")
        os.utime(path, ns=(1, 1))
        await until(pilot, lambda: app.shown()[0] == "rewrote")
        path.unlink()
        await pilot.pause()
        app.view.look()
        assert app.shown()[0] == "rewrote"


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("size", [(80, 24), (17, 8)])
async def test_hostile_lines_are_drawn_in_exactly_their_cells(
    tmp_path: Path, wrap: bool, size: tuple[int, int]
) -> None:
    path = tmp_path / "step.log"
    path.write_bytes(b"\n".join(HOSTILE * 2))
    app = Bench()
    async with app.run_test(size=size) as pilot:
        view = app.view
        view.show_file(path)
        view.set_wrap(wrap)
        view.search("[a-z]+")
        view.action_top()
        for _ in range(120):
            for y in range(view.size.height):
                drawn = "".join(segment.text for segment in view.render_line(y))
                assert not HARMFUL.search(drawn)
                assert cell_len(drawn) == size[0]
            if view.page is not None and view.page.at_end:
                break
            view.action_pages(1)
            view.action_sidle(1)
        await pilot.pause()


async def test_search_counts_walks_round_and_filters_keeping_the_place(tmp_path: Path) -> None:
    path = tmp_path / "step.log"
    path.write_bytes(b"".join(b"%d %s\n" % (number, b"hit" if number % 100 == 50 else b"-") for number in range(1000)))
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.view
        view.show_file(path)
        view.action_top()
        assert view.search("(") is not None
        assert view.search("a{99999999999}") is not None
        assert view.search("[[:x:]") is None
        assert view.search("HIT") is None, "a capital is meant"
        assert view.search_state == (0, 0)
        view.search("hit")
        assert view.search_state == (1, 10)
        row = app.shown().index("50 hit")
        for _ in range(3):
            view.go(Sought.TEXT, 1)
        assert view.search_state == (4, 10)
        view.go(Sought.TEXT, -1)
        row = app.shown().index("250 hit")
        assert view.seeking is not None
        view.seeking.toggle_filter()
        view.repaint()
        await pilot.pause()
        shown = app.shown()
        assert shown[row - 2 : row + 3] == ["248 -", "249 -", "250 hit", "251 -", "252 -"]
        assert shown[row + 3].startswith("– –")
        assert shown[row + 4] == "348 -"
        view.go(Sought.TEXT, 1)
        assert "350 hit" in app.shown()
        row = app.shown().index("350 hit")
        assert view.escape()
        assert app.shown()[row] == "350 hit"
        assert "349 -" in app.shown()
        for _ in range(7):
            view.go(Sought.TEXT, 1)
        assert view.search_state == (1, 10), "round the end"
        assert view.escape()
        assert view.search_state is None
        assert not view.escape()


async def test_a_large_log_shows_its_first_hit_at_once_and_counts_in_the_background(tmp_path: Path) -> None:
    path = tmp_path / "step.log"
    path.write_bytes(numbered(1_200_000))
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.view
        view.show_file(path)
        assert app.shown()[-1] == "line 1199999"
        assert view.opened is not None
        assert not view.opened.counted
        view.search("99$")
        assert "line 1199999" in app.shown()
        await until(pilot, lambda: view.search_state == (12000, 12000))
        await until(pilot, lambda: view.opened is not None and view.opened.counted)
        assert view.line_count() == 1_200_000
        view.go_to(view.opened.offset_of(600_000))
        assert "line 599999" in app.shown()
        view.search("line 3$")
        await until(pilot, lambda: "line 3" in app.shown())
        assert view.search_state == (1, 1)


@pytest.mark.parametrize("wrap", [False, True])
async def test_a_pattern_that_never_ends_neither_stalls_the_view_nor_outlives_escape(
    tmp_path: Path, wrap: bool
) -> None:
    path = tmp_path / "step.log"
    path.write_bytes(b"fine\n" * 250_000 + b"a" * 40 + b"b\n")
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.view
        view.show_file(path)
        view.set_wrap(wrap)
        view.search("(?=(a+)+$)(a+)+$")
        await pilot.pause()
        assert app.shown()[-1] == "a" * 40 + "b"
        assert view.seeking is not None
        trail = view.seeking.search
        assert trail is not None
        assert trail.running
        assert any("searching" in part.text for part in view.heading())
        assert view.escape()
        assert trail.stopped
        assert any("stopped" in part.text for part in view.heading())


ERRORS = b"collected 2\n" + b"ERROR a logger's word\n" + numbered(300) + (
    b"=================== FAILURES ===================\n_______ test_one _______\n    def test_one():\n>       assert 0\nE       assert 0\n"
    b"E        +  where 0\n\na.py:1: AssertionError\n_______ test_two _______\n"
) + numbered(300) + b"E   ValueError: x\n0 errors\n" + numbered(100)  # fmt: skip


async def test_a_failed_log_opens_at_its_first_clear_error_and_goes_on_from_there(tmp_path: Path) -> None:
    path = tmp_path / "step.log"
    path.write_bytes(ERRORS)
    app = Bench()
    async with app.run_test(size=(80, 24)):
        view = app.view
        view.show_file(path, at_error=True)
        assert view.copy_text() == "E       assert 0"
        assert not view.follow
        view.go(Sought.ERRORS, 1)
        assert view.copy_text() == "a.py:1: AssertionError", "neighbouring lines are one error"
        view.go(Sought.ERRORS, 1)
        assert view.copy_text() == "E   ValueError: x"
        view.go(Sought.ERRORS, -1)
        view.go(Sought.ERRORS, -1)
        assert view.copy_text() == "E       assert 0"
        view.go(Sought.ERRORS, -1)
        assert view.copy_text() == "ERROR a logger's word"
        view.go(Sought.SECTIONS, 1)
        view.go(Sought.SECTIONS, 1)
        assert view.copy_text() == "_______ test_one _______"
        view.show_file(None)
        assert app.shown() == [""] * 24


async def test_a_long_failed_log_opens_at_its_first_clear_error_as_soon_as_that_is_found(tmp_path: Path) -> None:
    path = tmp_path / "step.log"
    spoken = b"".join(b"ERROR of a program, %d\n" % number for number in range(30_000))
    path.write_bytes(spoken + b"Traceback (most recent call last):\n" + spoken)
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.view
        view.show_file(path, at_error=True)
        assert any("looking for the first error" in part.text for part in view.heading())
        await until(pilot, lambda: view.copy_text() == "Traceback (most recent call last):")
        assert not view.follow
        view.show_file(None)
        view.show_file(path, at_error=True)
        await pilot.pause()
        view.action_rows(-1)
        assert view.seeking is not None
        assert not view.seeking.waits, "the operator went elsewhere"
        path.write_bytes(spoken)
        view.show_file(None)
        view.show_file(path, at_error=True)
        await until(pilot, lambda: view.copy_text() == "ERROR of a program, 0")


async def test_a_failed_log_that_says_nothing_of_it_opens_on_its_end(tmp_path: Path) -> None:
    path = tmp_path / "step.log"
    path.write_bytes(numbered(100))
    app = Bench()
    async with app.run_test(size=(80, 24)):
        app.view.show_file(path, at_error=True)
        assert app.view.follow
        assert app.shown()[-1] == "line 99"


async def test_times_stand_beside_the_lines_and_wrapped_rows_have_none(tmp_path: Path) -> None:
    path = tmp_path / "step.log"
    path.write_bytes(b"one\n" + b"x" * 100 + b"\nthree\n")
    entries = [(4, 5_000), (105, 65_000), (111, 3_665_000)]
    path.with_suffix(".idx").write_bytes(b"".join(struct.pack("<QQ", *entry) for entry in entries))
    app = Bench()
    async with app.run_test(size=(80, 24)):
        view = app.view
        view.show_file(path, began_ms=0)
        view.set_wrap(True)
        view.set_times("elapsed")
        assert [row.split("x")[0] for row in app.shown()[:4]] == [
            "  +5.0 s one",
            "   +1:05 ",
            "         ",
            " +1 h 01 three",
        ]


async def test_a_hidden_log_is_not_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "step.log"
    path.write_bytes(numbered(10))
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.view
        view.show_file(path)
        await pilot.pause()
        view.display = False
        await until(pilot, lambda: view._alarm is None)
        path.write_bytes(numbered(20))
        await pilot.pause()
        assert view._alarm is None, "nothing will look"
        assert view.line_count() == 10
        view.display = True
        await until(pilot, lambda: view.line_count() == 20)


async def test_the_keys_of_a_log(world: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TMUX", raising=False)
    path = tmp_path / "step.log"
    path.write_bytes(ERRORS)
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: bool(app.query("#log")) and app.query_one(LogView).line_count() > 5)
        view = app.query_one(LogView)

        def title() -> str:
            return app.query_one("#log-title", OneLine).plain

        def said() -> str:
            return app.query_one(StatusBar).plain

        assert {"Log · next error", "Builds · build app"} <= {entry.title for entry in entries(app)}
        assert view.seeking is not None
        assert view.seeking.current is not None, "the run failed: its log is open at the error"
        await until(pilot, lambda: "error line 1 of" in title())
        view._let_go()
        view.show_file(path)
        view.focus()
        app.tab._load_log = lambda own: None  # type: ignore[attr-defined]
        await pilot.press("e")
        await until(pilot, lambda: "error line 1 of 5" in title())
        await pilot.press("ampersand", *"line 7$", "enter")
        await until(pilot, lambda: "only matches" in title())
        assert "only 3 matches" in said()
        await pilot.press("s")
        await until(pilot, lambda: bool(app.query("#prompt")))
        await pilot.press("enter")
        saved = tmp_path / f"{tmp_path.name}-step-matches.log"
        await until(pilot, lambda: saved.exists() and "saved" in said())
        assert saved.read_bytes().count(b"line 7\n") == 3
        await pilot.press("s", "enter")
        await until(pilot, lambda: "exists" in said())
        await pilot.press("y")
        await until(pilot, lambda: "clipboard" in said())
        await pilot.press("escape", "escape", "W", "t")
        await until(pilot, lambda: "no times were kept" in said())
        await pilot.press("colon", *"50%", "enter")
        await until(pilot, lambda: "line 3" in title())
        await pilot.press("colon", *"line 13", "enter")
        await until(pilot, lambda: view.copy_text() == "line 10")
        await pilot.press("F")
        assert view.follow
        await pilot.press("right_square_bracket")
        assert not view.follow


@pytest.mark.skipif(shutil.which("rg") is None, reason="no ripgrep here")
async def test_no_child_is_left_when_the_view_goes(tmp_path: Path) -> None:
    path = tmp_path / "step.log"
    path.write_bytes(numbered(1_000_000))
    app = Bench()
    async with app.run_test(size=(80, 24)):
        app.view.show_file(path)
        app.view.search("nothing like it")
        assert app.view.seeking is not None
        trail = app.view.seeking.search
        assert trail is not None
        child = trail._child
    assert child is None or child.returncode is not None
