"""What is measured of one column against its reference."""

from __future__ import annotations

from dataclasses import dataclass, replace

from opsconsole.drift.sketches.sketch import Sketch


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
    means: float | None = None
    """For vectors: the distance between the two means, in standard deviations of the reference, by dimension."""
    cosine: float | None = None
    """For vectors: the cosine between the two means."""


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
    """Return what can be said of any column: how much of it is missing."""
    return replace(
        NOTHING,
        missing_reference=reference.missing / reference.rows if reference.rows else 0.0,
        missing_current=current.missing / current.rows if current.rows else 0.0,
    )
