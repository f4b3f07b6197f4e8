"""Finding the histogram cells of values: the expensive part of counting.

``numpy.searchsorted`` into 256 edges costs ten times what decoding the file costs. A uniform table of 16,384 cells
gives the edge index at once, and a compare against the few edges inside the cell makes it bit-equal.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_EDGES = 256
LOOKUP_CELLS = 16_384
DEEPEST = 8
"""More edges than this in one table cell (heavy tails): a binary search is faster."""
MANY = 4_096
"""Values from which counting the table's own cells pays."""
SINGLE = 2.0**-23
"""How far, of its size, a number may be from what it was before it was stored with 32 bits: twice what rounding does."""


class CellFinder:
    """Finds the cell of a value: bit-equal to ``numpy.searchsorted(cuts, values, side="right")``.

    Rounding keeps order, so a value whose table cell lies after an edge's cell is past that edge; only the edges in
    its own cell need comparing.
    """

    def __init__(self, edges: Floats) -> None:
        self.edges = edges
        cuts = cuts_of(edges)
        self.cuts = cuts
        """Where one cell ends and the next begins."""
        self._lookup: NDArray[np.intp] | None = None
        if len(cuts) < 8:
            return
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            self._low = float(cuts[0])
            self._scale = LOOKUP_CELLS / (float(cuts[-1]) - self._low)
        if not 0 < self._scale < np.inf:
            return
        cells = self._table_cells(cuts)
        inside = np.bincount(cells, minlength=LOOKUP_CELLS)
        self._depth = int(inside.max())
        if self._depth > DEEPEST:
            return
        self._lookup = (np.cumsum(inside) - inside).astype(np.intp)
        self._bounds = np.append(cuts, np.full(self._depth, np.nan))
        self._crossed = inside > 0
        self._edged = np.flatnonzero(self._crossed)
        self._filled, self._starts = np.unique(self._lookup, return_index=True)

    def count(self, values: Floats) -> NDArray[np.intp]:
        """Return how many values (no NaN) lie in each cell.

        All values of a table cell without an edge lie in one cell, so that only the others, one in twenty, are compared.
        """
        number = len(self.edges) + 1
        if self._lookup is None or len(values) < MANY:
            return np.bincount(self.cells(values), minlength=number)
        places = self._table_cells(values)
        table = np.bincount(places, minlength=LOOKUP_CELLS)
        table[self._edged] = 0
        near = values[np.flatnonzero(self._crossed[places])]
        counts = np.bincount(self.cells(near), minlength=number)
        counts[self._filled] += np.add.reduceat(table, self._starts)
        return counts

    def cells(self, values: Floats) -> NDArray[np.intp]:
        """Return for each value (no NaN) how many edges are at or below it."""
        if self._lookup is None:
            return np.searchsorted(self.cuts, values, side="right")
        cells = self._lookup[self._table_cells(values)]
        for _ in range(self._depth):
            cells += values >= self._bounds[cells]
        return cells

    def _table_cells(self, values: Floats) -> NDArray[np.intp]:
        with np.errstate(over="ignore"):
            scaled = values - self._low
            scaled *= self._scale
        np.clip(scaled, 0, LOOKUP_CELLS - 1, out=scaled)
        return scaled.astype(np.intp)


def cuts_of(edges: Floats) -> Floats:
    """Return the bounds of the cells: edges that are no whole numbers, moved by what storing with 32 bits may change.

    Prices such as 19.99 lie on the edges themselves; as 32-bit floats they would all be in the cell before.
    """
    if len(edges) < 2:
        return edges
    with np.errstate(over="ignore", invalid="ignore"):
        reach = np.abs(edges) * SINGLE
        halfway = 0.5 * edges + 0.5 * np.append(edges[0], edges[:-1])
        lower = np.maximum(edges - reach, halfway)
        lower[0], lower[-1] = edges[0] - reach[0], edges[-1] + reach[-1]
        lower[1:] = np.maximum(lower[1:], np.nextafter(edges[:-1], np.inf))
    whole = edges == np.floor(edges)
    whole[-1] = whole[-2]  # the last edge lies just above the greatest value, which is the one before
    cuts: Floats = np.where(whole | ~np.isfinite(lower), edges, lower)
    return cuts


def quantile_edges(sample: Floats, minimum: float, maximum: float) -> Floats:
    """Return at most 256 increasing edges: quantiles of the finite ``sample``, closed just above ``maximum``."""
    ordered = np.sort(sample)
    places = np.linspace(0, len(ordered) - 1, MOST_EDGES - 2).astype(np.intp)
    closing = math.nextafter(maximum, math.inf)
    return np.unique(np.concatenate(([minimum], ordered[places], [closing])))
