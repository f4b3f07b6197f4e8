"""The reporters in the runners that are here: real tests, and what they said against what was reported."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from opsconsole.core.nouns import TestOutcome
from opsconsole.runs.reports.junit import read_report
from opsconsole.store.test_results import TestResult
from opsconsole.testrunners.detection import Detection, narrowed, shape
from opsconsole.testrunners.detection.shape import REPORTERS
from tests.repos.making import detected

PYTEST = """
import pytest
@pytest.mark.parametrize("x", ["a b", "$(x)", "'"])
def test_p(x): assert x != "'"
def test_skip(): pytest.skip("later")
@pytest.fixture
def broken(): raise OSError
def test_e(broken): pass
class TestBase:
    def test_in(self): pass
"""
UNITTEST = """
import unittest
class Base(unittest.TestCase):
    def test_one(self): pass
class T(Base):
    def test_bad(self): self.assertEqual(1, 2)
    def test_parts(self):
        for i in range(2):
            with self.subTest(i=i): self.assertEqual(i, 0)
class S(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise OSError("no")
    def test_never(self): pass
"""
NODE = """
const { test, describe, it } = require("node:test");
const assert = require("node:assert");
describe("suite", () => {
  it("good [1] '$(x)'", () => {}); it("unequal", () => assert.equal(1, 2)); it.skip("later", () => {});
  describe("deep", () => { it("x.y|z", () => {}); });
});
test("todo", { todo: true }, () => {});
test("parent", async (t) => { await t.test("child", () => {}); });
"""
RUST = """
/// ```
/// assert_eq!(demo::one(), 1);
/// ```
pub fn one() -> i32 { 1 }
#[cfg(test)] mod tests {
  #[test] fn good() { println!("noise"); }
  #[test] fn bad() { assert_eq!(super::one(), 2, "why"); }
  #[test] #[ignore = "slow"] fn later() {}
  #[test] #[should_panic] fn panics() { panic!("x"); }
}
"""
CMAKE = """
cmake_minimum_required(VERSION 3.13)
project(demo NONE)
enable_testing()
add_test(NAME good COMMAND true)
add_test(NAME "bad[1].x" COMMAND false)
add_test(NAME off COMMAND true)
set_tests_properties(off PROPERTIES DISABLED TRUE)
"""
PERL = """
use Test::More;
ok 1, "good"; ok 0, "bad [1]";
SKIP: { skip "why", 1; }
LATER: { local $LATER = "x"; ok 0, "later"; }
subtest s => sub { plan tests => 1; ok 1, "inner"; };
done_testing;
""".replace("LATER", "TO" + "DO")


@dataclass(frozen=True)
class Real:
    """A repo of real tests, and what its runner makes of it."""

    program: str
    files: dict[str, str]
    runner: str
    counts: dict[str, int]
    failed: dict[str, str]
    """Ids, and how their message begins."""


REAL = [
    Real(
        "python",
        {
            "pytest.ini": "[pytest]\naddopts = -p no:cacheprovider -p no:randomly\n",
            "t/test_a.py": PYTEST,
            "t/test_b.py": "from test_a import TestBase\nclass TestMore(TestBase): pass\n",
        },
        "pytest",
        {"passed": 5, "failed": 1, "error": 1, "skipped": 1},
        {"t/test_a.py::test_p[']": "assert", "t/test_a.py::test_e": "failed on setup"},
    ),
    Real(
        "python",
        {"t/test_u.py": UNITTEST},
        "unittest",
        {"passed": 2, "failed": 2, "error": 1},
        {"t/test_u.py::T::test_bad": "1 != 2", "t/test_u.py::T::test_parts (i=1)": "1 != 0", "setUpClass (test_u.S)": "no"},
    ),
    Real(
        "node",
        {"package.json": "{}", "test/a.test.js": NODE, "test/plain.test.js": "require('assert').equal(1, 1)"},
        "node --test",
        {"passed": 5, "failed": 1, "skipped": 2},
        {"test/a.test.js::suite::unequal": "1 == 2"},
    ),
    Real(
        "cargo",
        {
            "Cargo.toml": '[package]\nname = "demo"\nversion = "0.1.0"\nedition = "2021"\n',
            "src/lib.rs": RUST,
            "tests/test.rs": '#[test] fn good() {}\n#[test] fn outer() { panic!("boom"); }\n',
        },
        "cargo test",
        {"passed": 4, "failed": 2, "skipped": 1},
        {"demo::tests::bad": "assertion", "tests/test::outer": "boom"},
    ),
    Real(
        "ctest",
        {"CMakeLists.txt": CMAKE},
        "ctest",
        {"passed": 1, "failed": 1, "skipped": 1},
        {"bad[1].x": ""},
    ),
    Real(
        "go",
        {
            "go.mod": "module example.com/demo\n\ngo 1.19\n",
            "a_test.go": 'package demo\nimport "testing"\nfunc TestGood(t *testing.T) {}\n'
            'func TestBad(t *testing.T) { t.Run("a b|c", func(t *testing.T) { t.Errorf("want %d", 1) }) }\n'
            'func TestSkip(t *testing.T) { t.Skip("later") }\n',
        },
        "go test",
        {"passed": 1, "failed": 2, "skipped": 1},
        {"example.com/demo::TestBad/a_b|c": "want 1", "example.com/demo::TestBad": "failed"},
    ),
    Real(
        "prove",
        {"cpanfile": "", "t/a.t": PERL, "t/b.t": 'use Test::More skip_all => "no";'},
        "prove",
        {"passed": 2, "failed": 1, "skipped": 3},
        {"t/a.t::bad [1]": "Failed test"},
    ),
    Real(
        "bats",
        {"a.bats": '@test "good" { true; }\n@test "bad [1]" { echo said; false; }\n@test "later" { skip "why"; }\n'},
        "bats",
        {"passed": 1, "failed": 1, "skipped": 1},
        {"bad [1]": "(in test file"},
    ),
    Real(
        "make",
        {"Makefile": "test:\n\tpython -m pytest -p no:randomly checks.py\n", "checks.py": "def test_a(): pass\ndef test_b(): assert 0\n"},
        "make test",
        {"passed": 1, "failed": 1},
        {"checks.py::test_b": "assert 0"},
    ),
]  # fmt: skip
TOOLCHAINS = {
    name: os.environ.get(name) or str(Path.home() / folder)
    for name, folder in (("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup"))
}
"""Where rustup keeps them, told before the tests get a home of their own."""
HERE = [real for real in REAL if shutil.which(real.program) or real.program == "python"]


@dataclass(frozen=True)
class Told:
    """What was left in the output folder."""

    exit_code: int
    cases: tuple[TestResult, ...]
    notes: tuple[str, ...]
    progress: tuple[dict[str, object], ...]
    log: str

    @property
    def counts(self) -> dict[str, int]:
        return dict(Counter(case.outcome.value for case in self.cases))

    @property
    def ids(self) -> Counter[str]:
        return Counter(case.test_id for case in self.cases)

    @property
    def told_ids(self) -> Counter[str]:
        return Counter(str(line["id"]) for line in self.progress if "id" in line)


class Bench:
    """A folder of files as a clean checkout, and the outputs of the runs in it."""

    def __init__(self, folder: Path, files: dict[str, str]) -> None:
        self.tree, self._outs = folder / "it's here", 0
        for name, text in files.items():
            path = self.tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.found = detected(files, isolated=False)

    def run(self, *commands: str, **variables: str) -> Told:
        self._outs += 1
        out = self.tree.parent / f"out {self._outs}"
        out.mkdir()
        outer = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ} | TOOLCHAINS
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = outer | {"PATH": path, "OPSCONSOLE_OUT": str(out)} | variables
        for command in commands:
            answer = subprocess.run(
                ["/bin/sh", "-ec", command], check=False, cwd=self.tree, env=environment, text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
        reports = [read_report(file) for file in sorted(out.glob("junit*.xml"))]
        lines = (out / "progress.jsonl").read_text().splitlines() if (out / "progress.jsonl").exists() else []
        return Told(
            answer.returncode,
            tuple(case for report in reports for case in report.cases),
            tuple(report.note for report in reports if report.note),
            tuple(json.loads(line) for line in lines),
            answer.stdout,
        )


def steps_of(detection: Detection) -> list[str]:
    return [step.run for step in detection.steps]


@pytest.mark.parametrize("real", HERE, ids=lambda real: real.runner)
def test_a_runner_reports_all_its_tests_and_runs_the_failed_ones_again(real: Real, tmp_path: Path) -> None:
    bench = Bench(tmp_path, real.files)
    detection = next(detection for detection in bench.found if detection.runner == real.runner)
    told = bench.run(*steps_of(detection))
    assert told.exit_code != 0, told.log
    assert (told.counts, told.notes) == (real.counts, ()), told.log
    assert told.told_ids == told.ids
    bad = {
        case.test_id: case.message or ""
        for case in told.cases
        if case.outcome in {TestOutcome.FAILED, TestOutcome.ERROR}
    }
    assert set(bad) == set(real.failed)
    assert all(bad[name].startswith(start) for name, start in real.failed.items()), bad
    again = narrowed(detection, list(bad))
    if again is not None:
        narrow = bench.run(again)
        ran = {case.test_id for case in narrow.cases if case.outcome is not TestOutcome.SKIPPED}
        assert ran == set(bad), narrow.log
        assert narrow.exit_code != 0


@pytest.mark.parametrize(
    ("addopts", "more", "variables"),
    [("-n 2", "", {}), ("-q", "", {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}), ("--no-such-option", "-o addopts=", {})],
)
def test_pytests_progress_does_not_depend_on_how_it_is_started(
    addopts: str, more: str, variables: dict[str, str], tmp_path: Path
) -> None:
    files = {
        "pytest.ini": f"[pytest]\naddopts = {addopts}\n",
        "test_a.py": PYTEST,
        "test_c.py": "import nothing_here\n",
    }
    bench = Bench(tmp_path, files)
    told = bench.run(f"{steps_of(bench.found[0])[0]} --continue-on-collection-errors {more}", **variables)
    assert told.counts == {"passed": 3, "failed": 1, "error": 2, "skipped": 1}, told.log
    assert told.told_ids == told.ids
    assert "test_c.py" in told.ids
    assert [line["total"] for line in told.progress if "total" in line] == [6]


def test_one_pytest_after_the_other_counts_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"Makefile": "test:\n\tpytest -q a.py\n\tpytest -q a.py\n", "a.py": "def test_a(): pass\n"})
    told = bench.run(*steps_of(bench.found[0]))
    assert [line.get("total") for line in told.progress] == [1, None, 2, None]
    assert told.counts == {"passed": 2}


@pytest.mark.parametrize(
    "file",
    [
        REPORTERS / "unittest_junit.py",
        REPORTERS / "for_pytest" / "opsconsole_progress.py",
        Path(shape.__file__).with_name("overlay.py"),
    ],
    ids=lambda file: file.name,
)
def test_what_runs_on_the_repos_own_python_is_alone_and_knows_only_what_3_8_does(file: Path) -> None:
    tree = ast.parse(file.read_text(), feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not any(name.startswith("opsconsole") for name in imported)


def test_a_package_that_does_not_build_and_a_test_that_never_ends_are_errors_of_go() -> None:
    from opsconsole.testrunners.reporters.go_test import GoTest
    from opsconsole.testrunners.reporters.stream import Results

    results = Results()
    reader = GoTest(results)
    for event in (
        {"Action": "run", "Package": "x/p", "Test": "TestA"},
        {"Action": "output", "Package": "x/p", "Test": "TestA", "Output": "panic: no\n"},
        {"Action": "fail", "Package": "x/p", "Elapsed": 0.1},
        {"Action": "fail", "Package": "x/q", "Elapsed": 0},
    ):
        reader.line(json.dumps(event))
    assert reader.line("FAIL\tx/r [build failed]") == "FAIL\tx/r [build failed]"
    assert reader.line('["no event"]') == '["no event"]'
    assert [(case.test_id, case.outcome, case.message) for case in results.cases] == [
        ("x/p::TestA", "error", "did not end"),
        ("x/q::", "error", "error"),
        ("x/r::", "error", "build failed"),
    ]


def test_tests_that_cargo_announced_and_that_never_ended_are_an_error() -> None:
    from opsconsole.testrunners.reporters.cargo_test import CargoTest
    from opsconsole.testrunners.reporters.stream import Results

    results = Results()
    reader = CargoTest(results)
    said = """\
     Running unittests src/lib.rs (target/debug/deps/my_crate-0123456789abcdef)
