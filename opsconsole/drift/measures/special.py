"""Two tail probabilities for verdicts, without the 0.7 s of importing scipy.stats."""

from __future__ import annotations

import math

_TINY = 1e-300
_EPSILON = 1e-16
_MOST_TERMS = 100_000


def kolmogorov_sf(value: float) -> float:
    """Return P(K > value) of Kolmogorov's limit distribution.

    Two series, each used where it converges fast (Marsaglia, Tsang and Wang 2003, section 1).
    """
    if value <= 0:
        return 1.0
    if value < 1.18:
        factor = math.exp(-(math.pi**2) / (8 * value * value))
        total = sum(math.pow(factor, (2 * k - 1) ** 2) for k in range(1, 8))
        return 1.0 - math.sqrt(2 * math.pi) / value * total
    total = sum((1 if k % 2 else -1) * math.exp(-2 * k * k * value * value) for k in range(1, 9))
    return min(max(2.0 * total, 0.0), 1.0)


def chi2_sf(value: float, degrees: int) -> float:
    """Return P(X > value) for a chi-squared X: the regularised upper incomplete gamma function Q(k/2, x/2).

    Series below the mean, continued fraction (modified Lentz) above it; Numerical Recipes, section 6.2.
    """
    shape, x = degrees / 2, value / 2
    if shape <= 0 or x <= 0:
        return 1.0
    if math.isinf(x):
        return 0.0
    log_front = shape * math.log(x) - x - math.lgamma(shape)
    if x < shape + 1:
        return 1.0 - _lower_series(shape, x) * math.exp(log_front)
    return math.exp(log_front) * _upper_fraction(shape, x)


def _lower_series(shape: float, x: float) -> float:
    term = total = 1.0 / shape
    for n in range(1, _MOST_TERMS):
        term *= x / (shape + n)
        total += term
        if term < total * _EPSILON:
            break
    return total


def _upper_fraction(shape: float, x: float) -> float:
    b = x + 1 - shape
    c = 1 / _TINY
    d = 1 / b
    fraction = d
    for n in range(1, _MOST_TERMS):
        a = -n * (n - shape)
        b += 2
        d = a * d + b
        d = 1 / (d if abs(d) > _TINY else _TINY)
        c = b + a / c
        c = c if abs(c) > _TINY else _TINY
        step = d * c
        fraction *= step
        if abs(step - 1) < _EPSILON * 4:
            break
    return fraction
