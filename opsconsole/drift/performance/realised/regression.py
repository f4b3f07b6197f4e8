"""Realised metrics of a regression (or ranking) model: labels and scores are numbers of one unit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from opsconsole.core.normal import Z
from opsconsole.drift.performance.realised.intervals import LEAST_ROWS, Measured, mean, root

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def mae(labels: Floats, scores: Floats) -> Measured:
    """Return the mean absolute error."""
    return mean(np.abs(scores - labels), enough=len(labels) >= LEAST_ROWS)


def mse(labels: Floats, scores: Floats) -> Measured:
    """Return the mean squared error."""
    return mean((scores - labels) ** 2, enough=len(labels) >= LEAST_ROWS)


def rmse(labels: Floats, scores: Floats) -> Measured:
    """Return the root of the mean squared error; its interval is the root of that one's."""
    return root(mse(labels, scores))


def mape(labels: Floats, scores: Floats) -> Measured:
    """Return the mean of the error's share of the label, as a fraction; rows whose label is 0 have none."""
    there = labels != 0
    if not there.any():
        return None, None
    return mean(np.abs((scores[there] - labels[there]) / labels[there]), enough=int(there.sum()) >= LEAST_ROWS)


def quantile_loss(labels: Floats, scores: Floats, quantile: float = 0.5) -> Measured:
    """Return the mean pinball loss of a predicted quantile (Koenker and Bassett 1978)."""
    return mean(pinball(labels, scores, quantile), enough=len(labels) >= LEAST_ROWS)


def pinball(labels: Floats, scores: Floats, quantile: float) -> Floats:
    """Return each row's pinball loss: ``quantile`` for a unit too low, ``1 - quantile`` for one too high."""
    short = labels - scores
    losses: Floats = np.maximum(quantile * short, (quantile - 1) * short)
    return losses


def r2(labels: Floats, scores: Floats) -> Measured:
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
