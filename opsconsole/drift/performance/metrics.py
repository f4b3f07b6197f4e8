"""Realised performance on labelled rows, with a 95 % interval for each metric; numpy only."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from opsconsole.ground.errors import ConfigError
from opsconsole.ground.nouns import ModelTask
from opsconsole.ground.ranking import placements
from opsconsole.store.baselines import Realised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Z = 1.959963984540054
LEAST_CASES = 10
"""Positives, and negatives, below which no interval is given, and so no verdict."""
LEAST_ROWS = 30

Interval = tuple[float, float] | None
Measure = Callable[["NDArray[Any]", "NDArray[Any]"], tuple[float | None, Interval]]


@dataclass(frozen=True)
class Metric:
    """How a metric is computed, and which way is good."""

    name: str
    title: str
    higher_is_better: bool
    tasks: tuple[ModelTask, ...]
    measure: Measure


def measure(metric: Metric, labels: NDArray[Any], scores: NDArray[Any]) -> Realised:
    """Compute a metric on rows that all have a label and a score."""
    value, interval = metric.measure(labels, scores) if len(labels) else (None, None)
    low, high = interval or (None, None)
    return Realised(metric.name, value, low, high, len(labels))


def metric_of(name: str, task: ModelTask, where: str) -> Metric:
    """Return a metric; ConfigError when it is unknown or not one of the task's."""
    fitting = {metric.name: metric for metric in METRICS if task in metric.tasks}
    if name not in fitting:
        raise ConfigError(
            f"{where}: there is no metric `{name}` for a {task.value} model",
            hint=f"known: {', '.join(fitting) or 'none for this task'}",
        )
    return fitting[name]


def auc(labels: Floats, scores: Floats) -> tuple[float | None, Interval]:
    """Return the area under the ROC curve, with DeLong's interval (DeLong et al. 1988; midranks, Sun and Xu 2014)."""
    positive = labels > 0.5
    m = int(positive.sum())
    n = len(positive) - m
    if not m or not n:
        return None, None
    placed = placements(scores, positive)
    if min(m, n) < LEAST_CASES:
        return placed.auc, None
    error = math.sqrt(float(placed.of_cases.var(ddof=1)) / m + float(placed.of_controls.var(ddof=1)) / n)
    return placed.auc, (max(placed.auc - Z * error, 0.0), min(placed.auc + Z * error, 1.0))


def average_precision(labels: Floats, scores: Floats) -> tuple[float | None, Interval]:
    """Return average precision (as scikit-learn's), with the logit interval of Boyd, Eng and Page 2013."""
    positive = labels > 0.5
    cases = int(positive.sum())
    if not cases:
        return None, None
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last = np.append(ordered[1:] != ordered[:-1], np.True_)
    hits = np.cumsum(positive[order])[last]
    precision = hits / (np.flatnonzero(last) + 1)
    value = float(np.sum(np.diff(hits, prepend=0) * precision) / cases)
    if min(cases, len(labels) - cases) < LEAST_CASES or not 0 < value < 1:
        return value, None
    middle, error = math.log(value / (1 - value)), 1 / math.sqrt(cases * value * (1 - value))
    return value, (_logistic(middle - Z * error), _logistic(middle + Z * error))


def accuracy(labels: Floats, scores: Floats) -> tuple[float | None, Interval]:
    """Return the share of rows on the right side of .5, with Wilson's interval."""
    return _share_right((scores >= 0.5) == (labels > 0.5), _enough(labels))


def class_accuracy(labels: NDArray[Any], predicted: NDArray[Any]) -> tuple[float | None, Interval]:
    """Return the share of rows whose predicted class is right, with Wilson's interval."""
    right = labels.astype(str) == predicted.astype(str)
    return _share_right(right, len(right) >= LEAST_ROWS)


