from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.workspace import open_workspace
from opsconsole.core import belonging
from opsconsole.core.errors import ConflictError, NotFoundError, RefusedError, StoreError
from opsconsole.core.files import try_lock
from opsconsole.core.nouns import RunState, StepState, TestOutcome
from opsconsole.lifecycle.intake import intake
from opsconsole.runs.execute import follow as following
from opsconsole.runs.execute import launch as starting
from opsconsole.runs.execute.cancel import cancel
from opsconsole.runs.execute.recover import Recovered, recover
from opsconsole.runs.execute.slots import is_live
from opsconsole.runs.record.folder import RunFolder
from opsconsole.runs.record.spec import Plan, RunSpec
from opsconsole.store import events, runs, steps, test_results
from opsconsole.store.connection import FILE_NAME, open_store
from opsconsole.store.migrations import SCHEMA_VERSION
from opsconsole.store.runs import TestCounts
from tests.runs.bench import Bench, commit_all, kill, until

REPORT = (
    '<testsuites><testsuite name="s"><testcase name="good" classname="c"/>'
    '<testcase name="[/]" classname="c"><failure message="no"/></testcase></testsuite></testsuites>'
)
FIRST_TIME = """
import os, signal, sys
from pathlib import Path
from opsconsole.lifecycle.intake import intake
root, mark, act, run = sys.argv[1:]
if not Path(mark).exists():
    Path(mark).touch()
    {act}
intake.take_in(Path(root), int(run))
"""


def test_a_killed_keeper_does_not_touch_the_run(bench: Bench) -> None:
    bench.task("echo up; while [ ! -e $OPSCONSOLE_WORKSPACE/go ]; do sleep 0.01; done")
    run_id = bench.start()
    bench.until_log(run_id, b"up")
    kill(bench.keeper(run_id))
    assert recover(bench.workspace, bench.store) == [], "the supervisor still holds the lock"
    (bench.root / "go").touch()
    assert bench.wait(run_id).state is RunState.PASSED


def test_a_killed_supervisor_ends_the_whole_tree_and_the_run_is_lost(bench: Bench) -> None:
    bench.task("trap '' TERM; setsid sleep 600 & echo up; sleep 600")
    run_id = bench.start()
    bench.until_log(run_id, b"up")
    kill(bench.supervisor(run_id))
    until(lambda: (found := runs.get(bench.store, run_id)) is not None and found.state.final)
    record = bench.wait(run_id)
    assert record.state is RunState.LOST
    assert "its supervisor died (signal 9)" in (record.note or "")
    assert [step.state for step in steps.of_run(bench.store, run_id)] == [StepState.LOST]
    until(lambda: bench.marked(run_id) == [])
    assert not bench.folder(run_id).worktree.exists()


def test_keeper_and_supervisor_killed_the_run_is_recovered_as_lost_and_nothing_is_left(bench: Bench) -> None:
    bench.task("trap '' TERM; setsid sleep 600 & echo up; sleep 600")
    run_id = bench.start()
    bench.until_log(run_id, b"up")
    kill(bench.keeper(run_id))
    kill(bench.supervisor(run_id))
    until(lambda: not is_live(bench.workspace.state, run_id))
    assert len(bench.marked(run_id)) > 0
    assert recover(bench.workspace, bench.store) == [Recovered(run_id, RunState.LOST)]
    assert bench.marked(run_id) == []
    record = runs.get(bench.store, run_id)
    assert record is not None
    assert record.error == "its processes died at step job"
    assert [step.state for step in steps.of_run(bench.store, run_id)] == [StepState.LOST]
    assert recover(bench.workspace, bench.store) == []


def test_a_starter_killed_right_after_its_insert_leaves_a_run_that_is_found_dead(bench: Bench) -> None:
    bench.task("true")
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from opsconsole.config.workspace import open_workspace\n"
        "from opsconsole.runs.execute import launch\n"
        "from opsconsole.runs.plan.planner import plan\n"
        "from opsconsole.store.connection import open_store\n"
        "launch.launch = lambda folder, lock, intake, plan: os.kill(os.getpid(), signal.SIGKILL)\n"
        "workspace = open_workspace(Path(sys.argv[1]))\n"
        "store = open_store(workspace.state)\n"
        "launch.start(workspace, store, plan(workspace, store, 'app/job'), intake=['true'])\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(bench.root)], check=False)
    assert ended.returncode == -signal.SIGKILL
    (record,) = runs.page(bench.store)
    assert record.state is RunState.QUEUED
    assert recover(bench.workspace, bench.store) == [Recovered(record.id, RunState.LOST)]
    after = runs.get(bench.store, record.id)
    assert after is not None
    assert after.error == "its processes died before its first step"


