"""The product's nouns as types: states, outcomes and kinds, spelled the same in code, store, CLI and on screen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

Digest = NewType("Digest", str)
"""A content digest, always ``sha256:`` and 64 hexadecimal digits."""


@dataclass(frozen=True)
class Rung:
    """A rung of a model's ladder, which one version holds at a time: ``MODEL@ALIAS`` in configuration and commands."""

    model: str
    alias: str
    """Empty where none is named."""

    @classmethod
    def of(cls, text: str) -> Rung:
        """Take ``MODEL@ALIAS``, or ``MODEL`` alone, apart."""
        model, _, alias = text.partition("@")
        return cls(model, alias)

    def __str__(self) -> str:
        return f"{self.model}@{self.alias}"


@dataclass(frozen=True)
class Address:
    """What a thing is called by, as ``:`` takes it: ``run 42``, ``model flights@production``, ``alert 3``."""

    noun: str
    name: str
    """Empty for what there is one of, such as the store."""

    @classmethod
    def of(cls, text: str) -> Address:
        """Read what ``str`` wrote."""
        noun, _, name = text.partition(" ")
        return cls(noun, name)

    def __str__(self) -> str:
        return f"{self.noun} {self.name}" if self.name else self.noun


DATA_ALONE = 0
"""The version of what has none: rows that are watched and that no model scores."""


def version_name(version: int) -> str:
    """Return a monitored version as one says it: ``v3``, or ``the data`` where no model is watched."""
    return "the data" if version == DATA_ALONE else f"v{version}"


def holder_name(model: str, version: int) -> str:
    """Return a monitored version with its model: ``flights v3``, or ``the data`` where no model is watched."""
    return f"{model} {version_name(version)}" if model else version_name(version)


SUMMED_TO = ("week", "month", "quarter", "year")
"""What a monitor's chunks are summed to, shortest first."""


class RunState(StrEnum):
    """Where a run stands: ``queued → running → ending →`` one final outcome."""

    QUEUED = "queued"
    RUNNING = "running"
    ENDING = "ending"
    PASSED = "passed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    LOST = "lost"
    ERROR = "error"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen to the run."""
        return self not in LIVE_RUN_STATES


LIVE_RUN_STATES = frozenset({RunState.QUEUED, RunState.RUNNING, RunState.ENDING})
BROKEN_RUN_STATES = frozenset({RunState.FAILED, RunState.TIMED_OUT, RunState.LOST, RunState.ERROR})
VERDICT_RUN_STATES = BROKEN_RUN_STATES | {RunState.PASSED}
"""What a run came to that says something of the commit; a cancelled one says nothing."""


class StepState(StrEnum):
    """Where one step of a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    LOST = "lost"
    ERROR = "error"
    SKIPPED = "skipped"
    CACHED = "cached"
    NOT_REACHED = "not_reached"


class PipelineKind(StrEnum):
    """What a pipeline is for; it decides what intake looks for in ``out/``."""

    BUILD = "build"
    TRAIN = "train"
    SCORE = "score"
    EVALUATE = "evaluate"
    DEPLOY = "deploy"
    TASK = "task"


class RunPurpose(StrEnum):
    """What one run was for; of the runs of builds only a full one says how its branch stands."""

    FULL = "full"
    """A build as its pipeline says, at a commit."""
    PARTIAL = "partial"
    """A build narrowed to some of its tests."""
    PROBE = "probe"
    """A build that a bisect asked for."""
    SEARCH = "search"
    """A bisect that runs on its own."""
    TRAIN = "train"
    SCORE = "score"
    EVALUATE = "evaluate"
    DEPLOY = "deploy"
    SERVE = "serve"
    """A task that serves a model: it is meant to go on."""
    TASK = "task"


class RunCause(StrEnum):
    """What a run was started by; which alert, run or monitor that was stands beside it."""

    OPERATOR = "operator"
    RERUN = "rerun"
    ALERT = "alert"
    """A training that answers an alert."""
    CHECK = "check"
    """A scoring that brings the rows of a monitor's check."""
    BISECT = "bisect"
    """A probe of a search."""
    DEMO = "demo"


class TestOutcome(StrEnum):
    """What one test case came to."""

    __test__ = False

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    ERROR = "error"


class ModelTask(StrEnum):
    """What a model predicts."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"
    RANKING = "ranking"


class ArtifactFormat(StrEnum):
    """What loading an artifact would do: build known types alone, run code of its maker's, or neither is known of it."""

    SKOPS = "skops"
    PICKLE = "pickle"
    OTHER = "other"


class Contender(StrEnum):
    """On which side a version's scores stand in an evaluation."""

    CHALLENGER = "challenger"
    CHAMPION = "champion"


class GateOutcome(StrEnum):
    """A gate's verdict; ``fail`` and ``inconclusive`` block a promotion."""

    PASS = "pass"  # noqa: S105
    WARN = "warn"
    INCONCLUSIVE = "inconclusive"
    FAIL = "fail"
    SKIP = "skip"

    @property
    def blocks(self) -> bool:
        """Whether a promotion is refused because of it."""
        return self in {GateOutcome.FAIL, GateOutcome.INCONCLUSIVE}


class PromotionKind(StrEnum):
    """How an alias came to move."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    INTAKE = "intake"


class Severity(StrEnum):
    """How much a finding matters, least first; ``ok`` opens no alert."""

    OK = "ok"
    INFO = "info"
    WARN = "warn"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Its place in the order, 0 for ``ok``."""
        return list(Severity).index(self)


class AlertState(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


class Resolution(StrEnum):
    """How an incident came to be resolved."""

    OPERATOR = "operator"
    CURED = "cured"
    """By a healthy chunk."""
    REVISED = "revised"
    """Its own evidence was judged anew, or is no more."""
    LEFT = "left"
    """Its version was taken back from the alias; it is not cured."""


class ColumnKind(StrEnum):
    """How a column's values are compared."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    """By the hour of the day and the weekday: moments themselves always move on."""
    TEXT = "text"
    """By length: nearly every value is another one."""
    EMBEDDING = "embedding"
    """Vectors, by their mean and along a few directions of the reference."""


class Danger(StrEnum):
    """What an act can do; ``--readonly`` disables by it."""

    READ = "read"
    WRITE = "write"
    PRODUCTION = "production"
