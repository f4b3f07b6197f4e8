"""pytest and unittest: detected from the repo's configuration, else from the content of its test files."""

from __future__ import annotations

import re
import shlex
from pathlib import PurePosixPath

from opsconsole.testrunners.detection.dependencies import Declared, declared
from opsconsole.testrunners.detection.shape import (
    REPORT,
    REPORTERS,
    WRITTEN_OUT,
    DetectedStep,
    Detection,
    reporter,
    words,
)
from opsconsole.testrunners.detection.tree import Tree, table
from opsconsole.testrunners.detection.virtualenv import OWN, build_step, install_step

LOOKED_AT = 200
"""How many test files are opened at most to tell pytest from unittest."""
PLUGIN = "-p opsconsole_progress -o junit_family=xunit1"
_PYTHON_TEST = re.compile(r"(^|/)(test_[^/]*|[^/]*_test)\.py$|(^|/)test[^/]*\.py$")
_PLAIN_TEST = re.compile(rb"^(async )?def test_|^[ \t]*(import|from) pytest\b", re.MULTILINE)
_USES_UNITTEST = re.compile(rb"^[ \t]*(import (?:[\w.][\w. ]*,[ \t]*)*unittest\b|from unittest\b)", re.MULTILINE)


def detect(tree: Tree, *, isolated: bool) -> list[Detection]:
    """Return pytest and unittest where they fit; ``isolated``: in an environment made of what the commit declares."""
    opened = tree.contents(tree.matching(_PYTHON_TEST)[:LOOKED_AT])
    why, rank = _asks_for_pytest(tree)
    plain = next((name for name, text in opened.items() if _PLAIN_TEST.search(text)), None)
    if not why and plain:
        why, rank = f"{plain} holds tests in pytest's style", 50
    cases = [name for name, text in opened.items() if _USES_UNITTEST.search(text)]
    if not why and not cases:
        return []
    needs = declared(tree) if isolated else None
    detections = []
    if why:
        detections.append(_pytest(tree, needs, why, rank))
    if cases:
        detections.append(_unittest(tree, needs, cases))
    return detections


def plugin_path(folders: list[str]) -> str:
    """Return the assignment that lets Python find the commit's own code first, and pytest our plugin."""
    parts = ['"$PWD"' if folder == "." else f'"$PWD"/{shlex.quote(folder)}' for folder in folders]
    parts.append(shlex.quote(str(REPORTERS / "for_pytest")))
    return f'PYTHONPATH={":".join(parts)}"${{PYTHONPATH:+:$PYTHONPATH}}"'


def _pytest(tree: Tree, needs: Declared | None, why: str, rank: int) -> Detection:
    python = _python(needs)
    command = f"{plugin_path(_roots(tree, needs))} {python} -m pytest {PLUGIN} --junit-xml={REPORT}"

    def narrow(test_ids: list[str]) -> str:
        return f"{command} {words([_node_id(name) for name in test_ids])}"

    return Detection("pytest", "python", _steps(needs, command, "pytest"), why, rank, ("python",), narrow=narrow)


def _unittest(tree: Tree, needs: Declared | None, cases: list[str]) -> Detection:
    roots = _roots(tree, needs)
    start = f"{plugin_path(roots)} " if roots else ""
    run = f"{start}{_python(needs)} {reporter('unittest_junit.py')} {REPORT}"
    folders = words(_start_folders(cases, tree))

    def narrow(test_ids: list[str]) -> str:
        only = " ".join(f"--only={shlex.quote(name)}" for name in test_ids)
        return f"{run} {only} {folders}"

    steps = _steps(needs, f"{run} {folders}", None)
    return Detection("unittest", "python", steps, f"{cases[0]} imports unittest", 40, ("python",), narrow=narrow)


def _steps(needs: Declared | None, command: str, runner: str | None) -> tuple[DetectedStep, ...]:
    test = DetectedStep("test", command)
    if needs is None:
        return (test,)
    steps = [install_step(needs, runner)]
    if needs.built:
        steps.append(build_step())
    return (*steps, test)


def _python(needs: Declared | None) -> str:
    if needs is not None and needs.built:
        return f'VIRTUAL_ENV="$PWD/{OWN}" PATH="$PWD/{OWN}/bin:$PATH" {OWN}/bin/python'
    return "python"


def _roots(tree: Tree, needs: Declared | None) -> list[str]:
    """Return the folders that the commit's own packages lie in, where Python would not look by itself."""
    folder = table(tree.toml("pyproject.toml"), "tool", "setuptools", "package-dir").get("")
    candidates = [folder] if isinstance(folder, str) and re.fullmatch(r"[\w./-]+", folder) else ["src"]
    inside = re.compile(rf"^({'|'.join(re.escape(name) for name in candidates)})/([^/]+/)*[^/]+\.py$")
    roots = candidates if any(inside.search(name) for name in tree.files) else []
    return roots if needs is None else [*roots, "."]


def _asks_for_pytest(tree: Tree) -> tuple[str, int]:
    """Return the plainest sign that the repo is tested by pytest, and its rank."""
    own = tree.first("pytest.ini", ".pytest.ini")
    if own:
        return own, 90
    if "pytest" in table(tree.toml("pyproject.toml"), "tool"):
        return "[tool.pytest] in pyproject.toml", 85
    for name, section in (("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
        if name in tree and tree.ini(name).has_section(section):
            return f"[{section}] in {name}", 80
    conftest = next((name for name in tree.files if PurePosixPath(name).name == "conftest.py"), None)
    return (conftest, 70) if conftest else ("", 0)


def _node_id(test_id: str) -> str:
    """Return what pytest calls a test of its report; a name that was written out stands for all its variants."""
    return test_id.partition("[")[0] if WRITTEN_OUT.search(test_id) else test_id


def _start_folders(cases: list[str], tree: Tree) -> list[str]:
    """Return where discovery must start: the root, and each outermost test folder that is no package."""
    folders = set()
    for name in cases:
        folder = PurePosixPath(name).parent
        while folder != PurePosixPath() and str(folder / "__init__.py") in tree:
            folder = folder.parent
        folders.add(str(folder))
    return sorted(folders)
