"""A log by offset and by line: however it grew, was cut or was replaced, every line is found where naive splitting finds it."""

from __future__ import annotations

import os
import re
import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from opsconsole.console.logs.layout import Piece, pieces_of, width_of, window, wrapped
from opsconsole.console.logs.page import Page
from opsconsole.console.logs.reading import file as file_module
from opsconsole.console.logs.reading import index as index_module
from opsconsole.console.logs.reading.file import Change, LogFile
from opsconsole.console.logs.reading.index import LineIndex, count
from opsconsole.console.logs.reading.times import Times, clock_time, elapsed
from opsconsole.console.logs.reading.walk import Spot, Whole
from opsconsole.core import text

CHUNKS = st.lists(
    st.lists(st.sampled_from([b"a", b"bb" * 40, b"\n", b"", b"\r", b"\xe6\x97\xa5"]), max_size=60).map(b"".join),
    max_size=8,
)


def opened(path: Path) -> LogFile:
    log = LogFile(path)
    log.look()
    return log


def starts(log: LogFile) -> list[int]:
    found: list[int] = []
    spot = Whole(log).nearest(0)
    while spot is not None:
        found.append(spot.start)
        spot = Whole(log).after(spot)
    return found


def backwards(log: LogFile) -> list[int]:
    found: list[int] = []
    spot = Whole(log).last()
    while spot is not None:
        found.append(spot.start)
        spot = Whole(log).before(spot)
    return found[::-1]


def naive(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    return lines[:-1] if lines[-1] == b"" else lines


def last_state(line: bytes) -> bytes:
    return line.rstrip(b"\r").rpartition(b"\r")[2]


@given(CHUNKS, st.integers(0, 7))
def test_every_line_is_found_however_the_file_grew_and_was_cut(chunks: list[bytes], cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log")
        path.touch()
        log = opened(path)
        for number, chunk in enumerate(chunks):
            with path.open("ab") as file:
                file.write(chunk)
            if number == cut:
                os.truncate(path, path.stat().st_size // 2)
            log.look()
            found = starts(log)
            assert found == backwards(log)
            assert [log.line(start).raw for start in found] == [last_state(line) for line in naive(path.read_bytes())]
        for offset in range(0, log.size, 7):
            assert log.start_of(offset) == max(start for start in starts(log) if start <= offset)
        log.close()


@given(st.lists(st.integers(0, 700), min_size=1, max_size=12), st.booleans())
@settings(max_examples=60)
def test_lines_without_end_are_cut_in_pieces_the_same_way_from_both_ends(lengths: list[int], ended: bool) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_module, "PIECE", 128)
        patch.setattr(file_module, "NEAR", 32)
        path = Path(folder, "log")
        path.write_bytes(b"\n".join(b"x" * length for length in lengths) + b"\n" * ended)
        log = opened(path)
        found = starts(log)
        assert found == backwards(log)
        assert all(log.line(start).stop - start <= 257 for start in found)
        assert {0, *(match.end() for match in re.finditer(b"\n", path.read_bytes()))} - {log.size} <= {*found, log.size}
        log.close()


@given(st.binary(max_size=3000).map(lambda data: data.replace(b"\x07", b"\n")), st.integers(3, 9))
def test_the_index_knows_lines_and_offsets_however_few_counts_it_keeps(data: bytes, most: int) -> None:
    with tempfile.TemporaryFile() as file, pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_module, "STRIDE", 64)
        file.write(data)
        file.flush()
        index = LineIndex(most=most)
        for start in range(0, len(data), 200):
            index.add(count(file.fileno(), start, min(start + 200, len(data))))

        def read(start: int, stop: int) -> bytes:
            return data[start:stop]

        assert (index.indexed, index.newlines) == (len(data), data.count(b"\n"))
        assert len(index._counts) <= most
        offsets = [0, *(match.end() for match in re.finditer(b"\n", data))]
        assert [index.offset_of(line, read) for line in range(len(offsets))] == offsets
        assert [index.line_at(offset, read) for offset in offsets] == list(range(len(offsets)))
        assert index.offset_of(len(offsets), read) is None


def test_what_happens_to_a_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "step.log"
    log = LogFile(path)
    assert log.look() is Change.NOTHING
    assert starts(log) == []
    path.write_bytes(b"one\ntwo\n")
    assert log.look() is Change.REPLACED
    assert log.look() is Change.NOTHING
    with path.open("ab") as file:
        file.write(b"three")
    assert log.look() is Change.GREW
    path.rename(tmp_path / "step.log.1")
    assert log.look() is Change.NOTHING
    assert [log.line(start).raw for start in starts(log)] == [b"one", b"two", b"three"]
    path.write_bytes(b"one\ntwo\nthree\nand another file\n")
    assert log.look() is Change.REPLACED
    os.truncate(path, 4)
    assert log.look() is Change.REPLACED
    path.write_bytes(b"ONE\n")
    os.utime(path, ns=(0, 7))
    assert log.look() is Change.REPLACED, "the same size, other words"
    assert [log.line(start).raw for start in starts(log)] == [b"ONE"]
    path.write_bytes(b"another first line, longer\n")
    assert log.look() is Change.REPLACED, "it grew, but not from where it was"
    log.close()


def test_no_pipe_and_no_folder_stalls_the_view(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "nothing"):
        log = LogFile(path)
        assert log.look() is Change.NOTHING
        assert (log.size, log.last(), log.opened) == (0, None, False)


def test_of_a_long_line_the_beginning_is_read_and_of_a_long_progress_bar_the_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * 5_000_000 + b"\n" + b"".join(b"%d %%\r" % n for n in range(9_000)) + b"\n" + b"10%\r50%")
    log = opened(path)
    long, bar, last = (log.line(start) for start in starts(log))
    assert (long.cut, len(long.raw)) == (True, file_module.SHOWN)
    assert (bar.cut, bar.raw, last.raw) == (False, b"8999 %", b"50%")
    log.close()


