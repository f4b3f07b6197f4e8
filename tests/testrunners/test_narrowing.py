"""Test ids are hostile text: each must reach the runner as one word, and mean itself alone in the runner's patterns."""

from __future__ import annotations

import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.testrunners.detection import Detection, narrowed
from tests.repos.making import detected

JEST = {"package.json": '{"scripts": {"test": "jest"}}'}
MOCHA = {"package.json": '{"scripts": {"test": "mocha"}}'}
VITEST = {"package.json": '{"scripts": {"test": "tsc && vitest run"}}', "pnpm-lock.yaml": ""}
NODE = {"package.json": '{"scripts": {"test": "node --test"}}'}
HOSTILE = 'it\'s $(touch x) `id` [1] "q" \\ | ^.*$ ; -x'
ALL = {
    "pytest": {"pytest.ini": ""},
    "unittest": {"test_a.py": "import unittest\n"},
    "node --test": NODE,
    "npm test (jest)": JEST,
    "npm test (mocha)": MOCHA,
    "pnpm test (vitest)": VITEST,
    "go test": {"go.mod": "", "a_test.go": ""},
    "cargo test": {"Cargo.toml": "", "tests/a.rs": ""},
    "cargo nextest": {"Cargo.toml": "", ".config/nextest.toml": ""},
    "ctest": {"CMakeLists.txt": "enable_testing()"},
    "meson test": {"meson.build": "test('a', a)"},
    "maven": {"pom.xml": "", "src/test/java/A.java": ""},
    "gradle": {"build.gradle": "", "src/test/java/A.java": ""},
    "rspec": {".rspec": "", "spec/a_spec.rb": ""},
    "phpunit": {"phpunit.xml": ""},
    "dotnet test": {"T.csproj": "Microsoft.NET.Test.Sdk"},
    "bats": {"t/a.bats": ""},
}


def of(runner: str) -> Detection:
    return next(detection for detection in detected(ALL[runner]) if detection.runner == runner)


@pytest.mark.parametrize(
    ("runner", "ids", "end"),
    [
        ("pytest", ["a.py::T::test[x y]", "b.py::b"], " 'a.py::T::test[x y]' b.py::b"),
        ("pytest", ["-x.py::a", "tests/c.py", "README.rst::README.rst"], " ./-x.py::a tests/c.py README.rst::README.rst"),
        ("pytest", ["a.py::test[#x1B]"], " a.py::test"),
        ("unittest", ["test_a.py::T::test_b (i=1)"], " --only='test_a.py::T::test_b (i=1)' ."),
        ("node --test", ["t/a.js::s::b", "t/c.js"], "=stdout t/a.js t/c.js"),
        ("npm test (jest)", ["a.test.js::s > b"], r""" --testNamePattern='^(s( > | )b)$' '/a\.test\.js$'"""),
        ("npm test (jest)", ["a.test.js::(file)"], r"jest_junit.cjs '/a\.test\.js$'"),
        ("npm test (mocha)", ['t.js::s > "before all" hook for "x"'], " --grep '^(s .*)$'"),
        ("pnpm test (vitest)", ["a.test.ts::s > b"], " --testNamePattern='^(s( > | )b)$' a.test.ts"),
        ("go test", ["x/p::TestA/b c", "x/p::TestA", "x/q::TestD"], " -run '^TestA$/^b c$|^TestD$' x/p x/q"),
        ("go test", ["x/p::(package)"], "go test -json x/p"),
        ("go test", ["x/p::(package)", "x/q::TestA"], "go test -json -run '^TestA$' x/p x/q"),
        ("cargo test", ["lib::a::b", "it::c"], " -- --exact a::b c"),
        ("ctest", ["a.b[1]"], r" -R '^(a\.b\[1\])$'"),
        ("meson test", ["demo::demo:unit / a b"], " 'demo:a b'"),
        ("maven", ["x.A::b", "x.A::c(int)[1]", "x.B$D::e"], None),
        ("gradle", ["x.A::b{int}[2]"], " --tests x.A.b"),
        ("rspec", ["spec/a_spec.rb::A does #x1B"], " --example-matches '^(A does (#x1B|.))$' ./spec/a_spec.rb"),
        ("phpunit", ['t/A.php::N.A::b with data set "x"'], r""" --filter '/^(N\\A::b with data set "x")$/'"""),
        ("dotnet test", ["N.A::B(x: 1)", "N.A::C"], " --filter 'FullyQualifiedName=N.A.B|FullyQualifiedName=N.A.C'"),
        ("bats", ["a (b)"], r" --filter '^(a \(b\))$' t"),
    ],
)  # fmt: skip
def test_a_run_is_narrowed_to_single_tests(runner: str, ids: list[str], end: str | None) -> None:
    command = narrowed(of(runner), ids)
    assert command is not None
    if end is not None:
        assert command.endswith(end)
    else:
        assert "'-Dtest=x.A#b+c,x.B$D#e'" in command


def test_nextest_is_asked_by_its_own_expressions() -> None:
    command = narrowed(of("cargo nextest"), ["lib::a::b", "lib::c"])
    assert command is not None
    assert "-E 'test(=a::b) | test(=c)' || failed=$?" in command


@pytest.mark.parametrize(
    ("runner", "ids"),
    [
        ("pytest", []),
        ("pytest", ["a.py::b", "a\nb"]),
        ("pytest", ["a.py::\udcff"]),
        ("cargo test", ["doc-tests x::src/lib.rs - a (line 1)"]),
        ("cargo nextest", ["lib::a) | all("]),
        ("maven", ["x.A::b", "x.A::-Dx=$(id)"]),
        ("gradle", ["x.*::y"]),
        ("meson test", ["x"]),
    ],
)
def test_what_cannot_be_said_exactly_is_not_narrowed(runner: str, ids: list[str]) -> None:
    assert narrowed(of(runner), ids) is None


def test_without_a_way_to_choose_tests_nothing_is_narrowed() -> None:
    (detection,) = detected({"Makefile": "test:\n\ttrue\n"})
    assert narrowed(detection, ["a"]) is None


@pytest.mark.parametrize("runner", ALL)
def test_a_hostile_id_is_one_word_for_the_shell(runner: str) -> None:
    command = narrowed(of(runner), [f"a::{HOSTILE}"])
    if command is not None:
        lines = [shlex.split(line.replace('"$PWD', '"')) for line in command.splitlines()]
        assert not any(word in ("touch", "id", "-x") for words in lines for word in words)


@given(st.lists(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1), min_size=1))
def test_patterns_meet_their_test_alone(names: list[str]) -> None:
    command = narrowed(of("npm test (mocha)"), [f"a.js::{name}" for name in names])
    assert command is not None
    pattern = re.compile(shlex.split(command)[-1])
    for name in names:
        if '" hook' not in name:
            assert pattern.fullmatch(name)
    assert not pattern.fullmatch(" ".join(names) + " and more")