running 3 tests
test a::b ... noise
ok
test c - should panic ... ok
test d ... error: test failed, to rerun pass `--lib`
   Doc-tests my_crate
running 1 test
test src/lib.rs - one (line 1) ... ok
test result: ok. 1 passed"""
    for line in said.splitlines():
        assert reader.line(line) == line
    assert [(case.test_id, case.outcome) for case in results.cases] == [
        ("my_crate::a::b", "passed"),
        ("my_crate::c", "passed"),
        ("my_crate::d", "error"),
        ("doc-tests my_crate::src/lib.rs - one (line 1)", "passed"),
    ]


def test_nextest_and_meson_tell_progress_from_their_lines() -> None:
    from opsconsole.testrunners.reporters.cargo_test import Nextest
    from opsconsole.testrunners.reporters.meson import Meson
    from opsconsole.testrunners.reporters.stream import Results

    results = Results()
    nextest = Nextest(results)
    nextest.line("        PASS [   0.005s] my-crate::it a::b")
    nextest.line("        FAIL [   1.500s] (2/2) my-crate c")
    meson = Meson(results)
    meson.line("1/2 demo / good one        OK              0.01s")
    meson.line("2/2 demo:unit / bad        FAIL            0.02s   exit status 1")
    meson.line("2/2 demo:unit / bad        FAIL            0.02s   exit status 1")
    assert [(case.test_id, case.outcome, case.seconds) for case in results.cases] == [
        ("my-crate::it::a::b", "passed", 0.005),
        ("my-crate::c", "failed", 1.5),
        ("demo::demo / good one", "passed", 0.01),
        ("demo::demo:unit / bad", "failed", 0.02),
    ]


def test_dotnets_report_is_read(tmp_path: Path) -> None:
    from opsconsole.testrunners.reporters.trx import read

    (tmp_path / "a.trx").write_text(
        """<?xml version="1.0"?><TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010"><Results>
        <UnitTestResult testId="1" testName="N.A.Good(x: 1)" duration="00:00:01.5" outcome="Passed"/>
        <UnitTestResult testId="2" testName="Bad" duration="00:00:00.25" outcome="Failed"><Output><ErrorInfo>
        <Message>Expected 1
        Actual 2</Message><StackTrace>at N.A.Bad()</StackTrace></ErrorInfo></Output></UnitTestResult>
        <UnitTestResult testId="2" testName="Off" outcome="NotExecuted"/></Results><TestDefinitions>
        <UnitTest id="1"><TestMethod className="N.A" name="Good"/></UnitTest>
        <UnitTest id="2"><TestMethod className="N.A, Assembly" name="Bad"/></UnitTest></TestDefinitions></TestRun>"""
    )
    found = [(case.test_id, case.outcome, case.seconds, case.message) for case in read(tmp_path / "a.trx")]
    assert found == [
        ("N.A::Good(x: 1)", "passed", 1.5, ""),
        ("N.A::Bad", "failed", 0.25, "Expected 1"),
        ("N.A::Off", "skipped", None, ""),
    ]
    (tmp_path / "b.trx").write_text("<")
    assert read(tmp_path / "b.trx") == []


def test_phpunits_report_is_told_apart_from_the_work_tree(tmp_path: Path) -> None:
    from opsconsole.testrunners.reporters.phpunit import flatten

    report = tmp_path / "junit.xml"
    report.write_text(
        f"""<testsuites><testsuite name="all"><testsuite name="N\\A" file="{tmp_path}/t/A.php">
        <testcase name="b" class="N\\A" classname="N.A" file="{tmp_path}/t/A.php" line="3"><failure>N\\A::b
