"""The head of a data file: its columns, and so many rows as tell which of them are times, ids, labels and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from opsconsole.core.errors import UsageError
from opsconsole.core.nouns import ColumnKind
from opsconsole.core.text import clean
from opsconsole.drift.data.sources import Source, open_source
from opsconsole.lifecycle.adding.choices import Choice, given, guessed, nothing

if TYPE_CHECKING:
    import pyarrow as pa

HEAD_ROWS = 200_000
"""So many rows are looked at."""
NAMED = 12
TIMES = frozenset({"time", "timestamp", "datetime", "date", "at", "ts", "event_time", "created_at"})
IDS = ("row_id", "id", "uuid", "key")
LABELS = frozenset({"label", "target", "y", "y_true", "outcome", "truth", "actual", "class"})
SCORES = frozenset(
    {"score", "prediction", "predicted", "pred", "proba", "probability", "y_pred", "y_score", "y_proba", "forecast"}
)


@dataclass(frozen=True)
class Head:
    """What was read of a source."""

    name: str
    """As messages call it: from the folder on in which it was named."""
    source: Source
    table: pa.Table
    whole: bool
    """Whether these are all of its rows."""

    @property
    def columns(self) -> list[str]:
        """The columns that can be compared."""
        return list(self.source.kinds)

    @property
    def rows(self) -> int:
        """How many were read."""
        return int(self.table.num_rows)


def read_head(location: str, base: Path) -> Head:
    """Read it by the engine's own reader; DataError for what cannot be read, NotFoundError where nothing is there."""
    import pyarrow as pa

    source = open_source(location, base=base)
    names = list(source.kinds)
    batches: list[pa.RecordBatch] = []
    rows = 0
    for batch in source.batches(names):
        batches.append(batch.table)
        rows += batch.table.num_rows
        if rows >= HEAD_ROWS:
            break
    tables = [pa.Table.from_batches([one]) for one in batches]
    table = pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({})
    return Head(clean(source.name.removeprefix(f"{base}/"), limit=120), source, table, rows < HEAD_ROWS)


def require_column(head: Head, option: str, name: str) -> str:
    """Return a column that is there; UsageError, with the names that are there, for another."""
    if name not in head.columns:
        shown = ", ".join(clean(one, limit=40) for one in head.columns[:NAMED])
        more = f" and {len(head.columns) - NAMED} more" if len(head.columns) > NAMED else ""
        raise UsageError(
            f"{option} {clean(name, limit=60)}: {head.name} has no such column", hint=f"it has: {shown}{more}"
        )
    return name


def dating(kinds: Mapping[str, ColumnKind | None]) -> tuple[list[str], str | None]:
    """Return the datetime columns, and the one that dates a row: the only one, or the only one that is called so."""
    times = [name for name, kind in kinds.items() if kind is ColumnKind.DATETIME]
    likely = times if len(times) == 1 else [name for name in times if name.lower() in TIMES]
    return times, likely[0] if len(likely) == 1 else None


def time_of(head: Head, named: str | None) -> Choice:
    """Choose the column that dates a row; several that could be are not chosen from (UsageError)."""
    if named is not None:
        return given("time", require_column(head, "--time", named))
    times, chosen = dating(head.source.kinds)
    if chosen is not None:
        why = f"of {len(times)} datetime columns the one with such a name"
        return guessed("time", chosen, "the only datetime column" if len(times) == 1 else why)
    if times:
        raise UsageError(
            f"{head.name} has {len(times)} datetime columns: {_listed(times)}",
            hint=f"which of them dates a row? --time {clean(times[0], limit=60)}",
        )
    return nothing(
        "time", f"{head.name} has no datetime column: its rows are of the time at which the file was written"
    )


def id_of(head: Head, named: str | None) -> Choice:
    """Choose the column that names a row: one that is called so, and in which no value stands twice."""
    if named is not None:
        return given("id", require_column(head, "--id", named))
    likely = [name for name in head.columns if name.lower() in IDS or name.lower().endswith(("_id", "_key"))]
    unique = [name for name in likely if _unique(head, name)]
    first = next((name for wanted in IDS for name in unique if name.lower() == wanted), None)
    if first is not None or len(unique) == 1:
        name = first or unique[0]
        return guessed("id", name, "called so, and no value stands there twice")
    if unique:
        return nothing("id", f"{_listed(unique)} could be it: --id COLUMN says which")
    return nothing(
        "id", "no column is called so and has each value once" if not likely else f"{_listed(likely)} repeat values"
    )


def label_of(head: Head, named: str | None, also: Sequence[str] = ()) -> Choice:
    """Choose the column of what came true, by its name."""
    return _by_name(head, "label", named, LABELS | set(also))


def score_of(head: Head, named: str | None) -> Choice:
    """Choose the column of what the model said, by its name."""
    return _by_name(head, "score", named, SCORES)


def _by_name(head: Head, key: str, named: str | None, names: frozenset[str] | set[str]) -> Choice:
    if named is not None:
        return given(key, require_column(head, f"--{key}", named))
    columns = [name for name in head.columns if name.lower() in names]
    if len(columns) == 1:
        return guessed(key, columns[0], "the only column with such a name")
    if key in columns:
        return guessed(key, key, "a column of that name")
    if columns:
        return nothing(key, f"{_listed(columns)} could be it: --{key} COLUMN says which")
    return nothing(key, f"{head.name} has no column that is called so: --{key} COLUMN names one")


def _unique(head: Head, name: str) -> bool:
    import pyarrow.compute as pc

    column = head.table.column(name) if name in head.table.column_names else None
    return column is not None and column.null_count == 0 and pc.count_distinct(column).as_py() == head.rows > 0


def span_of(head: Head, name: str) -> timedelta | None:
    """Return how long a time the rows that were read are of; None where they cannot tell."""
    import numpy as np

    from opsconsole.drift.data.times import moments_of

    if not head.rows:
        return None
    times = [moments_of(part, head.source.files[0], name) for part in head.table.column(name).chunks]
    values = np.concatenate([one.to_numpy(zero_copy_only=False).astype("datetime64[us]") for one in times])
    there = values[~np.isnat(values)]
    if not len(there):
        return None
    return timedelta(microseconds=int((there.max() - there.min()).astype(np.int64)))


def _listed(names: Sequence[str]) -> str:
    from opsconsole.core.text import listed

    shown = [clean(name, limit=40) for name in names[:5]]
    return listed(shown) + (f" (and {len(names) - 5} more)" if len(names) > 5 else "")
