"""The standard metrics of a task on held-out rows, from scikit-learn, and the points that the console draws."""

from __future__ import annotations

from typing import Any

import numpy as np

from opsconsole.config.metrics import RECALL
from opsconsole.core.nouns import ModelTask
from opsconsole.core.ranking import placements
from opsconsole.registry.evidence.scored import Scored
from opsconsole.registry.evidence.statistics import Scores

PLOT_POINTS = 41
LEAST = 1e-15
"""Probabilities are kept from 0 and 1 by so much, or one wrong row made log-loss infinite."""


def metrics(task: ModelTask, scored: Scored) -> dict[str, float]:
    """Return a task's metrics; those that its rows do not define (an AUC of one class) are left out."""
    if not scored.row_ids:
        return {}
    if task is ModelTask.BINARY:
        return _binary(scored)
    if task is ModelTask.MULTICLASS:
        return _multiclass(scored)
    return _regression(scored) if task is ModelTask.REGRESSION else {}


def _binary(scored: Scored) -> dict[str, float]:
    from sklearn import metrics as measure

    labels, scores = scored.labels, scored.scores
    measured = {
        "brier": float(np.mean((scores - labels) ** 2)),
        "log_loss": float(measure.log_loss(labels, np.clip(scores, LEAST, 1 - LEAST), labels=[0.0, 1.0])),
        "accuracy": float(np.mean(scored.called == labels)),
        "f1": float(measure.f1_score(labels, scored.called, zero_division=0.0)),
        "ece": calibration_error(labels, scores),
    }
    if len(np.unique(labels)) == 2:
        measured["auc"] = float(measure.roc_auc_score(labels, scores))
        measured["average_precision"] = float(measure.average_precision_score(labels, scores))
    return measured


def _multiclass(scored: Scored) -> dict[str, float]:
    """Accuracy, macro F1, recall of each class; of probabilities log-loss and the mean AUC of each class against the rest."""
    from sklearn import metrics as measure

    assert scored.called is not None
    places = scored.labels.astype(np.int64)
    everyone = np.arange(len(scored.classes))
    present = np.unique(places)
    recalls = measure.recall_score(places, scored.called, labels=everyone, average=None, zero_division=0.0)
    measured = {
        "accuracy": float(np.mean(scored.called == places)),
        "f1_macro": float(
            measure.f1_score(
                places, scored.called, labels=np.union1d(present, scored.called), average="macro", zero_division=0.0
            )
        ),
        **{f"{RECALL}{scored.classes[place]}": float(recalls[place]) for place in present},
    }
    if scored.certain:
        return measured
    own = np.clip(scored.scores[np.arange(len(places)), places], LEAST, 1.0)
    measured["log_loss"] = float(-np.log(own).mean())
    if len(present) == len(scored.classes):
        aucs = [placements(scored.scores[:, place], places == place).auc for place in everyone]
        measured["auc"] = float(np.mean(aucs))
    return measured


def _regression(scored: Scored) -> dict[str, float]:
    from sklearn import metrics as measure

    labels, scores = scored.labels, scored.scores
    measured = {
        "mae": float(measure.mean_absolute_error(labels, scores)),
        "mse": float(measure.mean_squared_error(labels, scores)),
        "rmse": float(measure.root_mean_squared_error(labels, scores)),
    }
    if len(labels) > 1:
        measured["r2"] = float(measure.r2_score(labels, scores))
    return measured


def plots(task: ModelTask, scored: Scored) -> dict[str, Any]:
    """Return the points that the console draws: ROC and calibration of a binary model."""
    if task is not ModelTask.BINARY or len(np.unique(scored.labels)) != 2:
        return {}
    from sklearn.calibration import calibration_curve
    from sklearn.metrics import roc_curve

    false, true, _ = roc_curve(scored.labels, scored.scores)
    grid = np.linspace(0.0, 1.0, PLOT_POINTS)
    share, mean = calibration_curve(scored.labels, scored.scores, n_bins=10)
    return {
        "roc": np.round(np.column_stack([grid, np.interp(grid, false, true)]), 4).tolist(),
        "calibration": np.round(np.column_stack([mean, share]), 4).tolist(),
    }


def calibration_error(labels: Scores, scores: Scores, bins: int = 10) -> float:
    """Return the expected calibration error over equal-width bins (Naeini et al. 2015)."""
    cells = np.minimum((scores * bins).astype(int), bins - 1)
    gaps = np.bincount(cells, weights=scores - labels, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))
