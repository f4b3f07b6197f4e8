"""95 % intervals for shares, means and what is made of them; None where there are too few rows to say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from opsconsole.core.normal import Z

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_CASES = 10
"""Positives, and negatives, below which no interval is given, and so no verdict."""
LEAST_ROWS = 30

Interval = tuple[float, float] | None
Measured = tuple[float | None, Interval]
"""A value, None where it is not defined, and its interval."""


def enough(labels: Floats) -> bool:
    """Return whether both classes have ``LEAST_CASES`` rows; labels are 0 and 1."""
    cases = int((labels > 0.5).sum())
    return min(cases, len(labels) - cases) >= LEAST_CASES


def wilson(hits: float, rows: float) -> tuple[float, float]:
    """Return the interval of a share (Wilson 1927); counts may be expected ones, and so fractions."""
    share = hits / rows
    middle = (share + Z * Z / (2 * rows)) / (1 + Z * Z / rows)
    half = Z / (1 + Z * Z / rows) * math.sqrt(max(share * (1 - share), 0.0) / rows + Z * Z / (4 * rows * rows))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def wilson_f1(hits: float, misses: float) -> tuple[float, float]:
    """Return the interval of F1 = 2 TP / (2 TP + FP + FN); ``misses`` are FP + FN.

    F1 = 2 j / (1 + j) rises with the share j = TP / (TP + FP + FN), so Wilson's interval of j is carried over.
    """
    low, high = wilson(hits, hits + misses)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def share(hits: NDArray[np.bool_], *, enough: bool) -> Measured:
    """Return the share of rows that hit, with Wilson's interval."""
    value = float(hits.mean())
    return value, wilson(float(hits.sum()), len(hits)) if enough else None


def mean(losses: Floats, *, enough: bool) -> Measured:
    """Return the mean of losses, with its normal interval, which stops at 0."""
    value = float(losses.mean())
    if not enough:
        return value, None
    return value, around(value, float(losses.std(ddof=1)) / math.sqrt(len(losses)), least=0.0)


def around(value: float, error: float, *, least: float = -math.inf, most: float = math.inf) -> tuple[float, float]:
    """Return the normal interval of a value with this standard error, kept between two bounds."""
    return max(value - Z * error, least), min(value + Z * error, most)


def logit(value: float, cases: float) -> Interval:
    """Return the interval of an average precision on the logit scale (Boyd, Eng and Page 2013); None at 0 and 1."""
    if not 0 < value < 1:
        return None
    middle, error = math.log(value / (1 - value)), 1 / math.sqrt(cases * value * (1 - value))
    return _logistic(middle - Z * error), _logistic(middle + Z * error)


def root(measured: Measured) -> Measured:
    """Return the root of a mean; its interval is the root of that one's."""
    value, interval = measured
    return (
        None if value is None else math.sqrt(value),
        None if interval is None else (math.sqrt(max(interval[0], 0.0)), math.sqrt(interval[1])),
    )


def influence(values: NDArray[Any], centre: float) -> tuple[float, float]:
    """Return the 0..1 interval of a statistic by the delta method, from each row's influence on it."""
    return around(centre, float(np.std(values, ddof=1)) / math.sqrt(len(values)), least=0.0, most=1.0)


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))
