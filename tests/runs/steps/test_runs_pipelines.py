"""Pipelines as they really run: in parallel, again, on condition, always, with services, secrets and kept results."""

from __future__ import annotations

import base64
import json
import os
import socket
import time
from pathlib import Path

import pytest

from opsconsole.core.errors import ConfigError, RefusedError
from opsconsole.core.nouns import RunState, StepState, TestOutcome
from opsconsole.core.process import identity
from opsconsole.runs.execute.cancel import cancel
from opsconsole.runs.plan.planner import plan
from opsconsole.runs.steps import artifacts
from opsconsole.runs.steps.handle import DIED
from opsconsole.store import steps, test_history, test_results
from opsconsole.store.steps import StepRecord
from tests.runs.bench import Bench, commit_all, kill, until

CASE = '<testsuite><testcase name="{name}" classname="t">{inside}</testcase></testsuite>'


def found(bench: Bench, run_id: int) -> dict[str, StepRecord]:
    return {step.name: step for step in steps.of_run(bench.store, run_id)}


def states(bench: Bench, run_id: int) -> dict[str, str]:
    return {name: str(step.state) for name, step in found(bench, run_id).items()}


def job(bench: Bench, steps_text: str, more: str = "", head: str = "", workspace: str = "") -> None:
    bench.pipelines(f"{head}[repos.app.pipelines.job]\n{more}\nsteps = [\n{steps_text}\n]\n", workspace=workspace)


MEETS = (
    "touch $OPSCONSOLE_OUT/{me}; n=0; "
    "until [ -e $OPSCONSOLE_OUT/{other} ]; do sleep 0.02; n=$((n+1)); [ $n -lt 1500 ]; done"
)


def test_steps_that_do_not_need_each_other_are_at_work_together(bench: Bench) -> None:
    job(
        bench,
        f'{{ name = "a", run = "{MEETS.format(me="a", other="b")}" }},\n'
        f'{{ name = "b", run = "{MEETS.format(me="b", other="a")}" }},\n'
        '{ name = "c", run = "test -e $OPSCONSOLE_OUT/a && test -e $OPSCONSOLE_OUT/b", needs = ["a", "b"] }',
        "parallel = 2",
    )
    record = bench.run()
    assert record.state is RunState.PASSED, states(bench, record.id)


def test_no_more_steps_than_the_limit_are_at_work(bench: Bench) -> None:
    count = "mkdir $OPSCONSOLE_OUT/at-work; sleep 0.05; rmdir $OPSCONSOLE_OUT/at-work"
    job(bench, ",\n".join(f'{{ name = "s{n}", run = "{count}", needs = [] }}' for n in range(4)), "parallel = 1")
    assert bench.run().state is RunState.PASSED


def test_a_step_past_its_time_is_ended_whole_and_its_neighbour_goes_on(bench: Bench) -> None:
    job(
        bench,
        '{ name = "late", run = "setsid sh -c \'trap : TERM; sleep 600\' & sleep 600", timeout = "0.5s" },\n'
        '{ name = "good", run = "while [ ! -e $OPSCONSOLE_WORKSPACE/go ]; do sleep 0.02; done" },\n'
        '{ name = "after", run = "true", needs = ["good"] }',
        "parallel = 2",
    )
    run_id = bench.start()
    until(lambda: states(bench, run_id)["late"] == "timed_out")
    assert states(bench, run_id)["good"] == "running"
    (bench.root / "go").touch()
    record = bench.wait(run_id)
    assert record.state is RunState.TIMED_OUT
    assert states(bench, run_id) == {"late": "timed_out", "good": "passed", "after": "passed"}
    assert bench.marked(run_id) == []


def test_a_step_that_falls_silent_is_ended_and_one_that_speaks_is_not(bench: Bench) -> None:
    speaks = "for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.15; done"
    job(
        bench,
        f'{{ name = "speaks", run = "{speaks}" }},\n{{ name = "silent", run = "echo up; sleep 600" }}',
        'silence = "0.7s"',
    )
    record = bench.run()
    assert states(bench, record.id) == {"speaks": "passed", "silent": "timed_out"}
    assert record.error == "step silent: it was silent for 0.7 s"


