"""How far a current column is from its reference, from their sketches alone.

PSI is the headline: over at most ten bins of the reference, plus bins of their own for values outside the reference
(out of range, or an unseen category) and for missing ones. All distances are descriptive; verdicts are elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from opsconsole.drift.measures.special import chi2_sf, kolmogorov_sf
from opsconsole.drift.sketches.sketch import CategorySketch, NumericSketch, Sketch
from opsconsole.ground.nouns import ColumnKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PSI_BINS = 10
EXPECTED_OUTSIDE = 1.5
"""The reference has no value outside its own range, yet of as many new rows about two are expected there when any
are: with the half row of PSI this makes two. Without it one column in fifty passes for drift at a level of .01."""


@dataclass(frozen=True)
class Distances:
    """Everything measured of one column; None where a measure does not apply to its kind or there are no values."""

    psi: float | None
    noise_p: float | None
    """How likely a PSI this large is by chance alone, if nothing changed."""
    bins: int
    """How many bins of the reference held values, without the special ones."""
    js: float | None
    """Jensen-Shannon distance (the root of the divergence in base 2), 0 to 1, over PSI's bins of present values."""
    hellinger: float | None
    ks: float | None
    ks_p: float | None
    wasserstein: float | None
    """In the column's unit; values outside count as at most one reference range away."""
    wasserstein_normed: float | None
    """The same in standard deviations of the reference."""
    chi2: float | None
    chi2_p: float | None
    l_infinity: float | None
    missing_reference: float
    missing_current: float
    unseen: float | None
    """Share of present values whose category the reference never held."""
    outside: float | None
    """Share of present values below or above the reference's range."""


NOTHING = Distances(
    psi=None,
    noise_p=None,
    bins=0,
    js=None,
    hellinger=None,
    ks=None,
    ks_p=None,
    wasserstein=None,
    wasserstein_normed=None,
    chi2=None,
    chi2_p=None,
    l_infinity=None,
    missing_reference=0.0,
    missing_current=0.0,
    unseen=None,
    outside=None,
)


def distances(reference: Sketch, current: Sketch) -> Distances:
    """Measure ``current`` against ``reference``; both must share one layout."""
    if isinstance(reference, NumericSketch) and isinstance(current, NumericSketch):
        if reference.edges != current.edges:
            raise ValueError("sketches of different layouts cannot be compared")
        return _numeric(reference, current)
    if isinstance(reference, CategorySketch) and isinstance(current, CategorySketch):
        if reference.categories != current.categories:
            raise ValueError("sketches of different layouts cannot be compared")
        return _categorical(reference, current)
    raise ValueError("sketches of different kinds cannot be compared")


def _numeric(reference: NumericSketch, current: NumericSketch) -> Distances:
    blank = replace(
        NOTHING,
        missing_reference=_share(reference.missing, reference.rows),
        missing_current=_share(current.missing, current.rows),
    )
    if reference.kind is ColumnKind.DATETIME:
        return blank
    mine, theirs = _counts(reference.cells), _counts(current.cells)
    groups = _groups(mine)
    expected = _with(groups, mine, reference.missing)
    if reference.edges and _outer(theirs) and not _outer(mine):
        expected[-2] = EXPECTED_OUTSIDE
    observed = _with(groups, theirs, current.missing)
    if not reference.edges:  # no finite value lies there: being finite is the difference that can be seen
        expected, observed = _finiteness(reference), _finiteness(current)
    psi, noise_p = psi_of(expected, observed)
    outside = _outer(theirs) / current.present if current.present else None
    if not reference.present or not current.present or not reference.edges:
        return replace(blank, psi=psi, noise_p=noise_p, bins=len(groups), outside=outside)
    binned = _binned(groups, mine), _binned(groups, theirs)
    ks = float(np.max(np.abs(np.cumsum(mine) / mine.sum() - np.cumsum(theirs) / theirs.sum())))
    wasserstein = _wasserstein(reference, current)
    deviation = reference.deviation
    return replace(
        blank,
        psi=psi,
        noise_p=noise_p,
        bins=len(groups),
        js=jensen_shannon(*binned),
        hellinger=hellinger(*binned),
        ks=ks,
        ks_p=ks_probability(ks, reference.present, current.present),
        wasserstein=wasserstein,
        wasserstein_normed=wasserstein / deviation if wasserstein is not None and deviation > 0 else None,
        outside=outside,
    )


