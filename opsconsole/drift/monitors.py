"""A monitor's configuration, resolved: what to read, what to measure, the floor."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from opsconsole.config.monitors import MonitorConfig
from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import ConfigError
from opsconsole.core.nouns import ModelTask
from opsconsole.drift.performance.realised.metrics import Metric, Options, metric_of

_RELATIVE = re.compile(r"reference\s*(?:(?P<sign>[-+])\s*(?P<number>\d*\.?\d+))?")
EVALUATION = "evaluation"
FITTING = {"hour": ("hour",), "weekday": ("hour", "day"), "month": ("hour", "day", "month")}
"""The chunks that lie within one season each."""


@dataclass(frozen=True)
class Subject:
    """The version that a monitor watches now, as its registry describes it; ``DATA_ALONE`` where no model is watched."""

    model: str
    alias: str
    version: int
    evaluation: Path | None = None
    """Its held-out rows: ``row_id, label, score`` and, when there are more contenders, ``contender``."""
    data: tuple[Path, ...] = ()
    """The data files (or globs) in which the features of those rows stand."""
    used: tuple[Path, ...] = ()
    """Files of the ids of rows that it was trained or evaluated on."""


@dataclass(frozen=True)
class Floor:
    """Where performance must stay: a number, or so far from the reference's own."""

    offset: float
    relative: bool

    def at(self, reference: float | None) -> float | None:
        """Return the number; None when it is relative to a reference that is not known."""
        if not self.relative:
            return self.offset
        return None if reference is None else reference + self.offset


@dataclass(frozen=True)
class Monitor:
    """What a check needs to know, checked."""

    name: str
    config: MonitorConfig
    root: Path
    evidence: Path
    model: str
    alias: str
    task: ModelTask
    metric: Metric | None
    floor: Floor | None
    persistence: int
    positive: str | None = None
    """The label that counts as 1 for a binary model, as one spells it; None: labels are 0 and 1, or false and true."""
    logits: bool = False
    """Whether scores are log-odds, brought to probabilities as they are read."""
    programs: bool = True
    """Whether sources may be what a program prints: in a read-only session nothing is run."""

    @property
    def scored(self) -> bool:
        """Whether a model scores its rows; where none does, every row counts."""
        return bool(self.model)

    @property
    def options(self) -> Options:
        """The options of metrics that have some."""
        performance = self.config.performance
        return Options() if performance is None else Options(performance.threshold, performance.quantile)

    @property
    def coverage(self) -> float:
        """The share of a chunk's labels that must have come before it is judged by them."""
        return 0.0 if self.config.performance is None else self.config.performance.coverage

    @property
    def settings(self) -> str:
        """A digest of all that shapes a baseline: a baseline of other settings says nothing of this monitor's chunks."""
        config, options = self.config, self.options
        which = (config.reference, config.id, config.time, config.score, config.label, config.columns, config.ignore)
        how = (config.chunk, config.least, config.slices, config.season, config.structure, config.estimate)
        metric = None if self.metric is None else self.metric.name
        performance = (self.task.value, metric, options, self.positive, self.logits)
        return hashlib.sha256(repr((which, how, performance)).encode()).hexdigest()[:16]

    @property
    def outcomes(self) -> frozenset[str]:
        """The columns of score and label: they are reported, and explain nothing."""
        config = self.config
        return frozenset({config.score} if config.label is None else {config.score, config.label})

    def texts_of(self, *outcomes: str | None) -> list[str]:
        """Return which columns of labels or scores name classes: those are texts, whatever they look like."""
        return [name for name in outcomes if name is not None] if self.task is ModelTask.MULTICLASS else []

    @property
    def kept_out(self) -> frozenset[str]:
        """The columns that are no inputs."""
        return self.outcomes | {self.config.id, self.config.time or "", *self.config.ignore}


def monitor_of(workspace: Workspace, name: str, *, readonly: bool = False) -> Monitor:
    """Return a monitor of the configuration; NotFoundError, or ConfigError when a part of it makes no sense."""
    config = workspace.config.monitor(name)
    if config.season is not None and config.chunk not in FITTING[config.season]:
        raise ConfigError(
            f"{workspace.file}: monitors.{name}.season: a {config.chunk} holds more than one {config.season}",
            hint=f'chunk = "{FITTING[config.season][-1]}" has one of each',
        )
    if config.rung is None:
        return _without_model(workspace, name, config, readonly=readonly)
    model, alias = config.rung.model, config.rung.alias
    task, positive = workspace.config.models[model].task, workspace.config.models[model].positive
    where = f"{workspace.file}: monitors.{name}.performance"
    performance = config.performance
    return Monitor(
        name=name,
        config=config,
        root=workspace.root,
        evidence=workspace.evidence,
        model=model,
        alias=alias,
        task=task,
        metric=None if performance is None else metric_of(performance.metric, task, f"{where}.metric"),
        floor=None if performance is None else parse_floor(performance.floor, f"{where}.floor"),
        persistence=1 if performance is None else performance.chunks,
        positive=None if positive is None else _spelled(positive),
        logits=workspace.config.models[model].scores == "logit",
        programs=not readonly,
    )


def _without_model(workspace: Workspace, name: str, config: MonitorConfig, *, readonly: bool) -> Monitor:
    """Return a monitor of rows that no model scores: all of their columns are inputs, also one that is called score."""
    return Monitor(
        name=name,
        config=msgspec.structs.replace(config, score=config.score_column),
        root=workspace.root,
        evidence=workspace.evidence,
        model="",
        alias="",
        task=ModelTask.REGRESSION,
        metric=None,
        floor=None,
        persistence=1,
        programs=not readonly,
    )


def _spelled(label: str | float) -> str:
    """Return a label of the configuration as columns that are read as text spell it."""
    if isinstance(label, bool):
        return str(label).lower()
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label).strip()


def parse_floor(text: float | str, where: str) -> Floor:
    """Read ``0.68`` or ``reference - 0.05`` (``+`` for a metric of which less is better).

    ConfigError for anything else.
    """
    if isinstance(text, int | float):
        return Floor(float(text), relative=False)
    match = _RELATIVE.fullmatch(text.strip())
    if match is not None:
        number = float(match["number"] or 0)
        return Floor(-number if match["sign"] == "-" else number, relative=True)
    try:
        return Floor(float(text), relative=False)
    except ValueError as error:
        raise ConfigError(f"{where}: not a floor: {text!r}", hint='write 0.68 or "reference - 0.05"') from error
