"""Comparing two models on the same rows: paired DeLong for AUC, paired means for losses, with a non-inferiority verdict.

Where hardly a row tells the two apart, an exact bound stands beside the normal approximation: rows on which nothing
differs are no proof that nothing ever does. numpy only, so that a gate answers within a fraction of a second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from opsconsole.core.normal import Z
from opsconsole.core.ranking import placements
from opsconsole.registry.evidence.exact_bounds import rows_without, upper_share

Scores = npt.NDArray[np.float64]
Z_ONE_SIDED = 1.6448536269514722
"""The 95 % point of the normal distribution."""
Z_POWER = 0.8416212335729143
"""The 80 % point: the power to which the rows needed are reckoned."""
LEAST_CASES = 10
"""Positives, and negatives, below which DeLong's normal approximation is not used."""
LEAST_ROWS = 30
"""Rows below which the normal approximation of a mean is not used."""
FEW = 10
"""Rows that differ, below which the exact bound decides too."""
LEAST = 1e-15
"""Probabilities are kept from 0 and 1 by so much when their logarithm is taken."""


@dataclass(frozen=True)
class Exact:
    """Bounds of a difference (95 %, each one-sided) that need no normal approximation."""

    low: float
    high: float
    units: int
    """What was counted: rows, or disjoint pairs of a case and a control."""
    losing: int
    """How many of these the challenger loses."""
    worst: float
    """What one can lose at most."""

    def units_needed(self, margin: float) -> float:
        """Return how many would decide, were as large a share lost among them."""
        if self.losing or self.worst <= 0:
            return self.units * -self.low / margin
        return float(rows_without(margin / self.worst)) if math.isfinite(self.worst) else math.inf


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
    exact: Exact | None = None
    """Where few rows tell the two apart, or all alike."""

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        low = self.difference - Z * self.error
        return low if self.exact is None else min(low, self.exact.low)

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        high = self.difference + Z * self.error
        return high if self.exact is None else max(high, self.exact.high)

    @property
    def p(self) -> float | None:
        """Two-sided p-value of no difference; None when the error is 0."""
        return math.erfc(abs(self.difference / self.error) / math.sqrt(2)) if self.error > 0 else None

    def not_worse(self, margin: float) -> bool | None:
        """Tell whether the challenger is at most ``margin`` worse: yes, no, or None while the rows do not decide.

        One-sided at 95 % (Liu et al. 2006, non-inferiority of paired AUCs); yes also needs the exact bound, where it holds.
        """
        low, high = (self.difference + side * Z_ONE_SIDED * self.error for side in (-1, 1))
        if self.exact is not None:
            low, high = min(low, self.exact.low), max(high, self.exact.high)
        return True if low > -margin else False if high < -margin else None

    def rows_needed(self, margin: float) -> int:
        """Return how many rows would decide, at 80 % power for models that are equal; 0: no number would."""
        if margin <= 0:
            return 0
        needed = self.rows * (self.error * (Z_ONE_SIDED + Z_POWER) / margin) ** 2
        if self.exact is not None:
            needed = max(needed, self.exact.units_needed(margin) * self.rows / self.exact.units)
        return math.ceil(needed) if math.isfinite(needed) else 0


def auc_difference(labels: Scores, champion: Scores, challenger: Scores) -> Difference | None:
    """Compare two AUCs on the same rows by DeLong's paired test (DeLong et al. 1988, with midranks); None: too few cases."""
    positive = labels > 0.5
    cases, controls = int(positive.sum()), int((~positive).sum())
    if min(cases, controls) < LEAST_CASES:
        return None
    first, second = placements(champion, positive), placements(challenger, positive)
    of_cases, of_controls = second.of_cases - first.of_cases, second.of_controls - first.of_controls
    variance = float(np.var(of_cases, ddof=1)) / cases + float(np.var(of_controls, ddof=1)) / controls
    difference, error = second.auc - first.auc, math.sqrt(max(variance, 0.0))
    side = of_cases if cases <= controls else of_controls
    return Difference(
        champion=first.auc,
        challenger=second.auc,
        difference=difference,
        error=error,
        rows=len(labels),
        method="DeLong, paired",
        exact=_exact(side, difference, error, 1.0),
    )