def test_the_lock_is_taken_before_the_row_can_be_seen(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.task("true")
    seen: list[tuple[int, bool]] = []

    def look(folder: RunFolder, lock: int, intake: list[str], plan: Plan) -> None:
        with open_store(bench.workspace.state) as other:
            seen.extend((record.id, is_live(bench.workspace.state, record.id)) for record in runs.live(other))
            seen.extend((found.run_id, False) for found in recover(bench.workspace, other))

    monkeypatch.setattr(starting, "launch", look)
    run_id = bench.start()
    assert seen == [(run_id, True)]


def test_a_live_run_is_never_taken_for_a_dead_one(bench: Bench) -> None:
    bench.task("echo up; sleep 600")
    run_id = bench.start()
    bench.until_log(run_id, b"up")
    assert recover(bench.workspace, bench.store) == []
    until(lambda: runs.live(bench.store)[0].state is RunState.RUNNING)
    cancel(bench.workspace, bench.store, run_id)
    assert bench.wait(run_id).state is RunState.CANCELLED


def test_a_supervisor_killed_while_the_intake_works_is_followed_by_the_keepers_intake(bench: Bench) -> None:
    bench.task(f"echo '{REPORT}' > $OPSCONSOLE_OUT/junit.xml")
    run_id = bench.start(taken_in_by=_once(bench, "os.kill(os.getppid(), signal.SIGKILL); os._exit(1)"))
    record = bench.wait(run_id)
    assert record.state is RunState.PASSED
    assert record.tests == TestCounts(passed=1, failed=1)
    assert "its supervisor died (signal 9)" in (record.note or "")


def test_an_intake_that_is_killed_is_tried_once_more(bench: Bench) -> None:
    bench.task("true")
    run_id = bench.start(taken_in_by=_once(bench, "os.kill(os.getpid(), signal.SIGKILL)"))
    assert bench.wait(run_id).state is RunState.PASSED


def test_an_intake_that_fails_twice_makes_the_run_an_error_with_words(bench: Bench) -> None:
    bench.task("true")
    run_id = bench.start(taken_in_by=["sh", "-c", "echo it is broken >&2; exit 1"])
    record = bench.wait(run_id)
    assert record.state is RunState.ERROR
    assert record.error == "the results could not be taken in: it is broken"


def test_all_three_killed_after_the_last_step_the_journal_still_gives_the_outcome(bench: Bench) -> None:
    bench.task(f"echo '{REPORT}' > $OPSCONSOLE_OUT/junit.xml; exit 1")
    act = (
        "[os.kill(int(open(f'/proc/{os.getppid()}/stat').read().split()[3]), 9), os.kill(os.getppid(), 9), os._exit(1)]"
    )
    run_id = bench.start(taken_in_by=_once(bench, act))
    until(lambda: (bench.root / "mark").exists() and not is_live(bench.workspace.state, run_id))
    assert recover(bench.workspace, bench.store) == [Recovered(run_id, RunState.FAILED)]
    record = runs.get(bench.store, run_id)
    assert record is not None
    assert record.error == "step job: exit 1"
    assert record.tests == TestCounts(passed=1, failed=1)
    assert record.ended_at == bench.history(run_id).ended_at


def test_an_intake_killed_at_any_of_its_writes_leaves_nothing_half_done(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.task(f"echo '{REPORT}' > $OPSCONSOLE_OUT/junit.xml; exit 1")
    run_id = bench.start(taken_in_by=["sh", "-c", "exit 7"])
    until(lambda: not is_live(bench.workspace.state, run_id))
    script = (
        "import os, signal, sqlite3, sys\n"
        "from pathlib import Path\n"
        "from opsconsole.lifecycle.intake import intake\n"
        "connect, left = sqlite3.connect, [int(sys.argv[3])]\n"
        "def watch(statement):\n"
        "    if statement.split()[0] in {'UPDATE', 'INSERT', 'DELETE', 'COMMIT'}:\n"
        "        left[0] -= 1\n"
        "        if left[0] == 0: os.kill(os.getpid(), signal.SIGKILL)\n"
        "def connect_watched(*arguments, **keywords):\n"
        "    connection = connect(*arguments, **keywords)\n"
        "    connection.set_trace_callback(watch)\n"
        "    return connection\n"
        "sqlite3.connect = connect_watched\n"
        "intake.take_in(Path(sys.argv[1]), int(sys.argv[2]))\n"
    )
    killed = 0
    for number in range(1, 50):
        argv = [sys.executable, "-I", "-c", script, str(bench.root), str(run_id), str(number)]
        ended = subprocess.run(argv, check=False)
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL
        killed += 1
        record = runs.get(bench.store, run_id)
        assert record is not None
        assert record.state is RunState.ENDING
        assert test_results.of_run(bench.store, run_id) == []
        assert events.events(bench.store)[0].kind == "run.queued"
    assert killed >= 6, "outcome, step, clearing, two cases, event, commit"
    outcomes = [result.outcome for result in test_results.of_run(bench.store, run_id)]
    assert outcomes == [TestOutcome.PASSED, TestOutcome.FAILED]
    assert intake.take_in(bench.root, run_id) is False, "taken in twice"
    kinds = [event.kind for event in events.events(bench.store, subject=f"run {run_id}")]
    assert kinds == ["run.failed", "run.queued"]


def test_a_store_that_is_busy_all_the_while_does_not_hold_the_steps_up(bench: Bench) -> None:
    bench.task("echo up; while [ ! -e $OPSCONSOLE_WORKSPACE/go ]; do sleep 0.01; done; exit 3")
    run_id = bench.start()
    bench.until_log(run_id, b"up")
    busy = sqlite3.connect(bench.workspace.state / FILE_NAME, isolation_level=None)
    busy.execute("BEGIN IMMEDIATE")
    (bench.root / "go").touch()
    until(lambda: bench.history(run_id).complete)
    busy.execute("ROLLBACK")
    busy.close()
    assert bench.wait(run_id).state is RunState.FAILED


def test_a_store_that_is_newer_all_the_while_does_not_stop_the_run(bench: Bench) -> None:
    bench.task("echo up; while [ ! -e $OPSCONSOLE_WORKSPACE/go ]; do sleep 0.01; done; exit 3")
    run_id = bench.start()
    bench.until_log(run_id, b"up")
    until(lambda: runs.live(bench.store)[0].state is RunState.RUNNING)
    with sqlite3.connect(bench.workspace.state / FILE_NAME, isolation_level=None) as newer:
        newer.execute("PRAGMA user_version=99")
        (bench.root / "go").touch()
        until(lambda: not is_live(bench.workspace.state, run_id))
        assert [tuple(row) for row in newer.execute("SELECT state FROM runs")] == [("running",)]
        newer.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    newer.close()
    assert bench.history(run_id).complete
    assert recover(bench.workspace, bench.store) == [Recovered(run_id, RunState.FAILED)]
    (step,) = steps.of_run(bench.store, run_id)
    assert (step.state, step.exit_code) == (StepState.FAILED, 3)
    assert step.ended_at == bench.history(run_id).steps["job"].ended_at


def test_two_who_recover_at_once_end_a_dead_run_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.task("true")
    monkeypatch.setattr(starting, "launch", lambda folder, lock, intake, plan: None)
    run_id = bench.start()
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from opsconsole.config.workspace import open_workspace\n"
        "from opsconsole.runs.execute.recover import recover\n"
        "from opsconsole.store.connection import open_store\n"
        "workspace = open_workspace(Path(sys.argv[1]))\n"
        "recover(workspace, open_store(workspace.state))\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", script, str(bench.root)]) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert [event.kind for event in events.events(bench.store, kind="run.")] == ["run.lost", "run.queued"]
    assert runs.live(bench.store) == []
    assert run_id in bench.started


