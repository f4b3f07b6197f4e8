"""Scripts that print TAP (bats, Perl's prove), and as the last resort a script that is named like a test."""

from __future__ import annotations

import re
import shlex

from opsconsole.testrunners.detection.shape import (
    GUESS,
    LOOKS,
    MANIFEST,
    DetectedStep,
    Detection,
    alternatives,
    escaped,
    filtered,
    word,
    words,
)
from opsconsole.testrunners.detection.tree import Tree, folder_of

SCRIPTS = (
    "script/test", "scripts/test", "scripts/test.sh", "script/test.sh", "bin/test", "test.sh", "tests.sh",
    "run_tests.sh", "run-tests.sh", "runtests.sh", "run_tests", "run-tests", "test/run.sh", "tests/run.sh",
    "test/run_tests.sh", "tests/run_tests.sh", "test/run", "tests/run",
)  # fmt: skip
_BATS = re.compile(r"\.bats$")
_NOT_THE_TESTS = re.compile(r"(^|/)(docs?|examples?|samples?|contrib)/")
_PERL_TEST = re.compile(r"^x?t/.*\.t$")
_PERL_BUILDS = {"Makefile.PL": "perl Makefile.PL\nmake", "Build.PL": "perl Build.PL\n./Build"}
_PERL_MANIFESTS = ("Makefile.PL", "Build.PL", "cpanfile", "dist.ini", "META.json")
_BATS_SPECIAL = "\\.+*?()|[]{}^$"


def detect(tree: Tree) -> list[Detection]:
    """Return bats, prove and the script that fits, as far as they do."""
    return [*_bats(tree), *_prove(tree), *_script(tree)]


def _bats(tree: Tree) -> list[Detection]:
    files = [name for name in tree.matching(_BATS) if not _NOT_THE_TESTS.search(name)]
    if not files:
        return []
    folders = words(list(dict.fromkeys(folder_of(name) for name in files)))

    def command(only: str = "") -> str:
        return filtered("tap", f"bats --tap {only}{folders}")

    def narrow(test_ids: list[str]) -> str:
        pattern = alternatives([escaped(name, _BATS_SPECIAL) for name in test_ids])
        return command(f"--filter {shlex.quote(pattern)} ")

    step = DetectedStep("test", command())
    return [Detection("bats", "shell", (step,), files[0], LOOKS + 5, ("bats",), narrow=narrow)]


def _prove(tree: Tree) -> list[Detection]:
    manifest = tree.first(*_PERL_MANIFESTS)
    tests = [name for name in tree.matching(_PERL_TEST) if name.startswith("t/")]
    if manifest is None or not tests:
        return []

    build = _PERL_BUILDS.get(manifest)
    test = DetectedStep("test", filtered("tap", f"prove {'-b' if build else '-l'} -r -v --merge t"))
    steps = (DetectedStep("build", build), test) if build else (test,)
    programs = ("perl", "prove", *(("make",) if manifest == "Makefile.PL" else ()))
    return [Detection("prove", "perl", steps, f"{manifest} and {tests[0]}", MANIFEST, programs)]


def _script(tree: Tree) -> list[Detection]:
    file = tree.first(*SCRIPTS)
    if file is None:
        return []
    path = word(f"./{file}")
    step = DetectedStep("test", f"if [ -x {path} ]; then {path}; else sh {path}; fi")
    return [Detection(file, "shell", (step,), f"{file} is called like a test", GUESS, counted=False)]
