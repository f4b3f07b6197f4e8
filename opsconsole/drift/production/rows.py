"""Some production rows of a version, as arrays that run in parallel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from opsconsole.drift.performance.realised.multiclass import Probabilities
from opsconsole.drift.production.outcomes import as_column, from_column
from opsconsole.drift.production.probabilities import classes_in, columns_of, matrix
from opsconsole.drift.production.spill_partitions import block_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places = NDArray[np.intp] | NDArray[np.bool_]


@dataclass(frozen=True)
class Rows:
    """Rows in the order of their files, save their features, which stay there."""

    numbers: NDArray[np.int64]
    """The place of each among all rows of the source."""
    ids: pa.Array
    """As text; null where a row has none."""
    times: NDArray[np.datetime64]
    """Wall-clock times in the zone of the source; NaT where a row has none."""
    labels: NDArray[Any]
    """Floats (NaN: not yet known), or for a multiclass model text (None: not yet known)."""
    scores: NDArray[Any]
    """Those of one version; NaN (or None) where it has scored no such row."""
    probabilities: Probabilities | None = None
    """What one version of a multiclass model says of every class; NaN where it says nothing."""

    @property
    def block(self) -> int:
        """The block that the first of them lies in."""
        return int(block_of(self.numbers[:1])[0])

    def __len__(self) -> int:
        return len(self.numbers)

    def at(self, places: Places) -> Rows:
        """Return some of the rows."""
        probabilities = self.probabilities
        taken = pa.array(places)
        return Rows(
            self.numbers[places],
            self.ids.filter(taken) if places.dtype == np.bool_ else self.ids.take(taken),
            self.times[places],
            self.labels[places],
            self.scores[places],
            None if probabilities is None else Probabilities(probabilities.classes, probabilities.values[places]),
        )

    def batch(self) -> pa.RecordBatch:
        """Return the rows as one record batch; ``rows_of`` gives the same back."""
        columns = {
            "number": pa.array(self.numbers),
            "id": self.ids,
            "time": pa.array(self.times),
            "label": as_column(self.labels),
            "score": as_column(self.scores),
        }
        return pa.RecordBatch.from_pydict(columns | columns_of(self.probabilities))


def rows_of(batch: pa.RecordBatch) -> Rows:
    """Return the rows that ``Rows.batch`` made a record batch of."""
    numbers, ids, times, labels, scores = (batch.column(name) for name in ("number", "id", "time", "label", "score"))
    classes = classes_in(batch.schema.names)
    return Rows(
        numbers.to_numpy(),
        ids,
        times.to_numpy(zero_copy_only=False),
        from_column(labels),
        from_column(scores),
        Probabilities(classes, matrix(batch, classes)) if classes else None,
    )


def joined_rows(parts: list[Rows]) -> Rows:
    """Return rows one after the other; there is at least one part, and all have the same classes."""
    return parts[0] if len(parts) == 1 else rows_of(pa.concat_batches([one.batch() for one in parts]))
