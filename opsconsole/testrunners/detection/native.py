"""C and C++: CMake's ctest and meson, built in a folder of the work tree that no repo has."""

from __future__ import annotations

import re
import shlex

from opsconsole.testrunners.detection.shape import (
    CONFIGURED,
    MANIFEST,
    DetectedStep,
    Detection,
    alternatives,
    escaped,
    filtered,
)
from opsconsole.testrunners.detection.tree import Tree

FOLDER = ".opsconsole-build"
_CMAKE = re.compile(r"(^|/)CMakeLists\.txt$|\.cmake$")
_ADDS_TESTS = re.compile(
    rb"^[ \t]*(enable_testing|add_test|gtest_discover_tests|catch_discover_tests|include\s*\(\s*CTest)\b",
    re.MULTILINE | re.IGNORECASE,
)
_MESON_TEST = re.compile(rb"^[ \t]*(?:\w+[ \t]*=\s*)?test\s*\(", re.MULTILINE)
_CMAKE_SPECIAL = "\\.+*?()|[]^$"


def detect(tree: Tree) -> list[Detection]:
    """Return ctest and ``meson test`` where the build declares tests."""
    return [*_ctest(tree), *_meson(tree)]


def _ctest(tree: Tree) -> list[Detection]:
    if "CMakeLists.txt" not in tree:
        return []
    lists = tree.contents(["CMakeLists.txt", *tree.matching(_CMAKE)[:200]])
    why = next((name for name, text in lists.items() if _ADDS_TESTS.search(text)), None)
    if why is None:
        return []

    def command(only: str = "") -> str:
        run = (
            f'ctest --test-dir {FOLDER} --output-on-failure --no-tests=error --output-junit "$OPSCONSOLE_OUT/junit.xml"'
        )
        return filtered("ctest", f"{run}{only}")

    def narrow(test_ids: list[str]) -> str:
        pattern = alternatives([escaped(name, _CMAKE_SPECIAL) for name in test_ids])
        return command(f" -R {shlex.quote(pattern)}")

    steps = (
        DetectedStep("configure", f"cmake -S . -B {FOLDER} -DBUILD_TESTING=ON"),
        DetectedStep("build", f"cmake --build {FOLDER} --parallel"),
        DetectedStep("test", command()),
    )
    return [Detection("ctest", "c", steps, f"{why} adds tests", MANIFEST, ("cmake", "ctest"), narrow=narrow)]


def _meson(tree: Tree) -> list[Detection]:
    if "meson.build" not in tree:
        return []
    builds = tree.contents(tree.matching(re.compile(r"(^|/)meson\.build$"))[:200])
    why = next((name for name, text in builds.items() if _MESON_TEST.search(text)), None)
    if why is None:
        return []
    run = filtered("meson", f"meson test -C {FOLDER} --print-errorlogs")

    def narrow(test_ids: list[str]) -> str | None:
        names = [(name.partition("::")[0], name.partition(" / ")[2]) for name in test_ids]
        if any(not name or re.search(r"[*?\[\]:]|^-", project + name) for project, name in names):
            return None
        return f"{run} {shlex.join(f'{project}:{name}' for project, name in names)}"

    steps = (
        DetectedStep("configure", f"meson setup {FOLDER}"),
        DetectedStep("build", f"meson compile -C {FOLDER}"),
        DetectedStep("test", run),
    )
    reports = (f"{FOLDER}/meson-logs/*.junit.xml",)
    detection = Detection(
        "meson test", "c", steps, f"{why} declares tests", CONFIGURED - 10, ("meson", "ninja"), reports, narrow=narrow
    )
    return [detection]
