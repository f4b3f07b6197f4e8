"""What may stand in ``opsconsole.toml``: every key, its type and its default. ``config schema`` prints this."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from opsconsole.config.monitors import MonitorConfig
from opsconsole.config.quantities import GIGABYTE, Duration, Size
from opsconsole.config.table import Name, Table
from opsconsole.core.errors import NotFoundError
from opsconsole.core.nouns import ModelTask, PipelineKind

Variable = Annotated[
    str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$", description="the name of a variable: letters, digits and `_`")
]
Scalar = str | int | float | bool
Slots = Annotated[int, Meta(ge=1, le=256)]


class RetentionConfig(Table, frozen=True, kw_only=True):
    """``[workspace.retention]``: how many runs are kept with their folders. Pins, models and alerts keep theirs."""

    runs: Annotated[int, Meta(ge=1)] | None = 1000
    """Of each pipeline; the newest stay. None: all."""
    age: Duration | None = None
    """Older runs go. None: none goes for its age."""
    size: Size | None = field(default_factory=lambda: Size(20 * GIGABYTE))
    """Bytes of all run folders together. None: no limit."""
    cache: Size | None = field(default_factory=lambda: Size(20 * GIGABYTE))
    """Bytes of kept environments and results; what was not used longest goes first. None: no limit."""


class Sandboxing(StrEnum):
    """Whether steps are kept from writing what is not theirs."""

    AUTO = "auto"
    """By what this machine has: Landlock, else bubblewrap, else nothing; `plan` and `doctor` say which."""
    OFF = "off"


class WorkspaceConfig(Table, frozen=True, kw_only=True):
    """``[workspace]``: what holds for everything."""

    name: str = ""
    slots: Slots = field(default_factory=lambda: os.cpu_count() or 1)
    """How many runs may be at work at once."""
    log_limit: Size | None = field(default_factory=lambda: Size(GIGABYTE))
    """Bytes of one step's log; past it only the end is kept besides. None: no limit."""
    retention: RetentionConfig = field(default_factory=RetentionConfig)
    backups: Annotated[int, Meta(ge=0, le=1000)] = 7
    """Copies of the store that are kept, one of each day it was used. 0: none is made."""
    sandbox: Sandboxing = Sandboxing.AUTO
    """A step writes its work tree, its out folder, its TMPDIR, the caches, and what its repo `writes`."""
    caches: list[str] | None = None
    """Folders that every step may write. None: ~/.cache, and those of the package managers that are installed."""


class SecretConfig(Table, frozen=True, kw_only=True):
    """``[secrets.NAME]``: where a secret comes from; without this table it is the operator's variable of that name."""

    env: Variable | None = None
    file: str | None = None
    """A file that only you can read (mode 600)."""

    def __post_init__(self) -> None:
        if (self.env is None) == (self.file is None):
            raise ValueError("needs either `env` (a variable) or `file`, not both")


class CacheConfig(Table, frozen=True, kw_only=True):
    """``cache``: the step is left out when nothing of what decides its result changed."""

    inputs: Annotated[list[str], Meta(min_length=1)]
    """Globs of the files that decide it, besides its command, variables and cached needs."""
    outputs: list[str] = []
    """What it leaves in the work tree or below ``$OPSCONSOLE_OUT/``, and what is brought back."""
    versions: list[str] = []
    """Commands whose output decides it too, such as ``node --version``."""


class ConditionConfig(Table, frozen=True, kw_only=True):
    """``if`` as a table: all that stands in it must hold."""

    branch: list[str] = []
    """Globs of branches."""
    changed: list[str] = []
    """Globs of files of which one changed since the pipeline last passed."""


class ServiceConfig(Table, frozen=True, kw_only=True):
    """``services.NAME``: a program that steps need beside them."""

    run: str
    port: Annotated[int, Meta(ge=0, le=65535)] | None = None
    """It is ready when this port answers; 0: a free one, passed as ``PORT`` and ``OPSCONSOLE_PORT_NAME``."""
    ready: str | None = None
    """It is ready when this command ends with 0."""
    timeout: Duration = field(default_factory=lambda: Duration(60))
    cwd: str = "."
    env: dict[str, str] = {}