def test_a_step_is_tried_again_with_the_reason_kept_and_its_test_is_flaky(bench: Bench) -> None:
    bad = CASE.format(name="shaky", inside='<failure message="no"/>')
    good = CASE.format(name="shaky", inside="")
    script = (
        f"if [ -e $OPSCONSOLE_OUT/second ]; then echo '{good}' > $OPSCONSOLE_OUT/junit.xml; "
        f"else touch $OPSCONSOLE_OUT/second; echo '{bad}' > $OPSCONSOLE_OUT/junit.xml; exit 7; fi"
    )
    bench.task(script, "retries = 2")
    record = bench.run()
    assert record.state is RunState.PASSED
    step = found(bench, record.id)["job"]
    assert (step.tries, step.note) == (2, "try 1: exit 7")
    assert b"try 1 of 3 ended: exit 7; again" in bench.log(record.id)
    (case,) = test_results.of_run(bench.store, record.id)
    assert (case.outcome, case.flaky, case.message) == (TestOutcome.PASSED, True, "flaky: failed in a try before")
    (known,) = test_history.flaky(bench.store, "app")
    assert (known.name, known.flaky, known.rate) == ("t::shaky", 1, 1.0)


def test_retries_end_and_the_last_word_counts(bench: Bench) -> None:
    bench.task("exit 4", "retries = 1")
    record = bench.run()
    assert (record.state, record.error) == (RunState.FAILED, "step job: exit 4; try 1: exit 4")
    assert found(bench, record.id)["job"].tries == 2


def test_a_shell_condition_skips_and_what_needs_the_skipped_runs(bench: Bench) -> None:
    job(
        bench,
        '{ name = "no", run = "exit 9", if = "test -e nothing" },\n'
        '{ name = "yes", run = "true", if = "test -e README" },\n'
        '{ name = "after", run = "true", needs = ["no", "yes"] }',
    )
    record = bench.run()
    assert record.state is RunState.PASSED
    assert states(bench, record.id) == {"no": "skipped", "yes": "passed", "after": "passed"}
    assert found(bench, record.id)["no"].note == "its condition said no: test -e nothing"


def test_branch_and_changed_files_decide_before_anything_runs(bench: Bench) -> None:
    job(
        bench,
        '{ name = "docs", run = "true", if = { changed = ["docs/**"] }, needs = [] },\n'
        '{ name = "publish", run = "true", if = { branch = ["release/*"] }, needs = [] },\n'
        '{ name = "main", run = "true", if = { branch = ["main"] } }',
    )
    (bench.repo / "docs").mkdir()
    (bench.repo / "docs" / "a.md").touch()
    commit_all(bench.repo, "Write")
    first = bench.run()
    assert states(bench, first.id) == {"docs": "passed", "publish": "skipped", "main": "passed"}
    assert found(bench, first.id)["publish"].note == "branch main is not release/*"
    commit_all(bench.repo, "Nothing")
    second = bench.run()
    assert states(bench, second.id)["docs"] == "skipped"
    assert f"changed since run {first.id}" in (found(bench, second.id)["docs"].note or "")


CLEANUP = (
    '{ name = "work", run = "echo up; $WORK" },\n'
    '{ name = "next", run = "true", needs = ["work"] },\n'
    '{ name = "clean", run = "touch $OPSCONSOLE_OUT/cleaned", needs = ["work"], always = true }'
)


def test_an_always_step_runs_after_a_failure(bench: Bench) -> None:
    job(bench, CLEANUP, 'env = { WORK = "exit 3" }')
    record = bench.run()
    assert record.state is RunState.FAILED
    assert states(bench, record.id) == {"work": "failed", "next": "not_reached", "clean": "passed"}


def test_an_always_step_runs_after_a_cancel(bench: Bench) -> None:
    job(bench, CLEANUP, 'env = { WORK = "sleep 600" }')
    run_id = bench.start()
    bench.until_log(run_id, b"up", "work")
    cancel(bench.workspace, bench.store, run_id)
    record = bench.wait(run_id)
    assert record.state is RunState.CANCELLED
    assert states(bench, run_id) == {"work": "cancelled", "next": "not_reached", "clean": "passed"}
    assert (bench.folder(run_id).out / "cleaned").exists()


SERVE = "python -m http.server --bind 127.0.0.1 $PORT"
ASK = 'python -c \'import os, urllib.request as u; u.urlopen(\\"http://127.0.0.1:\\" + os.environ[\\"OPSCONSOLE_PORT_WEB\\"])\''


