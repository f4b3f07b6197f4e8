"""What an estimate needs of a reference, fitted once: calibrators for a classifier, a loss model for a regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from opsconsole.core.nouns import ModelTask
from opsconsole.drift.performance.estimates.binary import ESTIMATES, Estimated, estimate
from opsconsole.drift.performance.estimates.calibrators import (
    Calibrator,
    ClassCalibrators,
    fit_calibrator,
    fit_class_calibrators,
)
from opsconsole.drift.performance.estimates.loss_model import KINDS, LossModel, decode_loss_model, fit_loss_model
from opsconsole.drift.performance.estimates.loss_tally import LossTally
from opsconsole.drift.performance.estimates.multiclass import estimate_classes
from opsconsole.drift.performance.estimates.self_tests import self_test, self_test_classes, self_test_loss
from opsconsole.drift.performance.estimates.trust import BackTest, Compared
from opsconsole.drift.performance.realised.metrics import Metric, Options, Probabilities

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_ROWS = 200
"""Labelled reference rows below which nothing is fitted."""


@dataclass(frozen=True)
class Estimator:
    """What estimates are made with, and how they did on the reference itself; all None where nothing can be estimated."""

    calibrator: Calibrator | None = None
    classes: ClassCalibrators | None = None
    loss_model: bytes | None = None
    tested: Compared | None = None

    def tally(self) -> LossTally | None:
        """Return what adds up a chunk's expected losses, for a regression."""
        return None if self.loss_model is None else LossTally(decode_loss_model(self.loss_model))


NOTHING = Estimator()


def fit_outlook(
    task: ModelTask,
    back_test: BackTest,
    batches: Sequence[pa.RecordBatch],
    labels: NDArray[Any],
    scores: NDArray[Any],
    options: Options,
    probabilities: Probabilities | None = None,
) -> Estimator:
    """Fit to reference rows that all have a label and a score; the model must not have been trained on them."""
    name = back_test.metric.name
    if len(labels) < LEAST_ROWS:
        return NOTHING
    if task is ModelTask.BINARY and name in ESTIMATES:
        if len(np.unique(labels)) < 2:
            return NOTHING
        return Estimator(
            calibrator=fit_calibrator(scores, labels), tested=self_test(back_test, scores, labels, options)
        )
    if task is ModelTask.MULTICLASS and probabilities is not None:
        return Estimator(
            classes=fit_class_calibrators(probabilities, labels),
            tested=self_test_classes(back_test, probabilities, labels, scores),
        )
    if task in {ModelTask.REGRESSION, ModelTask.RANKING} and name in KINDS:
        model: LossModel | None = fit_loss_model(KINDS[name], batches, labels, scores, options)
        if model is not None:
            return Estimator(loss_model=model.encode(), tested=self_test_loss(back_test, model))
    return NOTHING


def estimated(
    outlook: Estimator,
    metric: Metric,
    scores: NDArray[Any],
    options: Options,
    losses: LossTally | None,
    probabilities: Probabilities | None = None,
) -> Estimated | None:
    """Return the metric as it must be if what was fitted still holds; None where that is not known."""
    if losses is not None:
        return losses.result(metric.name)
    if outlook.calibrator is not None:
        return estimate(metric.name, outlook.calibrator, scores, options)
    if outlook.classes is not None and probabilities is not None:
        return estimate_classes(metric.name, outlook.classes, probabilities, scores)
    return None
