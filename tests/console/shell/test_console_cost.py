"""What keys of the shell send over the line: a pane, a completion and a line of the history cost little more than a row."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.config.workspace import Workspace
from opsconsole.console.widgets.rows import BAR
from tests.console.pty_terminal import Terminal
from tests.console.world import environment

PROJECT = Path(__file__).parents[3]
ROW = 600
"""Bytes that a row down may cost."""


@pytest.fixture
def terminal(world: Workspace, tmp_path: Path) -> Iterator[Terminal]:
    env = environment(tmp_path) | {"PYTHONPATH": str(PROJECT)}
    with Terminal([sys.executable, "-m", "opsconsole"], cwd=world.root, env=env) as opened:
        opened.until("WAITING FOR YOU")
        opened.press("2")
        opened.until("LOG  test")
        opened.settle()
        yield opened


def bar(terminal: Terminal) -> tuple[int, int] | None:
    """Where the bar of the focused row stands: line and column."""
    return next(((y, line.index(BAR)) for y, line in enumerate(terminal.screen.display) if BAR in line), None)


def cost(terminal: Terminal, *keys: str) -> int:
    before = len(terminal.received)
    terminal.press(*keys)
    terminal.settle()
    return len(terminal.received) - before


def test_the_focus_walks_through_every_pane_for_the_price_of_a_few_rows(terminal: Terminal) -> None:
    seen = {bar(terminal)}
    for _ in range(4):
        at, before = bar(terminal), len(terminal.received)
        terminal.press("tab")
        terminal.until(lambda _: bar(terminal) not in {None, at})  # noqa: B023 - asked before the next turn
        terminal.settle()
        assert len(terminal.received) - before < 4 * ROW
        assert terminal.text.count(BAR) == 1
        seen.add(bar(terminal))
    assert len(seen) > 2


def test_what_tab_and_up_show_on_the_line_costs_no_more_than_a_row(terminal: Terminal) -> None:
    terminal.press(":")
    terminal.until(lambda text: text.splitlines()[-1].startswith(" :"))
    terminal.settle()
    assert cost(terminal, "tab") < ROW
    assert "ack" in terminal.screen.display[-1]
    assert cost(terminal, "tab") < ROW
    assert cost(terminal, "tab") < ROW