def test_a_service_is_ready_before_its_step_and_gone_after_it(bench: Bench) -> None:
    job(
        bench,
        f'{{ name = "ask", run = "{ASK}; echo $OPSCONSOLE_PORT_WEB > $OPSCONSOLE_OUT/port", services = ["web"] }},\n'
        '{ name = "alone", run = "! python -c \'import os, socket; socket.create_connection((\\"127.0.0.1\\",'
        ' int(open(os.environ[\\"OPSCONSOLE_OUT\\"] + \\"/port\\").read())))\'", needs = ["ask"] }',
        f'services.web = {{ run = "{SERVE}", port = 0 }}',
    )
    record = bench.run()
    assert record.state is RunState.PASSED, bench.log(record.id, "ask") + bench.log(record.id, "alone")
    assert record.note is None, "a service that was stopped is no leftover"
    assert b"GET /" in bench.log(record.id, "service-web")


@pytest.mark.parametrize(
    ("service", "said"),
    [
        ('run = "echo gone; exit 3", port = 0', "it ended by itself (exit 3)"),
        ('run = "sleep 600", port = 0, timeout = "0.4s"', "it was not ready within 0.4 s (port "),
        (
            'run = "sleep 600", ready = "test -e nothing", timeout = "0.4s"',
            "was not ready within 0.4 s (test -e nothing)",
        ),
    ],
)
def test_a_service_that_does_not_come_up_fails_the_step_with_the_reason(bench: Bench, service: str, said: str) -> None:
    job(bench, '{ name = "ask", run = "true", services = ["web"] }', f"services.web = {{ {service} }}")
    record = bench.run()
    assert record.state is RunState.ERROR
    assert said in (record.error or "")
    assert bench.marked(record.id) == []


def test_a_port_that_another_program_has_is_said_so(bench: Bench) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        job(
            bench,
            '{ name = "ask", run = "true", services = ["web"] }',
            f'services.web = {{ run = "sleep 600", port = {port} }}',
        )
        record = bench.run()
    assert f"port {port} is taken by another program" in (record.error or "")


