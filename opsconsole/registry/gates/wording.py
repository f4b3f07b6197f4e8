"""How the gates word what several of them say."""

from __future__ import annotations

_METRICS = {
    "auc": "AUC",
    "brier": "Brier",
    "ece": "ECE",
    "mae": "MAE",
    "mse": "MSE",
    "rmse": "RMSE",
    "r2": "R²",
    "f1": "F1",
}


def metric_name(metric: str) -> str:
    """Return a metric's name as it is written in prose."""
    return _METRICS.get(metric, metric.replace("_", " "))
