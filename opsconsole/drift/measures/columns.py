"""Measuring one column against its reference."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from opsconsole.drift.sketches.sketch import Sketch
from opsconsole.store.chunk_records import KeptDistances


@dataclass(frozen=True, kw_only=True)
class Distances(KeptDistances):
    """Everything measured of one column; None where a measure does not apply to its kind or there are no values."""

    bins: int
    """How many bins of the reference held values, without the special ones."""
    wasserstein_normed: float | None
    """The Wasserstein distance in standard deviations of the reference."""
    means: float | None = None
    """For vectors: the distance between the two means, in standard deviations of the reference, by dimension."""
    cosine: float | None = None
    """For vectors: the cosine between the two means."""

    @property
    def kept(self) -> KeptDistances:
        """What of it is kept with a chunk."""
        return KeptDistances(**{one.name: getattr(self, one.name) for one in fields(KeptDistances)})


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


def blank(reference: Sketch, current: Sketch) -> Distances:
    """Return the facts of a column of any kind: how much of it is missing."""
    return replace(
        NOTHING,
        missing_reference=reference.missing / reference.rows if reference.rows else 0.0,
        missing_current=current.missing / current.rows if current.rows else 0.0,
    )