def test_secrets_reach_the_steps_that_name_them_and_no_log_row_or_file(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = tmp_path / "token"
    kept.write_text("file-secret-1234\n", encoding="utf-8")
    kept.chmod(0o600)
    monkeypatch.setenv("OUTER_TOKEN", "outer-secret-5678")
    monkeypatch.setenv("NAMED", "named-secret-9012")
    (bench.repo / "tell.py").write_text(
        "import base64, os, sys, time\n"
        "for name in ('FILED', 'TOKEN', 'NAMED'):\n"
        "    value = os.environ[name]\n"
        "    half = len(value) // 2\n"
        "    sys.stdout.write(f'{name}={value[:half]}'); sys.stdout.flush(); time.sleep(0.05)\n"
        "    sys.stdout.write(value[half:] + '\\n')\n"
        "    print(base64.b64encode(('user:' + value).encode()).decode())\n"
        "report = os.environ['OPSCONSOLE_OUT'] + '/junit.xml'\n"
        "value = os.environ['TOKEN']\n"
        "open(report, 'w').write(f'<testsuite><testcase name=\"t\"><failure message=\"{value}\">{value}</failure></testcase></testsuite>')\n",
        encoding="utf-8",
    )
    commit_all(bench.repo, "Tell")
    job(
        bench,
        '{ name = "tell", run = "python tell.py", secrets = ["FILED", "TOKEN", "NAMED"] },\n'
        '{ name = "not-told", run = "test -z \\"$TOKEN$FILED$NAMED\\"" }',
        head=f'[secrets.FILED]\nfile = "{kept}"\n[secrets.TOKEN]\nenv = "OUTER_TOKEN"\n',
    )
    record = bench.run()
    assert states(bench, record.id) == {"tell": "passed", "not-told": "passed"}
    log = bench.log(record.id, "tell")
    for value in (b"file-secret-1234", b"outer-secret-5678", b"named-secret-9012"):
        assert log.count(b"***") >= 6
        assert base64.b64encode(b"user:" + value)[8:-4] not in log
        for path in bench.root.rglob("*"):
            if path.is_file() and path.name != "junit.xml" and path.suffix != ".lock":
                assert value not in path.read_bytes(), path
    (case,) = test_results.failed(bench.store, record.id)
    assert (case.message, case.detail) == ("***", "***")


def test_a_secret_that_is_not_there_or_open_to_others_is_said_before_anything_runs(
    bench: Bench, tmp_path: Path
) -> None:
    open_file = tmp_path / "open"
    open_file.write_text("x", encoding="utf-8")
    open_file.chmod(0o644)
    job(
        bench,
        '{ name = "a", run = "true", secrets = ["GONE", "OPEN"] }',
        head=f'[secrets.OPEN]\nfile = "{open_file}"\n',
    )
    planned = plan(bench.workspace, bench.store, "app/job")
    assert planned.absent == ("secret GONE: $GONE is not set", f"secret OPEN: {open_file} can be read by others")
    with pytest.raises(RefusedError, match="cannot run here: secret GONE"):
        bench.start()
    assert not list(bench.workspace.state.glob("runs/*"))


def test_artifacts_and_reports_of_the_work_tree_are_kept_also_of_a_failed_step(bench: Bench) -> None:
    report = CASE.format(name="x", inside="<failure/>").replace('"', '\\"')
    job(
        bench,
        '{ name = "pack", run = "mkdir -p dist/deep target; echo 1 > dist/a.whl; echo 2 > dist/deep/b; ln -s /etc dist/out;'
        f" echo '{report}' > target/TEST-x.xml; exit 1\","
        ' artifacts = ["dist/**", "none/*"], reports = ["target/TEST-*.xml"] }',
    )
    record = bench.run()
    kept = bench.folder(record.id).out / "artifacts"
    assert sorted(str(p.relative_to(kept)) for p in kept.rglob("*") if p.is_file()) == ["dist/a.whl", "dist/deep/b"]
    assert record.tests is not None
    assert record.tests.failed == 1


@pytest.mark.parametrize("pattern", ["dist/**.whl", "/etc/*", "", ".", "../x"])
@pytest.mark.parametrize("key", ["artifacts", "reports"])
def test_a_pattern_that_can_name_nothing_is_refused_when_it_is_planned(bench: Bench, key: str, pattern: str) -> None:
    job(bench, f'{{ name = "pack", run = "true", {key} = ["{pattern}"] }}')
    with pytest.raises(ConfigError, match=key):
        bench.start()


def test_outputs_that_lead_out_of_the_work_tree_are_refused(bench: Bench) -> None:
    for name in ("/etc", "..", ".", "$OPSCONSOLE_OUT/../x"):
        job(bench, f'{{ name = "make", run = "true", cache = {{ inputs = ["a"], outputs = ["{name}"] }} }}')
        with pytest.raises(ConfigError, match="outputs"):
            bench.start()


def test_artifacts_past_the_most_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "MOST", 2)
    tree = tmp_path / "tree"
    for name in ("a/1", "a/2", "a/3", "b/4"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).touch()
    taken = artifacts.take_artifacts(tree, ("a/", "a/*", "**/4", "none"), tmp_path / "kept")
    assert (taken.missing, taken.left_out) == (("none",), 2)
    assert len([path for path in (tmp_path / "kept").rglob("*") if path.is_file()]) == 2


def test_what_cannot_be_kept_leaves_a_good_step_good_and_says_so(bench: Bench) -> None:
    job(
        bench,
        '{ name = "pack", run = "echo 1 > made; touch $OPSCONSOLE_OUT/artifacts", artifacts = ["made"] }',
    )
    record = bench.run()
    assert record.state is RunState.PASSED
    (step,) = steps.of_run(bench.store, record.id)
    assert "not all of its artifacts could be kept" in (step.note or "")


@pytest.mark.parametrize("question", ["no-such-program --ask", "kill -9 $$"])
def test_a_condition_that_could_not_be_asked_is_no_no(bench: Bench, question: str) -> None:
    job(bench, f'{{ name = "deploy", run = "true", if = "{question}" }}')
    record = bench.run()
    assert record.state is RunState.ERROR
    assert "its condition could not be asked" in (record.error or "")


@pytest.mark.parametrize(
    "more",
    [
        f"matrix = {{ A = {list(range(100))}, B = {list(range(100))}, C = {list(range(100))} }}",
        f"matrix = {{ A = {list(range(500))} }}\nexclude = [{', '.join(['{ A = 1 }'] * 500)}]",
    ],
)
def test_a_matrix_that_nobody_can_count_is_refused_at_once(bench: Bench, more: str) -> None:
    job(bench, '{ name = "a", run = "true" }', more)
    with pytest.raises(ConfigError, match="combinations"):
        bench.start()


CACHED = '{ name = "make", run = "echo made; mkdir -p made; date +%N > made/stamp", cache = { inputs = ["src/**"], outputs = ["made", "$OPSCONSOLE_OUT/junit.xml"] } },\n{ name = "use", run = "cp made/stamp $OPSCONSOLE_OUT/stamp" }'


