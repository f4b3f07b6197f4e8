"""Performance without labels: what a binary model's metrics must be if its calibrated scores hold (CBPE).

Confidence-based performance estimation, as in NannyML's docs, "How it works: performance estimation": every row is a
case with the probability that its calibrated score says, so every metric has an expectation. It sees a change of
which rows come (covariate shift) and is blind to a change of what becomes of them (concept drift): hold it against
labels as soon as there are any (``trust``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from opsconsole.core.normal import Z
from opsconsole.drift.performance.estimates.calibrators import Calibrator
from opsconsole.drift.performance.estimates.score_histogram import LabelledScores, ScoreHistogram, count_scores, edges
from opsconsole.drift.performance.realised.binary import LEAST_CHANCE, calibration_bins
from opsconsole.drift.performance.realised.intervals import (
    LEAST_CASES,
    Interval,
    Measured,
    around,
    logit,
    wilson,
    wilson_f1,
)
from opsconsole.drift.performance.realised.metrics import DEFAULT, Options

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FINE = 0.001
"""How far a metric of bins may be from that of their rows."""
MOST_TIED = 0.005
"""The most that an area could be off if the rows of each bin were in the worst order."""


@dataclass(frozen=True)
class Estimated:
    """A metric estimated without labels.

    The interval is where the realised value falls 95 times in 100 if the estimate's assumptions hold. It takes in which
    rows came, how their labels will fall, and what the reference was too small to settle. None where there are too few
    rows, or the metric is not defined.
    """

    metric: str
    value: float | None
    low: float | None
    high: float | None
    rows: int


@dataclass(frozen=True, eq=False)
class Expected:
    """Rows, or bins of rows, with the chance of each to be a case; the arrays run in parallel."""

    scores: NDArray[np.float64]
    chances: NDArray[np.float64]
    rows: NDArray[np.int64]

    @property
    def total(self) -> int:
        """How many rows there are."""
        return int(self.rows.sum())

    @property
    def cases(self) -> float:
        """How many cases are expected."""
        return float(self.rows @ self.chances)

    @property
    def enough(self) -> bool:
        """Whether so many rows of each class are expected that an interval can be given."""
        return min(self.cases, self.total - self.cases) >= LEAST_CASES


def estimate(metric_name: str, calibrator: Calibrator, scores: Floats, options: Options = DEFAULT) -> Estimated:
    """Estimate a binary metric from the rows' scores; KeyError for a metric that is not in ``ESTIMATES``."""
    there = scores[np.isfinite(scores)]
    estimated = estimate_expected(metric_name, expected_rows(there, calibrator.chances(there)), options)
    return _opened(estimated, calibrator, count_scores(there), options) if estimated.low is not None else estimated


def estimate_binned(
    metric_name: str, calibrator: Calibrator, histogram: ScoreHistogram, options: Options = DEFAULT
) -> Estimated:
    """Estimate a binary metric from a histogram of scores; within .001 of the estimate from its rows."""
    scores, rows = histogram.centres()
    estimated = estimate_expected(metric_name, Expected(scores, calibrator.chances(scores), rows), options)
    return _opened(estimated, calibrator, histogram, options) if estimated.low is not None else estimated


def labelled_bins(scores: LabelledScores) -> Expected:
    """Return the labelled rows as bins: the share of cases in each is known, and stands for the chance of each row."""
    histogram = scores.labelled
    centres, rows = histogram.centres()
    cases = np.array(scores.cases.counts, dtype=np.float64)[np.array(histogram.counts) > 0]
    return Expected(centres, cases / rows, rows)


def realised_binned(metric_name: str, binned: Expected, options: Options = DEFAULT) -> float | None:
    """Return a binary metric of rows to .001 from their bins; None where those cannot tell it so well."""
    if not binned.total or not binned_well(metric_name, binned, options):
        return None
    return ESTIMATES[metric_name](binned, options)[0]


def binned_well(metric_name: str, binned: Expected, options: Options = DEFAULT) -> bool:
    """Whether bins tell a metric of their rows to .001.

    Of an area they do while few pairs are tied: rows of one bin are in nearly no order, and each chunk that is summed
    was held against the area of its rows.
    """
    return binning_error(metric_name, binned, options) <= (MOST_TIED if metric_name == "auc" else FINE)


