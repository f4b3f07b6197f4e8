"""Midranks and placement values for DeLong's variance of the AUC. Needs numpy: imported only where rows are read."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from opsconsole.core.normal import Z

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Placements:
    """An AUC, and where each case and each control stands among the others (V10 and V01 of DeLong et al. 1988)."""

    auc: float
    of_cases: Floats
    """One a positive, in the order of the rows: the share of negatives it stands above."""
    of_controls: Floats
    """One a negative: the share of positives that stand above it."""


def midranks(values: Floats) -> Floats:
    """Return ranks from 1; equal values share the mean of theirs."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    sizes = np.diff(np.append(starts, len(values)))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(starts + (sizes + 1) / 2, sizes)
    return ranks


def placements(scores: Floats, positive: npt.NDArray[np.bool_]) -> Placements:
    """Place every row by midranks (Sun and Xu 2014); there must be at least one case and one control."""
    cases, controls = scores[positive], scores[~positive]
    ranks = midranks(np.concatenate([cases, controls]))
    of_cases = (ranks[: len(cases)] - midranks(cases)) / len(controls)
    of_controls = 1.0 - (ranks[len(cases) :] - midranks(controls)) / len(cases)
    return Placements(float(of_cases.mean()), of_cases, of_controls)


def delong_interval(positive: npt.NDArray[np.bool_], scores: Floats) -> tuple[float, float, float]:
    """Return an AUC with DeLong's 95 % interval; there must be at least two cases and two controls."""
    placed = placements(scores, positive)
    error = math.sqrt(
        float(placed.of_cases.var(ddof=1)) / len(placed.of_cases)
        + float(placed.of_controls.var(ddof=1)) / len(placed.of_controls)
    )
    return placed.auc, max(placed.auc - Z * error, 0.0), min(placed.auc + Z * error, 1.0)
