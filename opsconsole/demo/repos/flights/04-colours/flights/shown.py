"""What the log shows: colours, and a bar that stays on its line."""

from __future__ import annotations

import sys

GREEN, YELLOW, RED, BOLD, DIM, PLAIN = (f"\x1b[{code}m" for code in ("32", "33", "31", "1", "2", "0"))
WIDTH = 24


def say(text: str, colour: str = "") -> None:
    """Write a line."""
    print(f"{colour}{text}{PLAIN}" if colour else text, flush=True)


def bar(done: int, total: int, what: str) -> None:
    """Draw the bar over itself; the last one ends the line."""
    full = WIDTH * done // max(total, 1)
    sys.stdout.write(f"\r[{'#' * full}{'.' * (WIDTH - full)}] {done}/{total} {what}")
    sys.stdout.write("\n" if done >= total else "")
    sys.stdout.flush()
