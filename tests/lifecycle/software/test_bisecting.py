"""Which commit broke it: on a real history, by test and by build, with what cannot be told left out."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from opsconsole.core.errors import ConflictError, UsageError
from opsconsole.core.nouns import RunState
from opsconsole.lifecycle.software.bisecting import Verdict, asked, bisect, last_good, start_bisect
from opsconsole.store import events, runs
from tests.runs.bench import PYTEST_INI, Bench, commit_all
from tests.runs.conftest import bench, own_git  # noqa: F401 - fixtures

CODE = "def double(x): return x {op} 2\n"
TESTS = """
from code_ import double
def test_double(): assert double(3) == 6
def test_other(): assert True
"""


@pytest.fixture
def broken(bench: Bench) -> tuple[Bench, list[str]]:  # noqa: F811
    """Twelve commits; the eighth breaks ``double``, the third cannot be imported, the ninth touches nothing."""
    (bench.repo / "pytest.ini").write_text(PYTEST_INI, encoding="utf-8")
    (bench.repo / "test_code.py").write_text(TESTS, encoding="utf-8")
    made = []
    for number in range(12):
        operator = "+" if number >= 8 else "*"
        text = "def double(:\n" if number == 3 else f"# {number}\n" + CODE.format(op=operator)
        (bench.repo / "code_.py").write_text(text, encoding="utf-8")
        made.append(commit_all(bench.repo, f"Change {number} [/] \x1b[31m"))
    bench.pipelines("")
    return bench, made


def ask(bench: Bench, good: str, bad: str, test: str | None) -> Verdict:  # noqa: F811
    question = asked(bench.workspace, bench.store, "app", good=good, bad=bad, test=test)
    return bisect(bench.workspace, bench.store, question, lambda line: None)


def test_the_commit_that_broke_a_test_is_found_past_one_that_cannot_say(broken: tuple[Bench, list[str]]) -> None:
    bench, made = broken  # noqa: F811
    verdict = ask(bench, made[0], made[11], "test_code.py::test_double")
    assert verdict.first_bad == made[8]
    assert verdict.subject.startswith("Change 8")
    assert verdict.author == "Test <test@example.com>"
    assert {probe.verdict for probe in verdict.probes} <= {"good", "bad", "skip"}
    assert len(verdict.probes) <= 8
    again = ask(bench, made[0], made[11], "test_code.py::test_double")
    assert again.first_bad == made[8]
    assert all(probe.known or probe.verdict == "skip" for probe in again.probes), "what ran before is used again"
    (event,) = events.events(bench.store, kind="bisect.", limit=1)
    assert event.detail["first_bad"] == made[8]
    assert event.command is not None
    assert event.command.startswith("opsconsole bisect app/build --good")


def test_by_the_build_an_import_error_is_bad_too(broken: tuple[Bench, list[str]]) -> None:
    bench, made = broken  # noqa: F811
    assert ask(bench, made[1], made[3], None).first_bad == made[3]


def test_ends_that_contradict_what_is_known_are_refused(broken: tuple[Bench, list[str]]) -> None:
    bench, made = broken  # noqa: F811
    subprocess.run(["git", "-C", str(bench.repo), "checkout", "-q", made[5]], check=True)
    green = bench.run("app/build")
    assert green.state is RunState.PASSED
    with pytest.raises(ConflictError, match=f"run {green.id} says good"):
        ask(bench, made[0], made[5], None)
    with pytest.raises(UsageError, match="holds nothing that"):
        ask(bench, made[5], made[2], None)


def test_the_search_goes_on_as_a_run_of_its_own(broken: tuple[Bench, list[str]]) -> None:
    bench, made = broken  # noqa: F811
    question = asked(bench.workspace, bench.store, "app", good=made[6], bad=made[9], test=None)
    run_id = start_bisect(bench.workspace, bench.store, question)
    bench.started.append(run_id)
    record = bench.wait(run_id)
    assert record.state is RunState.PASSED, bench.log(run_id, "bisect")
    assert made[8][:12].encode() in bench.log(run_id, "bisect")
    probes = [run for run in runs.page(bench.store, repo="app", limit=20) if run.pipeline == "build"]
    assert probes
    assert all(run.state.final for run in probes)


def test_where_a_search_begins_is_the_last_good_run(broken: tuple[Bench, list[str]], tmp_path: Path) -> None:
    bench, made = broken  # noqa: F811
    for commit in (made[2], made[7]):
        subprocess.run(["git", "-C", str(bench.repo), "checkout", "-q", commit], check=True)
        assert bench.run("app/build").state is RunState.PASSED
    subprocess.run(["git", "-C", str(bench.repo), "checkout", "-q", made[11]], check=True)
    red = bench.run("app/build")
    assert red.state is RunState.FAILED
    assert last_good(bench.store, "app", "build", red, None) == made[7]
    assert last_good(bench.store, "app", "build", red, "test_code.py::test_double") == made[7]
    assert last_good(bench.store, "app", "build", red, "test_code.py::never") is None
