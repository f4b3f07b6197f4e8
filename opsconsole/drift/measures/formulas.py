"""Distances between two vectors of counts, and how likely they are by chance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from opsconsole.drift.measures.special import chi2_sf, kolmogorov_sf

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def likeliest(probability: float | None, tried: int) -> float | None:
    """Return the p-value of the largest of some distances (Bonferroni)."""
    return None if probability is None else min(1.0, probability * tried)


def psi_of(reference: Floats, current: Floats) -> tuple[float | None, float | None]:
    """Return the population stability index of two count vectors, and its probability by chance.

    Half a row is added to each bin that either side fills, so that an empty one stays finite. With no drift
    ``PSI / (1/n + 1/m)`` follows chi-squared with bins - 1 degrees (Yurdakul and Naranjo 2020).
    """
    n, m = float(reference.sum()), float(current.sum())
    if not n or not m:
        return None, None
    filled = (reference + current) > 0
    bins = int(filled.sum())
    p = (reference[filled] + 0.5) / (n + 0.5 * bins)
    q = (current[filled] + 0.5) / (m + 0.5 * bins)
    psi = float(np.sum((q - p) * np.log(q / p)))
    return psi, chi2_sf(psi / (1 / n + 1 / m), bins - 1)


def jensen_shannon(reference: Floats, current: Floats) -> float:
    """Return the Jensen-Shannon distance in base 2 of two count vectors (as scipy's ``jensenshannon(base=2)``)."""
    p, q = reference / reference.sum(), current / current.sum()
    middle = (p + q) / 2
    divergence = (_kullback_leibler(p, middle) + _kullback_leibler(q, middle)) / 2 / math.log(2)
    return math.sqrt(min(max(divergence, 0.0), 1.0))


def hellinger(reference: Floats, current: Floats) -> float:
    """Return the Hellinger distance of two count vectors, 0 to 1."""
    p, q = np.sqrt(reference / reference.sum()), np.sqrt(current / current.sum())
    return float(np.sqrt(np.sum((p - q) ** 2) / 2))


def chi_squared(reference: Floats, current: Floats) -> tuple[float, int]:
    """Return Pearson's statistic of the 2 × k table and its degrees; without continuity correction, save for k = 2.

    As scipy's ``chi2_contingency``, which corrects when there is one degree (Yates).
    """
    filled = (reference + current) > 0
    observed = np.stack([reference[filled], current[filled]])
    degrees = observed.shape[1] - 1
    if degrees < 1:
        return 0.0, 0
    expected = observed.sum(axis=1, keepdims=True) * observed.sum(axis=0, keepdims=True) / observed.sum()
    difference = np.abs(observed - expected)
    if degrees == 1:
        difference = difference - np.minimum(0.5, difference)
    return float(np.sum(difference**2 / expected)), degrees


def ks_probability(statistic: float, n: int, m: int) -> float:
    """Return the asymptotic p-value of a two-sample Kolmogorov-Smirnov statistic."""
    return kolmogorov_sf(math.sqrt(n * m / (n + m)) * statistic)


def _kullback_leibler(p: Floats, q: Floats) -> float:
    positive = p > 0
    return float(np.sum(p[positive] * np.log(p[positive] / q[positive])))


def as_floats(numbers: tuple[int, ...]) -> Floats:
    """Return counts as numpy takes them."""
    return np.asarray(numbers, dtype=np.float64)
