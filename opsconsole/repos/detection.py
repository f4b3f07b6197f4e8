"""How a repo is tested, told from the files of one commit, with the reason; nothing of the repo is run.

Every runner that fits is ranked by how plainly the repo asks for it: its own configuration beats a file that merely
looks like a test. The operator's or the repo's own pipelines override all of it.
"""

from __future__ import annotations

import configparser
import json
import re
import shlex
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from opsconsole.repos.commits import list_files, read_files

LOOKED_AT = 200
"""How many test files are opened at most to tell pytest from unittest."""
_PYTHON_TEST = re.compile(r"(^|/)(test_[^/]*|[^/]*_test)\.py$")
_UNITTEST_FILE = re.compile(r"(^|/)test[^/]*\.py$")
_NODE_TEST = re.compile(r"(^|/)([^/]*[._-]test|test-[^/]*|test)\.[cm]?js$|(^|/)test/.*\.[cm]?js$")
_NODE_COMMAND = re.compile(r"^node\s+(?:\S+\s+)*?--test(?:\s+(?P<rest>.*))?$")
_PLAIN_TEST = re.compile(rb"^(async )?def test_|^\s*(import|from) pytest\b", re.MULTILINE)
_USES_UNITTEST = re.compile(rb"^\s*(import unittest\b|from unittest\b)", re.MULTILINE)
_PASSED_OVER = re.compile(r"(^|/)(node_modules|site-packages|vendor|\.venv|venv)/")


@dataclass(frozen=True)
class Detection:
    """A test runner that fits a commit."""

    runner: str
    """``pytest``, ``unittest`` or ``node --test``."""
    command: str
    """For ``/bin/sh``; leaves ``$OPSCONSOLE_OUT/junit.xml``."""
    reason: str
    """What in the commit says so."""
    rank: int
    """How plainly the commit says so; higher wins."""


def detect(repo: Path, commit: str) -> list[Detection]:
    """Return the runners that fit the commit, the best first; empty when nothing looks like a test."""
    files = [name for name in list_files(repo, commit) if not _PASSED_OVER.search(name)]
    return detect_in(files, lambda paths: read_files(repo, commit, paths))


def detect_in(files: list[str], read: Callable[[list[str]], dict[str, bytes]]) -> list[Detection]:
    """Return the runners that fit these files; ``read`` gives the content of those it is asked for."""
    found = [*_python(files, read), *_node(files, read)]
    return sorted(found, key=lambda detection: -detection.rank)


def _python(files: list[str], read: Callable[[list[str]], dict[str, bytes]]) -> list[Detection]:
    present = set(files)
    configs = read([name for name in ("pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg") if name in present])
    tests = [name for name in files if _PYTHON_TEST.search(name) or _UNITTEST_FILE.search(name)]
    opened = read(tests[:LOOKED_AT])
    why, rank = _asks_for_pytest(files, configs)
    plain = next((name for name, text in opened.items() if _PLAIN_TEST.search(text)), None)
    if not why and plain:
        why, rank = f"{plain} holds tests in pytest's style", 50
    found = []
    if why:
        found.append(Detection("pytest", pytest_command(), why, rank))
    cases = [name for name, text in opened.items() if _USES_UNITTEST.search(text)]
    if cases:
        command = unittest_command(_start_folders(cases, present))
        found.append(Detection("unittest", command, f"{cases[0]} imports unittest", 40))
    return found


def _asks_for_pytest(files: list[str], configs: dict[str, bytes]) -> tuple[str, int]:
    """Return the plainest sign that the repo is tested by pytest, and its rank."""
    if ("pytest.ini" in configs) or ".pytest.ini" in files:
        return "pytest.ini", 90
    try:
        tool = tomllib.loads(configs.get("pyproject.toml", b"").decode("utf-8", "replace")).get("tool", {})
    except tomllib.TOMLDecodeError:
        tool = {}
    if isinstance(tool, dict) and "pytest" in tool:
        return "[tool.pytest] in pyproject.toml", 85
    for name, section in (("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
        parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
        try:
            parser.read_string(configs.get(name, b"").decode("utf-8", "replace"))
        except configparser.Error:
            continue
        if parser.has_section(section):
            return f"[{section}] in {name}", 80
    conftest = next((name for name in files if PurePosixPath(name).name == "conftest.py"), None)
    return (conftest, 70) if conftest else ("", 0)


def pytest_command(node_ids: list[str] | None = None) -> str:
    """Return the shell command that runs pytest with a report of file and line for each test."""
    words = 'python -m pytest --junit-xml="$OPSCONSOLE_OUT/junit.xml" -o junit_family=xunit1'
    return words if not node_ids else f"{words} {shlex.join(node_ids)}"


def unittest_command(folders: list[str]) -> str:
    """Return the shell command that runs unittest's discovery through our reporter, on the repo's own interpreter."""
    reporter = Path(__file__).resolve().parent.parent / "runs" / "unittest_junit.py"
    return f'python {shlex.quote(str(reporter))} "$OPSCONSOLE_OUT/junit.xml" {shlex.join(folders)}'


def node_command(rest: str) -> str:
    """Return the shell command that runs node's own runner with a report beside its readable output."""
    report = '--test-reporter=junit --test-reporter-destination="$OPSCONSOLE_OUT/junit.xml"'
    return f"node --test {report} --test-reporter=spec --test-reporter-destination=stdout {rest}".rstrip()


def _start_folders(cases: list[str], present: set[str]) -> list[str]:
    """Return where discovery must start: the root, and each outermost test folder that is no package."""
    found = set()
    for name in cases:
        folder = PurePosixPath(name).parent
        while folder != PurePosixPath() and str(folder / "__init__.py") in present:
            folder = folder.parent
        found.add(str(folder))
    return sorted(found)


def _node(files: list[str], read: Callable[[list[str]], dict[str, bytes]]) -> list[Detection]:
    if "package.json" not in files:
        return []
    try:
        package = json.loads(read(["package.json"]).get("package.json", b"{}"))
    except ValueError:
        return []
    scripts = package.get("scripts") if isinstance(package, dict) else None
    script = scripts.get("test") if isinstance(scripts, dict) else None
    if isinstance(script, str):
        asked = _NODE_COMMAND.match(script.strip())
        if not asked or re.search(r"[;&|<>`$]", script):
            return []
        return [Detection("node --test", node_command(asked["rest"] or ""), f"package.json: test = {script!r}", 75)]
    test = next((name for name in files if _NODE_TEST.search(name)), None)
    return [] if test is None else [Detection("node --test", node_command(""), f"package.json and {test}", 45)]
