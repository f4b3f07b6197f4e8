"""Exact confidence bounds where too few rows differ for a normal approximation."""

from __future__ import annotations

import math

ALPHA = 0.05
_STEPS = 60


def upper_share(seen: int, rows: int, alpha: float = ALPHA) -> float:
    """Return the one-sided upper bound of a share of which ``seen`` of ``rows`` showed it (Clopper and Pearson 1934)."""
    if rows <= 0 or seen >= rows:
        return 1.0
    if seen <= 0:
        return 1.0 - float(alpha ** (1.0 / rows))
    low, high = seen / rows, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(seen, rows, middle) > alpha else (low, middle)
    return high


def rows_without(share: float, alpha: float = ALPHA) -> int:
    """Return how many rows without a single case show that at most ``share`` of all are one; 0: no number does."""
    if share <= 0.0:
        return 0
    return 1 if share >= 1.0 else math.ceil(math.log(alpha) / math.log1p(-share))


def _at_most(seen: int, rows: int, share: float) -> float:
    """Return the chance of at most ``seen`` cases among ``rows``, each with a chance of ``share``."""
    if share >= 1.0:
        return 0.0
    logs = (
        math.lgamma(rows + 1)
        - math.lgamma(count + 1)
        - math.lgamma(rows - count + 1)
        + count * math.log(share)
        + (rows - count) * math.log1p(-share)
        for count in range(seen + 1)
    )
    return min(sum(math.exp(log) for log in logs), 1.0)
