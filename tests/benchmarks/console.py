"""What the console and the command line cost their operator, beside a bare Textual program and a bare Python.

    python -m tests.benchmarks.console [--workspace DEMO] [--rounds 7] [--rows 5000] [--idle 20]

A real pty and a terminal emulator. Each figure stands beside its budget; nothing is asserted. A key that changes nothing
on the screen is void and measures nothing; a list at its end is walked back.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from opsconsole.console.widgets.rows import REST
from tests.benchmarks.seeding import seed
from tests.console.pty_terminal import Chunk, Terminal
from tests.console.world import environment, opsconsole

BARE = [sys.executable, str(Path(__file__).with_name("bare.py"))]
CONSOLE = [str(Path(sys.executable).with_name("opsconsole"))]
"""As the operator starts it: the installed script."""
ROUND_TRIP = 0.1
"""Seconds of the slow line that is reckoned."""
RATE = 256_000 / 8
"""Bytes a second of it."""


@dataclass
class Answers:
    """What one kind of key cost, each time it moved something: at once, and when the cursor had rested."""

    name: str
    budget: int
    slow_budget: int
    sizes: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    slow: list[float] = field(default_factory=list)
    later: list[int] = field(default_factory=list)
    """Bytes of what follows the cursor where it rests."""
    void: int = 0

    def add(self, pressed: float, chunks: Sequence[Chunk], *, moved: bool) -> None:
        """Note an answer."""
        if not moved:
            self.void += 1
            return
        at_once = [chunk for chunk in chunks if chunk.at - pressed < REST * 0.9]
        self.sizes.append(sum(len(chunk.data) for chunk in at_once))
        self.later.append(sum(len(chunk.data) for chunk in chunks) - self.sizes[-1])
        self.seconds.append(at_once[-1].at - pressed if at_once else 0.0)
        self.slow.append(over_slow_line(pressed, at_once))

    def told(self) -> str:
        """Return a row of the table."""
        if not self.sizes:
            return f"{self.name:<28}     void: {self.void} presses moved nothing"
        size, most, slow = statistics.median(self.sizes), max(self.sizes), statistics.median(self.slow) * 1e3
        later = f"; at rest {statistics.median(self.later):,.0f} B more" if any(self.later) else ""
        return (
            f"{self.name:<28}{size:>9,.0f} B  most {most:>7,} B  budget {self.budget:>6,} B  {verdict(size, self.budget)}"
            f"   settled {statistics.median(self.seconds) * 1e3:6.1f} ms,"
            f" slow line {slow:5.0f} ms  budget {self.slow_budget} ms  {verdict(slow, self.slow_budget)}{later}"
            f"   n {len(self.sizes)}"
        )


def over_slow_line(pressed: float, chunks: Sequence[Chunk]) -> float:
    """Return when the last byte would have come over a line of ``ROUND_TRIP`` and ``RATE``: reckoned, not waited for."""
    free = pressed
    for chunk in chunks:
        free = max(free, chunk.at) + len(chunk.data) / RATE
    return free - pressed + ROUND_TRIP


def verdict(value: float, budget: float) -> str:
    """Say whether a figure keeps to its budget."""
    return "good" if value <= budget else "OVER"


def terminal(argv: Sequence[str], root: Path) -> Terminal:
    """Open a program in a terminal, in an environment of its own."""
    return Terminal(argv, cwd=root, env=environment(root.parent) | {"PYTHONPATH": str(Path.cwd())})


def first_paint(argv: Sequence[str], root: Path, wanted: Callable[[str], bool]) -> tuple[float, int]:
    """Return the seconds to the first frame that shows what is wanted, and the bytes until then."""
    with terminal(argv, root) as line:
        seconds = line.until(wanted, 30) - line.began_at
        size = len(line.received)
        line.press("q")
        line.wait(10)
    return seconds, size


def paints(root: Path, rounds: int) -> None:
    """Measure the start, in turns with the bare program."""
    bare: list[float] = []
    ours: list[tuple[float, int]] = []
    for number in range(rounds + 1):
        floor, _ = first_paint(BARE, root, lambda text: "hello, operator" in text)
        found = first_paint(CONSOLE, root, lambda text: "5 Activity" in text and "WAITING FOR YOU" in text)
        if number:
            bare.append(floor)
            ours.append(found)
    floor, mine = statistics.median(bare), statistics.median(seconds for seconds, _ in ours)
    ratio = statistics.median(seconds / beside for (seconds, _), beside in zip(ours, bare, strict=True))
    size = statistics.median(size for _, size in ours)
    print(f"first paint                 {ratio:9.2f} ×  of a bare Textual program  budget 1.3 ×  {verdict(ratio, 1.3)}")
    print(f"                            {mine * 1e3:9.0f} ms, bare {floor * 1e3:.0f} ms; {size:,.0f} B")


def answer(line: Terminal, key: str) -> tuple[float, list[Chunk], bool]:
    """Press a key; return when, all that it brought, and whether anything looks other than before."""
    before, size = list(line.screen.display), len(line.received)
    pressed = line.press(key)
    chunks: list[Chunk] = []
    while chunk := line.next_chunk(0.3):
        chunks.append(chunk)
    assert len(line.received) - size == sum(len(chunk.data) for chunk in chunks)
    return pressed, chunks, list(line.screen.display) != before


def walk(line: Terminal, answers: Answers, there: str, back: str, presses: int) -> None:
    """Press a key so many times that it moved something; at the end of the list turn round."""
    key, stuck = there, 0
    while len(answers.sizes) < presses and stuck < 2:
        pressed, chunks, moved = answer(line, key)
        answers.add(pressed, chunks, moved=moved)
        stuck = 0 if moved else stuck + 1
        key = key if moved else back if key == there else there


PLACES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("overview", "1", ()),
    ("builds", "2", ()),
    ("a run's detail", "2", ("tab",)),
    ("models", "3", ()),
    ("a version", "3", ("enter",)),
    ("drift", "4", ()),
    ("evidence", "4", ("enter",)),
    ("activity", "5", ()),
)
"""Every list of the console: its name, its tab, and the keys that lead into it."""


def keys(root: Path, presses: int) -> None:
    """Measure rows, pages and tabs."""
    tabs = Answers("tab switch", 10_000, 450)
    found = [tabs]
    with terminal(CONSOLE, root) as line:
        line.until("WAITING FOR YOU", 30)
        line.settle(1.0)
        for key in "2345":  # the first time a tab is made
            line.press(key)
            line.settle(0.5)
        for place, tab, into in PLACES:
            for key in (tab, *into):
                line.press(key)
                line.settle(0.5)
            rows, pages = Answers(f"row, {place}", 600, 130), Answers(f"page, {place}", 8_000, 350)
            walk(line, rows, "down", "up", presses)
            walk(line, pages, "pagedown", "pageup", presses)
            found += [rows, pages]
            line.press("escape")
            line.settle(0.5)
        for number in range(presses * 2):
            pressed, chunks, moved = answer(line, "12345"[number * 2 % 5])
            tabs.add(pressed, chunks, moved=moved)
        line.press("q")
        line.wait(10)
    for answers in found:
        print(answers.told())


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and of the children it has seen end."""
    own = time.clock_gettime_ns((~pid << 3) | 2) / 1e9  # Linux: the clock of another process, to the nanosecond
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return own + sum(int(ticks) for ticks in fields[13:15]) / os.sysconf("SC_CLK_TCK")


