"""The thrifty driver shows the same picture as the stream it shortens."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opsconsole.console.terminal.diff_driver import ScreenDiff

COLUMNS, ROWS = 64, 6
SGR = st.sampled_from(
    [
        "0",
        "1",
        "2;3",
        "4",
        "7",
        "9",
        "31",
        "39",
        "44",
        "49",
        "97",
        "104",
        "38;2;1;2;3",
        "48;2;9;8;7",
        "38;5;200",
        "48;5;17",
        "1;38;2;7;7;7;48;2;0;0;0",
    ]
)
# short words, and runs of blanks on both sides of where erasing begins
WORDS = st.text("ab █é ", min_size=0, max_size=2) | st.sampled_from([" " * 11, " " * 12, " " * 17, f"a{' ' * 13}é"])


@st.composite
def frames(draw: st.DrawFn) -> str:
    """Output as the compositor writes it: a position, then styled text that ends before the edge, each with a reset."""
    pieces: list[str] = []
    for _ in range(draw(st.integers(1, 12))):
        row, column = draw(st.integers(1, ROWS)), draw(st.integers(1, COLUMNS - 3 * 17))
        pieces.append(f"\x1b[{row};{column}H")
        pieces += [f"\x1b[{draw(SGR)}m{draw(WORDS)}\x1b[0m" for _ in range(draw(st.integers(1, 3)))]
        if draw(st.booleans()):
            pieces.append("\n")
    return "".join(pieces) + f"\x1b[{draw(st.integers(1, ROWS))};1H"


@st.composite
def scrolled(draw: st.DrawFn) -> list[str]:
    """Frames of whole rows, some of which stand a few rows from where they stood in the frame before."""
    lines = [f"{number} {draw(WORDS)} row{number * 7919 % 1000} {'x' * (number % 9)}" for number in range(ROWS + 8)]
    pieces = []
    for _ in range(draw(st.integers(2, 5))):
        start, top, bottom = draw(st.integers(0, 8)), draw(st.integers(0, 2)), draw(st.integers(3, ROWS))
        pieces.append(
            "".join(
                f"\x1b[{row + 1};1H\x1b[{draw(SGR)}m{lines[start + row][: COLUMNS - 20]}\x1b[0m{' ' * 12}"
                for row in range(top, bottom)
            )
            + "\x1b[1;1H"
        )
    return pieces


def picture(screen: pyte.Screen) -> list[list[tuple[object, ...]]]:
    blanks = ("underscore", "reverse", "strikethrough")
    shown = []
    for row in range(ROWS):
        line: list[tuple[object, ...]] = []
        for column in range(COLUMNS):
            cell = screen.buffer[row][column]
            if cell.data == " " and not any(getattr(cell, name) for name in blanks):
                line.append((" ", cell.bg))
            else:
                line.append(tuple(cell))
        shown.append(line)
    return shown


LEFT_OVER = [
    "\x1b[2;1H\x1b[0m2  row838 xx\x1b[0m            \x1b[3;1H\x1b[0m3             row757 xxx\x1b[0m            \x1b[1;1H",
    "".join(
        f"\x1b[{row};1H\x1b[0m{text}\x1b[0m            "
        for row, text in enumerate(
            ("7             row433 xxxxxxx", "8  row352 xxxxxxxx", "9  row271 ", "10  row190 x"), 1
        )
    )
    + "\x1b[1;1H",
    "".join(
        f"\x1b[{row};1H\x1b[0m{text}\x1b[0m            "
        for row, text in enumerate(
            (
                "5  row595 xxxxx",
                "6  row514 xxxxxx",
                "7             row433 xxxxxxx",
                "8  row352 xxxxxxxx",
                "9  row271 ",
                "10  row190 x",
            ),
            1,
        )
    )
    + "\x1b[1;1H",
]
"""Rows scrolled onto cells that were never written."""


@settings(deadline=None, max_examples=200)
@example(LEFT_OVER, False)
@given(st.lists(frames(), min_size=1, max_size=6) | scrolled(), st.booleans())
def test_the_shortened_stream_shows_the_same_picture(written: list[str], erases: bool) -> None:
    whole, short = (pyte.Screen(COLUMNS, ROWS) for _ in range(2))
    first, second = pyte.Stream(whole), pyte.Stream(short)
    thrift = ScreenDiff(COLUMNS, ROWS, erases=erases)
    for frame in written:
        first.feed(frame.replace("\n", ""))
        second.feed(thrift.feed(frame))
        assert picture(short) == picture(whole)
        assert (short.cursor.y, short.cursor.x) == (whole.cursor.y, whole.cursor.x)


@pytest.mark.parametrize("first", ["日本", "a日b", "日b"])
@pytest.mark.parametrize("second", ["xy", " 本", "語"])
def test_wide_characters_lose_both_halves(first: str, second: str) -> None:
    whole, short = (pyte.Screen(COLUMNS, ROWS) for _ in range(2))
    thrift = ScreenDiff(COLUMNS, ROWS)
    for text in (f"\x1b[1;1H{first}\x1b[1;1H", f"\x1b[1;2H{second}\x1b[1;1H", f"\x1b[1;1H{first}  \x1b[1;1H"):
        pyte.Stream(whole).feed(text)
        pyte.Stream(short).feed(thrift.feed(text))
    assert short.display[0][:4] == whole.display[0][:4]


@pytest.mark.parametrize("by", [1, 3, -1, -3])
def test_rows_that_only_moved_are_scrolled_by_the_terminal(by: int) -> None:
    whole, short = (pyte.Screen(COLUMNS, 12) for _ in range(2))
    thrift = ScreenDiff(COLUMNS, 12)
    words = [f"row {number} {chr(97 + number % 26) * 40}" for number in range(40)]
    sizes = []
    for start in (10, 10 + by):
        lines = [f"\x1b[{row + 1};1H\x1b[38;2;9;9;9m{words[start + row]:<60}\x1b[0m" for row in range(1, 11)]
        frame = "".join(lines) + "\x1b[1;1H"
        told = thrift.feed(frame)
        sizes.append(len(told))
        pyte.Stream(whole).feed(frame)
        pyte.Stream(short).feed(told)
        assert short.display == whole.display
    assert sizes[1] < 120 * abs(by)


def test_a_frame_that_is_painted_again_costs_a_cursor_move_at_most() -> None:
    thrift = ScreenDiff(COLUMNS, ROWS)
    frame = "".join(f"\x1b[{row};1H\x1b[38;2;9;9;9m{'text ' * 4}\x1b[0m\n" for row in range(1, ROWS)) + "\x1b[1;1H"
    assert len(thrift.feed(frame)) > 100
    assert len(thrift.feed(frame)) == 0


@pytest.mark.parametrize("raw", ["\x1b[2J", "\x1b[?1049h", "\x1b]0;title\x07", "\x07", "\x1b[3A"])
def test_what_it_does_not_know_is_passed_on_and_nothing_is_taken_for_shown_after_it(raw: str) -> None:
    thrift = ScreenDiff(COLUMNS, ROWS)
    frame = "\x1b[2;1Hsame words\x1b[1;1H"
    whole = thrift.feed(frame)
    assert raw in thrift.feed(raw)
    assert len(thrift.feed(frame)) >= len(whole) - 4


def test_a_long_run_of_blanks_is_erased_but_not_in_a_terminal_that_erases_without_colour() -> None:
    frame = f"\x1b[1;1H\x1b[48;2;9;9;9mname{' ' * 30}now{' ' * 20}\x1b[0m\x1b[1;1H"
    short, plain = (ScreenDiff(COLUMNS, ROWS, erases=erases).feed(frame) for erases in (True, False))
    assert len(short) < len(plain) - 30
    assert " " * 12 not in short
    assert "\x1b[20X" not in plain


def page(top: int) -> str:
    rows = [
        f"\x1b[{row + 1};1H\x1b[38;2;9;9;9m{f'line {top + row} of words ':<{COLUMNS}}\x1b[0m" for row in range(ROWS)
    ]
    return "".join(rows) + "\x1b[1;1H"


def test_a_page_that_goes_on_by_a_row_costs_little_more_than_the_row() -> None:
    thrift = ScreenDiff(COLUMNS, ROWS)
    whole = thrift.feed(page(50))
    moved = thrift.feed(page(51))
    assert len(moved) < len(whole) / 2
