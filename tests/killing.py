"""Something done again and again in children, each killed at one act later, until one comes to its end."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
WRITES = {"UPDATE", "INSERT", "DELETE", "COMMIT"}
Step = Callable[[str], None]
"""Told of each act before it is done."""


def killed_at_each_act(program: str, *arguments: str) -> list[tuple[str, str]]:
    """Run a program that calls ``kill_at_each_act``; return each point at which a child was killed, and the act."""
    argv = [sys.executable, "-c", program, *arguments]
    answer = subprocess.run(argv, check=False, capture_output=True, text=True, cwd=ROOT)
    assert answer.returncode == 0, answer.stderr
    return [(point, what) for point, what in (line.split(" ") for line in answer.stdout.splitlines())]


def kill_at_each_act(base: Path, act: Callable[[Path], None], watch: Callable[[Step], None]) -> None:
    """Act on the folder ``1`` of a base and die at the first write, on ``2`` and die at the second, and so on.

    ``watch`` makes other acts than writes to a database tell of themselves.
    """
    number = 0
    while True:
        number += 1
        child = os.fork()
        if child == 0:
            step = _killed_at(number)
            _watch_writes(step)
            watch(step)
            act(base / str(number))
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code == 0:
            break
        assert code == -signal.SIGKILL, code
    print(number, "whole", flush=True)


def _killed_at(number: int) -> Step:
    left = number

    def step(what: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            print(number, what, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)

    return step


def _watch_writes(step: Step) -> None:
    connect = sqlite3.connect

    def connect_watched(*arguments: Any, **keywords: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **keywords)
        connection.set_trace_callback(lambda sql: step(sql.split()[0]) if sql.split()[0] in WRITES else None)
        return connection

    sqlite3.connect = connect_watched  # type: ignore[assignment]