def class_auc_difference(places: Scores, champion: Scores, challenger: Scores) -> Difference | None:
    """Compare the means of each class's AUC against the rest; None: a class has too few rows.

    The error comes from each row's influence on the mean: its placements as a case of its own class and as a control of
    every other (DeLong et al. 1988, for a linear contrast of correlated AUCs).
    """
    rows, classes = champion.shape
    if min(np.bincount(places.astype(np.int64), minlength=classes)) < LEAST_CASES:
        return None
    influence, shifts = np.zeros(rows), np.zeros(rows)
    means: list[tuple[float, float]] = []
    for place in range(classes):
        own = places == place
        first, second = placements(champion[:, place], own), placements(challenger[:, place], own)
        means.append((first.auc, second.auc))
        shift = second.auc - first.auc
        of_cases, of_controls = second.of_cases - first.of_cases, second.of_controls - first.of_controls
        influence[own] += (of_cases - shift) / own.sum() / classes
        influence[~own] += (of_controls - shift) / (~own).sum() / classes
        shifts[own] = of_cases
    rarest = places == np.bincount(places.astype(np.int64)).argmin()
    champions, challengers = (float(np.mean(side)) for side in zip(*means, strict=True))
    difference = challengers - champions
    error = math.sqrt(float((influence**2).sum()) * rows / (rows - 1))
    return Difference(
        champion=champions,
        challenger=challengers,
        difference=difference,
        error=error,
        rows=rows,
        method="DeLong, paired, mean of classes",
        exact=_exact(shifts[rarest], difference, error, 1.0),
    )


def _exact(shifts: Scores, difference: float, error: float, worst: float) -> Exact | None:
    """Bound a difference exactly where hardly a row moves, or all move alike; None: the normal approximation does.

    ``shifts`` are rows' gains, of which the unseen lose ``worst`` at most. Of an AUC they are those of the rarer side: each
    is one of so many disjoint pairs of a case and a control, and an AUC is the chance that such a pair is ranked rightly.
    """
    rows = len(shifts)
    if np.count_nonzero(shifts) < FEW:
        losing = int((shifts < 0).sum())
        low = -upper_share(losing, rows) * worst
        return Exact(low, difference + Z_ONE_SIDED * error, rows, losing, worst)
    if error > 1e-12 * max(abs(difference), 1.0):
        return None
    unseen = upper_share(0, rows)
    low, high = difference - unseen * (worst + difference), difference + unseen * (worst - difference)
    return Exact(low, high, rows, int((shifts < 0).sum()), worst)


def mean_loss_difference(
    champion: Scores, challenger: Scores, *, gain: bool = False, worst: float = math.inf
) -> Difference | None:
    """Compare the means of two per-row losses (or gains) on the same rows; None with fewer than 30 rows.

    ``worst`` is the most that one row can lose.
    """
    rows = len(champion)
    if rows < LEAST_ROWS:
        return None
    delta = (challenger - champion) if gain else (champion - challenger)
    difference = float(delta.mean())
    error = float(delta.std(ddof=1) / math.sqrt(rows))
    return Difference(
        champion=float(champion.mean()),
        challenger=float(challenger.mean()),
        difference=difference,
        error=error,
        rows=rows,
        method="paired mean",
        exact=_exact(delta, difference, error, worst),
    )


def rows_for(margin: float, worst: float, rows: int, least: int, of_least: int) -> int:
    """Return how many rows would show, were the two equal on all, that they differ by no more than ``margin``.

    ``least`` rows of the kind there is least of must be there, and are ``of_least`` of ``rows`` today; 0: no number would.
    """
    if worst <= 0:
        return least
    wanted = rows_without(margin / worst) if math.isfinite(worst) else 0
    return math.ceil(max(wanted, least) * rows / of_least) if wanted and of_least else 0


def row_losses(metric: str, labels: Scores, scores: Scores) -> tuple[Scores, bool] | None:
    """Return a metric's per-row values and whether more of it is better; None when it is no mean over rows."""
    if metric == "brier":
        return (scores - labels) ** 2, False
    if metric == "log_loss":
        clipped = np.clip(scores, LEAST, 1 - LEAST)
        return -(labels * np.log(clipped) + (1 - labels) * np.log(1 - clipped)), False
    if metric == "accuracy":
        return ((scores >= 0.5) == (labels > 0.5)).astype(np.float64), True
    if metric == "mae":
        return np.abs(scores - labels), False
    if metric == "mse":
        return (scores - labels) ** 2, False
    return None
