"""Unseen categories: how many are expected by chance, because the reference has too few rows to hold all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from opsconsole.drift.measures.distances import Distances, psi_of, psi_vector
from opsconsole.drift.sketches.sketch import CategorySketch, Sketch

OWN_BIN = 0.003
"""Up to this share of expected newcomers they have a bin of their own in PSI; past it they count with the rare ones."""


def expected_unseen(reference: Sketch) -> float:
    """Return which share of new values may lie in categories the reference never held, if nothing changed.

    As many as its values that stand there only once (Good 1953). Of the rare categories only the sum is kept: as many
    of them count as single as can be.
    """
    if not isinstance(reference, CategorySketch) or not reference.present:
        return 0.0
    single = sum(count == 1 for count in reference.counts)
    if reference.rest:
        most = reference.counts[-1]
        bound = (len(reference.rest) * most - reference.other) / (most - 1) if most > 1 else len(reference.rest)
        single += int(min(max(bound, 0), len(reference.rest)))
    return single / reference.present


def with_newcomers(measured: Distances, reference: Sketch, current: Sketch, expected: float) -> Distances:
    """Return the distances, with newcomers among the rare categories in PSI where they are to be expected.

    Otherwise a column of thousands of categories drifts for ever: the reference's share of newcomers is 0 only because
    they are named after it.
    """
    mine, theirs = psi_vector(reference), psi_vector(current)
    if expected < OWN_BIN or mine is None or theirs is None:
        return measured
    psi, noise_p = psi_of(among_rare(mine), among_rare(theirs))
    return replace(measured, psi=psi, noise_p=noise_p)


def among_rare(counts: np.ndarray) -> np.ndarray:
    """Count the unseen as rare; the vector ends with: the rare ones, the unseen ones, the missing ones."""
    return np.array([*counts[:-3], counts[-3] + counts[-2], counts[-1]])