def binning_error(metric_name: str, binned: Expected, options: Options = DEFAULT) -> float:
    """Return at most how far a metric is from that of the rows because scores of one bin count as equal.

    An area is off by half the pairs that are tied; an average precision by as much as precision changes within each
    bin; a metric at a threshold not at all, if no bin holds scores on both sides of it.
    """
    if metric_name in {"accuracy", "f1", "precision", "recall"}:
        return 0.0 if np.isclose(edges(), options.threshold, rtol=0, atol=1e-12).any() else math.inf
    if metric_name == "calibration":  # measured in tenths of the rows, which no bins end at
        return math.inf
    if metric_name not in {"auc", "average_precision"} or not binned.total:
        return 0.0
    cases, total = binned.rows * binned.chances, float(binned.cases)
    others = binned.rows - cases
    if total <= 0 or others.sum() <= 0:
        return 0.0
    if metric_name == "auc":
        return float((cases * others).sum() / (total * others.sum()) / 2)
    precision = np.cumsum(cases[::-1]) / np.cumsum(binned.rows[::-1])
    return float((cases[::-1] / total * np.abs(np.diff(precision, prepend=1.0))).sum())


def widened(estimated: Estimated, values: Sequence[float | None], most: float) -> Estimated:
    """Return the estimate with its interval widened, in quadrature, by the spread of its values over variants."""
    known = [value for value in values if value is not None]
    if len(known) < 2 or estimated.value is None or estimated.low is None or estimated.high is None:
        return estimated
    apart = Z * float(np.std(known, ddof=1))
    low = estimated.value - math.hypot(estimated.value - estimated.low, apart)
    high = estimated.value + math.hypot(estimated.high - estimated.value, apart)
    return replace(estimated, low=max(low, 0.0), high=min(high, most))


def _opened(estimated: Estimated, calibrator: Calibrator, histogram: ScoreHistogram, options: Options) -> Estimated:
    scores, rows = histogram.centres()
    measured = ESTIMATES[estimated.metric]
    values = [measured(Expected(scores, one.chances(scores), rows), options)[0] for one in calibrator.variants()]
    return widened(estimated, values, math.inf if estimated.metric in {"log_loss", "brier"} else 1.0)


def expected_rows(scores: Floats, chances: Floats) -> Expected:
    """Return rows that count once each."""
    return Expected(scores, chances, np.ones(len(scores), dtype=np.int64))


def estimate_expected(metric_name: str, expected: Expected, options: Options = DEFAULT) -> Estimated:
    """Estimate a binary metric from scores whose chances are known."""
    value, interval = ESTIMATES[metric_name](expected, options) if expected.total else (None, None)
    low, high = interval or (None, None)
    return Estimated(metric_name, value, low, high, expected.total)


def hanley_mcneil(area: float, cases: float, controls: float) -> float:
    """Return the standard error of an AUC (Hanley and McNeil 1982); the counts may be expected ones."""
    pairs_of_cases, pairs_of_controls = area / (2 - area), 2 * area * area / (1 + area)
    variance = (
        area * (1 - area)
        + (cases - 1) * (pairs_of_cases - area * area)
        + (controls - 1) * (pairs_of_controls - area * area)
    ) / (cases * controls)
    return math.sqrt(max(variance, 0.0))


def expected_auc(expected: Expected) -> float | None:
    """Return the area under the expected ROC curve, equal scores being one step; None where one class is not expected."""
    hits, false = _cumulated(expected)
    if not hits[-1] or not false[-1]:
        return None
    heights = hits + np.concatenate([[0.0], hits[:-1]])
    return float(np.diff(false, prepend=0.0) @ heights / 2 / hits[-1] / false[-1])


def _auc(expected: Expected, _: Options) -> Measured:
    area = expected_auc(expected)
    if area is None or not expected.enough:
        return area, None
    error = hanley_mcneil(area, expected.cases, expected.total - expected.cases)
    return area, around(area, error, least=0.0, most=1.0)


def _average_precision(expected: Expected, _: Options) -> Measured:
    hits, false = _cumulated(expected)
    if not hits[-1]:
        return None, None
    value = float(np.sum(np.diff(hits, prepend=0.0) * hits / (hits + false)) / hits[-1])
    return value, logit(value, expected.cases) if expected.enough else None


def _log_loss(expected: Expected, _: Options) -> Measured:
    chance = np.clip(expected.scores, LEAST_CHANCE, 1 - LEAST_CHANCE)
    return _mean(expected, -np.log(chance), -np.log(1 - chance))


