"""What may stand in ``opsconsole.toml``: every key, its type and its default. ``config schema`` prints this."""

from __future__ import annotations

import os
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field

from opsconsole.config.durations import Duration
from opsconsole.ground.nouns import ModelTask, PipelineKind

Name = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="letters, digits, `.`, `_` and `-`, a letter or digit first, 64 at most",
    ),
]
"""A name of a repo, pipeline, model, monitor or alias: letters, digits, ``.``, ``_``, ``-``."""


class _Table(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A TOML table that refuses keys it does not know."""


class WorkspaceConfig(_Table, frozen=True, kw_only=True):
    """``[workspace]``: what holds for everything."""

    name: str = ""
    slots: Annotated[int, Meta(ge=1, le=256)] = field(default_factory=lambda: os.cpu_count() or 1)
    """How many runs may be at work at once."""


class StepConfig(_Table, frozen=True, kw_only=True):
    """One command of a pipeline."""

    name: Name
    run: str
    needs: list[str] = []
    timeout: Duration | None = None
    """None: no limit of its own."""
    cwd: str = "."
    env: dict[str, str] = {}
    tty: bool = False


class TriggerConfig(_Table, frozen=True, kw_only=True):
    """``on``: what starts a pipeline besides the operator."""

    alert: str | None = None
    """The monitor whose alert this pipeline answers; ``t`` on the alert runs it."""


class PipelineConfig(_Table, frozen=True, kw_only=True):
    """``[repos.NAME.pipelines.NAME]``: named steps."""

    kind: PipelineKind = PipelineKind.BUILD
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
    on: TriggerConfig = TriggerConfig()

    def __post_init__(self) -> None:
        if (self.run is None) == (not self.steps):
            raise ValueError("needs either `run` (one command) or `steps` (several), not both")


class RepoConfig(_Table, frozen=True, kw_only=True):
    """``[repos.NAME]``: a git repository on this machine."""

    path: str
    branches: list[str] = []
    """Globs of the branches worth building; empty: the one that is checked out."""
    pipelines: dict[Name, PipelineConfig] = {}


class NotWorseGate(_Table, frozen=True, kw_only=True):
    """The challenger's metric may not be worse than the champion's by more than ``margin``."""

    metric: str = "auc"
    margin: Annotated[float, Meta(ge=0)] = 0.005


class FloorGate(_Table, frozen=True, kw_only=True):
    """The challenger's metric must reach ``at_least`` on its held-out rows."""

    metric: str = "auc"
    at_least: float


class GatesConfig(_Table, frozen=True, kw_only=True):
    """``[models.NAME.gates.ALIAS]``: what a version must show before the alias moves to it."""

    not_worse: NotWorseGate | None = None
    floor: FloorGate | None = None
    tests: bool = False
    """A run with tests must have passed at the version's commit."""


class ModelConfig(_Table, frozen=True, kw_only=True):
    """``[models.NAME]``: a registered model."""

    task: ModelTask = ModelTask.BINARY
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


class PerformanceConfig(_Table, frozen=True, kw_only=True):
    """``performance``: the realised metric that must hold."""

    metric: str = "auc"
    floor: float | str = "reference - 0.05"
    """A number, or ``reference - NUMBER``."""
    chunks: Annotated[int, Meta(ge=1)] = field(default=2, name="for")
    """How many chunks running must be below the floor before the alert is critical."""


class MonitorConfig(_Table, frozen=True, kw_only=True):
    """``[monitors.NAME]``: what to watch of a model."""

    model: Annotated[
        str, Meta(pattern=r"^[^@\s]+@[^@\s]+$", description="MODEL@ALIAS", examples=["flights@production"])
    ]
    """``MODEL@ALIAS``."""
    current: str
    """Production rows: a file or a glob, from the workspace's folder."""
    reference: str = "evaluation"
    """``evaluation`` (the version's own held-out rows) or a file."""
    id: str = "row_id"
    time: str
    score: str = "score"
    label: str | None = None
    chunk: Annotated[
        str,
        Meta(
            pattern=r"^(hour|day|week|month|size:\d+)$",
            description="a length of time or a number of rows",
            examples=["hour", "day", "week", "month", "size:1000"],
        ),
    ] = "day"
    least: Annotated[int, Meta(ge=1)] = 450
    """Chunks with fewer rows are merged into no verdict: too few rows."""
    columns: list[str] = []
    """The columns to compare; empty: all that reference and current data share."""
    ignore: list[str] = []
    refresh: str | None = None
    """``REPO/PIPELINE`` of kind ``score`` that brings new rows and scores them; a check runs it first."""
    performance: PerformanceConfig | None = None


class Config(_Table, frozen=True, kw_only=True):
    """The whole file."""

    workspace: WorkspaceConfig = WorkspaceConfig()
    repos: dict[Name, RepoConfig] = {}
    models: dict[Name, ModelConfig] = {}
    monitors: dict[Name, MonitorConfig] = {}


def json_schema() -> dict[str, object]:
    """Return the JSON Schema of the file, for editors and checks."""

    def hook(kind: type) -> dict[str, object]:
        if kind is Duration:
            return {"type": ["string", "number"], "examples": ["90s", "20m", "2h"]}
        raise NotImplementedError(kind)

    return msgspec.json.schema(Config, schema_hook=hook)
