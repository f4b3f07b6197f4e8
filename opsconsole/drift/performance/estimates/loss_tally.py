"""A chunk's expected loss, accumulated batch by batch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from opsconsole.drift.performance.estimates.binary import Estimated
from opsconsole.drift.performance.estimates.loss_model import KINDS, LossModel, estimate_loss
from opsconsole.drift.performance.realised.intervals import LEAST_ROWS, Interval, around, root

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class LossTally:
    """Sums of the expected losses of the rows so far; rows without a score are left out."""

    def __init__(self, model: LossModel) -> None:
        self.model = model
        self.rows = 0
        self.mean = 0.0
        self._deviations = 0.0

    def add(self, batch: pa.RecordBatch, scores: Floats) -> None:
        """Take a batch of inputs in, with the scores of its rows (Chan, Golub and LeVeque 1979 for the sums)."""
        losses = estimate_loss(self.model, batch, scores)
        losses = losses[np.isfinite(losses)]
        if not len(losses):
            return
        mean, rows = float(losses.mean()), self.rows + len(losses)
        moved = mean - self.mean
        self._deviations += float(((losses - mean) ** 2).sum()) + moved * moved * self.rows * len(losses) / rows
        self.mean += moved * len(losses) / rows
        self.rows = rows

    def result(self, metric: str) -> Estimated:
        """Return the metric's estimate; ValueError when the model expects another loss.

        The interval is where the realised value falls if the model's expectation holds. It takes in the spread of the
        expected losses, that of each loss around its expectation (which grows with it, as the check on the reference
        showed), and the error that the check itself was too small to rule out.
        """
        kind = KINDS.get(metric)
        if kind is not self.model.kind:
            raise ValueError(f"a model of the {self.model.kind.value} loss does not estimate `{metric}`")
        if not self.rows:
            return Estimated(metric, None, None, None, 0)
        interval: Interval = None
        if self.rows >= LEAST_ROWS:
            spread, square = self._deviations / (self.rows - 1), self._deviations / self.rows + self.mean**2
            unchecked = self.mean * self.model.seen_error / self.model.seen if self.model.seen else 0.0
            variance = (spread + self.model.noise**2 * square) / self.rows + unchecked**2
            interval = around(self.mean, math.sqrt(variance), least=0.0)
        value, interval = root((self.mean, interval)) if metric == "rmse" else (self.mean, interval)
        low, high = interval or (None, None)
        return Estimated(metric, value, low, high, self.rows)
