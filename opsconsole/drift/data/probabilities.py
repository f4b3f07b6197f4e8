"""What a multiclass model says of every class: columns ``probability_CLASS`` beside the class that it names.

Without them only what needs the named class can be measured, and nothing be estimated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opsconsole.drift.data.errors import DataError
from opsconsole.drift.data.production import Production, as_text
from opsconsole.drift.data.sources import Source, open_source
from opsconsole.drift.monitors import Monitor
from opsconsole.drift.performance.multiclass import Probabilities
from opsconsole.ground.nouns import ModelTask
from opsconsole.store.baselines import Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PREFIX = "probability_"


def classes_of(source: Source) -> tuple[str, ...]:
    """Return the classes that a source has probabilities of; DataError where its files disagree."""
    found: tuple[str, ...] | None = None
    for file in source.files:
        own = tuple(sorted(name.removeprefix(PREFIX) for name in file.kinds if name.startswith(PREFIX)))
        if found is not None and own != found:
            raise DataError(
                f"{file.name}: probabilities of {', '.join(own) or 'no class'}, in the files before it of"
                f" {', '.join(found) or 'no class'}",
                hint="all files must have the same probability_… columns",
            )
        found = own
    return found or ()


def matrix(table: pa.RecordBatch, classes: Sequence[str]) -> Floats:
    """Return rows × classes; NaN where one is missing."""
    return np.column_stack(
        [table.column(PREFIX + one).cast(pa.float64()).to_numpy(zero_copy_only=False) for one in classes]
    )


def with_probabilities(
    monitor: Monitor, production: Production, batches: Sequence[Predictions], holder: int
) -> Production:
    """Return the rows with each version's probabilities, where the task has classes and the predictions have them."""
    if monitor.task is not ModelTask.MULTICLASS:
        return production
    found: dict[int, Probabilities] = {}
    if not batches:
        classes = classes_of(production.source)
        if classes:
            parts = [matrix(one.table, classes) for one in production.source.batches([PREFIX + one for one in classes])]
            found[holder] = Probabilities(classes, np.concatenate(parts))
    for version in sorted({batch.version for batch in batches}):
        joined = _joined(monitor, production.ids, [batch for batch in batches if batch.version == version])
        if joined is not None:
            found[version] = joined
    return replace(production, probabilities=found)


def at(probabilities: Probabilities | None, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Probabilities | None:
    """Return the probabilities of some rows; None where any of them has none."""
    if probabilities is None:
        return None
    values = probabilities.values[rows]
    return Probabilities(probabilities.classes, values) if np.isfinite(values).all() else None


def _joined(monitor: Monitor, ids: pa.Array, batches: Sequence[Predictions]) -> Probabilities | None:
    """Give each row its newest probabilities; a later run counts over an earlier one."""
    values: Floats | None = None
    classes: tuple[str, ...] = ()
    for batch in batches:
        source = open_source(monitor.evidence / Path(batch.path))
        own = classes_of(source)
        if not own:
            continue
        if values is None:
            classes, values = own, np.full((len(ids), len(own)), np.nan)
        if own != classes:
            raise DataError(
                f"{source.name}: probabilities of {', '.join(own)}, in the runs before it of {', '.join(classes)}",
                hint="a version names the same classes in every run",
            )
        for part in source.batches(["row_id", *(PREFIX + one for one in classes)]):
            match = pc.index_in(ids, value_set=as_text(part.table.column("row_id")))
            there = match.is_valid().to_numpy(zero_copy_only=False)
            values[there] = matrix(part.table, classes)[match.drop_null().to_numpy()]
    return None if values is None else Probabilities(classes, values)
