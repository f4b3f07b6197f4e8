from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.config.schema import PipelineConfig, StepConfig
from opsconsole.core.errors import ConfigError, ConflictError, NotFoundError, StoreError, UsageError
from opsconsole.core.nouns import PipelineKind, RunCause, RunState
from opsconsole.runs.execute.finalize import intake_command
from opsconsole.runs.execute.launch import start
from opsconsole.runs.plan.planner import operator_environment, plan
from opsconsole.runs.plan.rerun import failed_ids, rerun_plan
from opsconsole.runs.plan.steps import Choice, missing_programs, ordered_steps
from opsconsole.runs.record.spec import RunSpec
from opsconsole.store import test_results
from opsconsole.store.runs import Cause, TestCounts
from tests.runs.bench import PYTEST_INI, Bench, commit_all

UNITTEST = """
import unittest
class TestThing(unittest.TestCase):
    def test_good(self): pass
    def test_bad(self): self.assertEqual("[/]", "\\x1b[31m")
    @unittest.skip("later")
    def test_skipped(self): pass
    def test_parts(self):
        for part in range(3):
            with self.subTest(part=part): self.assertNotEqual(part, 1)
    @unittest.expectedFailure
    def test_expected(self): self.fail()
class TestSetUp(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise OSError("no database")
    def test_never(self): pass
"""


def write(bench: Bench, name: str, text: str) -> None:
    path = bench.repo / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_pipelines_come_from_the_workspace_then_the_repo_at_the_commit_then_detection(bench: Bench) -> None:
    write(bench, "pytest.ini", PYTEST_INI)
    write(
        bench,
        "opsconsole.toml",
        '[pipelines.train]\nkind = "train"\nrun = "python repo"\n[pipelines.extra]\nrun = "ls"\n',
    )
    write(bench, "pyproject.toml", '[tool.opsconsole.pipelines.other]\nrun = "true"\n')
    commit_all(bench.repo, "Bring pipelines")
    write(bench, "opsconsole.toml", "[pipelines.train]\nrun = 'not committed'\n")
    bench.pipelines('[repos.app.pipelines.train]\nkind = "train"\nrun = "python workspace"\n')
    assert plan(bench.workspace, bench.store, "app/train").steps[0].run == "python workspace"
    extra = plan(bench.workspace, bench.store, "app/extra")
    assert extra.reason == f"opsconsole.toml at {extra.commit[:12]}"
    assert plan(bench.workspace, bench.store, "app/other").reason.startswith("pyproject.toml at ")
    bench.pipelines("")
    train = plan(bench.workspace, bench.store, "app/train")
    assert (train.kind, train.steps[0].run, train.runner) == (PipelineKind.TRAIN, "python repo", None)
    build = plan(bench.workspace, bench.store, "app")
    assert (build.pipeline, build.runner, build.reason) == ("build", "pytest", "pytest, because of pytest.ini")
    assert build.interpreter_reason == "the one that runs opsconsole: the repo has no .venv"


def test_wrong_names_name_the_nearest(bench: Bench) -> None:
    bench.task("true", name="train")
    for target, said, hint in (
        ("ap", "there is no repo 'ap'", "did you mean 'app'?"),
        ("app/trian", "no pipeline 'trian'", "did you mean 'train'?"),
        ("app/x", "no pipeline 'x'", "known: train"),
    ):
        with pytest.raises(NotFoundError, match=said) as missing:
            plan(bench.workspace, bench.store, target)
        assert missing.value.hint == hint
    assert plan(bench.workspace, bench.store, "app").pipeline == "train", "the only one needs no name"
    with pytest.raises(NotFoundError, match="there is no revision 'mian'"):
        plan(bench.workspace, bench.store, "app/train", rev="mian")


def test_nothing_detected_says_what_to_write(bench: Bench) -> None:
    with pytest.raises(NotFoundError) as missing:
        plan(bench.workspace, bench.store, "app")
    assert "[repos.app.pipelines.build]" in missing.value.hint


def test_an_empty_repo_cannot_be_planned(bench: Bench, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(bench.root / "repos" / "empty")], check=True)
    bench.pipelines('[repos.empty]\npath = "repos/empty"\n')
    with pytest.raises(NotFoundError, match="there is no commit yet"):
        plan(bench.workspace, bench.store, "empty")


