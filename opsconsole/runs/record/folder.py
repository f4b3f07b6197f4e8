"""The run folder ``.opsconsole/runs/<id>/``: where each file of a run lies. Standard library only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunFolder:
    """The paths of one run."""

    path: Path

    @property
    def run_id(self) -> int:
        """The run it belongs to."""
        return int(self.path.name)

    @property
    def state(self) -> Path:
        """The workspace's state folder."""
        return self.path.parent.parent

    @property
    def order(self) -> Path:
        """Plan, commit, environment and intake, as the starter wrote them."""
        return self.path / "run.json"

    @property
    def lock(self) -> Path:
        """Held by whoever keeps the run alive, from its birth on."""
        return self.path / "lock"

    @property
    def superseded(self) -> Path:
        """Says which newer run takes the place of this one, if it still waits."""
        return self.path / "superseded"

    @property
    def journal(self) -> Path:
        """The truth of the run, one JSON object a line."""
        return self.path / "events.jsonl"

    @property
    def out(self) -> Path:
        """Where steps leave their results."""
        return self.path / "out"

    @property
    def worktree(self) -> Path:
        """The clean checkout; gone when the run is over."""
        return self.path / "tree"

    @property
    def temporary(self) -> Path:
        """The steps' own TMPDIR; gone when the run is over."""
        return self.path / "tmp"

    @property
    def diary(self) -> Path:
        """The stderr of keeper, supervisor and intake: empty unless something broke."""
        return self.path / "supervision.txt"

    def log(self, step: str) -> Path:
        """Return the raw output of a step."""
        return self.path / f"{file_name(step)}.log"

    def index(self, step: str) -> Path:
        """Return the offsets and times of a step's log: pairs of unsigned 64-bit numbers, bytes and epoch milliseconds."""
        return self.path / f"{file_name(step)}.idx"


def run_folder(state: Path, run_id: int) -> RunFolder:
    """Return the folder of a run of the workspace whose state folder is ``state``."""
    return RunFolder(state / "runs" / str(run_id))


def file_name(step: str) -> str:
    """Return a step's name as a file name; names of a plan are letters, digits, ``.``, ``_`` and ``-`` already."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", step).lstrip(".") or "step"


def service_log(name: str) -> str:
    """Return under which name a service's output is kept beside those of the steps."""
    return f"service-{name}"
