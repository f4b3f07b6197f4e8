"""The log view beside less, lnav, ripgrep and a plain Python: open, jump, search, follow.

    python -m tests.benchmarks.log_view [--size 1.0] [--folder /tmp] [--rounds 5] [--seconds 5]

``--size`` is in GB of real, written blocks; the file is removed afterwards. A peer that is not installed is left out.
Screens are 120×40 on a real pty, and a program has answered when the wanted line is on the emulated screen. Ratios count:
nothing is asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import mmap
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from textual.app import App, ComposeResult
from textual.binding import Binding

from opsconsole.console.logs.opened import OpenLog
from opsconsole.console.logs.reading.query import Query
from opsconsole.console.logs.reading.trail import Trail
from opsconsole.console.logs.view import LogView
from opsconsole.console.terminal.diff_driver import DiffDriver
from opsconsole.console.terminal.themes import THEMES
from tests.benchmarks.console import cpu_seconds
from tests.console.pty_terminal import Terminal
from tests.console.world import environment

LITERAL = "ERROR worker-3: "
REGEX = r"ERROR .*id=[0-9a-f]+f\b"
OURS = [sys.executable, "-m", "tests.benchmarks.log_view", "--show"]
LESS = ["less", "-n", "+G"]
LNAV = ["lnav", "-N"]
FLOOR = [sys.executable, str(Path(__file__).with_name("bare.py"))]


class Shower(App[None]):
    """The log view and nothing else, which is what less is."""

    BINDINGS = [Binding("q", "quit", "Quit"), *(Binding(key, f"share({key}0)", show=False) for key in "123456789")]  # noqa: RUF012

    def __init__(self, path: Path) -> None:
        super().__init__(driver_class=DiffDriver)
        self.path = path

    def compose(self) -> ComposeResult:
        """Show the log."""
        yield LogView(id="log")

    def on_mount(self) -> None:
        """Open it."""
        view = self.query_one(LogView)
        view.focus()
        self.call_after_refresh(view.show_file, self.path)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the tones."""
        return dict(THEMES[0].variables)

    def action_share(self, share: int) -> None:
        """Jump."""
        view = self.query_one(LogView)
        if view.opened is not None:
            view.go_to(view.opened.file.size * share // 100)


def write(path: Path, size: int) -> int:
    """Write a log of numbered lines; return how many."""
    chance = random.Random(7)
    number = 0
    with path.open("wb") as file:
        while file.tell() < size:
            block = [
                f"{number + place:010d} 2026-01-05 10:00:00,{place % 1000:03d} {'ERROR' if place % 5000 == 0 else 'INFO'} "
                f"worker-{place // 5000 % 8}: request id={chance.getrandbits(32):08x} took {place % 997} ms"
                for place in range(50_000)
            ]
            number += len(block)
            file.write(("\n".join(block) + "\n").encode())
    return number


def line(name: str, ours: float, beside: dict[str, float]) -> None:
    """Print a row: our milliseconds and the ratios to the others."""
    ratios = "   ".join(
        f"{ours / value:8.2f} × {other} ({value * 1e3:,.1f} ms)" for other, value in beside.items() if value
    )
    print(f"{name:<26}{ours * 1e3:10,.1f} ms   {ratios}", flush=True)


@contextmanager
def terminal(argv: list[str], folder: Path) -> Iterator[Terminal]:
    """Open a program in a terminal."""
    env = environment(folder) | {"PYTHONPATH": str(Path.cwd()), "TEXTUAL_ANIMATIONS": "none", "LESSHISTFILE": "-"}
    with Terminal(argv, cwd=folder, env=env) as opened:
        yield opened


def opening(argv: list[str], folder: Path, wanted: Callable[[str], object], rounds: int) -> float:
    """Return the median of seconds from the start of a program to the wanted screen."""
    found = []
    for _ in range(rounds):
        with terminal(argv, folder) as screen:
            found.append(screen.until(wanted, 240) - screen.began_at)
    return statistics.median(found)


def jumping(argv: list[str], folder: Path, wanted: Callable[[str], object], keys: list[str], settle: float) -> float:
    """Return the median of seconds from a key that jumps to the last byte of the new screen."""
    found = []
    with terminal(argv, folder) as screen:
        screen.until(wanted, 240)
        screen.settle(settle, 60)
        for key in keys:
            pressed = screen.press(key)
            screen.until(screen.text.__ne__, 60)
            found.append(screen.settle(0.2) - pressed)
    return statistics.median(found)


class Bench(App[None]):
    """The view without a terminal: what the widget itself costs."""

    def compose(self) -> ComposeResult:
        """Show the log."""
        yield LogView(id="log")

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the tones."""
        return dict(THEMES[0].variables)


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def resident() -> float:
    """Return this process's memory in MB."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def draw(view: LogView) -> None:
    """Draw every row."""
    for y in range(view.size.height):
        view.render_line(y)


def floor_tail(path: Path) -> None:
    """Read the last 64 kB and split them: what opening costs at least."""
    with path.open("rb") as file:
        file.seek(-min(1 << 16, path.stat().st_size), os.SEEK_END)
        file.read().split(b"\n")


def floor_at(path: Path, share: float) -> None:
    """Read 16 kB somewhere and split them: what a jump costs at least."""
    with path.open("rb") as file:
        file.seek(int(path.stat().st_size * share))
        file.read(1 << 14).split(b"\n")


async def inside(path: Path, lines: int, rounds: int) -> None:
    """Measure the widget in this process, beside the floors."""
    app = Bench()
    async with app.run_test(size=(120, 40)):
        view = app.query_one(LogView)
        before = resident()

        def open_it() -> None:
            view.show_file(path)
            draw(view)

        opens = []
        for _ in range(rounds):
            view.show_file(None)
            opens.append(timed(open_it))
        floor = statistics.median(timed(lambda: floor_tail(path)) for _ in range(rounds))
        line("open, widget alone", statistics.median(opens), {"read and split the tail": floor})
        log = view.opened
        assert log is not None
        chance = random.Random(3)
        shares = [chance.random() for _ in range(200)]

        def jump(offset: int) -> None:
            view.go_to(offset)
            draw(view)

        jumps = [timed(partial(jump, int(log.file.size * share))) for share in shares]
        floors = [timed(partial(floor_at, path, share)) for share in shares]
        line("jump, widget alone", statistics.median(jumps), {"read and split 16 kB": statistics.median(floors)})
        print(f"{'':<26}{max(jumps) * 1e3:10,.1f} ms   the slowest of {len(jumps)}")
        await count_behind(path, view, log)
        assert view.line_count() == lines
        exact = [timed(partial(log.offset_of, int(share * lines) + 1)) for share in shares]
        line("find a line by number", statistics.median(exact), {})
        print(
            f"memory more than before   {resident() - before:10,.1f} MB   for {log.file.size / 1e9:.1f} GB, {lines:,} lines"
        )


async def count_behind(path: Path, view: LogView, log: OpenLog) -> None:
    """Measure how long all lines take to be counted, and how long the loop has to wait for its turn meanwhile."""
    began, worst = time.perf_counter(), 0.0
    view.look()
    while not log.counted:
        step = time.perf_counter()
        await asyncio.sleep(0.002)
        worst = max(worst, time.perf_counter() - step - 0.002)
    counting = time.perf_counter() - began
    words = ["wc", "-l", str(path)]
    line("count all lines, behind", counting, {"wc -l": timed(partial(quietly, words))})
    print(f"{'':<26}{worst * 1e3:10,.1f} ms   the longest that the screen waited meanwhile")


def quietly(argv: list[str]) -> None:
    """Run a program; into a pipe, because grep stops at the first match where nobody reads."""
    subprocess.run(argv, check=False, stdout=subprocess.PIPE)


async def searching(path: Path) -> None:
    """Measure searches of the whole file, in the child, beside ripgrep and a Python loop."""
    from opsconsole.console.logs.reading.file import LogFile

    for name, wanted in (("search, a literal", LITERAL), ("search, a regex", REGEX)):
        taken: dict[str, float] = {}
        for engine in ("rg", "without rg"):
            if engine == "rg" and shutil.which("rg") is None:
                continue
            kept = os.environ["PATH"]
            if engine != "rg":
                os.environ["PATH"] = ""
            log = LogFile(path)
            log.look()
            event = asyncio.Event()
            trail = Trail(log, Query.text(wanted), event.set)
            began = time.perf_counter()
            near = timed(partial(trail.near, log.start_of(log.size // 2), 1))
            trail.go_on()
            while trail.running:
                event.clear()
                await event.wait()
            taken[engine] = time.perf_counter() - began
            os.environ["PATH"] = kept
            print(
                f"{name + ', ' + engine:<26}{taken[engine] * 1e3:10,.1f} ms   {len(trail.marks):,} lines; a first hit near after {near * 1e3:.1f} ms"
            )
            log.close()
        line(name, next(iter(taken.values())), peers_of(path, wanted))


def peers_of(path: Path, wanted: str) -> dict[str, float]:
    """Return what others take to search the file."""
    pattern = re.compile(wanted.encode())

    def python() -> int:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
            return sum(1 for _ in pattern.finditer(whole))

    found = {"re on an mmap": timed(python)}
    for name, argv in (("rg -c", ["rg", "-c"]), ("grep -cE", ["grep", "-cE"])):
        if shutil.which(argv[0]):
            found[name] = timed(partial(quietly, [*argv, wanted.replace(r"\b", ""), str(path)]))
    return found


def following(folder: Path, seconds: float) -> None:
    """Measure programs that follow a log of 20,000 lines a second: bytes, processor, and how far behind they end."""
    for name, argv in (("ours", OURS), ("less +F", ["less", "-n", "+F"]), ("lnav", LNAV), ("tail -f", ["tail", "-f"])):
        if shutil.which(argv[0]) is None:
            continue
        path = folder / "live.log"
        path.write_bytes(b"0000000000 begun\n")
        stop = threading.Event()
        wrote: list[int] = []
        with terminal([*argv, str(path)], folder) as screen:
            screen.until("0000000000", 60)
            screen.settle(1.0, 20)
            before = cpu_seconds(screen.process.pid)
            writer = threading.Thread(target=_talk, args=(path, stop, wrote), daemon=True)
            writer.start()
            size = sum(len(chunk.data) for chunk in screen.drain(seconds))
            stop.set()
            writer.join()
            ended = time.monotonic()
            last = f"{wrote[-1]:010d}"
            try:
                lag = max(screen.until(last, 20) - ended, 0.0)
            except AssertionError:
                lag = float("inf")
            share = (cpu_seconds(screen.process.pid) - before) / seconds * 100
            print(
                f"follow 20,000 lines/s      {name:<10}{size / seconds / 1e3:10,.1f} kB/s   CPU {share:5.1f} %   the last line after {lag:.2f} s",
                flush=True,
            )
        path.unlink()


def _talk(path: Path, stop: threading.Event, wrote: list[int]) -> None:
    chance = random.Random(5)
    number = 0
    with path.open("ab", buffering=0) as file:
        while not stop.is_set():
            lines = [
                f"{number + place:010d} INFO worker: request id={chance.getrandbits(64):016x} done"
                for place in range(997)
            ]
            file.write(("\n".join(lines) + "\n").encode())
            number += len(lines)
            wrote.append(number - 1)
            time.sleep(0.05)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=float, default=1.0)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--show", type=Path)
    options = parser.parse_args()
    if options.show:
        Shower(options.show).run()
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        path = folder / "big.log"
        lines = write(path, int(options.size * 1e9))
        print(
            f"{path.stat().st_size / 1e9:.2f} GB, {lines:,} lines; medians of {options.rounds}; the file is in the page cache"
        )
        last = f"{lines - 1:010d}"
        peers = {
            name: opening(
                [*argv, str(path)], folder, lambda text: last in text, options.rounds if argv[0] != "lnav" else 1
            )
            for name, argv in (("less +G", LESS), ("lnav", LNAV))
            if shutil.which(argv[0])
        }
        bare = opening(FLOOR, folder, lambda text: "hello, operator" in text, options.rounds)
        ours = opening([*OURS, str(path)], folder, lambda text: last in text, options.rounds)
        line("start and open", ours, {"bare Textual": bare, **peers})
        keys = list("37159264")
        beside = (
            {"less": jumping([*LESS, str(path)], folder, lambda text: last in text, [f"{key}0%" for key in keys], 0.3)}
            if shutil.which("less")
            else {}
        )
        line(
            "jump, on a terminal",
            jumping([*OURS, str(path)], folder, lambda text: last in text, keys, 1.5 + options.size),
            beside,
        )
        asyncio.run(inside(path, lines, options.rounds))
        asyncio.run(searching(path))
        path.unlink()
        following(folder, options.seconds)


if __name__ == "__main__":
    main()
