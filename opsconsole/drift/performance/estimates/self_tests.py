"""Testing an estimate on the reference: made from one half, compared with the other half's labels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from opsconsole.drift.performance.estimates.binary import Estimated, estimate_expected, expected_rows
from opsconsole.drift.performance.estimates.calibrators import choose_calibrator, cross_fitted
from opsconsole.drift.performance.estimates.loss_model import LossModel
from opsconsole.drift.performance.estimates.multiclass import estimate_from_chances
from opsconsole.drift.performance.estimates.trust import BackTest, Compared
from opsconsole.drift.performance.realised.intervals import Measured, around, root
from opsconsole.drift.performance.realised.metrics import DEFAULT, Options, Probabilities, measure
from opsconsole.drift.performance.realised.multiclass import places_of
from opsconsole.store.baselines import Realised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

REFERENCE = "reference"


def self_test(back_test: BackTest, scores: Floats, labels: Floats, options: Options = DEFAULT) -> Compared:
    """Test a binary estimate: each half's chances by knots fitted to the other, then estimate and labels of all rows.

    ``scores`` and ``labels`` are those the calibrator is fitted to.
    """
    metric = back_test.metric
    chances = cross_fitted(scores, labels, folds=2, fit=choose_calibrator)
    estimated = estimate_expected(metric.name, expected_rows(scores, chances), options)
    return back_test.compare(REFERENCE, estimated, measure(metric, labels, scores, options), 1.0)


def self_test_classes(
    back_test: BackTest, probabilities: Probabilities, labels: NDArray[Any], predicted: NDArray[Any] | None = None
) -> Compared:
    """Test a multiclass estimate in the same way, each class against the rest."""
    places = places_of(labels, probabilities.classes)
    raw = np.column_stack(
        [
            cross_fitted(
                probabilities.values[:, place], (places == place).astype(float), folds=2, fit=choose_calibrator
            )
            for place in range(len(probabilities.classes))
        ]
    )
    raw = np.where(raw.sum(axis=1, keepdims=True) > 0, raw, probabilities.values)
    chances = raw / raw.sum(axis=1, keepdims=True)
    named = probabilities.predicted() if predicted is None else predicted
    estimated = estimate_from_chances(back_test.metric.name, chances, probabilities, named)
    return back_test.compare(
        REFERENCE, estimated, measure(back_test.metric, labels, named, probabilities=probabilities), 1.0
    )


def self_test_loss(back_test: BackTest, model: LossModel) -> Compared:
    """Test a regression estimate by the check that the loss model brought with it."""
    name, rows = back_test.metric.name, model.checked_rows
    error = model.expected * model.noise / math.sqrt(rows)
    value, interval = _of(name, model.expected, error)
    seen, around_seen = _of(name, model.seen, model.seen_error)
    low, high = interval or (None, None)
    estimated = Estimated(name, value, low, high, rows)
    low, high = around_seen or (None, None)
    return back_test.compare(REFERENCE, estimated, Realised(name, seen, low, high, rows), 1.0)


def _of(name: str, value: float, error: float) -> Measured:
    measured: Measured = (value, around(value, error, least=0.0))
    return root(measured) if name == "rmse" else measured