def test_a_typo_in_the_repos_own_file_names_commit_line_and_key(bench: Bench) -> None:
    write(bench, "opsconsole.toml", '[pipelines.train]\nrun = "true"\ntimeot = "3m"\n')
    made = commit_all(bench.repo, "Mistype")
    with pytest.raises(ConfigError) as broken:
        plan(bench.workspace, bench.store, "app/train")
    assert f"opsconsole.toml at {made[:12]}:3" in broken.value.message
    assert broken.value.hint == "did you mean `timeout`?"


def test_detached_head_and_other_revisions_are_planned_as_what_they_are(bench: Bench) -> None:
    bench.task("true")
    first = plan(bench.workspace, bench.store, "app/job").commit
    commit_all(bench.repo, "Second")
    subprocess.run(["git", "-C", str(bench.repo), "branch", "old", first], check=True)
    (bench.repo / "untracked").touch()
    assert plan(bench.workspace, bench.store, "app/job").dirty
    other = plan(bench.workspace, bench.store, "app/job", rev="old")
    assert (other.commit, other.branch, other.dirty) == (first, "old", False)
    subprocess.run(["git", "-C", str(bench.repo), "checkout", "-q", "--detach"], check=True)
    assert plan(bench.workspace, bench.store, "app/job").branch is None


def test_missing_programs_are_named_before_anything_runs(bench: Bench) -> None:
    bench.task("no-such-tool --version")
    planned = plan(bench.workspace, bench.store, "app/job", environment={"A": "b"})
    assert planned.missing == ("no-such-tool",)
    assert planned.notes == ("no-such-tool: not found",)
    assert planned.environment == (("A", "b"),)


def test_an_environment_without_pytest_is_said_before_it_fails(bench: Bench) -> None:
    write(bench, "pytest.ini", PYTEST_INI)
    write(bench, ".gitignore", ".venv\n")
    commit_all(bench.repo, "Test")
    python = bench.repo / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to("/bin/true")
    (bench.repo / ".venv" / "pyvenv.cfg").touch()
    planned = plan(bench.workspace, bench.store, "app")
    assert planned.interpreter == python
    assert planned.missing == (f"pytest in {bench.repo}/.venv",)


def test_without_stated_needs_each_step_needs_the_one_before() -> None:
    steps = ordered_steps(choice(StepConfig(name="a", run="1"), StepConfig(name="b", run="2")))
    assert [(step.name, step.needs) for step in steps] == [("a", ()), ("b", ("a",))]


