"""How each metric that a monitor can watch is computed on labelled rows, with a 95 % interval; numpy only."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from opsconsole.config.metrics import MetricSpec, Use, spec_of
from opsconsole.core.errors import ConfigError
from opsconsole.core.nouns import ModelTask
from opsconsole.drift.performance.realised import binary, multiclass, regression
from opsconsole.drift.performance.realised.binary import accuracy, auc, average_precision, brier, calibration, log_loss
from opsconsole.drift.performance.realised.intervals import LEAST_CASES, LEAST_ROWS, Interval, Measured
from opsconsole.drift.performance.realised.multiclass import Probabilities, class_accuracy
from opsconsole.drift.performance.realised.regression import mae, mape, mse, quantile_loss, r2, rmse
from opsconsole.store.baselines import Realised

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "DEFAULT",
    "LEAST_CASES",
    "LEAST_ROWS",
    "METRICS",
    "Interval",
    "Metric",
    "Options",
    "Probabilities",
    "Rows",
    "accuracy",
    "auc",
    "average_precision",
    "brier",
    "calibration",
    "class_accuracy",
    "log_loss",
    "mae",
    "mape",
    "measure",
    "measure_all",
    "metric_of",
    "metrics_of",
    "mse",
    "quantile_loss",
    "r2",
    "rmse",
]


@dataclass(frozen=True)
class Options:
    """The options of metrics that have some."""

    threshold: float = 0.5
    """From which score on a binary model calls a row a case."""
    quantile: float = 0.5
    """The quantile that a regression predicts, for ``quantile_loss``."""

    def __post_init__(self) -> None:
        if not 0 < self.quantile < 1:
            raise ValueError(f"a quantile lies between 0 and 1, not at {self.quantile}")


DEFAULT = Options()


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows that all have a label and a score; the arrays run in parallel."""

    labels: NDArray[Any]
    scores: NDArray[Any]
    """Probabilities, numbers, or for a multiclass model the predicted classes as text."""
    options: Options = DEFAULT
    probabilities: Probabilities | None = None


@dataclass(frozen=True)
class Metric:
    """How a metric of a task is computed on production's rows."""

    spec: MetricSpec
    measure: Callable[[Rows], Measured]
    needs_probabilities: bool = False
    """Whether the predicted class alone is not enough."""
    counted: Callable[[NDArray[Any]], int] = len
    """How many of these labels the metric can use."""

    @property
    def name(self) -> str:
        """As the configuration writes it."""
        return self.spec.name

    @property
    def title(self) -> str:
        """As a sentence says it."""
        return self.spec.title

    @property
    def higher_is_better(self) -> bool:
        """Which way is good."""
        return not self.spec.smaller_is_better

    @property
    def bounded(self) -> bool:
        """Whether it is a share, or like one, that ends at 1."""
        return self.spec.bounded


def measure(
    metric: Metric,
    labels: NDArray[Any],
    scores: NDArray[Any],
    options: Options = DEFAULT,
    probabilities: Probabilities | None = None,
) -> Realised:
    """Compute a metric on rows that all have a label and a score; without the rows or what it needs there is no value.

    ``Realised.labels`` counts the rows that went into it: for ``mape`` those whose label is not 0. Numbers so large that
    their sum is none give no value either.
    """
    if not len(labels) or (metric.needs_probabilities and probabilities is None):
        return Realised(metric.name, None, None, None, len(labels))
    with np.errstate(over="ignore", invalid="ignore"):
        value, interval = metric.measure(Rows(labels, scores, options, probabilities))
    if value is None or not math.isfinite(value):
        value, interval = None, None
    low, high = interval or (None, None)
    return Realised(metric.name, value, low, high, int(metric.counted(labels)))


def measure_all(
    task: ModelTask,
    labels: NDArray[Any],
    scores: NDArray[Any],
    options: Options = DEFAULT,
    probabilities: Probabilities | None = None,
) -> dict[str, Realised]:
    """Compute every metric that fits the task and what is there of it, by name."""
    return {
        metric.name: measure(metric, labels, scores, options, probabilities)
        for metric in metrics_of(task)
        if probabilities is not None or not metric.needs_probabilities
    }


def metrics_of(task: ModelTask) -> tuple[Metric, ...]:
    """Return the metrics that fit a task."""
    return tuple(metric for metric in METRICS if metric.spec.task is task)


def metric_of(name: str, task: ModelTask, where: str) -> Metric:
    """Return a metric; ConfigError when it is unknown or not one of the task's."""
    fitting = {metric.name: metric for metric in metrics_of(task)}
    if name not in fitting:
        raise ConfigError(
            f"{where}: there is no metric `{name}` for a {task.value} model",
            hint=f"known: {', '.join(fitting) or 'none for this task'}",
        )
    return fitting[name]


def _plain(function: Callable[[NDArray[Any], NDArray[Any]], Measured]) -> Callable[[Rows], Measured]:
    return lambda rows: function(rows.labels, rows.scores)


def _at_threshold(function: Callable[[NDArray[Any], NDArray[Any], float], Measured]) -> Callable[[Rows], Measured]:
    return lambda rows: function(rows.labels, rows.scores, rows.options.threshold)


def _of_probabilities(function: Callable[[NDArray[Any], Probabilities], Measured]) -> Callable[[Rows], Measured]:
    def measured(rows: Rows) -> Measured:
        return (None, None) if rows.probabilities is None else function(rows.labels, rows.probabilities)

    return measured


def _metric(
    task: ModelTask,
    name: str,
    measured: Callable[[Rows], Measured],
    *,
    needs: bool = False,
    counted: Callable[[NDArray[Any]], int] = len,
) -> Metric:
    spec = spec_of(name, task)
    assert spec is not None
    assert Use.WATCHED in spec.uses
    return Metric(spec, measured, needs, counted)


def _of_numbers(task: ModelTask) -> tuple[Metric, ...]:
    return (
        _metric(task, "mae", _plain(mae)),
        _metric(task, "mse", _plain(mse)),
        _metric(task, "rmse", _plain(rmse)),
        _metric(task, "mape", _plain(mape), counted=np.count_nonzero),
        _metric(task, "quantile_loss", lambda rows: quantile_loss(rows.labels, rows.scores, rows.options.quantile)),
        _metric(task, "r2", _plain(regression.r2)),
    )


METRICS = (
    _metric(ModelTask.BINARY, "auc", _plain(auc)),
    _metric(ModelTask.BINARY, "average_precision", _plain(average_precision)),
    _metric(ModelTask.BINARY, "log_loss", _plain(log_loss)),
    _metric(ModelTask.BINARY, "brier", _plain(brier)),
    _metric(ModelTask.BINARY, "calibration", _plain(calibration)),
    _metric(ModelTask.BINARY, "accuracy", _at_threshold(accuracy)),
    _metric(ModelTask.BINARY, "f1", _at_threshold(binary.f1)),
    _metric(ModelTask.BINARY, "precision", _at_threshold(binary.precision)),
    _metric(ModelTask.BINARY, "recall", _at_threshold(binary.recall)),
    _metric(ModelTask.MULTICLASS, "accuracy", _plain(class_accuracy)),
    _metric(ModelTask.MULTICLASS, "f1_macro", _plain(multiclass.f1_macro)),
    _metric(ModelTask.MULTICLASS, "log_loss", _of_probabilities(multiclass.class_log_loss), needs=True),
    _metric(ModelTask.MULTICLASS, "auc", _of_probabilities(multiclass.auc_macro), needs=True),
    *_of_numbers(ModelTask.REGRESSION),
    *_of_numbers(ModelTask.RANKING),
)