def test_a_result_is_kept_until_what_decides_it_changes_and_the_step_says_why(bench: Bench) -> None:
    (bench.repo / "src").mkdir()
    (bench.repo / "src" / "a").write_text("1", encoding="utf-8")
    commit_all(bench.repo, "Source")
    report = "echo '<testsuite><testcase name=\\\"x\\\"/></testsuite>' > $OPSCONSOLE_OUT/junit.xml; "
    job(bench, CACHED.replace("echo made; ", f"echo made; {report}"))
    first = bench.run()
    assert states(bench, first.id) == {"make": "passed", "use": "passed"}
    assert found(bench, first.id)["make"].note == "ran: nothing is kept of it yet"
    (bench.repo / "README").write_text("other\n", encoding="utf-8")
    commit_all(bench.repo, "Not the source")
    second = bench.run()
    assert states(bench, second.id) == {"make": "cached", "use": "passed"}
    assert found(bench, second.id)["make"].note == f"kept from run {first.id}: the same input"
    assert b"made" not in bench.log(second.id, "make")
    assert second.tests is not None, "a report that is an output comes back too"
    stamps = [(bench.folder(run.id).out / "stamp").read_text() for run in (first, second)]
    assert stamps[0] == stamps[1]
    (bench.repo / "src" / "a").write_text("2", encoding="utf-8")
    commit_all(bench.repo, "The source")
    third = bench.run()
    assert found(bench, third.id)["make"].note == "ran: src/a changed"
    assert (bench.folder(third.id).out / "stamp").read_text() != stamps[0]


def test_a_result_of_a_step_that_failed_or_left_nothing_is_not_kept(bench: Bench) -> None:
    job(bench, '{ name = "make", run = "exit 1", cache = { inputs = ["README"], outputs = ["made"] } }')
    for _ in range(2):
        assert states(bench, bench.run().id) == {"make": "failed"}
    job(bench, '{ name = "make", run = "true", cache = { inputs = ["README"], outputs = ["made"] } }')
    for _ in range(2):
        record = bench.run()
        assert states(bench, record.id) == {"make": "passed"}
        assert "not kept: it left no made" in (found(bench, record.id)["make"].note or "")


def test_two_runs_that_need_the_same_result_make_it_once(bench: Bench) -> None:
    wait = "echo once >> $OPSCONSOLE_WORKSPACE/made; while [ ! -e $OPSCONSOLE_WORKSPACE/go ]; do sleep 0.02; done"
    job(bench, f'{{ name = "make", run = "{wait}", cache = {{ inputs = ["README"] }} }}')
    first, second = bench.start(), bench.start()
    made = bench.root / "made"
    until(made.exists)
    until(lambda: any(b"another run makes the same" in bench.log(run, "make") for run in (first, second)))
    (bench.root / "go").touch()
    assert {bench.wait(run).state for run in (first, second)} == {RunState.PASSED}
    assert sorted(states(bench, run)["make"] for run in (first, second)) == ["cached", "passed"]
    assert made.read_text(encoding="utf-8") == "once\n"


def test_a_log_is_bounded_and_keeps_its_end(bench: Bench) -> None:
    script = "for i in range(200000): print(i, 'x' * 20)"
    job(bench, f'{{ name = "job", run = "python -c \\"{script}\\"" }}', workspace='log_limit = "300kB"')
    record = bench.run()
    assert record.state is RunState.PASSED
    log = bench.log(record.id)
    assert len(log) < 600_000
    assert log.startswith(b"0 xxx")
    assert log.endswith(b"199999 " + b"x" * 20 + b"\n")
    assert b"bytes are left out here: the log reached its limit" in log


def test_what_a_step_takes_is_measured_over_all_it_starts(bench: Bench) -> None:
    burn = "import time; block = b'x' * 60_000_000; t = time.process_time()\nwhile time.process_time() - t < 0.3: pass"
    (bench.repo / "burn.py").write_text(burn, encoding="utf-8")
    commit_all(bench.repo, "Burn")
    bench.task("sh -c 'python burn.py & python burn.py; wait'")
    record = bench.run()
    step = found(bench, record.id)["job"]
    assert (step.cpu_s or 0) >= 0.6
    assert (step.peak_bytes or 0) >= 60_000_000
    assert (step.seconds or 0) >= 0.3
    assert record.seconds is not None


