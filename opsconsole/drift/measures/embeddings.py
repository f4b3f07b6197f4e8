"""Measuring vectors: how far their mean moved, and their projections on the reference's principal directions."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from opsconsole.drift.measures.columns import Distances, blank
from opsconsole.drift.measures.formulas import ks_probability, likeliest, psi_of
from opsconsole.drift.measures.numbers import numeric, numeric_vector, psi_counts
from opsconsole.drift.sketches.sketch import EmbeddingSketch, NumericSketch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def embedded(reference: EmbeddingSketch, current: EmbeddingSketch) -> Distances:
    """Measure the projections, of which the largest PSI and the largest KS are reported, and the means.

    The p-values are those of the largest of several (Bonferroni). Rows of a wrong length have a bin of their own.
    ValueError for sketches of different layouts.
    """
    if (reference.center, reference.directions) != (current.center, current.directions):
        raise ValueError("sketches of different layouts cannot be compared")
    nothing = blank(reference, current)
    if not reference.projections:
        psi, noise_p = psi_of(_sorts(reference), _sorts(current))
        return replace(nothing, psi=psi, noise_p=noise_p)
    pairs = list(zip(reference.projections, current.projections, strict=True))
    distances = [(_psi(reference, current, mine, theirs), numeric(mine, theirs)) for mine, theirs in pairs]
    (psi, noise_p), most = max(distances, key=lambda one: one[0][0] or 0.0)
    ks = max((one.ks for _, one in distances if one.ks is not None), default=None)
    means, cosine = _means(reference, current)
    n, m = reference.projections[0].present, current.projections[0].present
    return replace(
        nothing,
        psi=psi,
        noise_p=likeliest(noise_p, len(distances)),
        bins=most.bins,
        js=most.js,
        hellinger=most.hellinger,
        ks=ks,
        ks_p=None if ks is None else likeliest(ks_probability(ks, n, m), len(distances)),
        outside=most.outside,
        means=means,
        cosine=cosine,
    )


def embedding_vector(sketch: EmbeddingSketch) -> Floats:
    """Return a reference's rows over the bins along its first direction; wrong and missing ones last."""
    first = numeric_vector(sketch.projections[0]) if sketch.projections else np.empty(0)
    return np.append(first, [float(sketch.wrong), float(sketch.missing)])


def _psi(
    reference: EmbeddingSketch, current: EmbeddingSketch, mine: NumericSketch, theirs: NumericSketch
) -> tuple[float | None, float | None]:
    expected, observed = psi_counts(mine, theirs)
    return psi_of(
        np.append(expected, [float(reference.wrong), float(reference.missing)]),
        np.append(observed, [float(current.wrong), float(current.missing)]),
    )


def _sorts(sketch: EmbeddingSketch) -> Floats:
    return np.array([sketch.count, sketch.wrong, sketch.missing], dtype=np.float64)


def _means(reference: EmbeddingSketch, current: EmbeddingSketch) -> tuple[float | None, float | None]:
    """Return the distance of the means (root mean square of the standardised differences) and their cosine."""
    if not reference.count or not current.count:
        return None, None
    mine, theirs = np.asarray(reference.sums) / reference.count, np.asarray(current.sums) / current.count
    spread = np.sqrt(np.maximum(np.asarray(reference.squares) / reference.count - mine**2, 0.0))
    usual = float(spread.mean())
    if not usual:
        return None, None
    spread = np.where(spread > 1e-9 * usual, spread, usual)  # a dimension that never varied is held to the usual
    distance = float(np.sqrt(np.mean(((theirs - mine) / spread) ** 2)))
    center = np.asarray(reference.center)
    one, two = center + mine, center + theirs
    length = math.sqrt(float((one**2).sum()) * float((two**2).sum()))
    cosine = min(max(float((one * two).sum()) / length, -1.0), 1.0) if length else None
    return distance, cosine
