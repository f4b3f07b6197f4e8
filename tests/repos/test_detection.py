from __future__ import annotations

import sys
from pathlib import Path

import pytest

from opsconsole.repos.detection import Detection, detect, detect_in
from opsconsole.repos.interpreters import choose
from tests.repos.making import commit


def found(**files: str) -> list[Detection]:
    content = {name: text.encode() for name, text in files.items()}
    return detect_in(sorted(content), lambda paths: {path: content[path] for path in paths if path in content})


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"pytest.ini": ""}, "pytest.ini"),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, "[tool.pytest] in pyproject.toml"),
        ({"tox.ini": "[pytest]\n"}, "[pytest] in tox.ini"),
        ({"setup.cfg": "[tool:pytest]\n"}, "[tool:pytest] in setup.cfg"),
        ({"sub/conftest.py": ""}, "sub/conftest.py"),
        ({"tests/test_a.py": "def test_x(): pass\n"}, "tests/test_a.py holds tests in pytest's style"),
        ({"a_test.py": "import pytest\n"}, "a_test.py holds tests in pytest's style"),
    ],
)
def test_pytest_is_told_by_its_plainest_sign(files: dict[str, str], reason: str) -> None:
    (detection,) = found(**files)
    assert (detection.runner, detection.reason) == ("pytest", reason)


def test_unittest_is_told_from_pytest_by_what_the_tests_import() -> None:
    (detection,) = found(
        **{"tests/test_a.py": "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): pass\n"}
    )
    assert (detection.runner, detection.reason) == ("unittest", "tests/test_a.py imports unittest")
    assert detection.test_step().run.endswith('"$OPSCONSOLE_OUT/junit.xml" tests')
    (packaged,) = found(**{"tests/test_a.py": "import unittest\n", "tests/__init__.py": ""})
    assert packaged.test_step().run.endswith(" .")


def test_a_repo_of_both_styles_is_run_by_pytest_and_the_other_is_named() -> None:
    both = found(**{"tests/test_a.py": "import unittest\n", "tests/test_b.py": "def test_b(): pass\n"})
    assert [detection.runner for detection in both] == ["pytest", "unittest"]


@pytest.mark.parametrize(
    ("script", "command_end"),
    [
        ("node --test", "stdout"),
        ("node --test test/", "stdout test/"),
        ("node --no-warnings --test a.js", "stdout a.js"),
    ],
)
def test_node_is_told_by_its_script_and_keeps_its_arguments(script: str, command_end: str) -> None:
    (detection,) = found(**{"package.json": f'{{"scripts": {{"test": "{script}"}}}}'})
    assert detection.runner == "node --test"
    assert detection.test_step().run.endswith(command_end)
    assert '--test-reporter-destination="$OPSCONSOLE_OUT/junit.xml"' in detection.test_step().run


@pytest.mark.parametrize("text", ["{", "[]", '{"scripts": 3}', '""', "null", "[" * 100_000])
def test_a_package_that_is_tested_otherwise_or_broken_is_left_alone(text: str) -> None:
    assert found(**{"package.json": text, "src/a.js": ""}) == []


@pytest.mark.parametrize("name", ["pyproject.toml", "tox.ini", "setup.cfg"])
def test_a_broken_configuration_file_does_not_stop_detection(name: str) -> None:
    (detection,) = found(**{name: "[[[\n\0=", "test_a.py": "def test_a(): pass\n"})
    assert detection.runner == "pytest"


def test_detection_reads_the_commit_not_the_work_tree(repo: Path) -> None:
    first = commit(repo, **{"a.txt": ""})
    commit(repo, **{"pytest.ini": ""})
    (repo / "pytest.ini").unlink()
    assert detect(repo, first) == []
    assert [detection.runner for detection in detect(repo, "HEAD")] == ["pytest"]


def test_the_interpreter_is_the_repos_own_or_ours_and_says_which(tmp_path: Path) -> None:
    ours = choose(tmp_path)
    assert (ours.path, ours.reason) == (Path(sys.executable), "the one that runs opsconsole: the repo has no .venv")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (tmp_path / ".venv" / "pyvenv.cfg").touch()
    own = choose(tmp_path)
    assert (own.path, own.reason, own.environment) == (python, "the repo's own .venv", tmp_path / ".venv")
    assert choose(tmp_path, "../py/bin/python").path == tmp_path.parent / "py" / "bin" / "python"