def _categorical(reference: CategorySketch, current: CategorySketch) -> Distances:
    blank = replace(
        NOTHING,
        missing_reference=_share(reference.missing, reference.rows),
        missing_current=_share(current.missing, current.rows),
    )
    mine = _counts((*reference.counts, reference.other, reference.unseen))
    theirs = _counts((*current.counts, current.other, current.unseen))
    top = _top(reference)
    few = _folded(mine, top, reference.missing), _folded(theirs, top, current.missing)
    bins = int(np.count_nonzero(few[0][:-2]))
    psi, noise_p = psi_of(*few)
    unseen = _share(current.unseen, current.present) if current.present and reference.complete else None
    if not reference.present or not current.present:
        return replace(blank, psi=psi, noise_p=noise_p, bins=bins, unseen=unseen)
    chi2, degrees = chi_squared(mine, theirs)
    return replace(
        blank,
        psi=psi,
        noise_p=noise_p,
        bins=bins,
        js=jensen_shannon(mine, theirs),
        hellinger=hellinger(mine, theirs),
        chi2=chi2,
        chi2_p=chi2_sf(chi2, degrees),
        l_infinity=float(np.max(np.abs(mine / mine.sum() - theirs / theirs.sum()))),
        unseen=unseen,
    )


def psi_vector(sketch: Sketch) -> Floats | None:
    """Return a reference's rows over the bins of its own PSI, missing ones last; None for what has no such bins."""
    if isinstance(sketch, NumericSketch):
        if sketch.kind is ColumnKind.DATETIME:
            return None
        cells = _counts(sketch.cells)
        return _with(_groups(cells), cells, sketch.missing)
    return _folded(_counts((*sketch.counts, sketch.other, sketch.unseen)), _top(sketch), sketch.missing)


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
    mine, theirs = _counts(reference.cells), _counts(current.cells)
    gap = np.concatenate(([0.0], np.cumsum(mine) / mine.sum() - np.cumsum(theirs) / theirs.sum()))
    left, right, widths = gap[:-1], gap[1:], np.diff(points)
    crossing = left * right < 0
    sums = np.abs(left) + np.abs(right)
    squares = left**2 + right**2
    heights = np.where(crossing, squares / np.where(sums > 0, 2 * sums, 1.0), sums / 2)
    return float(np.sum(heights * widths))


def _clamped(found: list[float | None], low: float, high: float, choose: Callable[[list[float]], float]) -> float:
    chosen = choose([value for value in found if value is not None] or [low])
    return min(max(chosen, low), high)


def _groups(cells: Floats) -> list[NDArray[np.intp]]:
    """Merge the cells in range into at most ten neighbouring bins of like reference mass; each has some."""
    interior = cells[1:-1]
    total = interior.sum()
    if not total:
        return []
    middle = (np.cumsum(interior) - interior / 2) / total
    number = np.minimum((middle * PSI_BINS).astype(np.intp), PSI_BINS - 1)
    filled = np.unique(number[interior > 0])
    number = np.clip(np.searchsorted(filled, number, side="right") - 1, 0, len(filled) - 1)
    return [np.flatnonzero(number == group) + 1 for group in range(len(filled))]


def _binned(groups: list[NDArray[np.intp]], cells: Floats) -> Floats:
    """Return the counts of the bins, then of all values out of range."""
    return np.array([*(float(cells[group].sum()) for group in groups), _outer(cells)])


def _outer(cells: Floats) -> float:
    return float(cells[0] + (cells[-1] if len(cells) > 1 else 0.0))


def _finiteness(sketch: NumericSketch) -> Floats:
    return np.array([sketch.present - sketch.infinite, sketch.infinite, sketch.missing], dtype=np.float64)


def _with(groups: list[NDArray[np.intp]], cells: Floats, missing: int) -> Floats:
    return np.append(_binned(groups, cells), float(missing))


def _folded(counts: Floats, top: int, missing: int) -> Floats:
    """Keep the ``top`` commonest categories, sum the other known ones; then unseen and missing."""
    known, unseen = counts[:-1], counts[-1]
    return np.array([*known[:top], known[top:].sum(), unseen, float(missing)])


def _top(reference: CategorySketch) -> int:
    """Return how many categories have a bin of their own: ten, or nine and one for the others."""
    return PSI_BINS if len(reference.counts) <= PSI_BINS and not reference.other else PSI_BINS - 1


def _kullback_leibler(p: Floats, q: Floats) -> float:
    positive = p > 0
    return float(np.sum(p[positive] * np.log(p[positive] / q[positive])))


def _counts(numbers: tuple[int, ...]) -> Floats:
    return np.asarray(numbers, dtype=np.float64)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
