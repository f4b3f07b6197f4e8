"""Runners that start other runners: nox, tox, hatch, rake, make, just. Results of pytest inside are counted."""

from __future__ import annotations

import re

from opsconsole.testrunners.detection.python import PLUGIN, plugin_path
from opsconsole.testrunners.detection.shape import LOOKS, WRAPPER, DetectedStep, Detection
from opsconsole.testrunners.detection.tree import Tree, table

MADE_FOR_TESTS = ("test", "tests", "check")
_MAKEFILES = ("GNUmakefile", "Makefile", "makefile")
_JUSTFILES = ("justfile", "Justfile", ".justfile")
_PYTEST = re.compile(r"\bpytest\b|\bpy\.test\b")
_SESSION = re.compile(r"nox\.session[^\n]*\n(?:@[^\n]*\n)*\s*(?:async )?def (tests?|pytest)\b|name=[\"'](tests?)[\"']")


def detect(tree: Tree) -> list[Detection]:
    """Return what runs tests in environments of its own, or by a target."""
    detections = [
        _tox(tree),
        _nox(tree),
        _hatch(tree),
        _target(tree, "make", _MAKEFILES),
        _target(tree, "just", _JUSTFILES),
        _rake(tree),
    ]
    return [detection for detection in detections if detection is not None]


def through_pytest(command: str) -> str:
    """Return the command with pytest, wherever it starts below it, with reports on: each process to its own file."""
    return f'PYTEST_ADDOPTS="{PLUGIN}" {plugin_path([])} {command}'


def _wrapper(runner: str, ecosystem: str, command: str, reason: str, rank: int, *, pytest: bool) -> Detection:
    step = DetectedStep("test", through_pytest(command) if pytest else command)
    return Detection(runner, ecosystem, (step,), reason, rank, (runner.split(maxsplit=1)[0],), counted=pytest)


def _tox(tree: Tree) -> Detection | None:
    text = tree.text("tox.ini") + tree.text("tox.toml")
    named = tree.first("tox.toml")
    if named is None and re.search(r"^\[(testenv|tox)\b", text, re.MULTILINE):
        named = "tox.ini"
    if named is None and table(tree.toml("pyproject.toml"), "tool", "tox"):
        named, text = "pyproject.toml", tree.text("pyproject.toml")
    if named is None:
        return None
    passed_on = "testenv.pass_env=PYTEST_ADDOPTS,PYTHONPATH,OPSCONSOLE_*"
    command = f"tox run -x '{passed_on}' -e py"
    return _wrapper("tox", "python", command, named, WRAPPER + 1, pytest=bool(_PYTEST.search(text)))


def _nox(tree: Tree) -> Detection | None:
    if "noxfile.py" not in tree:
        return None
    text = tree.text("noxfile.py")
    session = _SESSION.search(text)
    name = session and (session[1] or session[2])
    command = f"nox -s {name}" if name else "nox"
    return _wrapper("nox", "python", command, "noxfile.py", WRAPPER, pytest=bool(_PYTEST.search(text)))


def _hatch(tree: Tree) -> Detection | None:
    environments = table(tree.toml("pyproject.toml"), "tool", "hatch", "envs") or table(tree.toml("hatch.toml"), "envs")
    if "hatch-test" in environments:
        return _wrapper("hatch", "python", "hatch test", "[tool.hatch.envs.hatch-test]", WRAPPER + 2, pytest=True)
    for name in ("default", "test", "tests"):
        script = table(environments, name, "scripts").get("test")
        if script:
            command = "hatch run test" if name == "default" else f"hatch run {name}:test"
            reason = f"script test of [tool.hatch.envs.{name}]"
            return _wrapper("hatch", "python", command, reason, WRAPPER + 2, pytest=bool(_PYTEST.search(str(script))))
    return None


def _rake(tree: Tree) -> Detection | None:
    if "Rakefile" not in tree or "TestTask" not in tree.text("Rakefile"):
        return None
    program = "bundle exec rake" if "Gemfile" in tree else "rake"
    return _wrapper(f"{program} test", "ruby", f"{program} test", "Rakefile: TestTask", LOOKS, pytest=False)


def _target(tree: Tree, program: str, files: tuple[str, ...]) -> Detection | None:
    """Return the target for tests of a Makefile or justfile; it may do more than test."""
    file = tree.first(*files)
    if file is None:
        return None
    text = tree.text(file)
    for name in MADE_FOR_TESTS:
        recipe = re.search(rf"^@?{name}\b[^\n=]*:(?!=)[^\n]*\n((?:[ \t]+[^\n]*\n?|\n)*)", text, re.MULTILINE)
        if recipe:
            pytest = bool(_PYTEST.search(recipe[1]))
            return _wrapper(f"{program} {name}", "shell", f"{program} {name}", f"{file}: {name}", LOOKS, pytest=pytest)
    return None
