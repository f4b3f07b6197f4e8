"""Drifts of graded size planted into real columns, and the peers' own statistics of them, written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[Any]

NUMERIC = ("temp", "humid", "dep_minute")
CATEGORICAL = ("carrier", "dest", "origin")
BASE = (*NUMERIC, *CATEGORICAL)
EITHER = ("temp", "humid", "carrier")
LEAST_DEVIATION = 0.001


@dataclass(frozen=True)
class Plant:
    """One kind of drift of one size in one column."""

    kind: str
    size: float
    column: str

    @property
    def name(self) -> str:
        """What the planted column is called."""
        return f"{self.kind}|{self.size}|{self.column}"


GRADES: tuple[tuple[str, tuple[float, ...], tuple[str, ...]], ...] = (
    ("nothing", (0.0,), BASE),
    ("mean, sd", (0.05, 0.1, 0.2, 0.3, 0.5, 1.0), NUMERIC),
    ("scale, times", (1.1, 1.25, 1.5, 2.0), NUMERIC),
    ("share moved", (0.01, 0.02, 0.05, 0.1, 0.2), CATEGORICAL),
    ("missing +", (0.01, 0.02, 0.05, 0.1), EITHER),
    ("unseen", (0.01, 0.05), CATEGORICAL),
)
PLANTS = tuple(Plant(kind, size, name) for kind, sizes, names in GRADES for size in sizes for name in names)


def planted(plant: Plant, chunk: pa.Table, reference: pa.Table, random: np.random.Generator) -> pa.Array:
    """Return the column of a chunk with the drift in it."""
    values, before = chunk[plant.column].combine_chunks(), reference[plant.column]
    if plant.kind == "nothing":
        return values
    if plant.kind == "mean, sd":
        return pc.add(values, plant.size * pc.stddev(before).as_py())
    if plant.kind == "scale, times":
        middle = pc.mean(before).as_py()
        return pc.add(pc.multiply(pc.subtract(values, middle), plant.size), middle)
    if plant.kind == "share moved":
        return _moved(values, before, plant.size, random)
    chosen = pa.array(_some(np.arange(len(values)), plant.size * len(values), len(values), random))
    return pc.if_else(chosen, pa.scalar(None if plant.kind == "missing +" else "never seen", values.type), values)


def _moved(values: pa.Array, before: pa.ChunkedArray, size: float, random: np.random.Generator) -> pa.Array:
    """Turn so many rows of all, none of them of the commonest category, into that category."""
    counts = _counts(before.combine_chunks())
    commonest = max(counts, key=lambda name: counts[name])
    others = np.flatnonzero(pc.not_equal(values, commonest).to_numpy(zero_copy_only=False))
    return pc.if_else(pa.array(_some(others, size * len(values), len(values), random)), commonest, values)


def _some(places: Values, number: float, rows: int, random: np.random.Generator) -> Values:
    chosen = np.zeros(rows, dtype=bool)
    chosen[random.choice(places, min(round(number), len(places)), replace=False)] = True
    return chosen


def present(column: Any) -> Values:
    """Return the present values as numpy."""
    found: Values = column.drop_null().to_numpy(zero_copy_only=False)
    return found


class Statistics:
    """What evidently and nannyml reckon of a column at their defaults, for one reference."""

    def __init__(self, reference: pa.ChunkedArray) -> None:
        self.numeric = pa.types.is_floating(reference.type)
        column = reference.combine_chunks()
        if not self.numeric:
            self._counts = _counts(column)
            return
        self._values = present(column)
        self._deviation = max(float(np.std(self._values)), LEAST_DEVIATION)
        self._bins = np.histogram_bin_edges(self._values, bins="doane")
        self._shares = np.histogram(self._values, self._bins)[0] / len(self._values)

    def evidently(self, current: pa.Array) -> float:
        """Wasserstein in standard deviations; Jensen-Shannon in base e of a category."""
        from scipy.stats import wasserstein_distance

        if not self.numeric:
            return self._jensen_shannon(current, None)
        return float(wasserstein_distance(self._values, present(current)) / self._deviation)

    def nannyml(self, current: pa.Array) -> float:
        """Jensen-Shannon in base 2, of a number in Doane's bins of the reference, and one for what is outside."""
        if not self.numeric:
            return self._jensen_shannon(current, 2)
        values = present(current)
        shares = np.histogram(values, self._bins)[0] / len(values)
        outside = max(1 - shares.sum(), 0.0)
        return _distance(np.append(self._shares, 0), np.append(shares, outside), 2)

    def _jensen_shannon(self, current: pa.Array, base: float | None) -> float:
        mine, theirs = self._counts, _counts(current)
        names = sorted({*mine, *theirs})
        counts = [np.array([one.get(name, 0) for name in names], dtype=float) for one in (mine, theirs)]
        return _distance(counts[0], counts[1], base)


def _distance(mine: Values, theirs: Values, base: float | None) -> float:
    from scipy.spatial.distance import jensenshannon

    found = float(jensenshannon(mine, theirs, base=base))
    return 0.0 if np.isnan(found) else found


def _counts(column: pa.Array) -> dict[str, int]:
    return {one["values"].as_py(): one["counts"].as_py() for one in column.drop_null().value_counts()}
