"""One answer to how a repo's branch stands: from full builds of that branch alone, whoever asks."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from opsconsole.core import clock
from opsconsole.core.errors import NotFoundError
from opsconsole.core.nouns import PipelineKind, RunCause, RunPurpose, RunState, TestOutcome
from opsconsole.core.process import own_python
from opsconsole.lifecycle.inbox import waiting
from opsconsole.lifecycle.software.bisecting import asked, bisect
from opsconsole.lifecycle.software.building import start_rerun, start_run
from opsconsole.lifecycle.software.repo_state import repo_state
from opsconsole.repos.head import Head, head_of
from opsconsole.store import runs, test_history, test_results
from opsconsole.store.runs import ASKED, Cause, NewRun, RunRecord, TestCounts
from opsconsole.store.test_history import FailingSince
from opsconsole.store.test_results import RunOfTests, TestResult
from tests.runs.bench import PYTEST_INI, Bench, commit_all
from tests.runs.conftest import bench, own_git  # noqa: F401 - fixtures

TESTS = "from code_ import double\ndef test_double(): assert double(3) == 6\ndef test_other(): assert True\n"


def git(bench: Bench, *words: str) -> str:  # noqa: F811
    answer = subprocess.run(["git", "-C", str(bench.repo), *words], check=True, capture_output=True, text=True)
    return answer.stdout.strip()


def ask(bench: Bench, *words: str) -> Any:  # noqa: F811
    line = own_python("opsconsole", "-C", str(bench.root), *words, "--json")
    return json.loads(subprocess.run(line, check=False, capture_output=True, env=os.environ).stdout)


def a_run(
    bench: Bench,  # noqa: F811
    state: RunState,
    *,
    commit: str,
    branch: str | None = "main",
    purpose: RunPurpose = RunPurpose.FULL,
    pipeline: str = "build",
    rerun_of: int | None = None,
) -> int:
    kind = (
        PipelineKind.BUILD if purpose in {RunPurpose.FULL, RunPurpose.PARTIAL, RunPurpose.PROBE} else PipelineKind.TRAIN
    )
    cause = Cause(RunCause.RERUN, rerun_of=rerun_of) if rerun_of is not None else ASKED
    new = NewRun("app", pipeline, kind, commit, branch, "s", dirty=False, actor="me", cause=cause, purpose=purpose)
    with bench.store.immediate() as connection:
        run_id = runs.insert(connection, new)
        if state.final:
            runs.finish(
                connection,
                run_id,
                state,
                started_at=None,
                ended_at=clock.now(),
                error=None,
                note=None,
                tests=TestCounts(1),
            )
    return run_id


@pytest.fixture
def tested(bench: Bench) -> tuple[Bench, list[str]]:  # noqa: F811
    """Four commits of a repo with two tests; the third breaks ``double``."""
    (bench.repo / "pytest.ini").write_text(PYTEST_INI, encoding="utf-8")
    (bench.repo / "test_code.py").write_text(TESTS, encoding="utf-8")
    made = []
    for number in range(4):
        operator = "+" if number >= 2 else "*"
        (bench.repo / "code_.py").write_text(f"# {number}\ndef double(x): return x {operator} 2\n", encoding="utf-8")
        made.append(commit_all(bench.repo, f"Change {number}"))
    bench.pipelines("")
    return bench, made


def test_a_bisect_by_one_test_leaves_a_broken_branch_broken_and_says_since_when(
    tested: tuple[Bench, list[str]],
) -> None:
    bench, made = tested  # noqa: F811
    red = bench.run("app/build")
    assert red.state is RunState.FAILED
    test = "test_code.py::test_double"
    question = asked(bench.workspace, bench.store, "app", good=made[0], bad=made[3], test=test)
    assert bisect(bench.workspace, bench.store, question, lambda line: None).first_bad == made[2]
    state = repo_state(bench.workspace, bench.store, "app")
    assert state.verdict is not None
    assert (state.verdict.id, state.broken, state.branch) == (red.id, True, "main")
    assert state.cause is not None
    assert state.cause.first_bad == made[2]
    (item,) = [item for item in waiting(bench.workspace, bench.store) if item.kind == "broken"]
    assert str(item.target) == f"run {red.id}"
    assert f"since {made[2][:7]}" in item.text
    assert "found by bisect" in item.text
    status, listed = ask(bench, "status"), ask(bench, "repo", "ls")
    shown = ask(bench, "show", str(red.id))
    for answer in (status["repos"][0], listed[0]):
        assert (answer["last_run"]["id"], answer["last_run"]["outcome"]) == (red.id, "failed")
        assert answer["broken_since"]["commit"] == shown["bisect"]["commit"] == made[2]
    probes = [run for run in runs.page(bench.store, repo="app") if run.purpose is RunPurpose.PROBE]
    assert probes
    known = test_history.find(bench.store, "app", test)
    assert known is not None
    assert (known.runs, known.flips) == (1, 0), "a probe says nothing of now"
    assert test_history.failing_since(bench.store, red)["", test].run == red.id


def test_a_misspelled_test_is_refused_before_anything_runs(tested: tuple[Bench, list[str]]) -> None:
    bench, made = tested  # noqa: F811
    bench.run("app/build")
    with pytest.raises(NotFoundError, match="test_duoble") as refused:
        asked(bench.workspace, bench.store, "app", good=made[0], bad=made[3], test="test_code.py::test_duoble")
    assert "test_double" in (refused.value.hint or "")
    assert runs.count(bench.store, repo="app") == 1


def test_where_no_test_is_known_yet_a_misspelled_one_costs_one_probe_and_turns_nothing_red(
    tested: tuple[Bench, list[str]],
) -> None:
    bench, made = tested  # noqa: F811
    question = asked(bench.workspace, bench.store, "app", good=made[0], bad=made[3], test="test_code.py::nope")
    with pytest.raises(NotFoundError, match="nope"):
        bisect(bench.workspace, bench.store, question, lambda line: None)
    (probe,) = runs.page(bench.store, repo="app")
    assert probe.purpose is RunPurpose.PROBE
    assert repo_state(bench.workspace, bench.store, "app").verdict is None
    assert waiting(bench.workspace, bench.store) == []


def test_failed_tests_that_pass_when_run_again_leave_the_build_red(tested: tuple[Bench, list[str]]) -> None:
    bench, _ = tested  # noqa: F811
    (bench.repo / "test_flag.py").write_text(
        f"import pathlib\ndef test_flag(): assert pathlib.Path({str(bench.root / 'flag')!r}).exists()\n",
        encoding="utf-8",
    )
    (bench.repo / "code_.py").write_text("def double(x): return x * 2\n", encoding="utf-8")
    commit_all(bench.repo, "Mend")
    red = bench.run("app/build")
    (bench.root / "flag").touch()
    again = bench.wait(start_rerun(bench.workspace, bench.store, red.id, only_failed=True))
    assert (again.state, again.purpose, again.branch) == (RunState.PASSED, RunPurpose.PARTIAL, "main")
    state = repo_state(bench.workspace, bench.store, "app")
    assert state.verdict is not None
    assert state.verdict.id == red.id
    assert ask(bench, "repo", "changes", "app")["since"] is None, "one test is no green build"
    whole = bench.wait(start_rerun(bench.workspace, bench.store, red.id))
    assert (whole.state, whole.purpose, whole.branch) == (RunState.PASSED, RunPurpose.FULL, "main")
    assert not repo_state(bench.workspace, bench.store, "app").broken


def test_what_says_nothing_of_the_branch_changes_nothing(bench: Bench) -> None:  # noqa: F811
    head = git(bench, "rev-parse", "HEAD")
    red = a_run(bench, RunState.FAILED, commit=head)
    a_run(bench, RunState.CANCELLED, commit=head)
    a_run(bench, RunState.PASSED, commit=head, branch="feature")
    a_run(bench, RunState.PASSED, commit=head, purpose=RunPurpose.PROBE)
    a_run(bench, RunState.PASSED, commit=head, purpose=RunPurpose.PARTIAL)
    a_run(bench, RunState.PASSED, commit=head, purpose=RunPurpose.TRAIN, pipeline="train")
    a_run(bench, RunState.RUNNING, commit=head)
    state = repo_state(bench.workspace, bench.store, "app")
    assert [run.id for run in state.builds] == [red]
    green = a_run(bench, RunState.PASSED, commit="b" * 40)
    a_run(bench, RunState.FAILED, commit="a" * 40, rerun_of=red)
    state = repo_state(bench.workspace, bench.store, "app")
    assert [run.id for run in state.builds] == [green], "an old commit that is run again is not the branch"
    assert not state.speaks_of(head)


def test_a_tip_that_was_built_by_its_number_is_a_build_of_the_branch(bench: Bench) -> None:  # noqa: F811
    head = git(bench, "rev-parse", "HEAD")
    a_run(bench, RunState.FAILED, commit=head)
    a_run(bench, RunState.PASSED, commit="b" * 40, branch=None)
    green = a_run(bench, RunState.PASSED, commit=head, branch=None)
    state = repo_state(bench.workspace, bench.store, "app")
    assert [run.id for run in state.builds] == [green]
    assert state.speaks_of(head)


def test_a_commit_can_be_built_as_one_of_a_branch_that_contains_it(bench: Bench) -> None:  # noqa: F811
    bench.pipelines('[repos.app.pipelines.build]\nrun = "true"\n')
    first = git(bench, "rev-parse", "HEAD")
    commit_all(bench.repo, "Second")
    built = ask(bench, "run", "app", "--rev", first, "--branch", "main")
    assert (built["branch"], built["commit"]) == ("main", first)
    git(bench, "branch", "old", first)
    refused = ask(bench, "run", "app", "--rev", "main", "--branch", "old")
    assert refused["error"]["code"] == "usage"


def test_one_red_pipeline_of_several_speaks_for_the_branch(bench: Bench) -> None:  # noqa: F811
    red = a_run(bench, RunState.FAILED, commit="a" * 40, pipeline="lint")
    a_run(bench, RunState.PASSED, commit="a" * 40)
    state = repo_state(bench.workspace, bench.store, "app")
    assert state.broken
    assert state.verdict is not None
    assert state.verdict.id == red


def test_a_detached_head_is_told_by_its_commit(bench: Bench) -> None:  # noqa: F811
    head = git(bench, "rev-parse", "HEAD")
    built = a_run(bench, RunState.PASSED, commit=head)
    a_run(bench, RunState.FAILED, commit="b" * 40)
    git(bench, "checkout", "-q", "--detach")
    state = repo_state(bench.workspace, bench.store, "app")
    assert state.branch is None
    assert [run.id for run in state.builds] == [built]


def test_the_branch_is_what_was_asked_for_as_git_resolves_it(bench: Bench) -> None:  # noqa: F811
    bench.pipelines('[repos.app.pipelines.build]\nrun = "true"\n')
    git(bench, "branch", "feature")
    git(bench, "tag", "v1")
    git(bench, "update-ref", "refs/remotes/origin/topic", "HEAD")
    commit = git(bench, "rev-parse", "HEAD")

    def branch(rev: str | None) -> str | None:
        return bench.wait(start_run(bench.workspace, bench.store, "app/build", rev=rev)).branch

    assert [branch(rev) for rev in (None, "HEAD", "feature", "v1", commit)] == ["main", "main", "feature", None, None]
    assert branch("origin/topic") == "origin/topic"
    git(bench, "checkout", "-q", "--detach")
    assert [branch(rev) for rev in (None, "main")] == [None, "main"]
    git(bench, "tag", "main")
    assert branch("main") is None, "a tag comes before a branch of its name"


def test_head_is_read_from_files_wherever_they_lie(bench: Bench, tmp_path: Path) -> None:  # noqa: F811
    linked, bare = tmp_path / "linked", tmp_path / "bare.git"
    git(bench, "worktree", "add", "-q", "-b", "side/är", str(linked))
    subprocess.run(["git", "clone", "-q", "--bare", str(bench.repo), str(bare)], check=True)
    tip = git(bench, "rev-parse", "HEAD")
    assert head_of(bench.repo) == Head("main", tip)
    assert head_of(linked) == Head("side/är", tip)
    assert head_of(bare) == Head("main", tip), "its refs are packed"
    git(bench, "pack-refs", "--all")
    assert head_of(linked) == Head("side/är", tip)
    assert head_of(tmp_path / "nothing") is None
    hostile = tmp_path / "hostile"
    (hostile / ".git").mkdir(parents=True)
    os.mkfifo(hostile / ".git" / "HEAD")
    assert head_of(hostile) is None, "a FIFO makes nobody wait"


def found(bench: Bench, run_id: int) -> RunRecord:  # noqa: F811
    record = runs.get(bench.store, run_id)
    assert record is not None
    return record


def test_a_test_is_new_where_its_own_branch_passed_before_whatever_other_branches_say(bench: Bench) -> None:  # noqa: F811
    def a_build(outcome: TestOutcome, branch: str, commit: str) -> RunRecord:
        state = RunState.PASSED if outcome is TestOutcome.PASSED else RunState.FAILED
        run_id = a_run(bench, state, commit=commit * 40, branch=branch)
        whose = RunOfTests(run_id, "app", "build", commit * 40, branch)
        with bench.store.immediate() as connection:
            test_results.take_in(connection, whose, [TestResult(run_id, 0, "t", outcome)])
        return found(bench, run_id)

    def since(run: RunRecord) -> FailingSince | None:
        return test_history.failing_since(bench.store, run).get(("", "t"))

    a_build(TestOutcome.PASSED, "main", "1")
    topic = a_build(TestOutcome.FAILED, "topic", "2")
    assert since(topic) == FailingSince(topic.id, 0, 0)
    good = a_build(TestOutcome.PASSED, "main", "3")
    again = a_build(TestOutcome.FAILED, "topic", "4")
    assert since(again) == FailingSince(topic.id, 0, 0), "main's green mends nothing of topic"
    first = a_build(TestOutcome.FAILED, "main", "5")
    assert since(first) == FailingSince(first.id, 2, 2)
    assert since(a_build(TestOutcome.FAILED, "main", "6")) == FailingSince(first.id, 0, 0)
    assert since(good) is None
    a_build(TestOutcome.PASSED, "main", "7")
    assert since(first) is None, "its branch has passed since"
    known = test_history.find(bench.store, "app", "t")
    assert known is not None
    assert (known.runs, known.bad, known.flips) == (7, 4, 2)


def test_a_partial_run_still_tells_a_test_that_contradicts_itself(bench: Bench) -> None:  # noqa: F811
    first = a_run(bench, RunState.FAILED, commit="a" * 40)
    second = a_run(bench, RunState.PASSED, commit="a" * 40, purpose=RunPurpose.PARTIAL)
    with bench.store.immediate() as connection:
        for run_id, outcome, purpose in (
            (first, TestOutcome.FAILED, RunPurpose.FULL),
            (second, TestOutcome.PASSED, RunPurpose.PARTIAL),
        ):
            whose = RunOfTests(run_id, "app", "build", "a" * 40, "main", purpose)
            test_results.take_in(connection, whose, [TestResult(run_id, 0, "t", outcome)])
    known = test_history.find(bench.store, "app", "t")
    assert known is not None
    assert (known.flaky, known.runs) == (1, 1)
    assert test_history.failing_since(bench.store, found(bench, first))["", "t"].run == first
