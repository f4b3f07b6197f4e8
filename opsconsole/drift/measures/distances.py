"""How far a current column is from its reference, from their sketches alone.

PSI is the headline: over at most ten bins of the reference, plus bins of their own for values outside the reference
(out of range, or an unseen category) and for missing ones. All distances are descriptive; verdicts are elsewhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from opsconsole.drift.measures.columns import NOTHING, Distances, blank
from opsconsole.drift.measures.embeddings import embedded, embedding_vector
from opsconsole.drift.measures.formulas import as_floats, chi_squared, hellinger, jensen_shannon, psi_of
from opsconsole.drift.measures.moments import moment_vector, momentary
from opsconsole.drift.measures.numbers import PSI_BINS, numeric, numeric_vector
from opsconsole.drift.measures.special import chi2_sf
from opsconsole.drift.sketches.sketch import CategorySketch, EmbeddingSketch, MomentSketch, NumericSketch, Sketch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["NOTHING", "Distances", "distances", "psi_of", "psi_vector"]


def distances(reference: Sketch, current: Sketch) -> Distances:
    """Measure ``current`` against ``reference``; ValueError unless they are of one kind and layout."""
    if isinstance(reference, NumericSketch) and isinstance(current, NumericSketch):
        return numeric(reference, current)
    if isinstance(reference, CategorySketch) and isinstance(current, CategorySketch):
        return _categorical(reference, current)
    if isinstance(reference, MomentSketch) and isinstance(current, MomentSketch):
        return momentary(reference, current)
    if isinstance(reference, EmbeddingSketch) and isinstance(current, EmbeddingSketch):
        return embedded(reference, current)
    raise ValueError("sketches of different kinds cannot be compared")


def psi_vector(sketch: Sketch) -> Floats | None:
    """Return a reference's rows over the bins of its own PSI, missing ones last; None for what has no such bins."""
    if isinstance(sketch, NumericSketch):
        return numeric_vector(sketch)
    if isinstance(sketch, MomentSketch):
        return moment_vector(sketch)
    if isinstance(sketch, EmbeddingSketch):
        return embedding_vector(sketch)
    return _folded(as_floats((*sketch.counts, sketch.other, sketch.unseen)), _top(sketch), sketch.missing)


def _categorical(reference: CategorySketch, current: CategorySketch) -> Distances:
    if (reference.categories, reference.rest) != (current.categories, current.rest):
        raise ValueError("sketches of different layouts cannot be compared")
    nothing = blank(reference, current)
    mine = as_floats((*reference.counts, reference.other, reference.unseen))
    theirs = as_floats((*current.counts, current.other, current.unseen))
    top = _top(reference)
    few = _folded(mine, top, reference.missing), _folded(theirs, top, current.missing)
    bins = int(np.count_nonzero(few[0][:-2]))
    psi, noise_p = psi_of(*few)
    unseen = current.unseen / current.present if current.present and reference.complete else None
    if not reference.present or not current.present:
        return replace(nothing, psi=psi, noise_p=noise_p, bins=bins, unseen=unseen)
    chi2, degrees = chi_squared(mine, theirs)
    return replace(
        nothing,
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


def _folded(counts: Floats, top: int, missing: int) -> Floats:
    """Keep the ``top`` commonest categories, sum the other known ones; then unseen and missing."""
    known, unseen = counts[:-1], counts[-1]
    return np.array([*known[:top], known[top:].sum(), unseen, float(missing)])


def _top(reference: CategorySketch) -> int:
    """Return how many categories have a bin of their own: ten, or nine and one for the others."""
    return PSI_BINS if len(reference.counts) <= PSI_BINS and not reference.other else PSI_BINS - 1
