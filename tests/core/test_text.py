"""The one sanitiser: what comes from outside reaches no terminal as anything but harmless text."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opsconsole.core import clock, text
from opsconsole.core.text import PLAIN, Sgr, Span, clean, clean_lines, styled, width

HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\u2028\u2029\ufeff\ud800-\udfff]")
PIECES = [
    "\x1b[31m", "\x1b[0m", "\x1b[", "\x1b", "\x1b]52;c;aGFja2Vk", "\x07", "\x1b\\", "\x9c", "\x9b31m", "\x9d0;t", "\x90q",
    "\x1bP+q", "\x1b_G", "\x1b^p", "\x1bX", "\x1bc", "\x1b#8", "\x1b(0", "\x1b[?1049h", "\x1b[6n", "\x1b[2J", "\r", "\n",
    "\t", "\x00", "\x08", "\x7f", "[/]", "[bold red]", "a", "日本", "\u202e", "\u2028", "\ud800", "50%", ";", "m", "\x1b[38;5;",
]  # fmt: skip
HOSTILE = st.lists(st.sampled_from(PIECES) | st.characters(), max_size=30).map("".join)


@given(HOSTILE)
@example("\x1b\x1b[31m]52;c;aGFja2Vk\x07")
@example("\x1b]52;c;aGFja2Vk")
def test_nothing_harmful_ever_leaves_clean(raw: str) -> None:
    for found in (clean(raw), clean(raw, limit=10), clean(raw.encode("utf-8", "surrogatepass"))):
        assert not HARMFUL.search(found)
    assert len(clean(raw, limit=10)) <= 10
    assert clean(clean(raw)) == clean(raw), "clean text stays as it is"
    assert not HARMFUL.search(clean_lines(raw).replace("\n", ""))


@given(HOSTILE)
def test_nothing_harmful_ever_leaves_styled(raw: str) -> None:
    for line in (raw, raw.encode("utf-8", "surrogatepass")):
        spans, _ = styled(line)
        assert not HARMFUL.search("".join(span.text for span in spans))
        assert all(span.text for span in spans)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_sanitiser(raw: bytes) -> None:
    assert not HARMFUL.search(clean(raw))
    assert not HARMFUL.search("".join(span.text for span in styled(raw)[0]))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b]52;c;aGFja2Vk\x07after", "after"),
        ("\x1b]52;c;aGFja2Vk\x1b\\after", "after"),
        ("\x9d52;c;aGFja2Vk\x9cafter", "after"),
        ("\x1b]52;c;never closed", ""),
        ("\x1b]0;title\x1b[31mred", "red"),
        ("\x1bP1$r\x1b\\after", "after"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("\x1b[2J\x1b[H\x1b[?1049hhere", "here"),
        ("\x1b[", ""),
        ("\x1b[31", ""),
        ("\x1b(0lqqk", "lqqk"),
        ("a\x00b\x08c\x7fd", "abcd"),
        ("[/] [bold red]x[/bold red]", "[/] [bold red]x[/bold red]"),
        ("one\r\ntwo\nthree", "one two three"),
        ("a\tb", "a       b"),
        ("\u202eabc\u2066", "abc"),
        ("日本語", "日本語"),
        (b"\xff\xfea", "\ufffd\ufffda"),
        ("\ud800x", "x"),
    ],
)
def test_what_clean_makes_of_it(raw: str | bytes, shown: str) -> None:
    assert clean(raw) == shown


def test_a_limit_counts_the_ellipsis() -> None:
    assert clean("abcdef", limit=4) == "abc…"
    assert clean("abcd", limit=4) == "abcd"
    assert clean("\x1b[31m" * 5 + "abcdef", limit=4) == "abc…"


def test_the_last_state_of_a_progress_bar_is_left() -> None:
    for raw in ("10%\r50%\r100%", "10%\r50%\r100%\r\n", "10%\r100%\r"):
        assert styled(raw)[0] == [Span("100%")]
    assert styled("\r\r")[0] == []


@pytest.mark.parametrize(
    ("raw", "style"),
    [
        ("\x1b[31m", Sgr(foreground=1)),
        ("\x1b[91;42m", Sgr(foreground=9, background=2)),
        ("\x1b[38;5;200m", Sgr(foreground=200)),
        ("\x1b[38:2:1:2:300m", Sgr(foreground="#0102ff")),
        ("\x1b[48;2;0;0;0m", Sgr(background="#000000")),
        ("\x1b[1;2;3;4;7m", Sgr(bold=True, dim=True, italic=True, underline=True, reverse=True)),
        ("\x1b[1m\x1b[22m", PLAIN),
        ("\x1b[31;1m\x1b[m", PLAIN),
        ("\x1b[31;42m\x1b[39;49m", PLAIN),
        ("\x1b[38;5m", PLAIN),
        ("\x1b[99999999999999m", PLAIN),
        ("\x1b[58;5;1m", Sgr()),
        ("\x1b[31q", PLAIN),
    ],
)
def test_colours_become_styles(raw: str, style: Sgr) -> None:
    spans, after = styled(f"{raw}x")
    if raw != "\x1b[58;5;1m":
        assert spans == [Span("x", style)]
        assert after == style
    assert "".join(span.text for span in spans) == "x"


def test_a_style_goes_on_with_the_next_line() -> None:
    _, after = styled("\x1b[32mgreen")
    assert styled("still", after) == ([Span("still", Sgr(foreground=2))], Sgr(foreground=2))


def test_tabs_stop_at_eight_across_styles() -> None:
    assert "".join(span.text for span in styled("ab\x1b[1m\tc\x1b[0m\td")[0]) == "ab      c       d"


@pytest.mark.parametrize(
    "line",
    [
        "x" * 5_000_000,
        "\x1b[31mx" * 100_000,
        "\x1b]52;c;" * 600_000,
        "\x1b[1m\t" * 100_000,
        "10%\r" * 1_000_000,
        "\x1b[" + "1;" * 2_000_000,
        "\t" * 1_000_000,
        "\x90" * 1_000_000,
    ],
    ids=["plain", "colours", "unclosed", "tabs in colours", "bars", "one long sequence", "tabs", "strings"],
)
@pytest.mark.timeout(30)
def test_five_megabytes_in_one_line_are_done_in_one_pass(line: str) -> None:
    """Quadratic work on any of these lines takes minutes."""
    assert not HARMFUL.search(clean(line))
    assert not HARMFUL.search("".join(span.text for span in styled(line)[0]))


@pytest.mark.parametrize(
    ("shown", "cells"),
    [
        ("abc", 3),
        ("日本", 4),
        ("é", 1),
        ("e\u0301", 1),
        ("\u200b", 0),
        ("ก\u0e31", 1),
        ("ｆ", 2),
        ("", 0),
        ("·", 1),
        ("✓", 1),
    ],
)
def test_width_counts_cells(shown: str, cells: int) -> None:
    assert width(shown) == cells


def test_numbers_are_written_the_way_papers_do() -> None:
    assert [text.decimals(value) for value in (0.7564, 1.5, -0.5, -0.0001, None, float("nan"))] == [
        ".756", "1.500", "−.500", ".000", "–", "–",
    ]  # fmt: skip
    assert [text.decimals(value, signed=True) for value in (0.065, -0.065, 0.0)] == ["+.065", "−.065", "+.000"]
    assert [text.psi(value) for value in (0.0261, 0.19, 5.94, None)] == [".026", ".19", "5.9", "–"]
    assert [text.p_value(value) for value in (0.00001, 0.042, None)] == ["p < .001", "p = .042", "p unknown"]
    assert [text.count(value) for value in (28618, None)] == ["28,618", "–"]
    assert [text.percent(value) for value in (0.97, None)] == ["97 %", "–"]
    assert [text.size(value) for value in (999, 1_100_000, 2 * 10**15, None)] == ["999 B", "1.1 MB", "2000.0 TB", "–"]
    assert [text.plural(number, "run") for number in (1, 2000)] == ["1 run", "2,000 runs"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "–"), (-1, "0.0 s"), (0.34, "0.3 s"), (59.96, "1:00"), (118, "1:58"), (3599.6, "1 h 00"), (7500, "2 h 05"),
     (200_000, "2 d 7 h")],
)  # fmt: skip
def test_lengths_of_time_read_at_a_glance(seconds: float | None, shown: str) -> None:
    assert text.duration(seconds) == shown


def test_ages_step_by_the_minute() -> None:
    now = clock.now()
    lengths = {30: "now", 60 * 18: "18 min", 3600 * 3: "3 h", 86400 * 2: "2 d", -50: "now"}
    assert {back: text.age(now - timedelta(seconds=back), now) for back in lengths} == lengths
    assert text.age(None, now) == "–"
