"""The metrics, declared once for each task that has them: what they are called, which way is good, where they are used.

Names are those of the literature in lower case; ``recall_CLASS`` stands for one of each class of a multiclass model.
How each is computed stands with those who compute it: on held-out rows, row by row, on production's rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto

from opsconsole.core import text
from opsconsole.core.nouns import ModelTask

RECALL = "recall_"
"""Begins the recall of one class of a multiclass model; its name follows."""


class Use(Flag):
    """Where a metric is used."""

    MEASURED = auto()
    """On held-out rows; a floor may be set on it."""
    COMPARED = auto()
    """By ``not_worse``, row by row: means over rows, and AUC by its placements."""
    WATCHED = auto()
    """By a monitor, on production's rows."""


@dataclass(frozen=True)
class MetricSpec:
    """One metric of one task."""

    name: str
    task: ModelTask
    title: str
    """As a sentence says it."""
    short: str
    """As it stands where there is little room."""
    uses: Use
    smaller_is_better: bool = False
    bounded: bool = True
    """Whether it is a share, or like one (R²), that ends at 1; if not, it is a loss in a unit of its own."""


_M, _C, _W = Use.MEASURED, Use.COMPARED, Use.WATCHED
_BINARY, _CLASSES, _NUMBERS, _ORDER = (
    ModelTask.BINARY,
    ModelTask.MULTICLASS,
    ModelTask.REGRESSION,
    ModelTask.RANKING,
)


def _loss(name: str, task: ModelTask, title: str, short: str, uses: Use, *, bounded: bool = False) -> MetricSpec:
    return MetricSpec(name, task, title, short, uses, smaller_is_better=True, bounded=bounded)


def _of_numbers(task: ModelTask, measured: Use, compared: Use) -> tuple[MetricSpec, ...]:
    """Return the metrics of numbers; of a ranking nothing is measured yet, its monitor's scores are held as numbers."""
    return (
        _loss("mae", task, "MAE", "MAE", measured | compared | _W),
        _loss("mse", task, "MSE", "MSE", measured | compared | _W),
        _loss("rmse", task, "RMSE", "RMSE", measured | _W),
        _loss("mape", task, "MAPE", "MAPE", _W),
        _loss("quantile_loss", task, "Pinball loss", "pinball", _W),
        MetricSpec("r2", task, "R²", "R²", measured | _W),
    )


METRICS: tuple[MetricSpec, ...] = (
    MetricSpec("auc", _BINARY, "AUC", "AUC", _M | _C | _W),
    MetricSpec("average_precision", _BINARY, "Average precision", "AP", _M | _W),
    _loss("brier", _BINARY, "Brier", "Brier", _M | _C | _W),
    _loss("log_loss", _BINARY, "Log-loss", "log-loss", _M | _C | _W),
    MetricSpec("accuracy", _BINARY, "Accuracy", "accuracy", _M | _C | _W),
    MetricSpec("f1", _BINARY, "F1", "F1", _M | _W),
    _loss("ece", _BINARY, "Expected calibration error", "ECE", _M, bounded=True),
    _loss("calibration", _BINARY, "Calibration error", "calibration error", _W, bounded=True),
    MetricSpec("precision", _BINARY, "Precision", "precision", _W),
    MetricSpec("recall", _BINARY, "Recall", "recall", _W),
    MetricSpec("accuracy", _CLASSES, "Accuracy", "accuracy", _M | _C | _W),
    MetricSpec("f1_macro", _CLASSES, "Macro F1", "macro F1", _M | _W),
    _loss("log_loss", _CLASSES, "Log-loss", "log-loss", _M | _C | _W),
    MetricSpec("auc", _CLASSES, "Macro AUC", "AUC", _M | _C | _W),
    *_of_numbers(_NUMBERS, _M, _C),
    *_of_numbers(_ORDER, Use(0), Use(0)),
)
"""One list for all."""
_BY_NAME: dict[str, MetricSpec] = {spec.name: spec for spec in METRICS}
_SHOWN: dict[ModelTask, tuple[str, ...]] = {
    _BINARY: ("auc", "brier", "ece"),
    _CLASSES: ("auc", "accuracy", "log_loss"),
    _NUMBERS: ("rmse", "mae", "r2"),
    _ORDER: (),
}
"""What stands beside a version, the metric that it is judged by where nothing else is configured first."""


def spec_of(name: str, task: ModelTask) -> MetricSpec | None:
    """Return a metric of a task; None when the task has none of that name."""
    return next((spec for spec in METRICS if spec.task is task and spec.name == name), None)


def used(task: ModelTask, use: Use) -> tuple[MetricSpec, ...]:
    """Return the metrics of a task that are used somewhere, in the order of the list."""
    return tuple(spec for spec in METRICS if spec.task is task and use in spec.uses)


def names(task: ModelTask, use: Use) -> list[str]:
    """Return what could stand in the configuration, as it is written."""
    return [*(spec.name for spec in used(task, use)), *([f"{RECALL}CLASS"] if task is _CLASSES else [])]


def fits(name: str, task: ModelTask, use: Use) -> bool:
    """Tell whether a metric of that name can be used so for a task."""
    if task is _CLASSES and name.startswith(RECALL) and name != RECALL:
        return True
    return any(spec.name == name for spec in used(task, use))


def main(task: ModelTask) -> str | None:
    """Return the metric that stands beside a version where there is room for one; None of a ranking."""
    return next(iter(_SHOWN[task]), None)


def shown(task: ModelTask, *, but: str | None) -> tuple[MetricSpec, ...]:
    """Return the two metrics that stand beside that one in a list of versions."""
    specs = (spec_of(name, task) for name in _SHOWN[task] if name != but)
    return tuple(spec for spec in specs if spec is not None)[:2]


def short(name: str | None) -> str:
    """Return how one says a metric, in little room: ``AUC`` for ``auc``; one that nobody declared by its own name."""
    spec = _BY_NAME.get(name or "")
    if spec is None and name is not None and name.startswith(RECALL):
        return f"recall {text.clean(name.removeprefix(RECALL))}"
    return spec.short if spec is not None else text.clean(name or "")


def smaller_is_better(name: str) -> bool:
    """Tell whether less of a metric is better; of one that nobody declared more is."""
    spec = _BY_NAME.get(name)
    return spec is not None and spec.smaller_is_better