def test_a_run_whose_folder_is_gone_is_lost(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.task("true")
    monkeypatch.setattr(starting, "launch", lambda folder, lock, intake, plan: None)
    run_id = bench.start()
    folder = bench.folder(run_id)
    for path in folder.path.iterdir():
        path.unlink()
    folder.path.rmdir()
    assert recover(bench.workspace, bench.store) == [Recovered(run_id, RunState.LOST)]
    assert [step.state for step in steps.of_run(bench.store, run_id)] == [StepState.NOT_REACHED]


def test_a_start_that_cannot_be_committed_leaves_no_row_and_its_folder_is_nobody_s(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.task("true")
    born = starting._born_locked

    def broken(folder: RunFolder, order: RunSpec, row: dict[str, Any]) -> int:
        os.close(born(folder, order, row))
        raise ConflictError("stop")

    monkeypatch.setattr(starting, "_born_locked", broken)
    with pytest.raises(ConflictError):
        bench.start()
    assert runs.page(bench.store) == []
    monkeypatch.setattr(starting, "_born_locked", born)
    after = bench.run()
    assert (after.id, after.state) == (2, RunState.PASSED), "a number is never given twice"


def test_cancel_says_when_there_is_nothing_to_cancel(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.task("true")
    record = bench.run()
    with pytest.raises(ConflictError, match="is over: passed"):
        cancel(bench.workspace, bench.store, record.id)
    with pytest.raises(NotFoundError):
        cancel(bench.workspace, bench.store, 99)
    monkeypatch.setattr(starting, "launch", lambda folder, lock, intake, plan: None)
    dead = bench.start()
    assert cancel(bench.workspace, bench.store, dead).state is RunState.LOST


def test_a_shared_look_at_the_lock_is_not_mistaken_for_a_holder(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.task("true")
    monkeypatch.setattr(starting, "launch", lambda folder, lock, intake, plan: None)
    run_id = bench.start()
    looker = try_lock(bench.folder(run_id).lock, shared=True)
    assert looker is not None
    try:
        assert not is_live(bench.workspace.state, run_id)
    finally:
        os.close(looker)


def test_a_service_outlives_who_started_it(bench: Bench) -> None:
    commit_all(bench.repo, "More")
    bench.task("echo up; while [ ! -e $OPSCONSOLE_WORKSPACE/go ]; do sleep 0.01; done")
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from opsconsole.config.workspace import open_workspace\n"
        "from opsconsole.runs.execute.finalize import intake_command\n"
        "from opsconsole.runs.plan.planner import plan\n"
        "from opsconsole.runs.execute.launch import start\n"
        "from opsconsole.store.connection import open_store\n"
        "workspace = open_workspace(Path(sys.argv[1]))\n"
        "store = open_store(workspace.state)\n"
        "print(start(workspace, store, plan(workspace, store, 'app/job'), intake=intake_command(workspace.root)))\n"
    )
    argv = [sys.executable, "-c", script, str(bench.root)]
    starter = subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True)
    assert starter.stdout is not None
    run_id = int(starter.stdout.readline())
    bench.started.append(run_id)
    os.killpg(starter.pid, signal.SIGHUP)
    starter.communicate(timeout=60)
    bench.until_log(run_id, b"up")
    (bench.root / "go").touch()
    assert bench.wait(run_id).state is RunState.PASSED


def test_a_copy_of_a_workspace_does_not_touch_the_originals_run(bench: Bench, tmp_path: Path) -> None:
    commit_all(bench.repo, "More")
    bench.task("echo up; while [ ! -e $OPSCONSOLE_WORKSPACE/go ]; do sleep 0.01; done")
    run_id = bench.start()
    bench.until_log(run_id, b"up")
    # by another process: closing a copied store here would let go of this process's own locks on it
    subprocess.run(["cp", "-a", bench.root, tmp_path / "copy"], check=True)
    copied = open_workspace(tmp_path / "copy")
    with pytest.raises(RefusedError, match="a copy or a move brought it"):
        open_store(copied.state)
    belonging.trust(copied.root)
    with open_store(copied.state) as store:
        assert [item.state for item in recover(copied, store)] == [RunState.LOST]
        record = runs.get(store, run_id)
        assert record is not None
        assert "copied" in (record.error or "")
    assert bench.marked(run_id)
    (bench.root / "go").touch()
    assert bench.wait(run_id).state is RunState.PASSED


def _once(bench: Bench, act: str) -> list[str]:
    """An intake that does something else the first time."""
    script = bench.root / "first_time.py"
    script.write_text(FIRST_TIME.format(act=act), encoding="utf-8")
    return [sys.executable, "-I", str(script), str(bench.root), str(Path(bench.root, "mark")), act]


def test_what_a_console_imports_of_runs_and_repos_is_light() -> None:
    script = (
        "import sys\n"
        "import opsconsole.lifecycle.intake.intake, opsconsole.repos.history, opsconsole.repos.remotes\n"
        "import opsconsole.runs.execute.cancel, opsconsole.runs.execute.follow, opsconsole.runs.plan.planner, opsconsole.runs.plan.rerun\n"
        "import opsconsole.runs.execute.launch, opsconsole.store.test_results\n"
        "heavy = {'git', 'lxml', 'sqlite_utils', 'numpy', 'pyarrow', 'sklearn', 'scipy', 'skops', 'httpx', 'textual'}\n"
        "sys.exit(str(sorted(heavy & set(sys.modules)) or ''))\n"
    )
    answer = subprocess.run([sys.executable, "-I", "-c", script], check=False, capture_output=True, text=True)
    assert answer.stderr.strip() == ""


def test_one_who_follows_a_dead_run_whose_outcome_cannot_be_written_is_told_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "RECOVERY_S", 0.2)
    monkeypatch.setattr(following, "recover", lambda workspace, store: [])
    bench.task("sleep 600")
    run_id = bench.start()
    keeper, supervisor = bench.keeper(run_id), bench.supervisor(run_id)
    kill(keeper)
    kill(supervisor)
    until(lambda: not is_live(bench.workspace.state, run_id))
    with pytest.raises(StoreError, match="its outcome cannot be written"):
        following.follow(bench.workspace, bench.store, run_id)
