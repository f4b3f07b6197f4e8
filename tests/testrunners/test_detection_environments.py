"""What a Python commit declares, and the environment that is made of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.testrunners.detection import DetectedStep, Detection
from opsconsole.testrunners.detection.dependencies import Declared, declared
from opsconsole.testrunners.detection.tree import Tree
from tests.repos.making import detected

TEST = {"test_a.py": "def test_a(): pass\n"}


def needs(files: dict[str, str]) -> Declared | None:
    content = {name: text.encode() for name, text in files.items()}
    return declared(Tree(sorted(content), lambda paths: {path: content[path] for path in paths}))


def pytest_of(files: dict[str, str], *, isolated: bool = True) -> Detection:
    return detected(TEST | files, isolated=isolated)[0]


def install_of(files: dict[str, str]) -> DetectedStep:
    return pytest_of(files).steps[0]


@pytest.mark.parametrize(
    ("files", "requirements"),
    [
        ({"pyproject.toml": '[project]\ndependencies = ["a>=1", "b"]\n'}, ("a>=1", "b")),
        (
            {
                "pyproject.toml": '[project]\nname = "me"\n[project.optional-dependencies]\n'
                'test = ["c", "me[extra]"]\nextra = ["d", "me[test]"]\ndocs = ["no"]\n'
            },
            ("c", "d"),
        ),
        (
            {
                "pyproject.toml": "[dependency-groups]\n"
                'test = ["e", {include-group = "more"}]\nmore = ["f", {include-group = "test"}]\ndev = ["no"]\n'
            },
            ("e", "f"),
        ),
        ({"pyproject.toml": '[dependency-groups]\ndev = ["g"]\n'}, ("g",)),
        ({"setup.cfg": "[options]\ninstall_requires =\n  h\n[options.extras_require]\ntesting =\n  i\n"}, ("h", "i")),
        ({"setup.py": "setup(install_requires=['j'], extras_require={'test': ['k'], 'docs': ['no']})"}, ("j", "k")),
        ({"tox.ini": "[testenv]\ndeps =\n  l>=1\n  -r x.txt\n  py38: no\n  m[n]\n"}, ("l>=1", "m[n]")),
    ],
)
def test_dependencies_are_read_wherever_a_commit_declares_them(
    files: dict[str, str], requirements: tuple[str, ...]
) -> None:
    found = needs(files)
    assert found is not None
    assert found.requirements == requirements
    assert set(found.inputs) == set(files)


def test_a_commit_that_declares_nothing_needs_no_environment() -> None:
    assert needs({"setup.cfg": "[flake8]\n", "pyproject.toml": "[tool.x]\n"}) is None
    assert [step.name for step in pytest_of({}).steps] == ["test"]


def test_requirements_files_are_followed_to_all_that_they_name() -> None:
    files = {
        "requirements.txt": "a\n",
        "requirements/test.txt": "-r base.txt\n-c ../limits.txt\n",
        "requirements/base.txt": "b\n",
        "limits.txt": "b==1\n",
        "requirements-dev.txt": "no\n",
    }
    found = needs(files)
    assert found is not None
    assert found.files == ("requirements.txt", "requirements/test.txt")
    assert set(found.inputs) == set(files) - {"requirements-dev.txt"}
    assert "get -r requirements.txt -r requirements/test.txt" in install_of(files).run


def test_a_hostile_requirement_is_a_word_or_left_out() -> None:
    text = '[project]\ndependencies = ["a; rm -rf $HOME", "--index-url=evil", " -e .", "x\\ny", "it\'s"]\n'
    run = install_of({"pyproject.toml": text}).run
    assert """get 'a; rm -rf $HOME' 'it'"'"'s'\n""" in run
    assert "evil" not in run


@pytest.mark.parametrize(
    ("lock", "command"),
    [
        ("uv.lock", "uv sync --frozen --no-install-workspace"),
        ("poetry.lock", "install --no-root --no-interaction --with test"),
        ("pdm.lock", "sync --no-self --group test"),
        ("Pipfile.lock", "sync --dev"),
    ],
)
def test_a_lock_is_installed_by_its_own_tool_and_decides_what_is_cached(lock: str, command: str) -> None:
    step = install_of({lock: "", "pyproject.toml": '[dependency-groups]\ntest = ["pytest"]\n'})
    assert command in step.run
    assert step.inputs[0] == lock
    assert (step.environment, step.outputs) == (True, ())


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": '[build-system]\n[project]\ndependencies = []\n[project.scripts]\nx = "a:b"\n'},
        {"pyproject.toml": "[build-system]\n", "pkg/__init__.py": "from importlib.metadata import version\n"},
        {"pyproject.toml": '[build-system]\nbuild-backend = "maturin"\n'},
        {"setup.py": "setup(ext_modules=[Extension('a', ['a.c'])])"},
        {"setup.py": "setup(install_requires=read('requirements'))"},
        {"setup.py": "setup(", "pkg/a.pyx": ""},
    ],
)
def test_a_package_that_must_be_installed_to_be_whole_is_installed_for_each_run(files: dict[str, str]) -> None:
    install, build, test = pytest_of({"requirements.txt": "a\n"} | files).steps
    assert install.inputs
    assert (build.name, build.inputs, build.environment) == ("build", (), False)
    assert ".venv/bin/python -m pytest" in test.run


def test_plain_code_is_found_by_its_path_alone() -> None:
    files = {"requirements.txt": "a\n", "src/pkg/__init__.py": "", "setup.py": "setup()"}
    install, test = pytest_of(files).steps
    assert install.environment
    assert test.run.startswith('PYTHONPATH="$PWD"/src:"$PWD":')
    (bare,) = pytest_of(files, isolated=False).steps
    assert bare.run.startswith('PYTHONPATH="$PWD"/src:/')


def test_nothing_speaks_of_the_environment_when_there_shall_be_none() -> None:
    files = {
        "pyproject.toml": '[project]\ndependencies = ["a"]\n', "Cargo.toml": "", "tests/a.rs": "", "Gemfile": "",
        "spec/a_spec.rb": "", "uv.lock": "",
    }  # fmt: skip
    found = detected(TEST | files, isolated=False)
    assert {detection.ecosystem for detection in found} == {"python", "rust", "ruby"}
    assert not any("OPSCONSOLE_ENVIRONMENT" in step.run or step.environment for item in found for step in item.steps)


@given(st.text(), st.text())
def test_any_text_in_the_files_is_survived(pyproject: str, setup: str) -> None:
    needs({"pyproject.toml": pyproject, "setup.py": setup, "setup.cfg": setup, "tox.ini": setup})


def test_a_runs_own_environment_lies_over_the_shared_one(tmp_path: Path) -> None:
    """The package of the run is found before a copy below; what the one below has is found; the one below is untouched."""
    lower = tmp_path / "lower"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(lower)], check=True)
    (packages,) = lower.glob("lib/python*/site-packages")
    (packages / "below.py").write_text("")
    (packages / "both.py").write_text("said = 'below'")
    before = sorted(packages.iterdir())
    script = Path(sys.modules[Declared.__module__].__file__ or "").with_name("overlay.py")
    subprocess.run([str(lower / "bin" / "python"), str(script), ".venv"], check=True, cwd=tmp_path)
    (own,) = tmp_path.glob(".venv/lib/python*/site-packages")
    (own / "__editable__.pth").write_text(f"{tmp_path}\n")
    (tmp_path / "both.py").write_text("said = 'own'")
    told = [str(tmp_path / ".venv" / "bin" / "python"), "-B", "-c", "import below, both; print(both.said)"]
    answer = subprocess.run(told, check=True, capture_output=True, text=True, cwd="/")
    assert answer.stdout == "own\n"
    assert sorted(packages.iterdir()) == before
