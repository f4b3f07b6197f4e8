"""Which metrics there are and how well a model did on labelled rows, with a 95 % interval for each; numpy only."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from opsconsole.drift.performance import binary, multiclass, regression
from opsconsole.drift.performance.binary import accuracy, auc, average_precision, brier, calibration, log_loss
from opsconsole.drift.performance.intervals import LEAST_CASES, LEAST_ROWS, Interval, Measured
from opsconsole.drift.performance.multiclass import Probabilities, class_accuracy
from opsconsole.drift.performance.regression import mae, mape, mse, quantile_loss, r2, rmse
from opsconsole.ground.errors import ConfigError
from opsconsole.ground.nouns import ModelTask
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
    """What some metrics need to be told."""

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
    """How a metric is computed, and which way is good."""

    name: str
    title: str
    higher_is_better: bool
    tasks: tuple[ModelTask, ...]
    measure: Callable[[Rows], Measured]
    bounded: bool
    """Whether it is a share, or like one (R²), that ends at 1; if not, it is a loss in a unit of its own."""
    needs_probabilities: bool = False
    """Whether the predicted class alone is not enough."""
    counted: Callable[[NDArray[Any]], int] = len
    """How many of these labels the metric can use."""


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
    return tuple(metric for metric in METRICS if task in metric.tasks)


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


def _binary(name: str, title: str, measured: Callable[[Rows], Measured], *, less: bool = False) -> Metric:
    return Metric(name, title, not less, (ModelTask.BINARY,), measured, bounded=name not in {"log_loss", "brier"})


def _regression(name: str, title: str, measured: Callable[[Rows], Measured]) -> Metric:
    tasks = (ModelTask.REGRESSION, ModelTask.RANKING)
    counted: Callable[[NDArray[Any]], int] = np.count_nonzero if name == "mape" else len
    return Metric(name, title, name == "r2", tasks, measured, bounded=name == "r2", counted=counted)


def _multiclass(name: str, title: str, measured: Callable[[Rows], Measured], *, needs: bool = False) -> Metric:
    loss = name == "log_loss"
    return Metric(name, title, not loss, (ModelTask.MULTICLASS,), measured, not loss, needs_probabilities=needs)


METRICS = (
    _binary("auc", "AUC", _plain(auc)),
    _binary("average_precision", "Average precision", _plain(average_precision)),
    _binary("log_loss", "Log-loss", _plain(log_loss), less=True),
    _binary("brier", "Brier", _plain(brier), less=True),
    _binary("calibration", "Calibration error", _plain(calibration), less=True),
    _binary("accuracy", "Accuracy", _at_threshold(accuracy)),
    _binary("f1", "F1", _at_threshold(binary.f1)),
    _binary("precision", "Precision", _at_threshold(binary.precision)),
    _binary("recall", "Recall", _at_threshold(binary.recall)),
    _multiclass("accuracy", "Accuracy", _plain(class_accuracy)),
    _multiclass("f1_macro", "Macro F1", _plain(multiclass.f1_macro)),
    _multiclass("log_loss", "Log-loss", _of_probabilities(multiclass.class_log_loss), needs=True),
    _multiclass("auc", "Macro AUC", _of_probabilities(multiclass.auc_macro), needs=True),
    _regression("mae", "MAE", _plain(mae)),
    _regression("mse", "MSE", _plain(mse)),
    _regression("rmse", "RMSE", _plain(rmse)),
    _regression("mape", "MAPE", _plain(mape)),
    _regression(
        "quantile_loss", "Pinball loss", lambda rows: quantile_loss(rows.labels, rows.scores, rows.options.quantile)
    ),
    _regression("r2", "R²", _plain(regression.r2)),
)
