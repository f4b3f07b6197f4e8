"""Whether a chunk's columns are still correlated as on the reference."""

from __future__ import annotations

import math

from opsconsole.drift.facts.chunk import Measured
from opsconsole.drift.facts.reference import Fitted
from opsconsole.store.chunk_records import Structure

DEVIATIONS = 3.0
LEAST_CHANGE = 0.05
"""A mean error that differs by less is not worth telling, however sure it is."""


def judge_structure(fitted: Fitted, measured: Measured) -> Structure | None:
    """Return the mean reconstruction error beside the band that chunks of the reference keep to.

    The band is three standard deviations of what a chunk of this size has by chance and the reference's windows have
    by themselves, and at least a twentieth of the mean.
    """
    if measured.structure is None or fitted.structure is None:
        return None
    value, error = measured.structure
    half = max(DEVIATIONS * math.hypot(error, fitted.structure_wobble), LEAST_CHANGE * fitted.structure_mean)
    low, high = fitted.structure_mean - half, fitted.structure_mean + half
    return Structure(value, low, high, drifted=not low <= value <= high)