TEXTS = st.text(st.sampled_from("ab \t日本e\u0301\u0302\u200d\ufe0f👩🏽\u1100\u1161\U0001f1e9\U0001f1eax"), max_size=60)


@given(TEXTS, st.integers(2, 30), st.integers(0, 40))
def test_rows_never_leave_their_width_and_lose_nothing(line: str, width: int, left: int) -> None:
    pieces = pieces_of(line.encode(), re.compile("[ab]+"))
    whole = "".join(piece.text for piece in pieces)
    rows = wrapped(pieces, width)
    assert "".join(piece.text for row in rows for piece in row.pieces) == whole
    for row in [*rows, window(pieces, left, width)]:
        shown = "".join(piece.text for piece in row.pieces)
        assert row.width == width_of(shown) == cell_len(shown) <= width
    assert "".join(piece.text for piece in window(pieces, 0, 10_000).pieces) == whole
    assert all(re.fullmatch("[ab]+", piece.text) for piece in pieces if piece.lit)


def test_a_cut_wide_character_is_a_blank_and_a_tab_counts_cells() -> None:
    pieces = pieces_of("日本\tx".encode(), None)
    assert "".join(piece.text for piece in pieces) == "日本    x"
    assert [window(pieces, left, 3).pieces for left in (1, 2)] == [(Piece(" 本"),), (Piece("本 "),)]
    assert [row.pieces for row in wrapped(pieces, 3)][:2] == [(Piece("日"),), (Piece("本 "),)]


def test_a_match_is_lit_though_colours_change_inside_it() -> None:
    pieces = pieces_of(b"an \x1b[31mERR\x1b[0mOR, an ERROR", re.compile("ERROR"))
    assert [piece.text for piece in pieces if piece.lit] == ["ERR", "OR", "ERROR"]
    assert pieces[1].style.foreground == 1


def page_of(path: Path, *, wrap: bool, width: int = 10, height: int = 5) -> Page:
    page = Page(opened(path))
    page.wrap = wrap
    page.resize(width, height)
    return page


@given(st.lists(st.integers(0, 45), min_size=1, max_size=40), st.booleans(), st.lists(st.integers(-9, 9), max_size=12))
def test_a_page_moves_by_rows_as_if_all_rows_were_listed(lengths: list[int], wrap: bool, moves: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log")
        path.write_bytes(b"".join(b"%c" % (97 + number % 26) * length + b"\n" for number, length in enumerate(lengths)))
        page = page_of(path, wrap=wrap)
        listed = [
            (number, row)
            for number, length in enumerate(lengths)
            for row in range(max(-(-length // 10), 1) if wrap else 1)
        ]
        offsets = {start: number for number, start in enumerate(starts(page.file))}
        bottom = max(len(listed) - 5, 0)
        page.to_end()
        top = bottom
        for move in [0, *moves]:
            page.scroll(move)
            top = min(max(top + move, 0), bottom)
            assert [(offsets[shown.spot.start], shown.number) for shown in page.shown()] == listed[top : top + 5]
            assert page.at_end == (top == bottom)
        page.file.close()


def test_a_page_opens_on_the_end_shows_a_line_with_some_above_and_moves_sidewards(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"".join(b"line %d %s\n" % (number, b"x" * 30) for number in range(100)))
    page = page_of(path, wrap=False)
    page.to_end()
    assert page.shown()[-1].row.pieces[0].text == "line 99 xx"
    page.show(page.file.start_of(1000), 2)
    assert page.row_of(page.file.start_of(1000)) == 2
    page.sidle(5)
    assert page.shown()[0].row.pieces[0].text.startswith("2")
    page.sidle(1000)
    assert page.left <= 40
    page.pattern = re.compile("x$")
    page.forget()
    page.show(0, 0)
    assert page.left > 20, "the match is brought into sight"


def test_times_are_found_by_offset_and_offsets_by_time(tmp_path: Path) -> None:
    log = tmp_path / "step.log"
    times = Times(log)
    assert not times.look()
    entries = [(100, 1_000_000), (250, 1_000_500), (900, 1_060_000)]
    (tmp_path / "step.idx").write_bytes(b"".join(struct.pack("<QQ", *entry) for entry in entries))
    assert times.look()
    assert [times.at(offset) for offset in (0, 99, 100, 250, 899, 900)] == [
        1_000_000,
        1_000_000,
        1_000_500,
        1_060_000,
        1_060_000,
        None,
    ]
    assert [times.offset_at(moment) for moment in (0, 1_000_000, 1_000_700, 2_000_000)] == [0, 100, 250, 900]
    assert elapsed(times.at(800), times.began) == "   +1:00"
    assert len(clock_time(times.at(0))) == len(elapsed(None, 0)) == 8
    times.close()


def test_spots_sort_as_they_are_shown() -> None:
    assert sorted([Spot(9), Spot(9, line=False), Spot(3)]) == [Spot(3), Spot(9, line=False), Spot(9)]


@given(
    st.lists(
        st.sampled_from(["a", "\n", "\r", "\x1b[31m", "\x1b]0;t", "\x07", "\x1b\\", "\x00", "\t", "日"]), max_size=40
    ).map("".join)
)
def test_what_is_searched_is_what_is_shown_line_by_line(raw: str) -> None:
    block = raw.encode()
    shown = text.visible(block).split("\n")
    assert len(shown) == block.count(b"\n") + 1
    for line, seen in zip(block.split(b"\n"), shown, strict=True):
        assert seen.expandtabs(8).replace(" ", "") == "".join(span.text for span in text.styled(line)[0]).replace(
            " ", ""
        )
