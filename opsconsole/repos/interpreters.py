"""Which Python interpreter a repo's steps run with, and why."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from opsconsole.core.files import expanded

ENVIRONMENTS = (".venv", "venv")


@dataclass(frozen=True)
class Interpreter:
    """A Python for a repo's steps."""

    path: Path
    reason: str
    of_repo: bool = False
    """It is the repo's own, or was named for it: what it lacks is the repo's business."""

    @property
    def folder(self) -> Path:
        """What goes first on the steps' PATH."""
        return self.path.parent

    @property
    def environment(self) -> Path | None:
        """The virtual environment it belongs to, if any."""
        home = self.path.parent.parent
        return home if (home / "pyvenv.cfg").is_file() else None


def choose(repo: Path, configured: str | None = None) -> Interpreter:
    """Return the interpreter: the configured one, else the repo's own environment, else the one we run on.

    Paths are kept as they are, not resolved: an environment's ``python`` is a link, and its place is what counts.
    """
    if configured is not None:
        path = Path(os.path.normpath(repo / expanded(configured)))
        return Interpreter(path, "named in the configuration", of_repo=True)
    for name in ENVIRONMENTS:
        candidate = repo / name / "bin" / "python"
        if os.access(candidate, os.X_OK):
            return Interpreter(candidate, f"the repo's own {name}", of_repo=True)
    return Interpreter(Path(sys.executable), "the one that runs opsconsole: the repo has no .venv")
