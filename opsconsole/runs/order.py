"""What ``run.json`` says: everything a supervisor needs, and nothing secret. Standard library only."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from opsconsole.ground.errors import StoreError
from opsconsole.ground.nouns import PipelineKind


@dataclass(frozen=True)
class PlannedStep:
    """One command of a plan."""

    name: str
    run: str
    """For ``/bin/sh -ec``."""
    needs: tuple[str, ...] = ()
    """Steps that must have passed before it."""
    timeout: float | None = None
    """Seconds; None: no limit."""
    cwd: str = "."
    """Inside the work tree."""
    env: tuple[tuple[str, str], ...] = ()
    tty: bool = False


@dataclass(frozen=True)
class Plan:
    """What would run, and why."""

    repo: str
    repo_path: Path
    pipeline: str
    kind: PipelineKind
    commit: str
    branch: str | None
    subject: str
    dirty: bool
    steps: tuple[PlannedStep, ...]
    """In the order of execution."""
    environment: tuple[tuple[str, str], ...]
    """Set for every step, besides what the run itself sets."""
    passed_on: tuple[str, ...]
    """Names of the operator's variables that the steps may see; their values are not kept."""
    runner: str | None
    """The detected test runner: its report must hold at least one test."""
    reason: str
    """Why these steps: which file said so, or what was detected."""
    interpreter: Path
    interpreter_reason: str
    missing: tuple[str, ...]
    """Programs that the steps name and this machine does not have."""
    timeout: float | None = None
    """Seconds for all steps together; None: no limit."""
    only: tuple[str, ...] = ()
    """Test ids the run was narrowed to."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the operator should know before it runs."""
        found = []
        if self.dirty:
            found.append(f"the work tree has changes: built is commit {self.commit[:12]}, without them")
        found += [f"{program}: not found" for program in self.missing]
        return tuple(found)


@dataclass(frozen=True)
class Order:
    """A plan with the run it became."""

    run_id: int
    workspace: Path
    """The workspace's root."""
    plan: Plan
    environment: tuple[tuple[str, str], ...]
    """``OPSCONSOLE_*`` of this one run: champion, alert, data."""
    slots: int | None
    """How many runs may be at work at once; None: this one takes no slot."""
    intake: tuple[str, ...]
    """The command line that takes the run in at its end."""

    def to_json(self) -> bytes:
        """Return the content of ``run.json``."""
        return json.dumps(asdict(self), default=str, indent=1).encode()

    @classmethod
    def read(cls, path: Path) -> Order:
        """Read ``run.json``; StoreError when it is not whole."""
        try:
            data = json.loads(path.read_bytes())
            plan = data["plan"]
            steps = tuple(
                PlannedStep(**(step | {"needs": tuple(step["needs"]), "env": _pairs(step["env"])}))
                for step in plan["steps"]
            )
            built = Plan(
                **(
                    plan
                    | {
                        "repo_path": Path(plan["repo_path"]),
                        "kind": PipelineKind(plan["kind"]),
                        "steps": steps,
                        "environment": _pairs(plan["environment"]),
                        "passed_on": tuple(plan["passed_on"]),
                        "interpreter": Path(plan["interpreter"]),
                        "missing": tuple(plan["missing"]),
                        "only": tuple(plan["only"]),
                    }
                )
            )
            return cls(
                run_id=data["run_id"],
                workspace=Path(data["workspace"]),
                plan=built,
                environment=_pairs(data["environment"]),
                slots=data["slots"],
                intake=tuple(data["intake"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{path}: {error}", hint="the run cannot be taken up again; start it anew") from error


def _pairs(pairs: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((key, value) for key, value in pairs)
