"""Detecting how a repo is tested, from the files of one commit, with the reason; nothing of the repo is run.

Every runner that fits is ranked by how plainly the repo asks for it: the runner's own configuration beats a manifest, a
manifest a script or target, and that a file that merely looks like a test; the root beats a folder. The operator's or
the repo's own pipelines override all of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from opsconsole.repos.commits import list_files, read_files
from opsconsole.testrunners.detection import (
    dotnet,
    golang,
    java,
    native,
    node,
    php,
    python,
    ruby,
    rust,
    sessions,
    shell,
)
from opsconsole.testrunners.detection.shape import DetectedStep, Detection, narrowed
from opsconsole.testrunners.detection.tree import PASSED_OVER, Tree

__all__ = ["DetectedStep", "Detection", "detect", "detect_in", "narrowed"]

FOLDERS = 30
"""How many folders with a manifest of their own are looked at."""
INSIDE = 6
"""How many of the detections in folders are named."""
_MANIFEST = re.compile(
    r"(?P<folder>[^/]+(/[^/]+)?)/(pyproject\.toml|setup\.py|package\.json|go\.mod|Cargo\.toml|CMakeLists\.txt|meson\.build"
    r"|pom\.xml|build\.gradle(\.kts)?|Gemfile|composer\.json|phpunit\.xml(\.dist)?)"
)
_NOT_THE_PROJECT = re.compile(
    r"(^|/)(examples?|samples?|docs?|tests?|bench(marks?)?|templates?|demos?|website|fuzz|\..*)(/|$)"
)


def detect(repo: Path, commit: str, *, isolated: bool = True) -> list[Detection]:
    """Return the runners that fit the commit, the best first; empty when nothing looks like a test.

    Not ``isolated``: no step makes or uses ``$OPSCONSOLE_ENVIRONMENT``; Python's are the test alone, for an interpreter
    that has what it needs.
    """
    return detect_in(list_files(repo, commit), lambda paths: read_files(repo, commit, paths), isolated=isolated)


def detect_in(
    files: list[str], read: Callable[[list[str]], dict[str, bytes]], *, isolated: bool = True
) -> list[Detection]:
    """Return the runners that fit these files; ``read`` gives the content of those it is asked for."""
    tree = Tree((name for name in files if not PASSED_OVER.search(name)), read)
    detections = _of_project(tree, isolated=isolated)
    known = {detection.ecosystem for detection in detections if detection.ecosystem != "shell"}
    inside: list[Detection] = []
    for folder in _projects(tree):
        fitting = _of_project(tree.below(folder), isolated=isolated)
        inside += [item.below(folder) for item in fitting if item.ecosystem not in known | {"shell"}]
    detections += sorted(inside, key=lambda detection: -detection.rank)[:INSIDE]
    return sorted(detections, key=lambda detection: -detection.rank)


def _of_project(tree: Tree, *, isolated: bool) -> list[Detection]:
    return [
        *python.detect(tree, isolated=isolated),
        *node.detect(tree),
        *golang.detect(tree),
        *rust.detect(tree, isolated=isolated),
        *native.detect(tree),
        *java.detect(tree),
        *ruby.detect(tree, isolated=isolated),
        *php.detect(tree),
        *dotnet.detect(tree),
        *sessions.detect(tree),
        *shell.detect(tree),
    ]


def _projects(tree: Tree) -> list[str]:
    """Return the folders, at most two deep, that look like projects of their own."""
    folders = dict.fromkeys(match["folder"] for name in tree.files if (match := _MANIFEST.fullmatch(name)))
    mine = [folder for folder in folders if not _NOT_THE_PROJECT.search(folder)]
    return sorted(mine, key=lambda folder: (len(PurePosixPath(folder).parts), folder))[:FOLDERS]