def test_a_clock_that_jumps_changes_no_duration(bench: Bench) -> None:
    bench.task("true")
    run_id = bench.start()
    bench.wait(run_id)
    lines = bench.folder(run_id).journal.read_text(encoding="utf-8").splitlines()
    ended = next(json.loads(line) for line in lines if json.loads(line)["event"] == "step_ended")
    assert 0 <= ended["seconds"] < 30
    assert steps.of_run(bench.store, run_id)[0].duration_s == ended["seconds"]


def test_a_newer_commit_takes_the_place_of_one_that_waits_and_of_none_that_works(bench: Bench) -> None:
    wait = "echo up; while [ ! -e $OPSCONSOLE_WORKSPACE/go ]; do sleep 0.02; done"
    bench.task(wait, "supersede = true", slots=1)
    working = bench.start()
    bench.until_log(working, b"up")
    commit_all(bench.repo, "Two")
    waiting = bench.start()
    bench.supervisor(waiting)
    commit_all(bench.repo, "Three")
    newest = bench.start()
    record = bench.wait(waiting)
    assert record.state is RunState.CANCELLED
    assert record.note == f"superseded by run {newest}, which is of a newer commit"
    (bench.root / "go").touch()
    assert bench.wait(working).state is RunState.PASSED
    assert bench.wait(newest).state is RunState.PASSED


def test_a_repo_with_a_limit_of_its_own_waits_and_lets_others_by(bench: Bench) -> None:
    import subprocess

    subprocess.run(["git", "clone", "-q", str(bench.repo), str(bench.root / "repos" / "other")], check=True)
    wait = "echo up; while [ ! -e $OPSCONSOLE_WORKSPACE/go ]; do sleep 0.02; done"
    bench.pipelines(
        f"slots = 1\n[repos.app.pipelines.job]\nrun = '{wait}'\n"
        '[repos.other]\npath = "repos/other"\n[repos.other.pipelines.job]\nrun = "true"\n'
    )
    from opsconsole.repos import registration

    registration.trust(bench.workspace, bench.store, "other")
    first = bench.start()
    bench.until_log(first, b"up")
    second = bench.start()
    other = bench.start("other/job")
    assert bench.wait(other).state is RunState.PASSED
    assert bench.log(second) == b""
    (bench.root / "go").touch()
    assert bench.wait(first).state is RunState.PASSED
    assert bench.wait(second).state is RunState.PASSED


def test_a_warden_that_is_killed_loses_its_step_and_nothing_of_it_stays(bench: Bench) -> None:
    bench.task("echo up; sleep 600")
    run_id = bench.start()
    bench.until_log(run_id, b"up")
    supervisor = bench.supervisor(run_id)
    step_runners = [
        who
        for pid in Path(f"/proc/{supervisor.pid}/task/{supervisor.pid}/children").read_text(encoding="ascii").split()
        if (who := identity(int(pid))) is not None
    ]
    (runner,) = step_runners
    kill(runner)
    record = bench.wait(run_id)
    assert record.state is RunState.LOST
    assert found(bench, run_id)["job"].state is StepState.LOST
    assert found(bench, run_id)["job"].note == DIED.note
    assert bench.marked(run_id) == []


@pytest.mark.parametrize("hidden", ["env -i setsid", "env -i setsid nohup"])
def test_a_step_without_environment_and_parent_is_ended_all_the_same(bench: Bench, hidden: str) -> None:
    marker = f"7{os.getpid()}{time.monotonic_ns() % 1000:03}"
    bench.task(f"({hidden} sleep {marker} >/dev/null 2>&1 &) ; echo up; sleep 600")
    run_id = bench.start()
    bench.until_log(run_id, b"up")
    cancel(bench.workspace, bench.store, run_id)
    assert bench.wait(run_id).state is RunState.CANCELLED
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                assert marker.encode() not in (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue


def test_variants_leave_artifacts_beside_each_other(bench: Bench) -> None:
    job(
        bench,
        '{ name = "pack", run = "echo $MATRIX_V > made", artifacts = ["made"] }',
        'matrix = { V = ["one", "two"] }\nparallel = 1',
    )
    record = bench.run()
    kept = bench.folder(record.id).out / "artifacts"
    assert {str(path.relative_to(kept)): path.read_text(encoding="utf-8") for path in kept.rglob("made")} == {
        "pack.one/made": "one\n",
        "pack.two/made": "two\n",
    }