def idle(root: Path, seconds: float) -> None:
    """Measure a console, and the bare program, that nobody touches."""
    for name, argv, shown in (("bare program", BARE, "hello, operator"), ("console", CONSOLE, "WAITING FOR YOU")):
        with terminal(argv, root) as line:
            line.until(shown, 30)
            line.settle(2.0)
            before = cpu_seconds(line.process.pid)
            size = sum(len(chunk.data) for chunk in line.drain(seconds))
            share = (cpu_seconds(line.process.pid) - before) / seconds * 100
            said = f"budget .5 %, 0 B  {verdict(share, 0.5)}, {verdict(size, 0)}" if name == "console" else ""
            print(f"idle {name:<16}       {share:9.2f} %  {size:,} B in {seconds:.0f} s  {said}")
            line.press("q")
            line.wait(10)


def following(root: Path, seconds: float) -> None:
    """Measure a log of 10,000 lines a second, watched."""
    started = opsconsole(root, "run", "app/talk", "--detach", "--json")
    assert started.returncode == 0, started.stderr.decode()
    with terminal(CONSOLE, root) as line:
        line.until("WAITING FOR YOU", 30)
        line.press("2")
        line.until(lambda text: "INFO worker: line" in text, 20)
        line.settle(seconds=1.0)
        before = cpu_seconds(line.process.pid)
        size = sum(len(chunk.data) for chunk in line.drain(seconds))
        share = (cpu_seconds(line.process.pid) - before) / seconds * 100
        rate = size / seconds / 1e3
        print(f"following 10,000 lines/s    {rate:9.1f} kB/s  budget 120 kB/s  {verdict(rate, 120)}; CPU {share:.1f} %")
        line.press("q")
        line.wait(10)
    run = next(word for word in started.stdout.decode().split('"id":')[1].replace(",", " ").split())
    opsconsole(root, "cancel", run)


def status(root: Path, rounds: int) -> None:
    """Measure the command line's quickest answer, in turns with a bare Python."""
    env = environment(root.parent) | {"PYTHONPATH": str(Path.cwd())}
    taken: dict[str, list[float]] = {"python": [], "status": []}
    argv = {"python": [sys.executable, "-c", "pass"], "status": [*CONSOLE, "status", "--json"]}
    for number in range(rounds * 3 + 1):
        for name, words in argv.items():
            start = time.perf_counter()
            subprocess.run(words, cwd=root, env=env, check=True, stdout=subprocess.DEVNULL)
            if number:
                taken[name].append(time.perf_counter() - start)
    floor, mine = statistics.median(taken["python"]), statistics.median(taken["status"])
    ratio = mine / floor
    print(f"opsconsole status --json    {ratio:9.1f} ×  of `python -c pass`  budget 10 ×  {verdict(ratio, 10)}")
    print(f"                            {mine * 1e3:9.0f} ms, bare {floor * 1e3:.0f} ms")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workspace", type=Path, help="a demo workspace, which is looked at and not changed")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--presses", type=int, default=15)
    parser.add_argument("--idle", type=float, default=20.0)
    options = parser.parse_args()
    if options.workspace is not None:
        print(f"120×40, {options.workspace}; medians of {options.rounds} rounds")
        paints(options.workspace, options.rounds)
        keys(options.workspace, options.presses)
        idle(options.workspace, options.idle)
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "workspace")
        seed(root, options.rows)
        print(f"120×40, {options.rows:,} runs, {options.rows * 2:,} events; medians of {options.rounds} rounds")
        paints(root, options.rounds)
        keys(root, options.presses)
        idle(root, options.idle)
        following(root, 8.0)
        status(root, options.rounds)


if __name__ == "__main__":
    main()