Failed asserting that 1 is 2.</failure></testcase></testsuite></testsuite></testsuites>"""
    )
    flatten(report, tmp_path)
    (case,) = read_report(report).cases
    assert (case.test_id, case.message) == ("t/A.php::N.A::b", "Failed asserting that 1 is 2.")


@pytest.mark.parametrize(
    ("command", "exit_code"),
    [("sh -c 'exit 3'", 3), ("sh -c 'kill -9 $$'", 137), ("no-such-program-here", 127), ("./not-executable", 126)],
)
def test_a_filter_ends_as_what_it_ran(command: str, exit_code: int, tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"not-executable": ""})
    told = bench.run(
        f'{sys.executable} -I -m opsconsole.testrunners.reporters.tap "$OPSCONSOLE_OUT/junit.xml" -- {command}'
    )
    assert (told.exit_code, told.cases) == (exit_code, ())


def test_a_filter_that_is_told_to_stop_still_reports_what_ran(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"a.sh": "echo 1..2\necho ok 1 - one\nkill -TERM $PPID\nexec sleep 60\n"})
    told = bench.run(
        f'{sys.executable} -I -m opsconsole.testrunners.reporters.tap "$OPSCONSOLE_OUT/junit.xml" -- sh a.sh'
    )
    assert told.exit_code == 143
    assert told.counts == {"passed": 1}
