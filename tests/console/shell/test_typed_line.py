"""What is typed on the ``:`` line as on the command line is carried out, and what was guessed is said."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from opsconsole.config.load import load
from opsconsole.config.workspace import Workspace
from opsconsole.console.shell.app import ConsoleApp
from opsconsole.lifecycle.usecases import USE_CASES
from tests.console.shell.test_console_flows import screen_text, until


@pytest.mark.parametrize(
    ("name", "typed", "values"),
    [
        ("monitor.add", "w --data a.csv --reference b.csv", {"monitor": "w", "source": "a.csv", "reference": "b.csv"}),
        ("monitor.add", "--data a.csv w", {"monitor": "w", "source": "a.csv"}),
        ("monitor.add", "w", None),
        ("monitor.add", "w --data", None),
        ("monitor.add", "w x --data a.csv", None),
        ("monitor.add", "w --data a.csv --none b", None),
        ("model.add", "m model.skops --task binary", {"model": "m", "path": "model.skops", "task": "binary"}),
        ("model.add", "m", {"model": "m"}),
        ("model.remove", "", None),
    ],
)
def test_a_line_is_read_as_its_use_case_is_written(name: str, typed: str, values: dict[str, object] | None) -> None:
    assert USE_CASES[name].typed(typed.split()) == values


async def test_a_monitor_is_added_and_taken_out_on_the_line(world: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world.root)
    for name in ("then.csv", "today.csv"):
        write(world.root / name)
    before = world.file.read_bytes()
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("colon", *"monitor add w", "enter")
        await until(pilot, lambda: "type :monitor add MONITOR --data SOURCE" in screen_text(app))
        await pilot.press("colon", *"monitor add w --data today.csv --reference then.csv", "enter")
        await until(pilot, lambda: "w added; guessed: chunk = day" in screen_text(app))
        assert load(world.file).monitors["w"].reference == "then.csv"
        await pilot.press("colon", *"monitor rm w", "enter")
        await until(pilot, lambda: "w is forgotten; 0 judged chunks stay" in screen_text(app))
    assert world.file.read_bytes() == before


def write(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["a"], *([row % 97] for row in range(600))])
