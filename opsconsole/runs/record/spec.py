"""``run.json``: everything that a supervisor needs to run a plan, without secrets. Standard library only."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from opsconsole.core.errors import StoreError
from opsconsole.core.files import read_regular
from opsconsole.core.nouns import PipelineKind
from opsconsole.repos.standing import Owner

T = TypeVar("T")
SIZE_LIMIT = 256 << 20
Pairs = tuple[tuple[str, str], ...]


class SpecError(StoreError):
    """A run's order is not whole."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}", hint="the run cannot be taken up again; start it anew")
        self.why = why


@dataclass(frozen=True)
class PlannedCache:
    """By what a step's result is known again, and what of it is kept."""

    key: str
    """Hexadecimal digest of all that decides the result: command, folder, variables, tool versions, inputs."""
    parts: Pairs
    """What the key was made of besides the inputs, by name, so that a change can be explained."""
    inputs: Pairs = ()
    """The inputs' object names, by path."""
    outputs: tuple[str, ...] = ()
    """Folders and files of the work tree that are kept and brought back."""
    link: bool = False
    """Bring outputs back as hard links, at once also for 30,000 files; what a step edited in place is not used again.
    They are dependencies of the ecosystem's making, so one that is not there is no fault."""
    environment: bool = False
    """The step fills ``$OPSCONSOLE_ENVIRONMENT`` in place; that folder is kept, and used where it lies."""


@dataclass(frozen=True)
class PlannedStep:
    """One command of a plan."""

    name: str
    run: str
    """For ``/bin/sh -ec``."""
    needs: tuple[str, ...] = ()
    """Steps that must be good before it: passed, cached, or skipped by their own condition."""
    timeout: float | None = None
    """Seconds; None: no limit."""
    silence: float | None = None
    """Seconds without any output after which it is ended; None: it may be silent."""
    retries: int = 0
    """How often it is tried again when it failed."""
    cwd: str = "."
    """Inside the work tree."""
    env: Pairs = ()
    tty: bool = False
    condition: str | None = None
    """A shell command: it runs when that ends with 0, else the step is skipped."""
    skip: str | None = None
    """Why it is left out of this run, known already when it was planned."""
    always: bool = False
    """It runs once its needs are over, whatever they came to, also after a cancel."""
    services: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    """Globs of the work tree that are kept in ``out/artifacts`` when it is over."""
    reports: tuple[str, ...] = ()
    """Globs of the work tree where its runner leaves JUnit reports; taken into ``out/`` also when it failed."""
    cache: PlannedCache | None = None
    environment: str | None = None
    """The key of the environment that it works in."""
    out: str = ""
    """The folder of ``out/`` that is its ``$OPSCONSOLE_OUT``; a variant of a matrix has one of its own."""


@dataclass(frozen=True)
class PlannedService:
    """A program that steps need beside them: started before the first, stopped after the last of them."""

    name: str
    run: str
    port: int | None = None
    """The port of 127.0.0.1 that answers when it is ready; 0: a free one, passed as ``PORT``."""
    ready: str | None = None
    """A shell command that ends with 0 when it is ready."""
    timeout: float = 60.0
    """Seconds it may take to be ready."""
    cwd: str = "."
    env: Pairs = ()


