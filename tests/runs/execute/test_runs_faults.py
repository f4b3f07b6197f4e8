"""The fault matrix: whoever is killed, in whatever phase, the run ends, nothing of it lives on, and the next one works."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from opsconsole.core.nouns import LIVE_RUN_STATES, RunState, StepState
from opsconsole.core.process import Identity, identity
from opsconsole.runs.execute.recover import recover
from opsconsole.runs.execute.slots import is_live
from opsconsole.runs.process.process_tree import descendants
from opsconsole.store import maintenance, runs, steps
from tests.runs.bench import Bench, kill, until

HOLD = "while [ ! -e $OPSCONSOLE_WORKSPACE/go ]; do sleep 0.02; done"
HERE = "touch $OPSCONSOLE_WORKSPACE/here"
PHASES = {
    "condition": f'steps = [{{ name = "job", run = "true", if = "{HERE}; {HOLD}" }}]',
    "kept": f'steps = [{{ name = "job", run = "touch made; {HERE}; {HOLD}",'
    ' cache = { inputs = ["README"], outputs = ["made"] } }]',
    "again": f'run = "{HERE}; sleep 0.1; exit 1"\nretries = 10',
    "service": 'steps = [{ name = "job", run = "true", services = ["web"] }]\n'
    f'services.web = {{ run = "{HERE}; sleep 600", ready = "test -e $OPSCONSOLE_WORKSPACE/ready" }}',
    "hidden": f'run = "env -i setsid sleep 600 & {HERE}; {HOLD}"',
    "always": f'steps = [{{ name = "a", run = "exit 1" }}, {{ name = "job", run = "{HERE}; {HOLD}", always = true }}]',
}


def supervisor(bench: Bench, run_id: int) -> list[Identity]:
    return [bench.supervisor(run_id)]


def keeper_and_supervisor(bench: Bench, run_id: int) -> list[Identity]:
    return [bench.keeper(run_id), bench.supervisor(run_id)]


def step_runners(bench: Bench, run_id: int) -> list[Identity]:
    children = Path(f"/proc/{bench.supervisor(run_id).pid}/task/{bench.supervisor(run_id).pid}/children")
    return [who for pid in children.read_text(encoding="ascii").split() if (who := identity(int(pid))) is not None]


def everybody(bench: Bench, run_id: int) -> list[Identity]:
    keeper = bench.keeper(run_id)
    return [keeper, *(who for pid in descendants(keeper.pid) if (who := identity(pid)) is not None)]


@pytest.mark.parametrize(
    "victims", [supervisor, keeper_and_supervisor, step_runners, everybody], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("phase", PHASES)
def test_whoever_is_killed_the_run_ends_and_the_next_one_works(
    bench: Bench, phase: str, victims: Callable[[Bench, int], list[Identity]]
) -> None:
    bench.pipelines(f"[repos.app.pipelines.job]\n{PHASES[phase]}\n")
    run_id = bench.start()
    until((bench.root / "here").exists, seconds=20)
    alive = [who for pid in descendants(bench.keeper(run_id).pid) if (who := identity(pid)) is not None]
    for who in victims(bench, run_id):
        if identity(who.pid) == who:
            kill(who)
    (bench.root / "go").touch()
    (bench.root / "ready").touch()
    until(lambda: not is_live(bench.workspace.state, run_id), seconds=40)
    recover(bench.workspace, bench.store)
    record = runs.get(bench.store, run_id)
    assert record is not None
    assert record.state.final
    assert not {step.state for step in steps.of_run(bench.store, run_id)} & {StepState.RUNNING, StepState.QUEUED}
    until(lambda: not [who for who in alive if identity(who.pid) == who], seconds=20)
    assert not bench.folder(run_id).worktree.exists()
    bench.task("echo good")
    assert bench.run().state is RunState.PASSED
    assert maintenance.check(bench.store).problems == []


def test_twenty_runs_under_random_kills_all_end_and_no_row_is_lost(bench: Bench) -> None:
    bench.task("echo '<testsuite><testcase name=\"t\"/></testsuite>' > $OPSCONSOLE_OUT/junit.xml; sleep 0.3", slots=6)
    started = [bench.start() for _ in range(20)]
    chance = random.Random(4)
    for run_id in chance.sample(started, 8):
        until(lambda run_id=run_id: bench.history(run_id).supervisor is not None)  # type: ignore[misc]
        who = bench.history(run_id).supervisor
        if who is not None and identity(who.pid) == who:
            import os

            os.kill(who.pid, chance.choice([signal.SIGKILL, signal.SIGTERM]))
    for run_id in started:
        until(lambda run_id=run_id: not is_live(bench.workspace.state, run_id))  # type: ignore[misc]
    recover(bench.workspace, bench.store)
    found = [runs.get(bench.store, run_id) for run_id in started]
    assert all(record is not None and record.state not in LIVE_RUN_STATES for record in found)
    assert all(bench.marked(run_id) == [] for run_id in started)
    passed = [record for record in found if record is not None and record.state is RunState.PASSED]
    assert len(passed) >= 10
    assert all(record.tests is not None and record.tests.passed == 1 for record in passed)
    assert maintenance.check(bench.store).problems == []
