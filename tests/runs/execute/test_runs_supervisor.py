from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from opsconsole.core.errors import RefusedError
from opsconsole.core.files import try_lock
from opsconsole.core.nouns import RunState, StepState
from opsconsole.repos import registration
from opsconsole.runs.execute import launch as starting
from opsconsole.runs.execute.cancel import cancel
from opsconsole.runs.plan.planner import plan
from opsconsole.runs.record.folder import RunFolder
from opsconsole.runs.record.spec import Plan
from opsconsole.store import events, steps, test_results
from opsconsole.store.runs import TestCounts
from tests.runs.bench import Bench, commit_all, until

HOSTILE = """
import pytest
@pytest.mark.parametrize("x", ["[/]", "[bold red]", "\\u202eabc", "日本語"], ids=["[/]", "[bold red]", "\\u202eabc", "日本語"])
def test_marked(x):
    print("\\x1b]52;c;aGFja2Vk\\x07")
    assert x != "[/]", "[/] \\x1b[31mred"
"""


def test_a_detected_pytest_run_keeps_hostile_test_names_and_messages(bench: Bench) -> None:
    (bench.repo / "test_hostile.py").write_text(HOSTILE, encoding="utf-8")
    commit_all(bench.repo, "Test [/] \x1b]52;c;aGFja2Vk\x07 names")
    record = bench.run("app")
    assert record.state is RunState.FAILED
    assert record.tests == TestCounts(passed=3, failed=1)
    assert record.error == "step test: exit 1"
    failed = test_results.failed(bench.store, record.id)
    assert [result.test_id for result in failed] == ["test_hostile.py::test_marked[[/]]"]
    assert failed[0].line == 3
    assert (failed[0].message or "").startswith("AssertionError: [/]")
    ids = {result.test_id for result in test_results.of_run(bench.store, record.id)}
    assert "test_hostile.py::test_marked[[bold red]]" in ids
    assert "[/]" in record.subject


def test_log_bytes_reach_the_log_as_they_are(bench: Bench) -> None:
    bench.task(
        "printf 'a\\000b\\033]52;c;aGFj\\007\\r50%%\\r100%%\\n\\377\\376\\n'; head -c 5000000 /dev/zero | tr '\\0' x"
    )
    run_id = bench.start()
    assert bench.wait(run_id).state is RunState.PASSED
    written = bench.log(run_id)
    assert written.startswith(b"a\0b\x1b]52;c;aGFj\x07\r50%\r100%\n\xff\xfe\n")
    assert written.endswith(b"x" * 5_000_000)


def test_the_run_is_of_the_commit_and_leaves_no_work_tree(bench: Bench) -> None:
    (bench.repo / "README").write_text("changed but not committed\n", encoding="utf-8")
    bench.task("cat README; git rev-parse HEAD")
    record = bench.run()
    assert record.state is RunState.PASSED
    assert record.dirty
    assert "work tree has changes" in (record.note or "")
    assert bench.log(record.id) == f"app\n{record.commit}\n".encode()
    folder = bench.folder(record.id)
    assert not folder.worktree.exists()
    assert not folder.temporary.exists()
    answer = subprocess.run(
        ["git", "-C", str(bench.repo), "worktree", "list"], check=True, capture_output=True, text=True
    )
    assert len(answer.stdout.splitlines()) == 1