@dataclass(frozen=True)
class PlannedSecret:
    """Where a secret comes from; its value is read when a step needs it, and never kept."""

    name: str
    """The variable that the step sees."""
    variable: str | None = None
    """The operator's variable that holds it."""
    file: str | None = None
    """A file that only the operator can read."""


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
    environment: Pairs
    """Set for every step, besides what the run itself sets."""
    passed_on: tuple[str, ...]
    """Names of the operator's variables that the steps may see; their values are not kept."""
    runner: str | None
    """The detected test runner whose report must hold at least one test; None when nothing promises tests."""
    reason: str
    """Why these steps: which file declares them, or what was detected."""
    interpreter: Path
    interpreter_reason: str
    missing: tuple[str, ...]
    """What the steps seem to need and this machine does not have."""
    absent: tuple[str, ...] = ()
    """What is surely needed and not there: nothing is started without it."""
    timeout: float | None = None
    """Seconds for all steps together; None: no limit."""
    parallel: int = 1
    """How many steps may be at work at once."""
    services: tuple[PlannedService, ...] = ()
    secrets: tuple[PlannedSecret, ...] = ()
    log_limit: int | None = None
    """Bytes that a step's log may grow to; None: no limit."""
    slots: int | None = None
    """How many runs of this repo may be at work at once; None: no limit of its own."""
    supersede: bool = False
    """A newer run of the same pipeline and branch takes the place of this one while it is queued."""
    model: str | None = None
    """The model that its pipeline names; None: it names none."""
    checkout: str = ""
    """What else is checked out: ``submodules``, ``lfs``; words by blanks."""
    pooled: bool = False
    """The repo is large: its work tree is one of a pool, used again from run to run."""
    only: tuple[str, ...] = ()
    """Test ids the run was narrowed to."""
    owner: Owner = Owner.OWN
    """Whose the ref is that it runs."""
    asks: tuple[str, ...] = ()
    """Why the operator is asked before it runs, and how its pipeline differs; it gets no secret then."""
    writable: tuple[str, ...] | None = None
    """What steps may write besides their work tree, out folder and TMPDIR; None: they are not confined."""
    root: Path = Path("/")
    """The workspace's root."""
    serves: str | None = None
    """``MODEL@ALIAS`` that a task serves as long as it is at work."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the operator should know before it runs."""
        lines: list[str] = []
        lines += [f"no secrets: {line}" if number == 0 else line for number, line in enumerate(self.asks)]
        if self.dirty:
            lines.append(f"the work tree has changes: built is commit {self.commit[:12]}, without them")
        lines += [f"{program}: not found" for program in self.missing]
        return tuple(lines)


@dataclass(frozen=True)
class RunSpec:
    """A plan with the run it became."""

    run_id: int
    workspace: Path
    """The workspace's root."""
    plan: Plan
    environment: Pairs
    """``OPSCONSOLE_*`` of this one run: champion, alert, data."""
    slots: int | None
    """How many runs may be at work at once; None: this one takes no slot."""

    def to_json(self) -> bytes:
        """Return the content of ``run.json``; what it says is data: no command of ours is ever taken from it."""
        return json.dumps(asdict(self), default=str, indent=1).encode()

    @classmethod
    def read(cls, path: Path) -> RunSpec:
        """Read ``run.json``; SpecError when it is not whole."""
        try:
            data = json.loads(read_regular(path, limit=SIZE_LIMIT))
            data.pop("intake", None)  # older programs kept their own command line here
            return cls(**_frozen(data) | {"workspace": Path(data["workspace"]), "plan": _plan(data["plan"])})
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise SpecError(path, str(error)) from error


def step_from(data: dict[str, Any]) -> PlannedStep:
    """Return the step that ``asdict`` and JSON made ``data`` of."""
    return _made(PlannedStep, data, cache=lambda cache: cache and _made(PlannedCache, cache))


def service_from(data: dict[str, Any]) -> PlannedService:
    """Return the service that ``asdict`` and JSON made ``data`` of."""
    return _made(PlannedService, data)


def _plan(data: dict[str, Any]) -> Plan:
    return _made(
        Plan,
        data,
        repo_path=Path,
        root=Path,
        kind=PipelineKind,
        owner=Owner,
        interpreter=Path,
        steps=lambda steps: tuple(map(step_from, steps)),
        services=lambda services: tuple(map(service_from, services)),
        secrets=lambda secrets: tuple(_made(PlannedSecret, item) for item in secrets),
    )


def _made(made: type[T], data: dict[str, Any], /, **rebuilt: Callable[[Any], Any]) -> T:
    return made(**{key: rebuilt[key](value) if key in rebuilt else _tuples(value) for key, value in data.items()})


def _frozen(data: dict[str, Any]) -> dict[str, Any]:
    return {key: _tuples(value) for key, value in data.items()}


def _tuples(value: Any) -> Any:
    """JSON knows lists only; all of ours are tuples, and none holds tables."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
