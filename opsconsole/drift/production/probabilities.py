"""A multiclass model's probabilities: columns ``probability_CLASS`` beside the predicted class.

Without them only what needs the named class can be measured, and nothing be estimated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from opsconsole.drift.data.errors import DataError
from opsconsole.drift.data.sources import Source
from opsconsole.drift.performance.realised.multiclass import Probabilities

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PREFIX = "probability_"


def classes_in(columns: Iterable[str]) -> tuple[str, ...]:
    """Return the classes that some of the columns are probabilities of."""
    return tuple(sorted(name.removeprefix(PREFIX) for name in columns if name.startswith(PREFIX)))


def classes_of(source: Source) -> tuple[str, ...]:
    """Return the classes that a source has probabilities of; DataError where its files disagree."""
    classes: tuple[str, ...] | None = None
    for file in source.files:
        own = classes_in(file.kinds)
        if classes is not None and own != classes:
            raise DataError(
                f"{file.name}: probabilities of {', '.join(own) or 'no class'}, in the files before it of"
                f" {', '.join(classes) or 'no class'}",
                hint="all files must have the same probability_… columns",
            )
        classes = own
    return classes or ()


def matrix(table: pa.RecordBatch, classes: Sequence[str]) -> Floats:
    """Return rows × classes; NaN where one is missing."""
    return np.column_stack(
        [table.column(PREFIX + one).cast(pa.float64()).to_numpy(zero_copy_only=False) for one in classes]
    )


def columns_of(probabilities: Probabilities | None) -> dict[str, pa.Array]:
    """Return probabilities as columns; ``matrix`` gives the same back."""
    if probabilities is None:
        return {}
    return {PREFIX + one: pa.array(probabilities.values[:, at]) for at, one in enumerate(probabilities.classes)}


def at(probabilities: Probabilities | None, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Probabilities | None:
    """Return the probabilities of some rows; None where any of them has none."""
    if probabilities is None:
        return None
    values = probabilities.values[rows]
    return Probabilities(probabilities.classes, values) if np.isfinite(values).all() else None