def test_output_is_followed_live_though_pythonunbuffered_is_unset_outside(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    bench.task("python -c \"import time; print('tick'); time.sleep(600)\"")
    run_id = bench.start()
    bench.until_log(run_id, b"tick")
    cancel(bench.workspace, bench.store, run_id)
    assert bench.wait(run_id).state is RunState.CANCELLED


def test_a_step_sees_an_allow_list_and_what_is_passed_by_name(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hidden")
    monkeypatch.setenv("WANTED_TOKEN", "shown")
    bench.task("env -0 > $OPSCONSOLE_OUT/env; touch $TMPDIR/here", 'pass = ["WANTED_TOKEN"]\nenv = { MODE = "test" }')
    record = bench.run()
    assert record.state is RunState.PASSED
    folder = bench.folder(record.id)
    text = (folder.out / "env").read_text(encoding="utf-8")
    seen = dict(entry.split("=", 1) for entry in text.split("\0") if entry)
    assert "SECRET_TOKEN" not in seen
    assert "GIT_CONFIG_GLOBAL" not in seen
    assert (seen["WANTED_TOKEN"], seen["MODE"]) == ("shown", "test")
    assert "shown" not in folder.order.read_text(encoding="utf-8"), "a passed value was stored"
    assert seen["OPSCONSOLE_RUN_ID"] == str(record.id)
    assert seen["OPSCONSOLE_COMMIT"] == record.commit
    assert seen["OPSCONSOLE_MODELS"] == str(bench.workspace.models)
    assert seen["OPSCONSOLE_WORKSPACE"] == str(bench.root)
    assert Path(seen["TMPDIR"]).parent == folder.path
    assert seen["PATH"].startswith(str(Path(sys.executable).parent))


def test_a_step_that_double_forks_and_ignores_term_is_cancelled_whole(bench: Bench) -> None:
    stubborn = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "for _ in range(2):\n"
        "    if os.fork(): break\n"
        "    os.setsid()\n"
        "print('up', flush=True)\n"
        "time.sleep(600)\n"
    )
    (bench.repo / "stubborn.py").write_text(stubborn, encoding="utf-8")
    commit_all(bench.repo, "Refuse to die")
    bench.task("python stubborn.py & python stubborn.py")
    run_id = bench.start()
    until(lambda: bench.log(run_id).count(b"up") == 6)
    assert len(bench.marked(run_id)) >= 6
    cancel(bench.workspace, bench.store, run_id, reason="enough")
    record = bench.wait(run_id)
    assert record.state is RunState.CANCELLED
    assert bench.marked(run_id) == []
    assert [step.state for step in steps.of_run(bench.store, run_id)] == [StepState.CANCELLED]
    kinds = [event.kind for event in events.events(bench.store, subject=f"run {run_id}")]
    assert kinds == ["run.cancelled", "run.cancel_asked", "run.queued"]


def test_a_second_cancel_does_not_wait_for_the_grace(bench: Bench) -> None:
    tidy = (
        "import os, signal, time\n"
        "def tidy(*_):\n"
        "    print('asked', flush=True)\n"
        "    time.sleep(3)\n"
        "    open(os.environ['OPSCONSOLE_OUT'] + '/tidied', 'w').close()\n"
        "    os._exit(0)\n"
        "signal.signal(signal.SIGTERM, tidy)\n"
        "print('up', flush=True)\n"
        "while True: signal.pause()\n"
    )
    (bench.repo / "tidy.py").write_text(tidy, encoding="utf-8")
    commit_all(bench.repo, "Tidy up slowly")
    bench.task("exec python tidy.py")
    run_id = bench.start()
    bench.until_log(run_id, b"up")
    cancel(bench.workspace, bench.store, run_id)
    bench.until_log(run_id, b"asked")
    cancel(bench.workspace, bench.store, run_id)
    assert bench.wait(run_id).state is RunState.CANCELLED
    assert not (bench.folder(run_id).out / "tidied").exists()


def test_a_run_that_waits_for_a_slot_can_be_cancelled(bench: Bench) -> None:
    bench.task("echo up; sleep 600", slots=1)
    first = bench.start()
    bench.until_log(first, b"up")
    second = bench.start()
    bench.supervisor(second)
    cancel(bench.workspace, bench.store, second)
    record = bench.wait(second)
    assert record.state is RunState.CANCELLED
    assert record.started_at is None
    assert [step.state for step in steps.of_run(bench.store, second)] == [StepState.NOT_REACHED]
    cancel(bench.workspace, bench.store, first)
    assert bench.wait(first).state is RunState.CANCELLED


def test_a_task_takes_no_slot_so_a_service_blocks_nobody(bench: Bench) -> None:
    serve = '[repos.app.pipelines.serve]\nkind = "task"\nrun = "echo up; sleep 600"\n'
    bench.pipelines(serve + '[repos.app.pipelines.job]\nrun = "true"\n', slots=1)
    service = bench.start("app/serve")
    bench.until_log(service, b"up", "serve")
    assert bench.run("app/job").state is RunState.PASSED
    cancel(bench.workspace, bench.store, service)
    assert bench.wait(service).state is RunState.CANCELLED


def test_a_step_past_its_timeout_is_ended_and_says_so(bench: Bench) -> None:
    bench.task("sleep 600", 'timeout = "0.3s"')
    record = bench.run()
    assert record.state is RunState.TIMED_OUT
    assert record.error == "step job: its time was up"


def test_what_needs_a_failed_step_is_not_reached_and_the_rest_runs(bench: Bench) -> None:
    bench.pipelines(
        "[repos.app.pipelines.job]\n"
        'steps = [{ name = "a", run = "exit 3" }, { name = "b", run = "true", needs = ["a"] }, { name = "c", run = "true" }]\n'
    )
    record = bench.run()
    assert record.state is RunState.FAILED
    assert record.error == "step a: exit 3"
    found = {step.name: (step.state, step.exit_code) for step in steps.of_run(bench.store, record.id)}
    assert found == {"a": (StepState.FAILED, 3), "b": (StepState.NOT_REACHED, None), "c": (StepState.PASSED, 0)}


def test_what_outlives_the_steps_is_ended_and_noted(bench: Bench) -> None:
    bench.task("setsid sleep 600 & echo done")
    record = bench.run()
    assert record.state is RunState.PASSED
    assert "outlived the steps" in (record.note or "")
    assert bench.marked(record.id) == []


def test_tty_gives_the_step_a_terminal(bench: Bench) -> None:
    bench.task("test -t 1 && test -t 0 && tty </dev/tty && echo yes", "tty = true")
    record = bench.run()
    assert record.state is RunState.PASSED, bench.log(record.id)
    assert bench.log(record.id).endswith(b"yes\r\n")


def test_a_commit_that_cannot_be_checked_out_is_an_error_with_words(bench: Bench) -> None:
    bench.task("true")
    planned = plan(bench.workspace, bench.store, "app/job")
    blob = subprocess.run(
        ["git", "-C", str(bench.repo), "rev-parse", "HEAD:README"], check=True, capture_output=True, text=True
    ).stdout.strip()
    (bench.repo / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    run_id = starting.start(bench.workspace, bench.store, planned, intake=_intake(bench))
    record = bench.wait(run_id)
    assert record.state is RunState.ERROR
    assert "could not be checked out" in (record.error or "")


def test_an_untrusted_repo_is_refused_with_the_command_that_trusts_it(bench: Bench) -> None:
    bench.task("true")
    registration.remove(bench.workspace, bench.store, "app")
    planned = plan(bench.workspace, bench.store, "app/job")
    with pytest.raises(RefusedError) as refused:
        starting.start(bench.workspace, bench.store, planned, intake=_intake(bench))
    assert refused.value.hint == "opsconsole repo trust app"
    assert list(bench.workspace.state.glob("runs/*")) == []


def test_twenty_runs_at_once_all_end_and_never_more_than_the_slots_are_at_work(bench: Bench) -> None:
    bench.task("true", slots=3)
    planned = plan(bench.workspace, bench.store, "app/job")
    started = [starting.start(bench.workspace, bench.store, planned, intake=_intake(bench)) for _ in range(20)]
    assert [bench.wait(run_id).state for run_id in started] == [RunState.PASSED] * 20
    moments = []
    for run_id in started:
        history = bench.history(run_id)
        assert history.started_at is not None
        assert history.ended_at is not None
        moments += [(history.started_at, 1), (history.ended_at, -1)]
    working = most = 0
    for _, change in sorted(moments):
        working += change
        most = max(most, working)
    assert most <= 3


def test_a_full_disk_under_the_log_does_not_end_the_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    launch = starting.launch

    def onto_a_full_disk(folder: RunFolder, lock: int, intake: list[str], plan: Plan) -> None:
        folder.log("job").symlink_to("/dev/full")
        launch(folder, lock, intake, plan)

    monkeypatch.setattr(starting, "launch", onto_a_full_disk)
    bench.task("echo lost || true; touch $OPSCONSOLE_OUT/reached")
    record = bench.run()
    assert record.state is RunState.PASSED
    assert (bench.folder(record.id).out / "reached").exists()


def test_keeper_and_supervisor_stay_with_the_standard_library(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "launch", lambda folder, lock, intake, plan: None)
    bench.task("true")
    run_id = bench.start()
    folder = bench.folder(run_id)
    lock = try_lock(folder.lock)
    assert lock is not None
    script = (
        "import json, sys\n"
        "import opsconsole.runs.execute.keeper\n"
        "import opsconsole.runs.execute.supervisor as supervisor\n"
        "path, lock, *intake = sys.argv[1:]\n"
        "supervisor.main(path, int(lock), {}, intake)\n"
        "names = {name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)\n"
        "print(json.dumps(sorted(name for name in names if not name.startswith('_'))))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-I", "-c", script, str(folder.path), str(lock), *_intake(bench)],
        check=True,
        capture_output=True,
        pass_fds=(lock,),
    )
    os.close(lock)
    assert bench.wait(run_id).state is RunState.PASSED
    assert set(json.loads(answer.stdout)) <= {"opsconsole", "sitecustomize", "distutils-precedence"}


def _intake(bench: Bench) -> list[str]:
    from opsconsole.runs.execute.finalize import intake_command

    return intake_command(bench.root)


LAST_PID = Path("/proc/sys/kernel/ns_last_pid")
REUSE = """
import os, time
main, (go, hold) = os.getpid(), os.pipe()
for _ in range(1000):  # orphans that all end when main does
    if os.fork() == 0:
        os.close(hold)
        if os.fork():
            os._exit(0)
        os.setsid()
        os.read(go, 1)
        os._exit(0)
if os.fork() == 0:  # the one that takes the number
    os.close(hold)
    if os.fork():
        os._exit(0)
    os.setsid()
    end = time.time() + 20
    while time.time() < end:
        try:
            os.kill(main, 0)
        except ProcessLookupError:
            with open("/proc/sys/kernel/ns_last_pid", "w") as last:
                last.write(str(main - 1))
            if os.fork() == 0:
                os._exit(0)
            break
    os._exit(0)
try:
    while os.waitpid(-1, os.WNOHANG)[0]:
        pass
except ChildProcessError:
    pass
time.sleep(0.2)
os._exit(1)
"""


@pytest.mark.skipif(not os.access(LAST_PID, os.W_OK), reason="numbers of processes cannot be chosen here")
def test_an_orphan_that_takes_the_step_s_number_does_not_answer_for_it(bench: Bench) -> None:
    (bench.repo / "reuse.py").write_text(REUSE, encoding="utf-8")
    commit_all(bench.repo, "Reuse")
    bench.task("exec python3 reuse.py")
    record = bench.run()
    assert (record.state, record.error) == (RunState.FAILED, "step job: exit 1")
