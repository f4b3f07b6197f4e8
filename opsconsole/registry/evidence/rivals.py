"""Champion and challenger on one set of rows: the metric of both, and which predictions differ."""

from __future__ import annotations

import math

import numpy as np

from opsconsole.config.metrics import RECALL, Use, names
from opsconsole.core.errors import UsageError
from opsconsole.core.nouns import ModelTask
from opsconsole.registry.evidence.scored import Scored
from opsconsole.registry.evidence.statistics import (
    LEAST,
    LEAST_CASES,
    LEAST_ROWS,
    Difference,
    Scores,
    auc_difference,
    class_auc_difference,
    mean_loss_difference,
    row_losses,
    rows_for,
)
from opsconsole.store.judgements import Changes


def compare_scores(task: ModelTask, metric: str, champion: Scored, challenger: Scored) -> Difference | None:
    """Compare the two in one metric; None while the rows are too few. UsageError for what cannot be compared by rows."""
    if champion.classes != challenger.classes:
        raise UsageError("the two were scored over other classes", hint="score both over the same classes")
    if metric == "auc" and task is ModelTask.BINARY:
        return auc_difference(challenger.labels, champion.scores, challenger.scores)
    if metric == "auc" and task is ModelTask.MULTICLASS and not (champion.certain or challenger.certain):
        return class_auc_difference(challenger.labels, champion.scores, challenger.scores)
    first, second = _losses(task, metric, champion), _losses(task, metric, challenger)
    if first is None or second is None:
        raise UsageError(
            f"gates: not_worse: metric {metric!r} cannot be compared row by row",
            hint=f"of a {task} model: {', '.join(names(task, Use.COMPARED)) or 'none'}",
        )
    chosen = _rows_of(metric, challenger)
    return mean_loss_difference(
        first[0][chosen], second[0][chosen], gain=first[1], worst=_worst(metric, champion, challenger)
    )


def rows_that_would_decide(metric: str, margin: float, champion: Scored, challenger: Scored) -> int:
    """Return how many rows would do where there are too few to compare at all; 0: unknown."""
    rows = len(challenger.row_ids)
    if not rows:
        return 0
    if metric == "auc":
        counts = np.bincount(challenger.labels.astype(np.int64), minlength=max(len(challenger.classes), 2))
        return rows_for(margin, 1.0, rows, LEAST_CASES, int(counts.min()))
    chosen = int(_rows_of(metric, challenger).sum())
    return rows_for(margin, _worst(metric, champion, challenger), rows, LEAST_ROWS, chosen)


def changes(champion: Scored, challenger: Scored) -> Changes | None:
    """Count the predictions that change sides, and whether they turn right or wrong; None where there are no two sides."""
    if len(challenger.classes) != 2 or challenger.scores.ndim != 1:
        return None
    assert challenger.called is not None
    assert champion.called is not None
    moved = challenger.called != champion.called
    right = int((moved & (challenger.called == challenger.labels)).sum())
    total = int(moved.sum())
    return Changes(rows=len(challenger.row_ids), changed=total, to_right=right, to_wrong=total - right)


def same_scores(one: Scored, other: Scored) -> bool:
    """Tell whether two scored the same rows alike to the last bit."""
    return one.row_ids == other.row_ids and np.array_equal(one.scores, other.scores)


def _losses(task: ModelTask, metric: str, scored: Scored) -> tuple[Scores, bool] | None:
    if task is not ModelTask.MULTICLASS:
        return row_losses(metric, scored.labels, scored.scores)
    if metric == "accuracy" or metric.startswith(RECALL):
        assert scored.called is not None
        return (scored.called == scored.labels).astype(np.float64), True
    if metric == "log_loss" and not scored.certain:
        own = scored.scores[np.arange(len(scored.labels)), scored.labels.astype(np.int64)]
        return -np.log(np.clip(own, LEAST, 1.0)), False
    return None


def _rows_of(metric: str, scored: Scored) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return the rows that a metric is over: all, or those of one class."""
    if not metric.startswith(RECALL):
        return np.ones(len(scored.row_ids), dtype=bool)
    name = metric.removeprefix(RECALL)
    if name not in scored.classes:
        return np.zeros(len(scored.row_ids), dtype=bool)
    return np.asarray(scored.labels == scored.classes.index(name))


def _worst(metric: str, champion: Scored, challenger: Scored) -> float:
    """Return the most that one row can lose in a metric; of numbers, over the range that was seen."""
    if metric == "log_loss":
        return -math.log(LEAST)
    if metric not in {"mae", "mse"}:
        return 1.0
    seen = np.concatenate([challenger.labels, challenger.scores, champion.scores])
    spread = float(np.ptp(seen)) if len(seen) else 0.0
    return spread if metric == "mae" else spread**2
