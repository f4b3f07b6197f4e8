"""Every word of the ``:`` line does its act with what stands behind it, and says what is wanted where that does not fit."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from opsconsole.config.workspace import Workspace
from opsconsole.console.builds.plan import PlanDialog
from opsconsole.console.builds.stop_service import StopDialog
from opsconsole.console.models.promotion import PromotionDialog
from opsconsole.console.models.rollback import RollbackDialog
from opsconsole.console.shell.app import ConsoleApp
from opsconsole.console.shell.bars import StatusBar
from opsconsole.console.shell.command_line import obey
from opsconsole.console.shell.typed_line import ANSWERS
from opsconsole.console.shell.word_acts import ACTS
from opsconsole.core.nouns import Danger, PipelineKind, RunPurpose
from opsconsole.lifecycle.usecases import BY_WORD
from opsconsole.store import alerts, runs
from opsconsole.store.connection import open_store
from opsconsole.store.runs import NewRun
from tests.console.shell.test_console_flows import until


def test_every_word_that_is_declared_has_its_act() -> None:
    assert {case.id for case in BY_WORD.values()} == {*ACTS, *ANSWERS}


async def told(app: ConsoleApp, pilot: Pilot[None], line: str) -> str:
    app.say("")
    obey(app, line)
    await pilot.pause()
    return app.query_one(StatusBar).plain


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("promote flights", ":promote flights:VERSION"),
        ("promote flights:9", "there is no version 9"),
        ("promote nobody:1", "there is no version 1"),
        ("rollback nobody", "there is no model nobody"),
        ("cancel soon", "which run? a number is wanted, not soon"),
        ("rerun [/]", "which run? a number is wanted, not [/]"),
        ("model register flights", "type :model register MODEL PATH"),
        ("monitor add flights", "type :monitor add MONITOR --data SOURCE"),
        ("build", ":build needs a name"),
    ],
)
async def test_what_does_not_fit_is_said_with_what_is_wanted(world: Workspace, line: str, says: str) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        assert says in await told(app, pilot, line)
        assert len(app.screen_stack) == 1


@pytest.mark.parametrize(
    ("line", "dialog"),
    [
        ("promote flights:2", PromotionDialog),
        ("promote flights:v2", PromotionDialog),
        ("rollback flights", RollbackDialog),
        ("plan app", PlanDialog),
    ],
)
async def test_what_has_a_dialog_is_asked_in_it(world: Workspace, line: str, dialog: type) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        obey(app, line)
        await until(pilot, lambda: isinstance(app.screen, dialog) and app.focused is not None)


async def test_a_running_service_is_cancelled_by_its_name_alone(world: Workspace) -> None:
    with open_store(world.state) as store, store.immediate() as connection:
        service = NewRun(repo="app", pipeline="serve", kind=PipelineKind.TASK, commit="a" * 40, branch="main",
                         subject="s", dirty=False, actor="ops", purpose=RunPurpose.SERVE)  # fmt: skip
        number = runs.insert(connection, service)
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        obey(app, f"cancel {number}")
        await until(pilot, lambda: isinstance(app.screen, StopDialog) and app.focused is not None)


async def test_acts_by_word_are_carried_out(world: Workspace) -> None:
    app = ConsoleApp(world.root)
    async with app.run_test(size=(120, 40)) as pilot:
        obey(app, "ack 1 seen by me")
        await until(pilot, lambda: alerts.alert(app.store, 1).state == "acknowledged")
        obey(app, "pin #1")
        await until(pilot, lambda: (run := runs.get(app.store, 1)) is not None and run.pinned)


async def test_a_read_only_session_refuses_every_word_that_writes(world: Workspace) -> None:
    app = ConsoleApp(world.root, readonly=True)
    async with app.run_test(size=(120, 40)) as pilot:
        for word, case in BY_WORD.items():
            if case.danger is not Danger.READ:
                assert "read-only" in await told(app, pilot, f"{word} 1"), word
                assert len(app.screen_stack) == 1
