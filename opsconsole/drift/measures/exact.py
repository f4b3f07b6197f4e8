"""Distances from the raw values, as scipy computes them: slower, needs all values in memory, for when it must be exact."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from opsconsole.core.nouns import ColumnKind
from opsconsole.drift.data.sources import Source
from opsconsole.drift.measures.columns import Distances
from opsconsole.drift.measures.formulas import likeliest
from opsconsole.drift.sketches.reading import present_floats, text_lengths, value_counts
from opsconsole.drift.sketches.sketch import CategorySketch, EmbeddingSketch, NumericSketch, Sketch
from opsconsole.drift.sketches.vectors import EmbeddingLayout, embedding_layout_of, vectors_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def exact(approximate: Distances, reference: Source, current: Source, name: str, sketch: Sketch) -> Distances:
    """Replace KS, Wasserstein and chi-squared by scipy's own, and the categorical JS by that over all categories.

    A numeric JS needs bins: it stays over the reference's deciles, and PSI, Hellinger and L-infinity are exact already
    for their bins, as all is of hours and weekdays. Infinite values are left out of the Wasserstein distance, which has
    no value otherwise. Of vectors the KS is that along the directions of the reference's ``sketch``.
    """
    if isinstance(sketch, NumericSketch):
        read = text_lengths if sketch.kind is ColumnKind.TEXT else present_floats
        mine, theirs = _values(reference, name, read), _values(current, name, read)
        if any(_is_single(side, name) for side in (reference, current)):
            mine, theirs = (side.astype(np.float32).astype(np.float64) for side in (mine, theirs))
        return _numeric(approximate, mine, theirs)
    if isinstance(sketch, CategorySketch):
        return _categorical(approximate, _counts(reference, name), _counts(current, name))
    if isinstance(sketch, EmbeddingSketch):
        layout = embedding_layout_of(sketch)
        return _embedded(approximate, _projected(reference, name, layout), _projected(current, name, layout))
    return approximate


def _numeric(approximate: Distances, mine: Floats, theirs: Floats) -> Distances:
    from scipy import stats

    if not len(mine) or not len(theirs):
        return approximate
    ks = _ks(mine, theirs)
    mine, theirs = mine[np.isfinite(mine)], theirs[np.isfinite(theirs)]
    if not len(mine) or not len(theirs):
        return replace(approximate, ks=float(ks.statistic), ks_p=float(ks.pvalue))
    with np.errstate(over="ignore", invalid="ignore"):
        wasserstein, deviation = float(stats.wasserstein_distance(mine, theirs)), float(mine.std())
    if not math.isfinite(wasserstein):
        return replace(approximate, ks=float(ks.statistic), ks_p=float(ks.pvalue), wasserstein=None)
    return replace(
        approximate,
        ks=float(ks.statistic),
        ks_p=float(ks.pvalue),
        wasserstein=wasserstein,
        wasserstein_normed=wasserstein / deviation if 0 < deviation < math.inf else None,
    )


def _ks(mine: Floats, theirs: Floats) -> Any:
    """Ask scipy, which warns where it cannot count all paths and takes the limit distribution."""
    from scipy import stats

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return stats.ks_2samp(mine, theirs)


def _embedded(approximate: Distances, mine: Floats, theirs: Floats) -> Distances:
    if not len(mine) or not len(theirs):
        return approximate
    distances = [_ks(one, other) for one, other in zip(mine.T, theirs.T, strict=True)]
    most = max(distances, key=lambda one: float(one.statistic), default=None)
    if most is None:
        return approximate
    return replace(approximate, ks=float(most.statistic), ks_p=likeliest(float(most.pvalue), len(distances)))


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


def _is_single(source: Source, name: str) -> bool:
    """Whether a side keeps its numbers with 32 bits or fewer: then both are compared as such."""
    types = [file.schema.field(name).type for file in source.files if name in file.kinds]
    return any(pt.is_float32(kind) or pt.is_float16(kind) for kind in types)


def _columns(source: Source, name: str) -> list[pa.Array]:
    return [batch.table.column(0) for batch in source.batches([name]) if batch.table.num_columns]


def _values(source: Source, name: str, read: Callable[[pa.Array], Floats]) -> Floats:
    parts = [read(column) for column in _columns(source, name)]
    return np.concatenate(parts) if parts else np.empty(0)


def _projected(source: Source, name: str, layout: EmbeddingLayout) -> Floats:
    columns = _columns(source, name)
    parts = [layout.project(one) for column in columns for one in vectors_of(column, layout.size)]
    return np.concatenate(parts) if parts else np.empty((0, len(layout.directions)))


def _counts(source: Source, name: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for column in _columns(source, name):
        for value, count in value_counts(column).items():
            counts[value] = counts.get(value, 0) + count
    return counts
