"""What all filters share: run a command, see each line of it, keep the results of its tests. Standard library only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from xml.etree import ElementTree as ET

DETAIL_LIMIT = 64 << 10
_KINDS = {"failed": "failure", "error": "error", "skipped": "skipped"}


@dataclass(frozen=True)
class Case:
    """One finished test."""

    suite: str
    """May be empty."""
    name: str
    outcome: str
    """``passed``, ``failed``, ``skipped`` or ``error``."""
    seconds: float | None = None
    message: str = ""
    detail: str = ""

    @property
    def test_id(self) -> str:
        """Return it as the reader of the report will."""
        return f"{self.suite}::{self.name}" if self.suite else self.name


class Results:
    """The tests so far: each is reported at once, and all of them in a report at the end."""

    def __init__(self) -> None:
        self.cases: list[Case] = []
        self._total = 0
        out = os.environ.get("OPSCONSOLE_OUT")
        self._progress: Path | None = Path(out, "progress.jsonl") if out else None

    def expect(self, total: int) -> None:
        """Tell that so many more tests will run."""
        self._total += total
        self._tell({"total": self._total})

    def finished(self, case: Case) -> None:
        """Keep a test, and tell it."""
        self.cases.append(case)
        fact: dict[str, object] = {"id": case.test_id, "outcome": case.outcome}
        self._tell(fact if case.seconds is None else fact | {"s": round(case.seconds, 6)})

    def _tell(self, line: dict[str, object]) -> None:
        """Append a line; where that is impossible the tests go on without."""
        if self._progress is None:
            return
        try:
            with self._progress.open("ab") as file:
                file.write(json.dumps(line).encode() + b"\n")
        except OSError as error:
            sys.stderr.write(f"no progress can be told: {error}\n")
            self._progress = None

    def write(self, report: Path) -> None:
        """Write the JUnit report."""
        root = ET.Element("testsuites")
        suites: dict[str, ET.Element] = {}
        for case in self.cases:
            if case.suite not in suites:
                suites[case.suite] = ET.SubElement(root, "testsuite", name=printable(case.suite))
            element = ET.SubElement(
                suites[case.suite], "testcase", classname=printable(case.suite), name=printable(case.name)
            )
            if case.seconds is not None:
                element.set("time", f"{case.seconds:.6f}")
            if case.outcome in _KINDS:
                verdict = ET.SubElement(element, _KINDS[case.outcome], message=printable(case.message))
                verdict.text = printable(case.detail[:DETAIL_LIMIT])
        ET.ElementTree(root).write(report, encoding="utf-8", xml_declaration=True)


def printable(text: str) -> str:
    """Return ``text`` with what XML cannot hold written out."""
    return "".join(letter if _allowed(ord(letter)) else f"#x{ord(letter):02X}" for letter in text)


def _allowed(code: int) -> bool:
    return code in {0x9, 0xA, 0xD} or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000


@dataclass(frozen=True)
class Arguments:
    """What a filter was asked for: ``[--OPTION...] REPORT -- COMMAND...``."""

    options: frozenset[str]
    report: Path
    command: list[str]


def arguments(words: list[str]) -> Arguments:
    """Read the command line of a filter."""
    at = words.index("--") if "--" in words else len(words)
    ours, command = words[:at], words[at + 1 :]
    options = frozenset(word for word in ours if word.startswith("--"))
    reports = [word for word in ours if not word.startswith("--")]
    if len(reports) != 1 or not command:
        raise SystemExit("usage: [--OPTION...] REPORT -- COMMAND...")
    return Arguments(options, Path(reports[0]), command)


def run(command: list[str], line: Callable[[str], str | None], *, errors: bool = True) -> int:
    """Run the command; ``line`` sees each line of it and gives what is shown. Return its exit code, as a shell says it.

    ``errors``: what it writes to its standard error is seen too, in the order it came; else it goes past the filter.
    A signal is handed on, and its end awaited, so that what ran until then is still reported.
    """
    children: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def hand_on(number: int, _frame: FrameType | None) -> None:
        early.append(number)
        for child in children:
            child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, hand_on)
    try:
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT if errors else None, stdin=subprocess.DEVNULL
        )
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return 127 if isinstance(error, FileNotFoundError) else 126

    children.append(child)
    for received in early:
        child.send_signal(received)
    reader = Reader(child, line)
    reader.start()
    code = child.wait()
    reader.drain()
    return 128 - code if code < 0 else code


class Reader(threading.Thread):
    """Reads what the command says. What it leaves running may hold its output open: its own end is what counts."""

    def __init__(self, child: subprocess.Popen[bytes], line: Callable[[str], str | None]) -> None:
        super().__init__(daemon=True)
        self._output = child.stdout
        self._line = line
        self._lines = 0

    def run(self) -> None:
        """Read to the end."""
        for raw in self._output or ():
            shown = self._line(raw.decode("utf-8", "replace").rstrip("\r\n"))
            if shown is not None:
                show(shown)
            self._lines += 1

    def drain(self) -> None:
        """Wait until all is read, or for a second nothing more has come."""
        seen = -1
        while self.is_alive() and self._lines != seen:
            seen = self._lines
            self.join(1)


def show(text: str) -> None:
    """Print a line at once."""
    try:
        sys.stdout.buffer.write(text.encode("utf-8", "replace") + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - until the process ends


def first_line(text: str) -> str:
    """Return the first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