def log_loss(labels: Floats, scores: Floats) -> tuple[float | None, Interval]:
    """Return the mean of -log p of what happened; scores are probabilities, kept off 0 and 1 as scikit-learn does."""
    chance = np.clip(scores, 2.220446049250313e-16, 1 - 2.220446049250313e-16)
    return _mean_of(-np.log(np.where(labels > 0.5, chance, 1 - chance)), enough=_enough(labels))


def brier(labels: Floats, scores: Floats) -> tuple[float | None, Interval]:
    """Return the mean squared difference of probability and outcome."""
    return _mean_of((scores - labels) ** 2, enough=_enough(labels))


def mae(labels: Floats, scores: Floats) -> tuple[float | None, Interval]:
    """Return the mean absolute error."""
    return _mean_of(np.abs(scores - labels), enough=len(labels) >= LEAST_ROWS)


def mse(labels: Floats, scores: Floats) -> tuple[float | None, Interval]:
    """Return the mean squared error."""
    return _mean_of((scores - labels) ** 2, enough=len(labels) >= LEAST_ROWS)


def rmse(labels: Floats, scores: Floats) -> tuple[float | None, Interval]:
    """Return the root of the mean squared error; its interval is the root of that one's."""
    value, interval = mse(labels, scores)
    root = None if value is None else math.sqrt(value)
    return root, None if interval is None else (math.sqrt(max(interval[0], 0.0)), math.sqrt(interval[1]))


def r2(labels: Floats, scores: Floats) -> tuple[float | None, Interval]:
    """Return the coefficient of determination; its interval by the delta method for a ratio of two means."""
    errors, spread = (labels - scores) ** 2, (labels - labels.mean()) ** 2
    whole = float(spread.mean())
    if whole == 0:
        return None, None
    ratio = float(errors.mean()) / whole
    if len(labels) < LEAST_ROWS:
        return 1 - ratio, None
    error = float((errors - ratio * spread).std(ddof=1)) / whole / math.sqrt(len(labels))
    return 1 - ratio, (1 - ratio - Z * error, min(1 - ratio + Z * error, 1.0))


def _enough(labels: Floats) -> bool:
    cases = int((labels > 0.5).sum())
    return min(cases, len(labels) - cases) >= LEAST_CASES


def _share_right(right: NDArray[np.bool_], enough: bool) -> tuple[float, Interval]:  # noqa: FBT001 - one caller's fact
    n, value = len(right), float(right.mean())
    if not enough:
        return value, None
    middle = (value + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(value * (1 - value) / n + Z * Z / (4 * n * n))
    return value, (max(middle - half, 0.0), min(middle + half, 1.0))


def _mean_of(losses: Floats, *, enough: bool) -> tuple[float, Interval]:
    value = float(losses.mean())
    if not enough:
        return value, None
    error = float(losses.std(ddof=1)) / math.sqrt(len(losses))
    return value, (max(value - Z * error, 0.0), value + Z * error)


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))


_BINARY, _REGRESSION = (ModelTask.BINARY,), (ModelTask.REGRESSION, ModelTask.RANKING)
METRICS = (
    Metric("auc", "AUC", higher_is_better=True, tasks=_BINARY, measure=auc),
    Metric("average_precision", "Average precision", higher_is_better=True, tasks=_BINARY, measure=average_precision),
    Metric("log_loss", "Log-loss", higher_is_better=False, tasks=_BINARY, measure=log_loss),
    Metric("brier", "Brier", higher_is_better=False, tasks=_BINARY, measure=brier),
    Metric("accuracy", "Accuracy", higher_is_better=True, tasks=_BINARY, measure=accuracy),
    Metric("accuracy", "Accuracy", higher_is_better=True, tasks=(ModelTask.MULTICLASS,), measure=class_accuracy),
    Metric("mae", "MAE", higher_is_better=False, tasks=_REGRESSION, measure=mae),
    Metric("mse", "MSE", higher_is_better=False, tasks=_REGRESSION, measure=mse),
    Metric("rmse", "RMSE", higher_is_better=False, tasks=_REGRESSION, measure=rmse),
    Metric("r2", "R²", higher_is_better=True, tasks=_REGRESSION, measure=r2),
)
