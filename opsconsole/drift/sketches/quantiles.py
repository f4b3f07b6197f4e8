"""Quantiles of a numeric sketch: from its cells inside the reference's range, from its tails outside."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from opsconsole.drift.sketches.columns import NumericSketch

FULL = 254
"""With fewer edges the reference repeats its values, and they lie on the edges rather than between them."""
LOW, MEDIAN, HIGH = 0.05, 0.5, 0.95


def quantiles(sketch: NumericSketch, shares: Sequence[float]) -> tuple[float, ...]:
    """Return the value below which each share of the finite values lies; nothing where there are no finite values.

    Inside a cell values count as evenly spread, so ranks are right within the share of one cell: of the reference 1/254,
    of other data what it holds between two neighbouring edges. Outside the range ranks are right within 1.7 % of the
    values there.
    """
    pieces = list(_pieces(sketch))
    if not pieces or sketch.minimum is None or sketch.maximum is None:
        return ()
    reached = list(accumulate(count for _, _, count in pieces))
    levels = []
    for share in shares:
        wanted = min(max(share, 0.0), 1.0) * reached[-1]
        place = bisect_left(reached, wanted)
        left, right, count = pieces[place]
        part = min(max(1.0 - (reached[place] - wanted) / count, 0.0), 1.0)
        value = left if left == right else left * (1 - part) + right * part
        levels.append(min(max(value, sketch.minimum), sketch.maximum))
    return tuple(levels)


def _pieces(sketch: NumericSketch) -> Iterator[tuple[float, float, int]]:
    """Yield from where to where how many values lie, from the least on."""
    yield from ((value, value, weight) for value, weight in sketch.below.weighted())
    spread = len(sketch.edges) >= FULL
    for index, number in enumerate(sketch.cells[1:-1]):
        if number:
            yield sketch.edges[index], sketch.edges[index + 1 if spread else index], number
    yield from ((value, value, weight) for value, weight in sketch.above.weighted())