class StepConfig(Table, frozen=True, kw_only=True):
    """``steps``: each one command of a pipeline."""

    name: Name
    run: str
    needs: list[str] = []
    timeout: Duration | None = None
    """None: no limit of its own."""
    silence: Duration | None = None
    """How long it may say nothing. None: for ever."""
    retries: Annotated[int, Meta(ge=0, le=10)] = 0
    cwd: str = "."
    env: dict[str, str] = {}
    tty: bool = False
    condition: str | ConditionConfig | None = field(default=None, name="if")
    """A shell command that must end with 0, or a table of branch and changed files; else the step is skipped."""
    always: bool = False
    """Run it once its needs are over, whatever they came to, also after a cancel."""
    services: list[str] = []
    secrets: list[Variable] = []
    artifacts: list[str] = []
    """Globs of what is kept of the work tree."""
    reports: list[str] = []
    """Globs of JUnit reports that its runner leaves in the work tree."""
    cache: CacheConfig | None = None
    matrix: dict[Variable, Annotated[list[Scalar], Meta(min_length=1)]] = {}
    """One variant of the step for each combination, passed as ``MATRIX_NAME``."""
    exclude: list[dict[Variable, Scalar]] = []
    """Combinations that are left out."""


class TriggerConfig(Table, frozen=True, kw_only=True):
    """``on``: what starts a pipeline besides the operator."""

    alert: str | None = None
    """The monitor whose alert this pipeline answers; ``t`` on the alert runs it."""


class PipelineConfig(Table, frozen=True, kw_only=True):
    """``[repos.NAME.pipelines.NAME]``: named steps."""

    kind: PipelineKind = PipelineKind.BUILD
    model: Name | None = None
    """The model that it trains, scores or evaluates; default: the monitor's that names it, else the workspace's only one."""
    run: str | None = None
    """The only step; or ``steps``."""
    steps: list[StepConfig] = []
    timeout: Duration | None = None
    env: dict[str, str] = {}
    pass_env: list[str] = field(default_factory=list, name="pass")
    """Names of the operator's environment variables that the steps may see."""
    interpreter: str | None = None
    """The Python that ``python`` means; default: the repo's own ``.venv``, else the one that runs opsconsole."""
    tty: bool = False
    silence: Duration | None = None
    """For every step that says nothing of its own."""
    retries: Annotated[int, Meta(ge=0, le=10)] = 0
    """Of the only step."""
    artifacts: list[str] = []
    """Of the only step."""
    reports: list[str] = []
    """Of the only step."""
    secrets: list[Variable] = []
    """For every step."""
    services: dict[Name, ServiceConfig] = {}
    parallel: Slots = field(default_factory=lambda: os.cpu_count() or 1)
    """How many of its steps may be at work at once."""
    matrix: dict[Variable, Annotated[list[Scalar], Meta(min_length=1)]] = {}
    """One variant of every step for each combination."""
    exclude: list[dict[Variable, Scalar]] = []
    supersede: bool = False
    """A newer run of the same branch takes the place of one that still waits."""
    on: TriggerConfig = TriggerConfig()
    serves: str | None = None
    """Of a task that is meant to go on: the ``MODEL@ALIAS`` that its service answers for."""

    def __post_init__(self) -> None:
        if (self.run is None) == (not self.steps):
            raise ValueError("needs either `run` (one command) or `steps` (several), not both")


