"""What the console and the command line cost their operator, beside a bare Textual program and a bare Python.

    python -m tests.benchmarks.console [--rounds 7] [--rows 5000] [--idle 20]

A real pty and a terminal emulator. Each figure stands beside its budget; nothing is asserted.
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
    """What one kind of key cost, each time it was pressed."""

    name: str
    budget: int
    sizes: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    slow: list[float] = field(default_factory=list)

    def add(self, pressed: float, chunks: Sequence[Chunk]) -> None:
        """Note an answer."""
        self.sizes.append(sum(len(chunk.data) for chunk in chunks))
        self.seconds.append(chunks[-1].at - pressed if chunks else 0.0)
        self.slow.append(over_slow_line(pressed, chunks))

    def told(self) -> str:
        """Return a row of the table."""
        size, most = statistics.median(self.sizes), max(self.sizes)
        return (
            f"{self.name:<28}{size:>9,.0f} B  most {most:>7,} B  budget {self.budget:>6,} B  {verdict(size, self.budget)}"
            f"   settled {statistics.median(self.seconds) * 1e3:6.1f} ms, slow line {statistics.median(self.slow) * 1e3:5.0f} ms"
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


def answer(line: Terminal, key: str) -> tuple[float, list[Chunk]]:
    """Press a key, and return when, and all that it brought."""
    before = len(line.received)
    pressed = line.press(key)
    chunks: list[Chunk] = []
    while chunk := line.next_chunk(0.3):
        chunks.append(chunk)
    assert len(line.received) - before == sum(len(chunk.data) for chunk in chunks)
    return pressed, chunks


def keys(root: Path, presses: int) -> None:
    """Measure rows, pages and tabs."""
    tabs = Answers("tab switch", 10_000)
    found = [tabs]
    with terminal(CONSOLE, root) as line:
        line.until("WAITING FOR YOU", 30)
        line.settle(1.0)
        for key in "2345":  # the first time a tab is made
            line.press(key)
            line.settle(0.5)
        for place, key in (("builds", "2"), ("models", "3"), ("activity", "5")):
            line.press(key)
            line.settle(0.5)
            rows, pages = Answers(f"row down, {place}", 600), Answers(f"page down, {place}", 8_000)
            for _ in range(presses):
                rows.add(*answer(line, "down"))
            for _ in range(presses if place != "models" else 0):
                pages.add(*answer(line, "pagedown"))
            found += [answers for answers in (rows, pages) if answers.sizes]
        for number in range(presses * 2):
            tabs.add(*answer(line, "12345"[number * 2 % 5]))
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
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--presses", type=int, default=15)
    parser.add_argument("--idle", type=float, default=20.0)
    options = parser.parse_args()
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
