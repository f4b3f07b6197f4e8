"""Measuring moments: by the hour of the day, and by the weekday."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from opsconsole.drift.measures.columns import Distances, blank
from opsconsole.drift.measures.formulas import as_floats, chi_squared, hellinger, jensen_shannon, likeliest, psi_of
from opsconsole.drift.measures.special import chi2_sf
from opsconsole.drift.sketches.columns import DAY_US, HOUR_US, HOURS, MONDAY
from opsconsole.drift.sketches.sketch import MomentSketch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ROWS_A_BIN = 50
BOTH_DAYS = 14
"""A reference that spans fewer days says too little of its weekdays beside its hours."""
WEEK_DAYS = 6.5
DAY_DAYS = 0.75
"""Less than a day holds some hours only, and less than a week some weekdays: that is no drift."""


def momentary(reference: MomentSketch, current: MomentSketch) -> Distances:
    """Measure over hours or weekdays, whichever moved more where both can be measured.

    The noise p is that of the one reported, times the number tried (Bonferroni). No PSI where either side is too short.
    Counts are evened first: of ten days three weekdays come twice, which is no drift either.
    """
    nothing = blank(reference, current)
    tried = _pairs(reference, current)
    if not tried:
        return nothing
    parts = []
    for mine, theirs in tried:
        psi, noise_p = psi_of(np.append(mine, reference.missing), np.append(theirs, current.missing))
        parts.append((psi or 0.0, psi, noise_p, mine, theirs))
    _, psi, noise_p, mine, theirs = max(parts, key=lambda one: one[0])
    bins = int(np.count_nonzero(mine))
    moved = replace(nothing, psi=psi, noise_p=likeliest(noise_p, len(tried)), bins=bins)
    if not reference.present or not current.present:
        return moved
    chi2, degrees = chi_squared(mine, theirs)
    return replace(
        moved,
        js=jensen_shannon(mine, theirs),
        hellinger=hellinger(mine, theirs),
        chi2=chi2,
        chi2_p=likeliest(chi2_sf(chi2, degrees), len(tried)),
        l_infinity=float(np.max(np.abs(mine / mine.sum() - theirs / theirs.sum()))),
    )


def moment_vector(sketch: MomentSketch) -> Floats:
    """Return a reference's rows over hours, or over weekdays where it has dates only; missing ones last."""
    return np.append(as_floats(sketch.hours if sketch.clocked else sketch.weekdays), float(sketch.missing))


def _pairs(reference: MomentSketch, current: MomentSketch) -> list[tuple[Floats, Floats]]:
    """Return the counts that can be compared; a side without any moment can differ by that alone."""
    pairs = []
    spans = (reference.days if reference.present else WEEK_DAYS, current.days if current.present else WEEK_DAYS)
    if reference.clocked and min(spans) >= DAY_DAYS:
        hours = _hours_a_bin(min(reference.rows, current.rows))
        mine, theirs = (_evened(one, one.hours, HOUR_US, 0) for one in (reference, current))
        pairs.append((mine.reshape(-1, hours).sum(axis=1), theirs.reshape(-1, hours).sum(axis=1)))
    long = reference.days >= BOTH_DAYS or not reference.clocked
    if long and min(spans) >= WEEK_DAYS:
        mine, theirs = (_evened(one, one.weekdays, DAY_US, MONDAY) for one in (reference, current))
        pairs.append((mine, theirs))
    return pairs


def _hours_a_bin(rows: int) -> int:
    """Return how many hours are taken together, so that a verdict needs no more rows than there are."""
    return next((hours for hours in (1, 2) if rows >= ROWS_A_BIN * (HOURS // hours - 1)), 3)


def _evened(sketch: MomentSketch, counts: tuple[int, ...], unit: int, offset: int) -> Floats:
    """Return counts as they would be if each hour or weekday came as often between the first and the last moment."""
    values = as_floats(counts)
    if sketch.first is None or sketch.last is None or not values.sum():
        return values
    start, number = sketch.first // unit, sketch.last // unit - sketch.first // unit + 1
    times = np.full(len(values), number // len(values), dtype=np.float64)
    times[(np.arange(start, start + number % len(values)) + offset) % len(values)] += 1
    evened = values / np.maximum(times, 1)
    scaled: Floats = evened * (values.sum() / evened.sum())
    return scaled