def test_steps_are_ordered_by_their_needs() -> None:
    steps = ordered_steps(choice(StepConfig(name="a", run="1", needs=["b"]), StepConfig(name="b", run="2")))
    assert [step.name for step in steps] == ["b", "a"]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (
            [StepConfig(name="a", run="1", needs=["bb"]), StepConfig(name="b", run="2")],
            "needs 'bb', which is not there",
        ),
        ([StepConfig(name="a", run="1", needs=["a"])], "wait for each other: a"),
        ([StepConfig(name="a", run="1"), StepConfig(name="a", run="2")], "two steps are named 'a'"),
        ([StepConfig(name="a", run="1", cwd="../x")], "leaves the work tree"),
        ([StepConfig(name="a", run="1", cwd="/etc")], "leaves the work tree"),
    ],
)
def test_steps_that_cannot_be_are_refused(steps: list[StepConfig], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ordered_steps(choice(*steps))


def choice(*steps: StepConfig) -> Choice:
    return Choice("job", PipelineConfig(steps=list(steps)), "opsconsole.toml")


@given(st.text())
def test_looking_for_programs_takes_any_text(run: str) -> None:
    (step,) = ordered_steps(Choice("job", PipelineConfig(run="x"), "here"))
    missing_programs((replace(step, run=run),), "/nowhere")


@pytest.mark.parametrize(
    "run", ["A=1 cd x", "if true; then x; fi", "$TOOL x", "./x", "", "# only a comment", "'unclosed"]
)
def test_what_cannot_be_told_is_not_called_missing(run: str) -> None:
    (step,) = ordered_steps(Choice("job", PipelineConfig(run=run), "here"))
    assert missing_programs((step,), "/nowhere") == ()


def test_an_operators_variables_are_read_or_refused() -> None:
    assert operator_environment(["A=1", "B=x=y"]) == {"A": "1", "B": "x=y"}
    with pytest.raises(UsageError):
        operator_environment(["A"])


def test_an_order_is_read_back_as_it_was_written(bench: Bench, tmp_path: Path) -> None:
    bench.pipelines(
        '[repos.app.pipelines.job]\nsteps = [{name="a", run="x", env={A="1"}, timeout="3s"}, {name="b", run="y"}]\n'
    )
    order = RunSpec(7, bench.root, plan(bench.workspace, bench.store, "app/job"), (("A", "b"),), 2)
    path = tmp_path / "run.json"
    path.write_bytes(order.to_json())
    assert RunSpec.read(path) == order
    path.write_bytes(order.to_json()[:-20])
    with pytest.raises(StoreError):
        RunSpec.read(path)


def test_unittest_gives_a_result_for_every_test_on_the_repos_interpreter(bench: Bench) -> None:
    write(bench, "checks/test_thing.py", UNITTEST)
    write(bench, "checks/plan.py", "raise SystemExit('shadowed')\n")
    commit_all(bench.repo, "Test")
    record = bench.run("app")
    assert record.state is RunState.FAILED
    assert record.tests == TestCounts(passed=2, failed=2, skipped=1, errors=1)
    found = {result.test_id: result for result in test_results.of_run(bench.store, record.id)}
    bad = found["checks/test_thing.py::TestThing::test_bad"]
    assert (bad.file, bad.line) == ("checks/test_thing.py", 5)
    assert "#x1B[31m" in (bad.detail or "")
    assert "checks/test_thing.py::TestThing::test_parts (part=1)" in found


def test_no_tests_at_all_is_not_green(bench: Bench) -> None:
    write(bench, "test_nothing.py", "import unittest\n")
    commit_all(bench.repo, "Test nothing")
    record = bench.run("app")
    assert record.state is RunState.FAILED
    assert record.tests == TestCounts()
    bench.task("echo '<testsuites/>' > $OPSCONSOLE_OUT/junit.xml")
    record = bench.run()
    assert record.state is RunState.FAILED
    assert record.error == "0 tests were reported: a run without tests is not green"


def test_only_the_failed_tests_run_again(bench: Bench) -> None:
    text = "import pytest\n@pytest.mark.parametrize('x', [1, 2])\ndef test_p(x): assert x == 1\ndef test_ok(): pass\n"
    write(bench, "test_p.py", text)
    commit_all(bench.repo, "Test")
    old = bench.run("app")
    assert failed_ids(bench.store, old.id) == ("test_p.py::test_p[2]",)
    planned = rerun_plan(bench.workspace, bench.store, old.id, only_failed=True)
    cause = Cause(RunCause.RERUN, rerun_of=old.id)
    again = start(bench.workspace, bench.store, planned, intake=intake_command(bench.root), cause=cause)
    bench.started.append(again)
    record = bench.wait(again)
    assert (record.tests, record.rerun_of, record.cause) == (TestCounts(failed=1), old.id, RunCause.RERUN)
    bench.task("true")
    passed = bench.run()
    assert rerun_plan(bench.workspace, bench.store, passed.id).commit == passed.commit
    with pytest.raises(ConflictError, match="has no failed tests"):
        rerun_plan(bench.workspace, bench.store, passed.id, only_failed=True)
    with pytest.raises(NotFoundError):
        rerun_plan(bench.workspace, bench.store, 99)


def test_files_in_lfs_are_noticed_when_git_lfs_is_not_here(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.task("true")
    write(bench, ".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
    commit_all(bench.repo, "Keep large files elsewhere")
    found = shutil.which
    monkeypatch.setattr(
        "opsconsole.runs.plan.planner.shutil.which", lambda name, **_: None if name == "git-lfs" else found(name)
    )
    assert any(item.startswith("git-lfs") for item in plan(bench.workspace, bench.store, "app/job").missing)
    monkeypatch.setattr(
        "opsconsole.runs.plan.planner.shutil.which", lambda name, **_: found(name) or "/usr/bin/git-lfs"
    )
    assert plan(bench.workspace, bench.store, "app/job").missing == ()
