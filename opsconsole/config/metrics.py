"""Which metrics a task has: what is measured on held-out rows, and what can be compared row by row. One list for all.

Names are those of the literature in lower case; ``recall_CLASS`` stands for one of each class of a multiclass model.
"""

from __future__ import annotations

from opsconsole.ground.nouns import ModelTask

RECALL = "recall_"
"""Begins the recall of one class of a multiclass model; its name follows."""
MEASURED: dict[ModelTask, tuple[str, ...]] = {
    ModelTask.BINARY: ("auc", "average_precision", "brier", "log_loss", "accuracy", "f1", "ece"),
    ModelTask.MULTICLASS: ("accuracy", "f1_macro", "log_loss", "auc"),
    ModelTask.REGRESSION: ("mae", "mse", "rmse", "r2"),
    ModelTask.RANKING: (),
}
"""What a floor may be set on. Of a ranking nothing is measured yet."""
COMPARED: dict[ModelTask, tuple[str, ...]] = {
    ModelTask.BINARY: ("auc", "brier", "log_loss", "accuracy"),
    ModelTask.MULTICLASS: ("accuracy", "log_loss", "auc"),
    ModelTask.REGRESSION: ("mae", "mse"),
    ModelTask.RANKING: (),
}
"""What ``not_worse`` may compare: means over rows, and AUC by its placements."""
SMALLER_IS_BETTER = frozenset({"brier", "log_loss", "mae", "mse", "rmse", "ece"})
"""Metrics of which less is better."""
MAIN: dict[ModelTask, str] = {
    ModelTask.BINARY: "auc",
    ModelTask.MULTICLASS: "auc",
    ModelTask.REGRESSION: "rmse",
    ModelTask.RANKING: "",
}
"""The metric that stands beside a version where there is room for one."""


def fits(metric: str, task: ModelTask, known: dict[ModelTask, tuple[str, ...]]) -> bool:
    """Tell whether a task has a metric, in one of the two lists."""
    if task is ModelTask.MULTICLASS and metric.startswith(RECALL) and metric != RECALL:
        return True
    return metric in known[task]


def names(task: ModelTask, known: dict[ModelTask, tuple[str, ...]]) -> list[str]:
    """Return what could stand there, as it is written."""
    return [*known[task], *([f"{RECALL}CLASS"] if task is ModelTask.MULTICLASS else [])]