class RepoConfig(Table, frozen=True, kw_only=True):
    """``[repos.NAME]``: a git repository on this machine, or the URL of one to clone."""

    path: str = ""
    """Where it lies; with a ``url`` and no path, below ``.opsconsole/repos``."""
    url: str | None = None
    depth: Annotated[int, Meta(ge=1)] | None = None
    """How many commits are cloned; None: all."""
    submodules: bool = False
    """Check submodules out for every run."""
    slots: Slots | None = None
    """How many runs of this repo may be at work at once; None: as many as the workspace allows."""
    isolated: bool = True
    """Give detected builds an environment of their own, made of the repo's lock; false: the machine as it is."""
    branches: list[str] = []
    """Globs of the branches worth building; empty: the one that is checked out."""
    pipelines: dict[Name, PipelineConfig] = {}
    writes: list[str] = []
    """What its steps may write besides, from the workspace's folder on; what is not there is made, as a folder."""
    sandbox: Sandboxing | None = None
    """None: as the workspace says."""

    def __post_init__(self) -> None:
        if not self.path and self.url is None:
            raise ValueError("needs a `path` or a `url`")


class NotWorseGate(Table, frozen=True, kw_only=True):
    """``not_worse``: the challenger's metric may not be worse than the champion's by more than ``margin``."""

    metric: str = "auc"
    margin: Annotated[float, Meta(ge=0)] = 0.005


class FloorGate(Table, frozen=True, kw_only=True):
    """``floor``: the challenger's metric must reach ``at_least`` on its held-out rows."""

    metric: str = "auc"
    at_least: float


class GatesConfig(Table, frozen=True, kw_only=True):
    """``[models.NAME.gates.ALIAS]``: what a version must show before the alias moves to it."""

    not_worse: NotWorseGate | None = None
    floor: FloorGate | None = None
    tests: bool = False
    """A run with tests must have passed at the version's commit."""
    evidence: bool | None = None
    """Demand held-out rows that no contender was trained on. None: the top rung does once its champion has some."""


class ModelConfig(Table, frozen=True, kw_only=True):
    """``[models.NAME]``: a registered model."""

    task: ModelTask = ModelTask.BINARY
    positive: Scalar | None = None
    """The label that a binary model's score is the probability of; None: labels are 0 and 1, or false and true."""
    scores: Literal["probability", "logit"] = "probability"
    """What an evaluation's scores are; logits are brought to probabilities when they are read."""
    ladder: Annotated[list[Name], Meta(min_length=1)] = field(
        default_factory=lambda: ["candidate", "staging", "production"]
    )
    """The aliases, lowest rung first; the last is production."""
    trust: list[str] = []
    """Types a skops artifact may hold besides the built-in list; never taken from the artifact."""
    allow_pickle: bool = False
    """Let versions whose artifact is a pickle pass the gates; loading one runs its code."""
    gates: dict[Name, GatesConfig] = {}
    probe: str | None = None
    """A URL of the service that serves this model, asked after each move which version it answers with."""

    def __post_init__(self) -> None:
        if self.positive is not None and self.task is not ModelTask.BINARY:
            raise ValueError(f"`positive` is for a binary model, this one is {self.task}")


class Config(Table, frozen=True, kw_only=True):
    """The whole file."""

    workspace: WorkspaceConfig = field(default_factory=WorkspaceConfig)
    repos: dict[Name, RepoConfig] = {}
    secrets: dict[Variable, SecretConfig] = {}
    models: dict[Name, ModelConfig] = {}
    monitors: dict[Name, MonitorConfig] = {}

    def monitor(self, name: str) -> MonitorConfig:
        """Return a monitor's settings; NotFoundError names those there are."""
        if name not in self.monitors:
            known = ", ".join(sorted(self.monitors)) or "none"
            raise NotFoundError(f"there is no monitor `{name}`", hint=f"known: {known}")
        return self.monitors[name]


def json_schema() -> dict[str, object]:
    """Return the JSON Schema of the file, for editors and checks."""

    def hook(kind: type) -> dict[str, object]:
        if kind is Duration:
            return {"type": ["string", "number"], "examples": ["90s", "20m", "2h"]}
        if kind is Size:
            return {"type": ["string", "number"], "examples": ["500MB", "20GB"]}
        raise NotImplementedError(kind)

    return msgspec.json.schema(Config, schema_hook=hook)
