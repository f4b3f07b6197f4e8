"""Performance of a multiclass model without labels, from calibrated class probabilities (CBPE, as NannyML does)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from opsconsole.drift.performance.estimates.binary import Estimated, expected_auc, expected_rows, hanley_mcneil, widened
from opsconsole.drift.performance.estimates.calibrators import ClassCalibrators
from opsconsole.drift.performance.realised.binary import LEAST_CHANCE
from opsconsole.drift.performance.realised.intervals import LEAST_CASES, LEAST_ROWS, Measured, around, wilson
from opsconsole.drift.performance.realised.multiclass import Probabilities, places_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CLASS_ESTIMATES = ("accuracy", "f1_macro", "log_loss", "auc")
MOST_ROWS = 20_000
"""Rows from which the spread over variants of the calibrators is taken, at most."""


def estimate_classes(
    metric_name: str, calibrators: ClassCalibrators, probabilities: Probabilities, predicted: NDArray[Any] | None = None
) -> Estimated:
    """Estimate a multiclass metric from rows x classes probabilities; rows in which any is missing are left out.

    ``predicted`` are the classes that the model named, the likeliest where it is None. KeyError for a metric that is
    not in ``CLASS_ESTIMATES``.
    """
    if metric_name not in CLASS_ESTIMATES:
        raise KeyError(metric_name)
    there = np.isfinite(probabilities.values).all(axis=1)
    if not there.all():
        probabilities = Probabilities(probabilities.classes, probabilities.values[there])
        predicted = None if predicted is None else predicted[there]
    chances = calibrators.chances(probabilities)
    if not len(chances):
        return Estimated(metric_name, None, None, None, 0)
    estimated = estimate_from_chances(metric_name, chances, probabilities, predicted)
    step = -(-len(chances) // MOST_ROWS)
    some = Probabilities(probabilities.classes, probabilities.values[::step])
    called = None if predicted is None else predicted[::step]
    values = [
        estimate_from_chances(metric_name, one.chances(some), some, called).value for one in calibrators.variants()
    ]
    return widened(estimated, values, math.inf if metric_name == "log_loss" else 1.0)


def estimate_from_chances(
    metric_name: str, chances: Floats, probabilities: Probabilities, predicted: NDArray[Any] | None = None
) -> Estimated:
    """Estimate a multiclass metric where each row's chance of each class is known (rows x classes)."""
    if metric_name == "log_loss":
        value, interval = _log_loss(chances, probabilities)
    elif metric_name == "auc":
        value, interval = _auc(chances, probabilities)
    else:
        named = probabilities.predicted() if predicted is None else predicted
        places = places_of(named, probabilities.classes)
        value, interval = (_accuracy if metric_name == "accuracy" else _f1_macro)(chances, places)
    low, high = interval or (None, None)
    return Estimated(metric_name, value, low, high, len(chances))


def _accuracy(chances: Floats, places: NDArray[np.int64]) -> Measured:
    hits = float(_of_predicted(chances, places).sum())
    return hits / len(chances), wilson(hits, len(chances)) if len(chances) >= LEAST_ROWS else None


def _f1_macro(chances: Floats, places: NDArray[np.int64]) -> Measured:
    """Return the mean of the classes' expected F1, with the delta method of ``multiclass.f1_macro`` over drawn labels."""
    rows, classes = chances.shape
    known = places >= 0
    named = np.bincount(places[known], minlength=classes)
    hits = np.bincount(places[known], weights=_of_predicted(chances, places)[known], minlength=classes)
    involved = named + chances.sum(axis=0)
    wanted = involved > 0
    scores = np.divide(2 * hits, involved, out=np.zeros(classes), where=wanted)
    value = float(scores[wanted].mean())
    if rows < LEAST_ROWS:
        return value, None
    each = np.divide(1.0, involved, out=np.zeros(classes), where=wanted)
    of_called = np.where(known, (scores * each)[places], 0.0)
    moved = np.broadcast_to(-scores * each, chances.shape) - of_called[:, None]
    moved[np.flatnonzero(known), places[known]] += 2 * each[places[known]]
    moved *= rows / int(wanted.sum())
    variance = float((chances * moved**2).sum()) / rows - (float((chances * moved).sum()) / rows) ** 2
    return value, around(value, math.sqrt(max(variance, 0.0) / rows), least=0.0, most=1.0)


def _log_loss(chances: Floats, probabilities: Probabilities) -> Measured:
    losses = -np.log(np.clip(probabilities.values, LEAST_CHANCE, 1 - LEAST_CHANCE))
    rows = len(losses)
    value = float((chances * losses).sum()) / rows
    if rows < LEAST_ROWS:
        return value, None
    variance = float((chances * losses**2).sum()) / rows - value * value
    return value, around(value, math.sqrt(max(variance, 0.0) / (rows - 1)), least=0.0)


def _auc(chances: Floats, probabilities: Probabilities) -> Measured:
    """Return the mean of the classes' expected AUC; its error is the mean of theirs, the most that it can be."""
    rows, classes = chances.shape
    cases = chances.sum(axis=0)
    areas, errors = [], []
    for place in range(classes):
        area = expected_auc(expected_rows(probabilities.values[:, place], chances[:, place]))
        if area is None:
            return None, None
        areas.append(area)
        errors.append(hanley_mcneil(area, float(cases[place]), rows - float(cases[place])))
    value = float(np.mean(areas))
    fewest = float(min(cases.min(), rows - cases.max()))
    return value, around(value, float(np.mean(errors)), least=0.0, most=1.0) if fewest >= LEAST_CASES else None


def _of_predicted(chances: Floats, places: NDArray[np.int64]) -> Floats:
    """Return each row's chance that the class it was called is right; 0 for a class that the model does not know."""
    return np.where(places >= 0, chances[np.arange(len(places)), places], 0.0)
