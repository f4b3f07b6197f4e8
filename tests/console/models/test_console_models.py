"""Models: what stands beside each other is of the same rows, gates are told as they were, a rollback does what it said."""

from __future__ import annotations

from textual.widgets import Input

from opsconsole.config.workspace import Workspace
from opsconsole.console.models.rollback import RollbackDialog
from opsconsole.console.shell.app import ConsoleApp
from opsconsole.console.widgets.lines import OneLine
from opsconsole.console.widgets.rows import RowList
from opsconsole.lifecycle.models.candidates import promote_candidate, roll_back_alias
from opsconsole.store import evaluations, promotions
from opsconsole.store.connection import open_store
from tests.console.shell.test_console_flows import screen_text, until
from tests.console.world import opsconsole

FORCED = ("same rows", "not worse", "floor", "signature", "tests")


def promoted(world: Workspace) -> None:
    """Version 2 is live, its gates forced."""
    with open_store(world.state) as store:
        promote_candidate(world, store, "flights", 2, "production", reason="I say so", expect="1", force=FORCED)


async def test_a_rollback_s_reason_is_the_operator_s_and_a_move_of_another_s_is_a_conflict(world: Workspace) -> None:
    promoted(world)
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: app.tab.place == "models" and app.query_one("#versions", RowList).key is not None)
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, RollbackDialog))
        dialog = app.screen
        assert dialog.query_one("#reason", Input).value == ""
        assert "v2  →  v1" in dialog.query_one("#move", OneLine).plain
        roll_back_alias(world, app.store, "flights", "production", "I was first")
        await pilot.press(*"worse", "enter", *"flights", "enter")
        await until(pilot, lambda: "nothing was live" in dialog.query_one("#said", OneLine).plain)
        kept = promotions.history(app.store, "flights", "production")
        assert [(move.kind, move.reason) for move in kept[:1]] == [("rollback", "I was first")]


async def test_a_number_beside_a_version_is_of_the_champion_s_rows_or_called_its_own(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: app.tab.place == "models" and app.query_one("#versions", RowList).key is not None)
        lines = {line.split()[0]: line for line in screen_text(app).split("\n") if line.strip().startswith(("v", "★"))}
        assert "own ." in lines["★"], "the champion's number is of rows of its own"
        shown = evaluations.shared(app.store, "flights", 2, 1)
        assert shown is not None
        wanted = [f"{item.metrics['auc']:.3f}".lstrip("0") for item in shown]
        numbers = next(line for line in screen_text(app).split("\n") if " v2 " in line and wanted[0] in line)
        assert wanted[1] in numbers.replace("−", "-")
        assert "rows that both scored" in screen_text(app)


async def test_a_version_s_page_shows_the_gates_it_was_promoted_with(world: Workspace) -> None:
    promoted(world)
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 60)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "GATES to production" in screen_text(app))
        shown = screen_text(app)
        assert "as they were" in shown
        assert "forced: same rows" in shown


async def test_the_numbers_beside_a_version_are_those_of_its_model_s_task(world: Workspace) -> None:
    artifact = world.root / "prices"
    artifact.mkdir()
    (artifact / "model.txt").write_text("weights\n", encoding="utf-8")
    rows = world.root / "prices.csv"
    rows.write_text("row_id,label,score\n" + "".join(f"{n},{n},{n + 0.5}\n" for n in range(50)), encoding="utf-8")
    done = opsconsole(
        world.root, "model", "register", "prices", str(artifact), "--task", "regression", "--eval-data", str(rows)
    )
    assert done.returncode == 0, done.stderr
    app = ConsoleApp(world.root)
    async with app.run_test(size=(160, 40)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: app.tab.place == "models" and "prices" in screen_text(app))
        lines = screen_text(app).split("\n")
        at = next(number for number, line in enumerate(lines) if "prices" in line and "regression" in line)
        head, numbers = lines[at + 1 : at + 3]
        assert [word for word in ("RMSE", "own MAE", "own R²", "Brier", "ECE") if word in head] == [
            "RMSE", "own MAE", "own R²",
        ]  # fmt: skip
        assert "own .500" in numbers
        assert "own Brier" in screen_text(app), "the binary model keeps its own"
