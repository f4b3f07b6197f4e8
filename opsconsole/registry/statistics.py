"""Comparing two models on the same rows: paired DeLong for AUC, paired means for losses, with a non-inferiority verdict.

numpy only, so that a gate answers within a fraction of a second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from opsconsole.ground.normal import Z
from opsconsole.ground.ranking import placements

Scores = npt.NDArray[np.float64]
Z_ONE_SIDED = 1.6448536269514722
"""The 95 % point of the normal distribution."""
Z_POWER = 0.8416212335729143
"""The 80 % point: the power to which the rows needed are reckoned."""
LEAST_CASES = 10
"""Positives, and negatives, below which DeLong's normal approximation is not used."""


@dataclass(frozen=True)
class Difference:
    """Challenger minus champion in one metric, so that more is better for the challenger."""

    champion: float
    challenger: float
    difference: float
    """Positive when the challenger is better, also where the metric itself is a loss."""
    error: float
    """Standard error of the difference; 0 when the two rank all rows alike."""
    rows: int
    method: str

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.difference - Z * self.error

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.difference + Z * self.error

    @property
    def p(self) -> float | None:
        """Two-sided p-value of no difference; None when the error is 0."""
        return math.erfc(abs(self.difference / self.error) / math.sqrt(2)) if self.error > 0 else None

    def not_worse(self, margin: float) -> bool | None:
        """Tell whether the challenger is at most ``margin`` worse: yes, no, or None while the rows do not decide.

        One-sided at 95 % (Liu et al. 2006, non-inferiority of paired AUCs).
        """
        if self.difference - Z_ONE_SIDED * self.error > -margin or (self.error == 0 and self.difference >= -margin):
            return True
        if self.difference + Z_ONE_SIDED * self.error < -margin or self.error == 0:
            return False
        return None

    def rows_needed(self, margin: float) -> int:
        """Return how many rows would decide, at 80 % power for models that are equal."""
        return math.ceil(self.rows * (self.error * (Z_ONE_SIDED + Z_POWER) / margin) ** 2) if margin > 0 else 0


def auc_difference(labels: Scores, champion: Scores, challenger: Scores) -> Difference | None:
    """Compare two AUCs on the same rows by DeLong's paired test (DeLong et al. 1988, with midranks); None: too few cases."""
    positive = labels > 0.5
    cases, controls = int(positive.sum()), int((~positive).sum())
    if min(cases, controls) < LEAST_CASES:
        return None
    first, second = placements(champion, positive), placements(challenger, positive)
    variance = (
        float(np.var(second.of_cases - first.of_cases, ddof=1)) / cases
        + float(np.var(second.of_controls - first.of_controls, ddof=1)) / controls
    )
    return Difference(
        champion=first.auc,
        challenger=second.auc,
        difference=second.auc - first.auc,
        error=math.sqrt(max(variance, 0.0)),
        rows=len(labels),
        method="DeLong, paired",
    )


def mean_loss_difference(champion: Scores, challenger: Scores, *, gain: bool = False) -> Difference | None:
    """Compare the means of two per-row losses (or gains) on the same rows; None with fewer than 30 rows."""
    if len(champion) < 30:
        return None
    delta = (challenger - champion) if gain else (champion - challenger)
    return Difference(
        champion=float(champion.mean()),
        challenger=float(challenger.mean()),
        difference=float(delta.mean()),
        error=float(delta.std(ddof=1) / math.sqrt(len(delta))),
        rows=len(delta),
        method="paired mean",
    )


def row_losses(metric: str, labels: Scores, scores: Scores) -> tuple[Scores, bool] | None:
    """Return a metric's per-row values and whether more of it is better; None when it is no mean over rows."""
    if metric == "brier":
        return (scores - labels) ** 2, False
    if metric == "log_loss":
        clipped = np.clip(scores, 1e-15, 1 - 1e-15)
        return -(labels * np.log(clipped) + (1 - labels) * np.log(1 - clipped)), False
    if metric == "accuracy":
        return ((scores >= 0.5) == (labels > 0.5)).astype(np.float64), True
    if metric == "mae":
        return np.abs(scores - labels), False
    if metric == "mse":
        return (scores - labels) ** 2, False
    return None
