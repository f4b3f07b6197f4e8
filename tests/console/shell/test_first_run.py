"""The first-run screen: repos, models and data are offered, what is chosen stands in the file, and the demo is a key away."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import pytest

from opsconsole.config.load import load
from opsconsole.console.first_run import DEMO, FirstRun, FirstRunApp
from opsconsole.console.widgets.rows import RowList
from tests.console.shell.test_console_flows import screen_text, until

SIZES = [(120, 40), (80, 24)]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def rows(path: Path, shift: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["a", "b"], *([row % 97 + shift, row % 5] for row in range(600))])


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    rows(folder / "reference.csv", 0)
    rows(folder / "today.csv", 3)
    (folder / "churn.onnx").write_bytes(b"weights")
    subprocess.run(["git", "init", "-q", str(folder / "app")], check=True)
    subprocess.run(["git", "-C", str(folder / "app"), "commit", "-q", "--allow-empty", "-m", "a"], check=True)
    return folder


@pytest.mark.parametrize("size", SIZES)
async def test_what_was_chosen_stands_in_the_file(here: Path, size: tuple[int, int]) -> None:
    app = FirstRunApp(here)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.candidates is not None)
        assert app.chosen == {"app"}, "repos are taken unless one says otherwise"
        await until(pilot, lambda: "REPOS" in screen_text(app))
        shown = screen_text(app)
        for word in ("REPOS", "MODELS", "DATA", "churn.onnx", "today.csv", "space", "demo instead", "q leave"):
            assert word in shown
        found = app.query_one("#found", RowList)
        found.select(("data", "today.csv"))
        await pilot.press("space")
        assert app.chosen == {"app", "today.csv"}
        assert "today.csv is held against reference.csv" in screen_text(app)
        found.select(("data", "reference.csv"))
        await pilot.press("space")
        assert "no file was found to hold it against" in " ".join(screen_text(app).split())
        found.select(("repos", "app"))
        await pilot.press("space")
        assert app.chosen == {"today.csv"}
        await pilot.press("w")
        await until(pilot, lambda: app.return_value is not None)
    assert app.return_value is FirstRun.WORKSPACE
    config = load(here / "opsconsole.toml")
    assert (list(config.repos), list(config.models), list(config.monitors)) == ([], [], ["today"])
    assert config.monitors["today"].reference == "reference.csv"


@pytest.mark.parametrize("size", SIZES)
async def test_where_nothing_is_found_the_demo_is_offered_and_nothing_is_written(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    app = FirstRunApp(tmp_path)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.candidates is not None)
        await until(pilot, lambda: "d makes" in screen_text(app))
        shown = screen_text(app)
        assert f"d makes the demo in ./{DEMO} and opens it" in shown
        assert "opsconsole monitor add NAME --reference FILE --data FILE" in shown
        await pilot.press("d")
    assert app.return_value is FirstRun.DEMO
    assert names(tmp_path) == []


async def test_leaving_leaves_no_trace(here: Path) -> None:
    before = names(here)
    app = FirstRunApp(here)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.candidates is not None)
        await pilot.press("q")
    assert app.return_value is None
    assert names(here) == before
