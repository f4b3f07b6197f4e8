"""The shape of a detection: runner, steps, reason; and functions that build shell commands for all ecosystems."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

CONFIGURED = 90
"""The runner's own configuration stands in the commit."""
MANIFEST = 75
"""The ecosystem's manifest names the runner, or has but one."""
SCRIPT = 60
"""A script or target of that name, which may do more or other things."""
LOOKS = 45
"""Files that look like tests."""
WRAPPER = 35
"""Something that runs another runner in environments of its own."""
GUESS = 20
"""A file that is called like a test."""

WRITTEN_OUT = re.compile(r"#x[0-9A-F]{2,6}")
REPORT = '"$OPSCONSOLE_OUT/junit.xml"'
REPORTERS = Path(__file__).resolve().parents[1] / "reporters"


@dataclass(frozen=True)
class DetectedStep:
    """One command of a detection, for ``/bin/sh -ec`` in a clean checkout of the commit."""

    name: str
    """``install``, ``configure``, ``build`` or ``test``."""
    run: str
    cwd: str = "."
    inputs: tuple[str, ...] = ()
    """Paths of the commit whose content decides whether it must run again; none: it always runs."""
    outputs: tuple[str, ...] = ()
    """Folders of the work tree that it may fill, and that are brought back when it is cached."""
    environment: bool = False
    """It fills the folder ``$OPSCONSOLE_ENVIRONMENT`` in place, which is kept for the same inputs; empty at its start."""
    versions: tuple[str, ...] = ()
    """Commands whose output is part of the cache's key."""


@dataclass(frozen=True)
class Detection:
    """A test runner that fits a commit."""

    runner: str
    """``pytest``, ``cargo nextest``, ``npm test (jest)``; with the folder, when it is not the root."""
    ecosystem: str
    steps: tuple[DetectedStep, ...]
    reason: str
    """What in the commit says so."""
    rank: int
    """How plainly the commit says so; higher wins."""
    programs: tuple[str, ...] = ()
    """What must be on PATH."""
    reports: tuple[str, ...] = ()
    """Globs in the work tree where the runner itself leaves JUnit, also when it fails."""
    counted: bool = True
    """Whether it leaves results that can be counted; only then are no results a failure."""
    narrow: Callable[[list[str]], str | None] | None = field(default=None, repr=False, compare=False)
    """Gives the test step's command for these tests only; None where that cannot be done exactly."""

    def test_step(self) -> DetectedStep:
        """Return the step that runs the tests: the last."""
        return self.steps[-1]

    def below(self, folder: str) -> Detection:
        """Return the same, for a project that lies in a folder of the commit."""

        def placed(path: str) -> str:
            return str(PurePosixPath(folder, path))

        steps = tuple(
            replace(
                step,
                cwd=placed(step.cwd),
                inputs=tuple(placed(path) for path in step.inputs),
                outputs=tuple(placed(path) for path in step.outputs),
            )
            for step in self.steps
        )
        return replace(
            self,
            runner=f"{self.runner} in {folder}",
            steps=steps,
            reason=f"{self.reason}, in {folder}",
            rank=self.rank - 10 * (folder.count("/") + 1),
            reports=tuple(placed(path) for path in self.reports),
        )


def narrowed(detection: Detection, test_ids: list[str]) -> str | None:
    """Return the test step's command for these tests only; None where that runner cannot do it exactly.

    The ids are those of the reports: hostile text, quoted for the shell and escaped for the runner's own patterns.
    """
    usable = [name for name in test_ids if name and not re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", name)]
    if detection.narrow is None or not usable or len(usable) < len(test_ids):
        return None
    return detection.narrow(usable)


def word(path: str) -> str:
    """Return a path as one word of a command that cannot be taken for an option."""
    return shlex.quote(f"./{path}" if path.startswith("-") else path)


def words(paths: list[str]) -> str:
    """Return paths as words of a command."""
    return " ".join(word(path) for path in paths)


def reporter(name: str) -> str:
    """Return the path of one of our reporters, as one word of a command."""
    return shlex.quote(str(REPORTERS / name))


def filtered(module: str, command: str, options: str = "") -> str:
    """Return the command as the child of one of our filters, which reports on what it says and keeps its exit code."""
    python = shlex.quote(sys.executable)
    return f"{python} -I -m opsconsole.testrunners.reporters.{module} {options}{' ' if options else ''}{REPORT} -- {command}"


def escaped(text: str, special: str) -> str:
    """Return the text with a backslash before each of the special characters."""
    return "".join(f"\\{letter}" if letter in special else letter for letter in text)


def alternatives(patterns: list[str]) -> str:
    """Return one anchored pattern that matches exactly what one of the (already escaped) patterns matches."""
    return f"^({'|'.join(dict.fromkeys(map(unwritten, patterns)))})$"


def unwritten(pattern: str) -> str:
    """Return the pattern so that a character that XML cannot hold, which reports write out, is met too."""
    return WRITTEN_OUT.sub(r"(\g<0>|.)", pattern)


def named(test_id: str) -> str:
    """Return the last part of a test's id: its name within file and suite."""
    return test_id.rpartition("::")[2]
