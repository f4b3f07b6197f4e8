"""Measuring numbers: over bins of the reference, and between the two distribution functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from opsconsole.drift.measures.columns import Distances, blank
from opsconsole.drift.measures.formulas import as_floats, hellinger, jensen_shannon, ks_probability, psi_of
from opsconsole.drift.sketches.sketch import NumericSketch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PSI_BINS = 10
EXPECTED_OUTSIDE = 1.5
"""The reference has no value outside its own range, yet of as many new rows about two are expected there when any
are: with the half row of PSI this makes two. Without it one column in fifty passes for drift at a level of .01."""


def numeric(reference: NumericSketch, current: NumericSketch) -> Distances:
    """Measure numbers, or lengths of text; ValueError for sketches of different layouts."""
    if reference.edges != current.edges:
        raise ValueError("sketches of different layouts cannot be compared")
    nothing = blank(reference, current)
    mine, theirs = as_floats(reference.cells), as_floats(current.cells)
    groups = _groups(reference.cells)
    psi, noise_p = psi_of(*psi_counts(reference, current))
    outside = _outer(theirs) / current.present if current.present else None
    if not reference.present or not current.present or not reference.edges:
        return replace(nothing, psi=psi, noise_p=noise_p, bins=len(groups), outside=outside)
    binned = _binned(groups, mine), _binned(groups, theirs)
    ks = float(np.max(np.abs(np.cumsum(mine) / mine.sum() - np.cumsum(theirs) / theirs.sum())))
    wasserstein = _wasserstein(reference, current)
    deviation = reference.deviation
    return replace(
        nothing,
        psi=psi,
        noise_p=noise_p,
        bins=len(groups),
        js=jensen_shannon(*binned),
        hellinger=hellinger(*binned),
        ks=ks,
        ks_p=ks_probability(ks, reference.present, current.present),
        wasserstein=wasserstein,
        wasserstein_normed=wasserstein / deviation if wasserstein is not None and 0 < deviation < math.inf else None,
        outside=outside,
    )


def psi_counts(reference: NumericSketch, current: NumericSketch) -> tuple[Floats, Floats]:
    """Return both sides' rows over the bins of PSI, what is out of range and what is missing last."""
    if not reference.edges:  # no finite value lies there: being finite is the difference that can be seen
        return _finiteness(reference), _finiteness(current)
    mine, theirs = as_floats(reference.cells), as_floats(current.cells)
    groups = _groups(reference.cells)
    expected = _with(groups, mine, reference.missing)
    if _outer(theirs) and not _outer(mine):
        expected[-2] = EXPECTED_OUTSIDE
    return expected, _with(groups, theirs, current.missing)


def numeric_vector(sketch: NumericSketch) -> Floats:
    """Return a reference's rows over the bins of its own PSI."""
    cells = as_floats(sketch.cells)
    return _with(_groups(sketch.cells), cells, sketch.missing)


def _wasserstein(reference: NumericSketch, current: NumericSketch) -> float | None:
    """Integrate the gap between the two distribution functions; inside a cell values count as evenly spread."""
    edges = np.asarray(reference.edges)
    reach = float(edges[-1] - edges[0])
    if not math.isfinite(reach):
        return None
    reach = reach if reach > 1e-12 * abs(float(edges[0])) else max(reference.deviation, abs(float(edges[0])), 1.0)
    low = _clamped([reference.minimum, current.minimum], float(edges[0]) - reach, float(edges[0]), min)
    high = _clamped([reference.maximum, current.maximum], float(edges[-1]), float(edges[-1]) + reach, max)
    points = np.concatenate(([low], edges, [high]))
    mine, theirs = as_floats(reference.cells), as_floats(current.cells)
    gap = np.concatenate(([0.0], np.cumsum(mine) / mine.sum() - np.cumsum(theirs) / theirs.sum()))
    left, right, widths = gap[:-1], gap[1:], np.diff(points)
    crossing = left * right < 0
    sums = np.abs(left) + np.abs(right)
    squares = left**2 + right**2
    heights = np.where(crossing, squares / np.where(sums > 0, 2 * sums, 1.0), sums / 2)
    return float(np.sum(heights * widths))


def _clamped(places: list[float | None], low: float, high: float, choose: Callable[[list[float]], float]) -> float:
    chosen = choose([value for value in places if value is not None] or [low])
    return min(max(chosen, low), high)


@lru_cache(maxsize=4096)
def _groups(cells: tuple[int, ...]) -> tuple[int, ...]:
    """Merge the cells in range into at most ten neighbouring bins of like reference mass; return where each begins.

    Every bin has some of the reference's values; the places count from the first cell in range. A reference is held
    against chunk after chunk, so what was found for it is kept.
    """
    interior = as_floats(cells)[1:-1]
    total = interior.sum()
    if not total:
        return ()
    middle = (np.cumsum(interior) - interior / 2) / total
    number = np.minimum((middle * PSI_BINS).astype(np.intp), PSI_BINS - 1)
    filled = np.unique(number[interior > 0])
    number = np.clip(np.searchsorted(filled, number, side="right") - 1, 0, len(filled) - 1)
    return tuple(np.searchsorted(number, np.arange(len(filled))).tolist())


def _binned(groups: tuple[int, ...], cells: Floats) -> Floats:
    """Return the counts of the bins, then of all values out of range."""
    inside = np.add.reduceat(cells[1:-1], groups) if groups else np.empty(0)
    return np.append(inside, _outer(cells))


def _outer(cells: Floats) -> float:
    return float(cells[0] + (cells[-1] if len(cells) > 1 else 0.0))


def _finiteness(sketch: NumericSketch) -> Floats:
    return np.array([sketch.present - sketch.infinite, sketch.infinite, sketch.missing], dtype=np.float64)


def _with(groups: tuple[int, ...], cells: Floats, missing: int) -> Floats:
    return np.append(_binned(groups, cells), float(missing))
