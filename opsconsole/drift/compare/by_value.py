"""``drift compare --by``: each value of a column compared with the same value of the reference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.compute as pc

from opsconsole.drift.compare.columns import Judgement, Unknown
from opsconsole.drift.compare.files import ALL, Choice, ColumnComparison, Rows, compare_sources
from opsconsole.drift.data.sources import Batch, Source, open_source
from opsconsole.drift.facts.column import FEWEST_ROWS
from opsconsole.drift.production.outcomes import as_text

MOST = 20
"""Values that are compared, the commonest of the reference."""


@dataclass(frozen=True)
class SliceComparison:
    """One value of the slicing column; ``columns`` is empty where a side has too few such rows."""

    value: str
    rows: Rows
    severity: Judgement
    columns: tuple[ColumnComparison, ...]
    drifted: bool | None
    """Whether any column of the slice is past its limits; None when none is and some have too few rows to say."""
    rows_needed: int | None
    """Where that is so, how many such rows each side needs."""


@dataclass(frozen=True)
class SlicedSource(Source):
    """The rows of a source that have one value in a column."""

    column: str = ""
    value: str = ""

    def batches(self, columns: list[str] | None = None) -> Iterator[Batch]:
        """Stream the rows with the value; the slicing column itself only where it is asked for."""
        wanted = None if columns is None else list(dict.fromkeys([*columns, self.column]))
        for batch in super().batches(wanted):
            if self.column not in batch.table.schema.names:
                continue
            mine = pc.equal(as_text(batch.table.column(self.column)), self.value)
            table = batch.table.filter(mine)
            kept = table.schema.names if columns is None else [name for name in table.schema.names if name in columns]
            if table.num_rows:
                yield Batch(batch.file, table.select(kept))


def compare_slices(
    reference_file: str | Path, current_file: str | Path, by: str, *, choice: Choice = ALL
) -> tuple[SliceComparison, ...]:
    """Compare the commonest values of ``by`` one by one; DataError where a file lacks the column."""
    reference, current = (open_source(one).as_text([by]) for one in (reference_file, current_file))
    reference.require([by])
    current.require([by])
    chosen = replace(choice, ignore=choice.ignore | {by})
    counts = [_counts(side, by) for side in (reference, current)]
    order = sorted(counts[0], key=lambda value: (-counts[0][value], value))[:MOST]
    slices = []
    for value in order:
        rows = Rows(counts[0][value], counts[1].get(value, 0))
        if min(rows.reference, rows.current) < FEWEST_ROWS:
            slices.append(SliceComparison(value, rows, Unknown.UNKNOWN, (), None, FEWEST_ROWS))
            continue
        mine, theirs = (
            SlicedSource(side.name, side.files, side.notes, column=by, value=value) for side in (reference, current)
        )
        one = compare_sources(mine, theirs, choice=chosen)
        slices.append(SliceComparison(value, rows, one.severity, one.columns, one.drifted, one.rows_needed))
    return tuple(slices)


def _counts(source: Source, by: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for batch in source.batches([by]):
        for one in as_text(batch.table.column(by)).drop_null().value_counts().to_pylist():
            counts[one["values"]] = counts.get(one["values"], 0) + one["counts"]
    return counts
