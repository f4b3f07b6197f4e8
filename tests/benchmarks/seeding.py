"""A workspace of many runs and events: a small real one, and thousands of rows through the store's own functions."""

from __future__ import annotations

import random
import sqlite3
from datetime import timedelta
from pathlib import Path

from opsconsole.config.workspace import Workspace
from opsconsole.core import clock
from opsconsole.core.nouns import PipelineKind, RunState, StepState
from opsconsole.runs.record.folder import run_folder
from opsconsole.store import events, runs, steps
from opsconsole.store.connection import open_store
from opsconsole.store.runs import NewRun, TestCounts
from opsconsole.store.steps import StepRecord
from tests.console.world import CONFIG, make_world

LOGGED = 300
"""The newest runs that have a log to show."""
TALK = """
import sys, time
start, said = time.monotonic(), 0
while True:
    due = int((time.monotonic() - start) * 10_000)
    sys.stdout.write("".join(
        f"{time.strftime('%H:%M:%S')} INFO worker: line {n} loss {1 / (n + 1):.6f} rate {n * 37 % 1000}\\n"
        for n in range(said, due)
    ))
    sys.stdout.flush()
    said = due
    time.sleep(0.01)
"""
PIPELINES = """
[repos.app.pipelines.talk]
kind = "task"
run = 'python "$OPSCONSOLE_WORKSPACE/talk.py"'
"""


def seed(root: Path, count: int) -> Workspace:
    """Make the workspace with ``count`` runs and twice as many events."""
    workspace = make_world(root)
    chance = random.Random(1)
    with open_store(workspace.state) as store, store.immediate() as connection:
        made = [_run(connection, chance, number) for number in range(count)]
    for run_id in made[-LOGGED:]:
        folder = run_folder(workspace.state, run_id)
        folder.path.mkdir(mode=0o700)
        lines = [f"tests/test_{line // 7}.py::test_{WORDS[line % 12]} PASSED" for line in range(120)]
        lines.append(f"======= 120 passed in {chance.uniform(3, 90):.2f}s =======")
        (folder.path / "test.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (root / "talk.py").write_text(TALK, encoding="utf-8")
    file = root / "opsconsole.toml"
    file.write_text(CONFIG.replace("[models.flights]", PIPELINES + "[models.flights]", 1), encoding="utf-8")
    return workspace


def _run(connection: sqlite3.Connection, chance: random.Random, number: int) -> int:
    passed = chance.random() < 0.9
    state = RunState.PASSED if passed else RunState.FAILED
    began = clock.now() - timedelta(minutes=3)
    ended = began + timedelta(seconds=chance.uniform(3, 90))
    run_id = runs.insert(
        connection,
        NewRun(
            repo="app",
            pipeline="build",
            kind=PipelineKind.BUILD,
            commit=f"{chance.getrandbits(160):040x}",
            branch="main",
            subject=f"Change number {number}: {' '.join(chance.sample(WORDS, 4))}",
            dirty=False,
            actor=chance.choice(["ops", "tess", "nightly"]),
        ),
    )
    tests = TestCounts(passed=120 - int(not passed), failed=int(not passed))
    step = StepState.PASSED if passed else StepState.FAILED
    records = [
        StepRecord(run_id, 0, "install", "pip install -e .", StepState.PASSED, 0, None, began, began),
        StepRecord(run_id, 1, "test", "pytest -q", step, int(not passed), None, began, ended),
    ]
    steps.put(connection, records)
    runs.finish(connection, run_id, state, started_at=began, ended_at=ended, error=None, note=None, tests=tests)
    events.record(connection, "run.queued", f"run {run_id}", reason="a commit", command="opsconsole run app")
    events.record(connection, f"run.{state}", f"run {run_id}")
    return run_id


WORDS = ["cache", "parse", "retry", "merge", "faster", "typed", "quiet", "tests", "index", "queue", "store", "docs"]
