"""What a Python repo declares that it and its tests need: from lock files, requirements and metadata, read and never run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from opsconsole.testrunners.detection.metadata import Metadata, metadata
from opsconsole.testrunners.detection.tree import Tree, table, texts

LOCKS = {"uv.lock": "uv", "poetry.lock": "poetry", "pdm.lock": "pdm", "Pipfile.lock": "pipenv", "Pipfile": "pipenv"}
_TEST = ("test", "tests", "testing")
_FOR_TESTS = (
    "requirements-test.txt", "requirements-tests.txt", "test-requirements.txt", "tests-requirements.txt",
    "requirements_test.txt", "requirements_tests.txt", "test_requirements.txt", "tests/requirements.txt",
    "test/requirements.txt", "requirements/test.txt", "requirements/tests.txt", "requirements/testing.txt",
)  # fmt: skip
_FOR_DEVELOPMENT = (
    "requirements-dev.txt", "dev-requirements.txt", "requirements_dev.txt", "dev_requirements.txt",
    "requirements/dev.txt", "requirements/development.txt",
)  # fmt: skip
_BASE = ("requirements.txt", "requirements/base.txt", "requirements/main.txt")
_REFERENCE = re.compile(r"^[ \t]*(?:-r|-c|--requirement|--constraint)[ =]*(\S+)", re.MULTILINE)
_COMPILED = re.compile(r"\.(pyx|pxd)$")
_COMPILING = re.compile(
    r"maturin|mesonpy|scikit_build|setuptools_rust|setuptools_scm|hatch_vcs|hatch-vcs|cython", re.IGNORECASE
)
_ASKS_FOR_ITSELF = re.compile(rb"importlib[._]metadata|pkg_resources")
_OWN_CODE = re.compile(r"^(?!tests?/|docs?/|examples?/).*\.py$")


@dataclass(frozen=True)
class Declared:
    """The dependencies of a commit."""

    manager: str
    """``pip``, or whose lock file it is: ``uv``, ``poetry``, ``pdm``, ``pipenv``."""
    requirements: tuple[str, ...]
    """Requirements of the metadata, each a word for pip."""
    files: tuple[str, ...]
    """Requirements files."""
    extras: tuple[str, ...]
    groups: tuple[str, ...]
    """Of those that tests need: what a lock's own tool is asked for."""
    whole: bool
    """Its metadata cannot be read without running it: pip must build it to learn what it needs."""
    built: bool
    """Its tests need more than its files: compiled modules, its own metadata or entry points."""
    build_requires: tuple[str, ...]
    inputs: tuple[str, ...]
    """The files that all of this was read from."""


def declared(tree: Tree) -> Declared | None:
    """Return what the commit declares; None when it declares nothing at all and is whole as it is."""
    known = metadata(tree)
    lock = tree.first(*LOCKS)
    files = _requirement_files(tree)
    extras = _for_tests(known.extras)
    groups = _for_tests(known.groups)
    wanted = [*known.dependencies]
    for name in extras:
        wanted += known.extras[name]
    for name in groups:
        wanted += known.groups[name]
    if not extras and not groups and not set(files) - set(_BASE):
        wanted += _of_other_tools(tree)
    built = known.unreadable or _built(tree, known)
    if not (lock or wanted or files or built):
        return None
    read = tree.those(*LOCKS, "pyproject.toml", "setup.py", "setup.cfg", "tox.ini", ".python-version", *files)
    return Declared(
        manager=LOCKS[lock] if lock else "pip",
        requirements=tuple(dict.fromkeys(item for item in wanted if _installable(item))),
        files=files,
        extras=extras,
        groups=groups,
        whole=known.unreadable,
        built=built,
        build_requires=known.build_requires,
        inputs=tuple(dict.fromkeys([*read, *_referred_to(tree, files)])),
    )


def _for_tests(named: dict[str, list[str]]) -> tuple[str, ...]:
    """Return the names that stand for tests; what stands for all of development only when there are none."""
    wanted = tuple(name for name in named if name.lower() in _TEST)
    return wanted or tuple(name for name in named if name.lower() == "dev")


def _installable(requirement: str) -> bool:
    return bool(requirement.strip()) and not requirement.lstrip().startswith("-") and requirement.isprintable()


def _requirement_files(tree: Tree) -> tuple[str, ...]:
    base = tree.first(*_BASE)
    tests = tree.those(*_FOR_TESTS) or tree.those(*_FOR_DEVELOPMENT)[:1]
    dynamic = table(tree.toml("pyproject.toml"), "tool", "setuptools", "dynamic", "dependencies").get("file")
    named = texts(dynamic) or ([dynamic] if isinstance(dynamic, str) else [])
    return tuple(dict.fromkeys([*([base] if base else []), *tree.those(*named), *tests]))


def _referred_to(tree: Tree, files: tuple[str, ...]) -> list[str]:
    """Return the files that requirements files name by ``-r`` and ``-c``, at any depth."""
    names: list[str] = []
    left = list(files)
    while left:
        name = left.pop()
        for other in _REFERENCE.findall(tree.text(name)):
            path = _normal(PurePosixPath(name).parent / other)
            if path in tree and path not in names and path not in files:
                names.append(path)
                left.append(path)
    return names


def _normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part != "..":
            parts.append(part)
    return "/".join(parts)


def _of_other_tools(tree: Tree) -> list[str]:
    """Return what tox or hatch would install for the tests, where that is plain text."""
    needs: list[str] = []
    tox = tree.ini("tox.ini")
    if tox.has_option("testenv", "deps"):
        lines = (tox.get("testenv", "deps") or "").splitlines()
        needs += [line.strip() for line in lines if re.fullmatch(r"\s*[A-Za-z][\w.\[\],-]*\s*([<>=!~].*)?", line)]
    for name in ("hatch-test", "test", "default"):
        environment = table(tree.toml("pyproject.toml"), "tool", "hatch", "envs", name)
        needs += [*texts(environment.get("dependencies")), *texts(environment.get("extra-dependencies"))]
    return [item for item in needs if "{" not in item]


def _built(tree: Tree, known: Metadata) -> bool:
    """Tell whether the package must be installed: it is compiled, has entry points or asks for its own metadata."""
    if not known.package:
        return False
    if known.entry_points or any(_COMPILED.search(name) for name in tree.files):
        return True
    if any(_COMPILING.search(item) for item in (*known.build_requires, known.backend)):
        return True
    if re.search(r"ext_modules|cffi_modules|Extension\(", tree.text("setup.py")):
        return True
    own = tree.matching(_OWN_CODE)[:400]
    return any(_ASKS_FOR_ITSELF.search(text) for text in tree.contents(own).values())
