"""``[monitors.NAME]``: what to watch of a model, and what is worth an alert."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from opsconsole.config.quantities import Duration
from opsconsole.config.table import Table
from opsconsole.core.nouns import Rung, Severity

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Positive = Annotated[float, Meta(gt=0.0)]


class PerformanceConfig(Table, frozen=True, kw_only=True):
    """``performance``: the realised metric that must hold, and how it is measured."""

    metric: str = "auc"
    floor: float | str = "reference - 0.05"
    """A number, or ``reference - NUMBER``."""
    chunks: Annotated[int, Meta(ge=1)] = field(default=2, name="for")
    """How many chunks running must be below the floor before the alert is critical."""
    threshold: Share = 0.5
    """The score from which a row counts as positive, for accuracy, precision, recall and F1."""
    quantile: Annotated[float, Meta(gt=0.0, lt=1.0)] = 0.5
    """The quantile that a regression predicts, for ``quantile_loss``."""
    coverage: Share = 0.5
    """The share of a chunk's labels that must have arrived before its performance is judged: early labels are seldom
    a fair sample."""


class LimitsConfig(Table, frozen=True, kw_only=True):
    """``limits``: when a column counts as drifted."""

    psi: Positive = 0.1
    """The effect gate: a smaller PSI is not worth telling, however sure it is."""
    major: Positive = 0.25
    chance: Annotated[float, Meta(gt=0.0, lt=1.0)] = 0.01
    """The noise gate: the share of drifted columns that may be false, over all columns of a chunk."""
    persist: Annotated[int, Meta(ge=1)] = 2
    """In how many of the last ``window`` chunks a column must have drifted before it counts."""
    window: Annotated[int, Meta(ge=1, le=12)] = 3
    wobble: bool = True
    """Raise a column's effect gate to what its reference itself moves from chunk to chunk."""


class PolicyConfig(Table, frozen=True, kw_only=True):
    """``policy``: how severe each kind of finding is; ``ok`` records it and opens no alert."""

    input: Severity = Severity.INFO
    """An input column drifted: alone it never pages."""
    score: Severity = Severity.WARN
    rates: Severity = Severity.WARN
    """Missing or unseen values are past three times what the reference had."""
    structure: Severity = Severity.INFO
    """The columns no longer hang together as in the reference (reconstruction error)."""
    quality: Severity = Severity.WARN
    """A declared range, row count or freshness is broken, a column is constant, ids stand twice."""
    estimate: Severity = Severity.WARN
    """A trusted estimate of the performance is below the floor."""
    slice: Severity = Severity.WARN
    """The performance of a slice fell below its own floor."""
    schema: Severity = Severity.CRITICAL
    """A column is gone, of another type, or has no values."""
    performance: Severity = Severity.CRITICAL
    """Realised performance is below its floor for ``for`` chunks; before that it warns."""


class QualityConfig(Table, frozen=True, kw_only=True):
    """``quality``: what rows must be like, whatever the reference was."""

    fresh: Duration | None = None
    """The newest row may be at most this old when a check runs."""
    rows: Annotated[list[int], Meta(min_length=2, max_length=2)] | None = None
    """The fewest and the most rows of a whole chunk."""
    ranges: dict[str, Annotated[list[float], Meta(min_length=2, max_length=2)]] = {}
    """For a numeric column the least and the greatest value that make sense."""
    unique: bool = True
    """Ids must stand only once."""
    constant: bool = True
    """A column that varies in the reference must vary."""


class MonitorConfig(Table, frozen=True, kw_only=True):
    """``[monitors.NAME]``: what to watch of a model."""

    model: (
        Annotated[str, Meta(pattern=r"^[^@\s]+@[^@\s]+$", description="MODEL@ALIAS", examples=["flights@production"])]
        | None
    ) = None
    """``MODEL@ALIAS``. None: rows that no model scores, held against a ``reference`` of their own, column by column."""
    current: str
    """Production rows: a file, a folder or a glob from the workspace's folder, ``sqlite:FILE?table=NAME``, or
    ``command:…`` that prints CSV or JSON lines."""
    reference: str = "evaluation"
    """``evaluation`` (the version's own held-out rows) or a source as ``current``."""
    id: str = "row_id"
    time: str | None = None
    """The column that dates a row. None: a row is of the time at which its file was written."""
    score: str = "score"
    label: str | None = None
    chunk: Annotated[
        str,
        Meta(
            pattern=r"^(hour|day|week|month|quarter|size:[1-9]\d*|count:[1-9]\d*)$",
            description="a length of time, a number of rows, or a number of chunks",
            examples=["hour", "day", "week", "month", "quarter", "size:1000", "count:12"],
        ),
    ] = "day"
    least: Annotated[int, Meta(ge=1)] = 450
    """Fewer rows are no chunk: they are joined with the next, and get no verdict before there are enough."""
    columns: list[str] = []
    """The columns to compare; empty: all that reference and current data share."""
    ignore: list[str] = []
    slices: Annotated[list[str], Meta(max_length=8)] = []
    """Columns by whose values performance and score are watched apart."""
    season: Annotated[str, Meta(pattern=r"^(hour|weekday|month)$", examples=["hour", "weekday", "month"])] | None = None
    """Compare each chunk with the reference's rows of the same hour, weekday or month, where those are enough."""
    structure: bool = True
    """Watch how the columns hang together (reconstruction error)."""
    estimate: bool = True
    """Estimate the performance before labels come."""
    enabled: bool = True
    """When false, checks measure and store, and open no alert."""
    budget: Positive = 0.25
    """False alarms a week that are bearable; ``drift replay`` answers no when the settings promise more."""
    refresh: str | None = None
    """``REPO/PIPELINE`` of kind ``score`` that brings new rows and scores them; a check runs it first."""
    performance: PerformanceConfig | None = None
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    policy: PolicyConfig = field(default_factory=PolicyConfig)
    quality: QualityConfig = field(default_factory=QualityConfig)

    def __post_init__(self) -> None:
        if self.model is None:
            if self.reference == "evaluation":
                raise ValueError("needs a `model`, or a `reference` that rows without one are held against")
            of_models = {"label": self.label, "performance": self.performance, "refresh": self.refresh}
            for key, value in of_models.items():
                if value is not None:
                    raise ValueError(f"`{key}` is for a monitor of a `model`")
        if self.time is None and self.season is not None:
            raise ValueError("`season` needs a `time` column")

    @property
    def score_column(self) -> str:
        """The column of the model's scores; empty where there is no model, and a column of that name is one of many."""
        return "" if self.model is None else self.score

    @property
    def rung(self) -> Rung | None:
        """The rung that is watched, whichever version holds it; None where no model is."""
        return None if self.model is None else Rung.of(self.model)

    @property
    def watched(self) -> str:
        """The model that is watched, without its alias; empty where there is none."""
        return "" if self.rung is None else self.rung.model
