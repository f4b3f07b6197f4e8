"""Builds by keys: plan, changes, bisect, comparison, keeping, and how far a live run's tests are."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from opsconsole.config.workspace import Workspace
from opsconsole.console.builds.bisect import BisectDialog
from opsconsole.console.builds.changes import ChangesDialog
from opsconsole.console.builds.compare_runs import RunsDialog
from opsconsole.console.builds.plan import PlanDialog
from opsconsole.console.shell.app import ConsoleApp
from opsconsole.console.widgets.rows import RowList
from opsconsole.runs.analyse.test_progress import NAME
from opsconsole.runs.record.folder import run_folder
from opsconsole.store import runs
from tests.console.shell.test_console_flows import screen_text, until
from tests.console.world import copy_world, opsconsole

SIZES = pytest.mark.parametrize("size", [(120, 40), (80, 24)])


def commit(root: Path, text: str, message: str) -> str:
    repo = root / "repos" / "app"
    (repo / "tests" / "test_app.py").write_text(text, encoding="utf-8")
    git = ["git", "-C", str(repo), "-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run([*git, "commit", "-q", "-am", message], check=True)
    made = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return made.stdout.strip()


@pytest.fixture(scope="session")
def made_mended(made_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The world after its broken build was mended and broken again, each built; nobody changes it."""
    root = tmp_path_factory.mktemp("mended") / "world"
    copy_world(made_world, root)
    commit(root, "def test_new(): pass\n", "mend [/]")
    assert opsconsole(root, "run", "app").returncode == 0
    commit(root, "def test_new(): assert 0\ndef test_other(): pass\n", "break it again \x1b[31m[bold]")
    assert opsconsole(root, "run", "app").returncode == 1
    return root


@pytest.fixture
def mended(made_mended: Path, world: Workspace) -> Workspace:
    """A copy to do anything with."""
    return copy_world(made_mended, world.root.with_name("mended"))


@SIZES
async def test_the_plan_says_why_and_what(world: Workspace, size: tuple[int, int]) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=size) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: bool(app.query("#runs")) and app.query_one("#runs", RowList).key == 1)
        await pilot.press("P")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))
        await until(pilot, lambda: "because" in screen_text(app))
        await until(pilot, lambda: "pytest" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, PlanDialog))


@SIZES
async def test_changes_since_the_last_green_run_are_named(mended: Workspace, size: tuple[int, int]) -> None:
    app = ConsoleApp(mended.root)
    async with app.run_test(size=size) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: bool(app.query("#runs")) and app.query_one("#runs", RowList).key == 3)
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, ChangesDialog) and "since run #2" in screen_text(app))
        await until(pilot, lambda: "break it again [bold]" in screen_text(app))
        await until(pilot, lambda: "tests/test_app.py" in screen_text(app))
        assert isinstance(app.screen, ChangesDialog)
        assert "assert 0" in app.screen.patch


async def test_a_failed_test_says_that_it_is_new(mended: Workspace) -> None:
    app = ConsoleApp(mended.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: bool(app.query("#detail")) and "FAILED" in screen_text(app))
        assert "new: passed 1 run before" in screen_text(app)


async def test_two_runs_are_compared_marked_or_with_the_one_before(mended: Workspace) -> None:
    app = ConsoleApp(mended.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: bool(app.query("#runs")) and app.query_one("#runs", RowList).key == 3)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, RunsDialog) and "BROKEN" in screen_text(app))
        await until(pilot, lambda: "test_new" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, RunsDialog))
        listing = app.query_one("#runs", RowList)
        await pilot.press("space", "down", "down", "space")
        assert listing.marked == {3, 1}
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, RunsDialog) and "GONE" in screen_text(app))
        assert isinstance(app.screen, RunsDialog)
        assert (app.screen.before, app.screen.after) == (1, 3)


async def test_bisect_is_filled_in_and_becomes_a_run_that_is_followed(mended: Workspace) -> None:
    app = ConsoleApp(mended.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: bool(app.query("#runs")) and app.query_one("#runs", RowList).key == 3)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, BisectDialog))
        green, red = runs.get(app.store, 2), runs.get(app.store, 3)
        assert green is not None
        assert red is not None
        assert green.commit[:12] in screen_text(app)
        assert red.commit[:12] in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: (found := runs.get(app.store, 4)) is not None and found.pipeline == "bisect")
        await until(pilot, lambda: (found := runs.get(app.store, 4)) is not None and found.state.final, 60)
        log = run_folder(app.workspace.state, 4).log("bisect").read_text(encoding="utf-8")
        assert f"{red.commit[:12]} is the first bad commit" in log


async def test_a_run_is_kept_for_good_and_let_go_again(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: bool(app.query("#runs")) and app.query_one("#runs", RowList).key == 1)
        await pilot.press("K")
        await until(pilot, lambda: (found := runs.get(app.store, 1)) is not None and found.pinned)
        await until(pilot, lambda: "kept for good" in screen_text(app))
        await pilot.press("K")
        await until(pilot, lambda: (found := runs.get(app.store, 1)) is not None and not found.pinned)


async def test_a_live_run_shows_how_far_its_tests_are(world: Workspace) -> None:
    with ConsoleApp(world.root).store.immediate() as connection:
        connection.execute("UPDATE runs SET state = 'running', ended_at = NULL, started_at = created_at WHERE id = 1")
        connection.execute("UPDATE steps SET state = 'running' WHERE run_id = 1")
    out = run_folder(world.state, 1).out
    lines = [{"total": 40}, *({"id": f"t{n}", "outcome": "failed" if n == 3 else "passed"} for n in range(10))]
    (out / NAME).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    app = ConsoleApp(world.root, readonly=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "10/40" in screen_text(app))
        await pilot.press("2")
        await until(pilot, lambda: "10 of 40 tests" in screen_text(app))
        assert "1 failed" in screen_text(app)


@SIZES
async def test_flaky_tests_and_the_history_of_one_are_shown(mended: Workspace, size: tuple[int, int]) -> None:
    app = ConsoleApp(mended.root)
    with app.store.immediate() as connection:
        connection.execute(
            "UPDATE tests SET flaky = 2, flaky_at = '2026-01-01T00:00:00.000000Z' WHERE name LIKE '%test_new'"
        )
    async with app.run_test(size=size) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: bool(app.query("#runs")) and app.query_one("#runs", RowList).key == 3)
        await pilot.press("f")
        await until(pilot, lambda: "at one commit" in screen_text(app) and "test_new" in screen_text(app))
        await pilot.press("escape", "enter")
        detail = app.query_one("#detail", RowList)
        await until(pilot, lambda: detail.has_focus)
        detail.select(next(row.key for row in detail._page.rows if isinstance(row.key, tuple) and row.key[0] == "test"))  # type: ignore[attr-defined]
        await pilot.press("H")
        await until(pilot, lambda: "RUNS  2   1 failed" in screen_text(app))
