"""Distances from the raw values, as scipy computes them: slower, needs all values in memory, for when it must be exact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from opsconsole.drift.data.sources import Source
from opsconsole.drift.measures.distances import Distances
from opsconsole.drift.sketches.counting import present_floats, value_counts
from opsconsole.ground.nouns import ColumnKind


def exact(approximate: Distances, reference: Source, current: Source, name: str, kind: ColumnKind) -> Distances:
    """Replace KS, Wasserstein and chi-squared by scipy's own, and the categorical JS by that over all categories.

    A numeric JS needs bins: it stays over the reference's deciles, and PSI, Hellinger and L-infinity are exact already
    for their bins. Infinite values are left out of the Wasserstein distance, which has no value otherwise.
    """
    if kind is ColumnKind.NUMERIC:
        return _numeric(approximate, _values(reference, name), _values(current, name))
    if kind in {ColumnKind.CATEGORICAL, ColumnKind.BOOLEAN}:
        return _categorical(approximate, _counts(reference, name), _counts(current, name))
    return approximate


def _numeric(approximate: Distances, mine: np.ndarray, theirs: np.ndarray) -> Distances:
    from scipy import stats

    if not len(mine) or not len(theirs):
        return approximate
    ks = stats.ks_2samp(mine, theirs)
    mine, theirs = mine[np.isfinite(mine)], theirs[np.isfinite(theirs)]
    if not len(mine) or not len(theirs):
        return replace(approximate, ks=float(ks.statistic), ks_p=float(ks.pvalue))
    wasserstein = float(stats.wasserstein_distance(mine, theirs))
    deviation = float(mine.std())
    return replace(
        approximate,
        ks=float(ks.statistic),
        ks_p=float(ks.pvalue),
        wasserstein=wasserstein,
        wasserstein_normed=wasserstein / deviation if deviation > 0 else None,
    )


def _categorical(approximate: Distances, mine: dict[str, int], theirs: dict[str, int]) -> Distances:
    from scipy import stats
    from scipy.spatial.distance import jensenshannon

    names = sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) or theirs.get(name))
    if not sum(mine.values()) or not sum(theirs.values()):
        return approximate
    table = np.array([[counts.get(name, 0) for name in names] for counts in (mine, theirs)], dtype=np.float64)
    p, q = table[0] / table[0].sum(), table[1] / table[1].sum()
    chi2, chi2_p = (0.0, 1.0) if len(names) < 2 else stats.chi2_contingency(table)[:2]
    return replace(
        approximate,
        js=float(jensenshannon(p, q, base=2)),
        hellinger=float(np.sqrt(np.sum((np.sqrt(p) - np.sqrt(q)) ** 2) / 2)),
        chi2=float(chi2),
        chi2_p=float(chi2_p),
        l_infinity=float(np.max(np.abs(p - q))),
    )


def _columns(source: Source, name: str) -> list[pa.Array]:
    return [batch.table.column(0) for batch in source.batches([name]) if batch.table.num_columns]


def _values(source: Source, name: str) -> np.ndarray:
    parts = [present_floats(column) for column in _columns(source, name)]
    return np.concatenate(parts) if parts else np.empty(0)


def _counts(source: Source, name: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for column in _columns(source, name):
        for value, count in value_counts(column).items():
            found[value] = found.get(value, 0) + count
    return found
