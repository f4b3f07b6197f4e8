"""Searching a log: what is found is what the screen shows, with ripgrep or without, in a child or at once, and it can be stopped."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
import threading
from array import array
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsconsole.console.logs.reading import trail as trail_module
from opsconsole.console.logs.reading.file import LogFile
from opsconsole.console.logs.reading.query import ERRORS, Matcher, Query, TooSlowError, at_most
from opsconsole.console.logs.reading.scan import FRAME, argv_of
from opsconsole.console.logs.reading.trail import Trail
from opsconsole.console.logs.reading.walk import Matches, Spot
from opsconsole.console.logs.saving import Target, filtered, save, whole
from opsconsole.core import text
from opsconsole.core.process import own_python

PIECES = st.sampled_from(
    [
        b"ERROR",
        b"ERR",
        b"OR",
        b"\x1b[31m",
        b"\x1b[0m",
        b" ",
        b"x",
        b"1",
        b"\r",
        b"\r\n",
        b"\n",
        b"\n",
        "日".encode(),
        b"\xff",
        b"\t",
    ]
)
PATTERNS = ["ERROR", "error", "^x", "1$", "ERR.OR", r"\d+", "!ERROR", "日.", r"x\s*1", "a|ERR", "x*", r"(?<=E)R"]


def opened(path: Path) -> LogFile:
    log = LogFile(path)
    log.look()
    return log


def expected(data: bytes, query: Query) -> list[int]:
    """Judge every line alone, as it is drawn."""
    pattern, found, start = query.compiled(), [], 0
    lines = data.split(b"\n")
    for line in lines if lines[-1] else lines[:-1]:
        if (pattern.search(text.visible(line)) is None) == query.inverse:
            found.append(start)
        start += len(line) + 1
    return found


def scanned(path: Path, query: Query, *, most: int = 1000, rg: bool = True, start: int = 0) -> tuple[int, list[int]]:
    environment = dict(os.environ) if rg else {**os.environ, "PATH": ""}
    with path.open("rb") as log:
        done = subprocess.run(
            own_python("opsconsole.console.logs.reading.scan", str(start), str(path.stat().st_size), str(most), *argv_of(query)),
            stdin=log, capture_output=True, check=False, env=environment, timeout=60,
        )  # fmt: skip
    marks, place = array("Q"), 0
    while place < len(done.stdout):
        _, _, count = FRAME.unpack_from(done.stdout, place)
        place += FRAME.size
        marks.frombytes(done.stdout[place : place + count * 8])
        place += count * 8
    return done.returncode, list(marks)


@given(st.lists(PIECES, max_size=60).map(b"".join), st.sampled_from(PATTERNS))
@settings(max_examples=300)
def test_a_block_is_searched_as_its_lines_are_shown(data: bytes, wanted: str) -> None:
    query = Query.text(wanted)
    if data:
        assert Matcher(query).starts(data) == expected(data, query)


@pytest.mark.parametrize("rg", [True, False])
@pytest.mark.parametrize("wanted", ["ERROR", "!ERROR", r"(?<=E)R", r"id=[0-9a-f]+7\b"])
def test_the_child_finds_the_same_with_ripgrep_and_without(tmp_path: Path, wanted: str, rg: bool) -> None:
    if rg and shutil.which("rg") is None:
        pytest.skip("no ripgrep here")
    path = tmp_path / "log"
    plain = [
        b"%d id=%x %s" % (number, number * 7919, b"ERROR" if number % 97 == 0 else b"fine") for number in range(30_000)
    ]
    plain[700] = b"an \x1b[31mERR\x1b[0mOR in colours"
    plain[800] = b"ERROR at 10 %\rERROR at 50 %\rdone"
    plain[900] = b"31m is not ERR\x1b[0m OR"
    plain[901] = b"ERROR\r"
    path.write_bytes(b"\n".join(plain))
    query = Query.text(wanted)
    assert scanned(path, query, most=100_000, rg=rg) == (0, expected(path.read_bytes(), query))


def test_the_child_stops_at_its_limit_and_begins_where_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x\n" * 100)
    assert scanned(path, Query.text("x"), most=7) == (3, [0, 2, 4, 6, 8, 10, 12])
    assert scanned(path, Query.text("x"), start=190) == (0, [190, 192, 194, 196, 198])
    assert scanned(path, Query.text("nothing")) == (0, [])


def test_errors_are_judged_by_the_table_of_sayings(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"0 errors\nE   ValueError: x\n\x1b[31mE   \x1b[0massert 1\nno failures\ntest error ... ok\n")
    for rg in (True, False):
        assert scanned(path, ERRORS, rg=rg) == (0, [9, 27])


def test_a_pattern_that_backtracks_for_ever_is_ended() -> None:
    with pytest.raises(TooSlowError), at_most(0.05):
        re.search("(a+)+$", "a" * 40 + "b")
    with at_most(5):
        pass


async def settled(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.01)


@given(st.lists(st.lists(PIECES, max_size=30).map(b"".join), max_size=6), st.sampled_from(PATTERNS))
@settings(max_examples=60)
def test_a_trail_knows_every_match_however_the_file_grew(chunks: list[bytes], wanted: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log")
        path.touch()
        log = opened(path)
        trail = Trail(log, Query.text(wanted), lambda: None)
        for chunk in chunks:
            with path.open("ab") as file:
                file.write(chunk)
            log.look()
            trail.go_on()
            assert list(trail.marks) == expected(path.read_bytes(), trail.query)
            assert trail.complete
        log.close()


async def test_a_large_log_is_searched_in_a_child_that_goes_on_where_the_log_grew(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"".join(b"line %d\n" % number for number in range(150_000)) + b"no end 7")
    log = opened(path)
    calls: list[int] = []
    trail = Trail(log, Query.text("7$"), lambda: calls.append(1))
    trail.go_on()
    assert trail.running
    assert trail.near(0, 1) == len(b"line 0\n") * 7
    assert trail.near(log.size, -1) == log.last()
    await settled(lambda: trail.complete)
    assert (len(trail.marks), trail.share, bool(calls)) == (15_001, 1.0, True)
    assert trail.number(trail.marks[5]) == 6
    with path.open("ab") as file:
        file.write(b"8\nlast 7\n")
    log.look()
    trail.go_on()
    await settled(lambda: trail.complete)
    assert len(trail.marks) == 15_001, "the line without its end was judged again"
    assert trail.next(trail.marks[-1]) is None
    assert trail.previous(trail.marks[0]) is None
    trail.close()
    log.close()


async def test_a_search_is_stopped_at_once_and_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    path = tmp_path / "log"
    path.write_bytes(b"a" * 40 + b"b\n" + b"fine\n" * 250_000)
    log = opened(path)
    trail = Trail(log, Query.text("(a+)+$"), lambda: None)
    assert trail.near(0, 1) is None
    assert trail.too_slow
    trail.go_on()
    child = trail._child
    assert child is not None
    trail.stop()
    assert (trail.stopped, trail.running, child.returncode) == (True, False, -9)
    trail.go_on()
    assert not trail.running
    trail.resume()
    assert trail.running
    trail.close()
    log.close()


async def test_what_is_kept_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x\n" * 1000)
    log = opened(path)
    for limit in (trail_module.AT_ONCE, 10):
        monkeypatch.setattr(trail_module, "AT_ONCE", limit)
        trail = Trail(log, Query.text("x"), lambda: None, most=50)
        trail.go_on()
        await settled(lambda trail=trail: trail.full)  # type: ignore[misc]
        assert len(trail.marks) == 50
    log.close()


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 3))
def test_only_matches_are_walked_with_their_neighbours_and_rules_between(matching: list[bool], context: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log")
        path.write_bytes(
            b"".join(b"%d %s\n" % (number, b"x" if match else b"-") for number, match in enumerate(matching))
        )
        log = opened(path)
        trail = Trail(log, Query.text("x"), lambda: None)
        trail.go_on()
        walk = Matches(log, trail, context)
        starts = [0, *(match.end() for match in re.finditer(b"\n", path.read_bytes()))][:-1]
        near = [any(matching[max(number - context, 0) : number + context + 1]) for number in range(len(matching))]
        wanted: list[Spot] = []
        for number, shown in enumerate(near):
            if shown:
                if wanted and not near[number - 1]:
                    wanted.append(Spot(starts[number], line=False))
                wanted.append(Spot(starts[number]))
        forwards, spot = [], walk.nearest(0)
        while spot is not None:
            forwards.append(spot)
            spot = walk.after(spot)
        backwards, spot = [], walk.last()
        while spot is not None:
            backwards.append(spot)
            spot = walk.before(spot)
        assert forwards == wanted
        assert backwards[::-1] == wanted
        log.close()


def test_a_log_is_saved_as_it_lies_and_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    path, there = tmp_path / "step.log", tmp_path / "there.log"
    path.write_bytes(b"\x1b[31mred\x1b[0m\nx\n-\n-\n-\nx 2")
    log, stop = opened(path), threading.Event()
    assert save(whole(log.duplicate(), log.size), Target.of(str(there)), stop).words.startswith("saved 24 B to ")
    assert there.read_bytes() == path.read_bytes()
    assert there.stat().st_mode & 0o077 == 0
    assert "exists" in (Target.of(str(there)).problem(path) or "")
    assert "not saved" in save(iter_of(b"other"), Target.of(str(there)), stop).words
    assert there.read_bytes() == path.read_bytes()
    trail = Trail(log, Query.text("x"), lambda: None)
    trail.go_on()
    anew = Target.of(f"{there}!")
    assert anew.problem(path) is None
    assert save(filtered(path, log.size, trail, 0), anew, stop).words.startswith("saved")
    assert there.read_bytes() == b"x\n--\nx 2\n"
    assert Target.of(str(path)).problem(path) == "that is the log itself"
    assert "no folder" in (Target.of(str(tmp_path / "no" / "x")).problem(path) or "")
    assert "folder" in (Target.of(str(tmp_path)).problem(path) or "")
    stop.set()
    assert "not saved" in save(whole(log.duplicate(), log.size), Target.of(str(tmp_path / "stopped")), stop).words
    assert sorted(found.name for found in tmp_path.iterdir()) == ["step.log", "there.log"]
    log.close()


def iter_of(data: bytes) -> Generator[bytes, None, None]:
    yield data