def _brier(expected: Expected, _: Options) -> Measured:
    return _mean(expected, (1 - expected.scores) ** 2, expected.scores**2)


def _accuracy(expected: Expected, options: Options) -> Measured:
    right = np.where(expected.scores >= options.threshold, expected.chances, 1 - expected.chances)
    hits = float(expected.rows @ right)
    return hits / expected.total, wilson(hits, expected.total) if expected.enough else None


def _precision(expected: Expected, options: Options) -> Measured:
    hits, false, _missed = _called(expected, options)
    interval = wilson(hits, hits + false) if expected.enough and hits + false >= LEAST_CASES else None
    return (hits / (hits + false), interval) if hits + false else (None, None)


def _recall(expected: Expected, options: Options) -> Measured:
    hits, _false, missed = _called(expected, options)
    interval = wilson(hits, hits + missed) if expected.enough else None
    return (hits / (hits + missed), interval) if hits + missed else (None, None)


def _f1(expected: Expected, options: Options) -> Measured:
    hits, false, missed = _called(expected, options)
    interval = wilson_f1(hits, false + missed) if expected.enough else None
    return (2 * hits / (2 * hits + false + missed), interval) if hits + false + missed else (None, None)


def _calibration(expected: Expected, _: Options) -> Measured:
    """Return the calibration error that labels would show: in each bin the mean of a folded normal distribution.

    Labels that fall by chance move a bin's share of cases by a normal deviate around its calibrated mean, so the
    error is above 0 even where score and calibrated score agree, as the realised one is (Leone et al. 1961).
    """
    scores, chances = expected.scores, expected.chances
    counts = None if (expected.rows == 1).all() else expected.rows
    rows, predicted, cases = calibration_bins(chances, scores, counts)
    spread = np.sqrt(calibration_bins(chances * (1 - chances), scores, counts)[2]) / rows
    gaps = np.abs(predicted - cases / rows)
    means = [_folded(gap, deviation) for gap, deviation in zip(gaps.tolist(), spread.tolist(), strict=True)]
    weights = rows / rows.sum()
    value = float(weights @ np.array(means))
    error = math.sqrt(float(weights**2 @ np.maximum(gaps**2 + spread**2 - np.array(means) ** 2, 0.0)))
    return value, around(value, error, least=0.0, most=1.0) if expected.enough else None


Estimate = Callable[[Expected, Options], Measured]
ESTIMATES: dict[str, Estimate] = {
    "auc": _auc,
    "average_precision": _average_precision,
    "log_loss": _log_loss,
    "brier": _brier,
    "calibration": _calibration,
    "accuracy": _accuracy,
    "f1": _f1,
    "precision": _precision,
    "recall": _recall,
}
"""Every binary metric; none of them needs labels to have an expectation."""


def _cumulated(expected: Expected) -> tuple[Floats, Floats]:
    """Return expected hits and false alarms from the highest score down, at the last of equal scores."""
    order = np.argsort(-expected.scores, kind="stable")
    ordered = expected.scores[order]
    last = np.append(ordered[1:] != ordered[:-1], np.True_)
    rows, chances = expected.rows[order], expected.chances[order]
    return np.cumsum(rows * chances)[last], np.cumsum(rows * (1 - chances))[last]


def _called(expected: Expected, options: Options) -> tuple[float, float, float]:
    """Return the expected hits, false alarms and missed cases at the threshold."""
    called = expected.scores >= options.threshold
    cases, controls = expected.rows * expected.chances, expected.rows * (1 - expected.chances)
    return float(cases[called].sum()), float(controls[called].sum()), float(cases[~called].sum())


def _mean(expected: Expected, of_case: Floats, of_control: Floats) -> Measured:
    """Return the mean of a loss; its variance takes in that labels are drawn (law of total variance)."""
    total, chances = expected.total, expected.chances
    value = float(expected.rows @ (chances * of_case + (1 - chances) * of_control)) / total
    squares = float(expected.rows @ (chances * of_case**2 + (1 - chances) * of_control**2)) / total
    interval: Interval = None
    if expected.enough:
        interval = around(value, math.sqrt(max(squares - value * value, 0.0) / (total - 1)), least=0.0)
    return value, interval


def _folded(gap: float, deviation: float) -> float:
    if not deviation:
        return gap
    ratio = gap / deviation
    return deviation * math.sqrt(2 / math.pi) * math.exp(-ratio * ratio / 2) + gap * math.erf(ratio / math.sqrt(2))
