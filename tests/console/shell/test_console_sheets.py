"""Every dialog: Esc is back to where one was, Enter goes on from a row of its list or says what would, and none is left out."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

import opsconsole.console
from opsconsole.config.workspace import Workspace
from opsconsole.console.builds.bisect import BisectDialog
from opsconsole.console.builds.build import BuildDialog
from opsconsole.console.builds.changes import ChangesDialog
from opsconsole.console.builds.compare_runs import RunsDialog
from opsconsole.console.builds.flaky import FlakyDialog, HistoryDialog
from opsconsole.console.builds.plan import PlanDialog
from opsconsole.console.builds.stop_service import StopDialog
from opsconsole.console.builds.trust import TrustDialog
from opsconsole.console.dialogs.ask import AskDialog
from opsconsole.console.dialogs.base import Dialog
from opsconsole.console.dialogs.docs import DocsDialog
from opsconsole.console.dialogs.keys import KeysDialog
from opsconsole.console.dialogs.production import ProductionDialog
from opsconsole.console.dialogs.sheet import SheetDialog
from opsconsole.console.drift.baselines import BaselinesDialog
from opsconsole.console.drift.explain import ExplainDialog
from opsconsole.console.drift.replay import ReplayDialog
from opsconsole.console.drift.rollup import RollupDialog
from opsconsole.console.models.compare_versions import CompareDialog
from opsconsole.console.models.promotion import PromotionDialog
from opsconsole.console.models.rollback import RollbackDialog
from opsconsole.console.shell.app import ConsoleApp
from opsconsole.console.shell.bars import StatusBar
from opsconsole.console.shell.prompt import Prompt
from opsconsole.console.widgets.rows import BAR, RowList
from opsconsole.core.nouns import PipelineKind, RunState
from opsconsole.docs import topic
from opsconsole.store import runs
from opsconsole.store.runs import RunRecord
from tests.console.shell.test_console_flows import screen_text, until
from tests.console.shell.test_console_focus import open_tab
from tests.console.shell.test_console_screens import new_run


async def _nothing() -> None:
    return None


def run(app: ConsoleApp) -> RunRecord:
    found = runs.get(app.store, 1)
    assert found is not None
    return found


FLAKY = [{"id": "tests/test_app.py::test_broken", "pipeline": "build", "variant": "", "rate": 0.5, "contradictions": 1,
          "flips": 1, "failed": 1, "runs": 2}]  # fmt: skip
MADE: dict[type[Dialog], Callable[[ConsoleApp], Dialog]] = {
    BisectDialog: lambda app: BisectDialog(run(app), None),
    BuildDialog: lambda _: BuildDialog("app"),
    ChangesDialog: lambda _: ChangesDialog("app", "build", None),
    RunsDialog: lambda _: RunsDialog(1, 2),
    FlakyDialog: lambda _: FlakyDialog("app"),
    HistoryDialog: lambda _: HistoryDialog("app", "build", "tests/test_app.py::test_broken", ""),
    PlanDialog: lambda _: PlanDialog("app"),
    StopDialog: lambda app: StopDialog(run(app)),
    TrustDialog: lambda _: TrustDialog("app"),
    AskDialog: lambda _: AskDialog("Build", ("one thing", "another"), "a hint", _nothing),
    DocsDialog: lambda _: DocsDialog(),
    KeysDialog: lambda app: KeysDialog(app.tab.places()),
    BaselinesDialog: lambda _: BaselinesDialog("flights", _nothing),
    ExplainDialog: lambda _: ExplainDialog("flights", None),
    ReplayDialog: lambda _: ReplayDialog("flights"),
    RollupDialog: lambda _: RollupDialog("flights"),
    CompareDialog: lambda _: CompareDialog("flights", 1, 2),
    PromotionDialog: lambda _: PromotionDialog("flights", 2),
    RollbackDialog: lambda _: RollbackDialog("flights"),
}


def test_every_dialog_of_the_console_is_walked_here() -> None:
    for module in pkgutil.walk_packages(opsconsole.console.__path__, "opsconsole.console."):
        importlib.import_module(module.name)

    def below(kind: type[Dialog]) -> set[type[Dialog]]:
        return {kind}.union(*(below(other) for other in kind.__subclasses__()))

    ours = {kind for kind in below(Dialog) if kind.__module__.startswith("opsconsole.")}
    assert ours - {Dialog, SheetDialog, ProductionDialog} == set(MADE)


async def show(app: ConsoleApp, pilot: Pilot[None], kind: type[Dialog]) -> Dialog:
    dialog = MADE[kind](app)
    await app.push_screen(dialog)
    await pilot.pause()
    if isinstance(dialog, SheetDialog):
        listing = dialog.query_one(RowList)
        await until(pilot, lambda: len(listing._page) > 0)
        if kind is FlakyDialog and listing.key is None:
            listing.show(type(listing._page)(dialog.rows(FLAKY)))  # type: ignore[call-arg]
    await pilot.pause()
    return dialog


@pytest.mark.parametrize("kind", MADE, ids=lambda kind: kind.__name__)
async def test_escape_is_back_and_enter_in_the_list_does_or_says_something(
    world: Workspace, kind: type[Dialog], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "no-such-editor")
    monkeypatch.setenv("PAGER", "no-such-pager")
    app = ConsoleApp(world.root)
    async with app.run_test(size=(80, 24)) as pilot:
        new_run(app.store, "build", PipelineKind.BUILD, RunState.PASSED)
        await open_tab(app, pilot, "4" if "drift" in kind.__module__ else "2")
        here, focused = app.tab.place, app.focused
        dialog = await show(app, pilot, kind)
        listed = isinstance(app.focused, RowList)
        for end in "Gg" if listed else "":
            await pilot.press(end)
            await until(pilot, lambda: screen_text(app).count(BAR) == 1)  # both ends of every sheet can be seen
        assert screen_text(app).count(BAR) <= 1
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert (app.tab.place, app.focused) == (here, focused)
        dialog = await show(app, pilot, kind)
        app.say("")
        listing = app.focused
        if isinstance(listing, Input):
            assert kind in {BisectDialog, StopDialog, PromotionDialog, RollbackDialog}
            return
        assert isinstance(listing, RowList)
        if listing.key is None:
            assert kind in {PlanDialog, ReplayDialog, CompareDialog, BaselinesDialog, RollupDialog, ExplainDialog,
                            TrustDialog, ChangesDialog, RunsDialog}, "nothing leads anywhere"  # fmt: skip
            return
        said = app.query_one(StatusBar).plain
        rows = listing._page
        await pilot.press("enter")
        await until(
            pilot,
            lambda: (
                app.screen is not dialog
                or app.query_one(StatusBar).plain != said
                or listing._page is not rows
                or bool(app.query(Prompt) and app.query_one(Prompt).asking)
            ),
        )


async def test_a_test_of_the_flaky_sheet_leads_to_its_history_then_to_the_run_and_escape_comes_back(
    world: Workspace,
) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_tab(app, pilot, "1")
        flaky = await show(app, pilot, FlakyDialog)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, HistoryDialog) and app.screen.query_one(RowList).key == 1)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is flaky)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, HistoryDialog) and app.screen.query_one(RowList).key == 1)
        await pilot.press("enter")
        await until(pilot, lambda: len(app.screen_stack) == 1 and app.tab.place == "builds")


async def test_a_page_of_the_reference_goes_back_to_the_list_of_pages(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(80, 24)) as pilot:
        contents = await show(app, pilot, DocsDialog)
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, DocsDialog) and app.screen.topic == topic("results"))
        await pilot.press("escape")
        assert app.screen is contents


async def test_a_key_of_the_list_of_keys_is_pressed_by_enter_and_a_line_begun(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_tab(app, pilot, "2")
        keys = await show(app, pilot, KeysDialog)
        assert keys.query_one(RowList).select("builds.plan")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))
        await pilot.press("escape")
        keys = await show(app, pilot, KeysDialog)
        assert keys.query_one(RowList).select(":pin RUN")
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.query(Prompt)) and app.query_one(Prompt).line == "pin ")


async def test_escape_leads_from_every_pane_back_to_the_first_of_its_tab(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(80, 24)) as pilot:
        for key in "2345":
            await open_tab(app, pilot, key)
            first = app.focused
            for pane in app.tab.panes():
                app.give_focus(pane)
                await pilot.press("escape")
                if app.focused is not first:  # a search of a log ended first
                    await pilot.press("escape")
                assert app.focused is first


async def test_enter_on_a_step_goes_into_its_log_and_escape_comes_back(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_tab(app, pilot, "2")
        await until(pilot, lambda: app.query_one("#detail", RowList).key is not None)
        app.query_one("#detail", RowList).focus()
        await pilot.press("g", "enter")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "log")
