"""Realised metrics of a binary model: labels 0 and 1, scores that are probabilities of 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from opsconsole.core.ranking import delong_interval, placements
from opsconsole.drift.performance.realised.intervals import (
    LEAST_CASES,
    Interval,
    Measured,
    enough,
    logit,
    mean,
    share,
    wilson_f1,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CALIBRATION_BINS = 10
LEAST_CHANCE = 2.220446049250313e-16
_DRAWS, _SEED = 500, 20190101


def auc(labels: Floats, scores: Floats) -> Measured:
    """Return the area under the ROC curve, with DeLong's interval (DeLong et al. 1988; midranks, Sun and Xu 2014)."""
    positive = labels > 0.5
    m = int(positive.sum())
    n = len(positive) - m
    if not m or not n:
        return None, None
    if min(m, n) < LEAST_CASES:
        return placements(scores, positive).auc, None
    value, low, high = delong_interval(positive, scores)
    return value, (low, high)


def average_precision(labels: Floats, scores: Floats) -> Measured:
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
    return value, logit(value, cases) if min(cases, len(labels) - cases) >= LEAST_CASES else None


def accuracy(labels: Floats, scores: Floats, threshold: float = 0.5) -> Measured:
    """Return the share of rows on the right side of the threshold, with Wilson's interval."""
    return share((scores >= threshold) == (labels > 0.5), enough=enough(labels))


def precision(labels: Floats, scores: Floats, threshold: float = 0.5) -> Measured:
    """Return the share of cases among the rows called so, with Wilson's interval; None where none is called so."""
    called = scores >= threshold
    if not called.any():
        return None, None
    hits = labels[called] > 0.5
    return share(hits, enough=enough(labels) and len(hits) >= LEAST_CASES)


def recall(labels: Floats, scores: Floats, threshold: float = 0.5) -> Measured:
    """Return the share of the cases that are called so, with Wilson's interval; None where there are no cases."""
    positive = labels > 0.5
    if not positive.any():
        return None, None
    return share(scores[positive] >= threshold, enough=enough(labels))


def f1(labels: Floats, scores: Floats, threshold: float = 0.5) -> Measured:
    """Return the harmonic mean of precision and recall, with ``wilson_f1``'s interval."""
    called, positive = scores >= threshold, labels > 0.5
    hits, misses = int((called & positive).sum()), int((called != positive).sum())
    if not hits + misses:
        return None, None
    return 2 * hits / (2 * hits + misses), wilson_f1(hits, misses) if enough(labels) else None


def log_loss(labels: Floats, scores: Floats) -> Measured:
    """Return the mean of -log p of what happened; scores are probabilities, kept off 0 and 1 as scikit-learn does."""
    chance = np.clip(scores, LEAST_CHANCE, 1 - LEAST_CHANCE)
    return mean(-np.log(np.where(labels > 0.5, chance, 1 - chance)), enough=enough(labels))


def brier(labels: Floats, scores: Floats) -> Measured:
    """Return the mean squared difference of probability and outcome."""
    return mean((scores - labels) ** 2, enough=enough(labels))


def calibration(labels: Floats, scores: Floats) -> Measured:
    """Return the expected calibration error: the mean distance of score and share of cases over ten bins.

    The bins hold equally many rows and are scikit-learn's (``calibration_curve`` with ``strategy="quantile"``).
    The error is never 0, not even of a perfectly calibrated model, and resampling adds to it once more. So the
    interval comes from a seeded binomial bootstrap of the bins, reflected at the value, and reaches down to 0 where
    calibrated bins would show as much by chance (the consistency test of Bröcker and Smith 2007).
    """
    rows, expected, cases = calibration_bins(labels > 0.5, scores)
    weights = rows / rows.sum()
    value = float(weights @ np.abs(expected - cases / rows))
    if not enough(labels):
        return value, None
    return value, _calibration_interval(value, rows, expected, cases / rows)


def calibration_bins(
    outcomes: NDArray[np.generic], scores: Floats, counts: NDArray[np.int64] | None = None
) -> tuple[Floats, Floats, Floats]:
    """Return each equal-mass bin's rows, mean score and sum of outcomes; empty bins (of equal scores) are left out.

    With ``counts`` a score stands for so many rows.
    """
    weights = np.ones(len(scores)) if counts is None else counts.astype(np.float64)
    shares = np.linspace(0, 1, CALIBRATION_BINS + 1)
    if counts is None:
        edges = np.percentile(scores, shares[1:-1] * 100)
    else:
        order = np.argsort(scores, kind="stable")
        edges = scores[order][np.searchsorted(np.cumsum(weights[order]), shares[1:-1] * weights.sum())]
    of_row = np.searchsorted(edges, scores)
    rows = np.bincount(of_row, weights=weights, minlength=CALIBRATION_BINS).astype(np.float64)
    there = rows > 0
    sums = np.bincount(of_row, weights=weights * scores, minlength=CALIBRATION_BINS)
    cases = np.bincount(of_row, weights=weights * outcomes.astype(np.float64), minlength=CALIBRATION_BINS).astype(
        np.float64
    )
    return rows[there], sums[there] / rows[there], cases[there]


def _calibration_interval(value: float, rows: Floats, expected: Floats, seen: Floats) -> Interval:
    random = np.random.default_rng(_SEED)
    weights, trials = rows / rows.sum(), rows.astype(np.int64)

    def errors(chance: Floats) -> Floats:
        drawn = random.binomial(trials, np.clip(chance, 0.0, 1.0), size=(_DRAWS, len(trials))) / rows
        distances: Floats = np.abs(expected - drawn) @ weights
        return distances

    lower, upper = np.quantile(errors(seen), [0.025, 0.975])
    by_chance = float(np.quantile(errors(expected), 0.975))
    low = 0.0 if value <= by_chance else max(2 * value - float(upper), 0.0)
    return min(low, value), max(2 * value - float(lower), value)
