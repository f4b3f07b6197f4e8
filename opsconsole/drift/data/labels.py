"""Labels that come after the rows: read, held against the rows they belong to, kept, and joined at every check."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from opsconsole.drift.data.files import BATCH_ROWS
from opsconsole.drift.data.outcomes import as_column, as_text, known, outcomes, unknown
from opsconsole.drift.data.production import Production
from opsconsole.drift.data.sources import DataError, open_source
from opsconsole.drift.monitors import Monitor
from opsconsole.ground.errors import StoreError
from opsconsole.ground.files import digest_file
from opsconsole.ground.nouns import Digest, ModelTask
from opsconsole.store import label_batches
from opsconsole.store.connection import Store
from opsconsole.store.label_batches import LabelBatch

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDER = "labels"


@dataclass(frozen=True)
class Brought:
    """What a file of labels did."""

    file: str
    rows: int
    """Rows with an id and a label."""
    matched: int
    """Rows whose id stands among the production rows."""
    unknown: int
    """Ids that no production row has; kept, in case the row comes later."""
    changed: int
    """Production rows that had another label before."""
    repeated: int
    """Ids that stand in the file more than once, with other labels: the last counts."""
    empty: int
    """Rows without an id or a label."""
    new: bool
    """Whether the very same labels had not been brought before."""


def bring(monitor: Monitor, store: Store, file: str | Path, production: Production) -> Brought:
    """Keep a file of labels (a column of ids and one of labels) for all checks to come.

    Raises DataError where a column lacks, or a label is none that the task has, with its row.
    """
    ids, labels, empty = _read(monitor, file)
    ids, labels, repeated = _last_of_each(ids, labels)
    if not len(ids):
        raise DataError(f"{file}: there is no row with an id and a label in it", hint="ids and labels, one row each")
    matched, before = _before(monitor, production, ids)
    changed = int((known(before) & (before != labels)).sum())
    digest, path = _write(monitor, ids, labels)
    with store.immediate() as connection:
        new = label_batches.record(
            connection,
            monitor=monitor.name,
            path=str(path.relative_to(monitor.evidence)),
            file_digest=digest,
            rows=len(ids),
            unknown=int((~matched).sum()),
            changed=changed,
        )
    return Brought(str(file), len(ids), int(matched.sum()), int((~matched).sum()), changed, repeated, empty, new)


def _before(monitor: Monitor, production: Production, ids: pa.Array) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    """Return for each id whether a row has it, and the label of the first such row."""
    matched, before = np.zeros(len(ids), dtype=np.bool_), unknown(monitor, len(ids))
    for block in production.blocks():
        match = pc.index_in(block.ids, value_set=ids)
        rows = np.flatnonzero(match.is_valid().to_numpy(zero_copy_only=False))
        places, first = np.unique(match.drop_null().to_numpy(), return_index=True)
        new = ~matched[places]
        before[places[new]] = block.labels[rows[first[new]]]
        matched[places] = True
    return matched, before


def with_labels(monitor: Monitor, store: Store, production: Production) -> Production:
    """Return the rows with the labels that were brought; the newest counts, also over that of the data itself."""
    batches = label_batches.batches(store, monitor.name)
    if not batches:
        return production
    brought = production.keys.newest(table for batch in batches for table in _brought(monitor, batch))
    return replace(production, brought=brought)


def _brought(monitor: Monitor, batch: LabelBatch) -> Iterator[pa.RecordBatch]:
    path = monitor.evidence / batch.path
    if not path.is_file() or digest_file(path) != batch.file_digest:
        raise DataError(
            f"{path}: the labels brought on {batch.taken_at:%Y-%m-%d} are gone or changed",
            hint="restore the evidence folder, or bring the file of labels again",
        )
    with pq.ParquetFile(path) as file:
        for table in file.iter_batches(BATCH_ROWS):
            labels = as_column(_values(monitor, table.column("label")))
            yield pa.RecordBatch.from_pydict({"id": table.column("row_id"), "label": labels})


def _read(monitor: Monitor, file: str | Path) -> tuple[pa.Array, NDArray[Any], int]:
    source = open_source(file, base=Path.cwd())
    names = {name for one in source.files for name in one.kinds}
    id_column = monitor.config.id if monitor.config.id in names else "row_id"
    wanted = monitor.config.label if monitor.config.label in names else "label"
    label_column = str(wanted)
    source.require([id_column, label_column])
    ids, labels, empty, row = [], [], 0, 0
    for batch in source.batches([id_column, label_column]):
        values = outcomes(monitor, batch.table.column(label_column), batch.file, label_column)
        _check(monitor, values, batch.file.path, label_column, row)
        own = as_text(batch.table.column(id_column))
        there = own.is_valid().to_numpy(zero_copy_only=False) & known(values)
        ids.append(own.filter(pa.array(there)))
        labels.append(values[there])
        empty += int((~there).sum())
        row += batch.table.num_rows
    return (
        pa.concat_arrays(ids) if ids else pa.array([], pa.string()),
        np.concatenate(labels) if labels else unknown(monitor, 0),
        empty,
    )


def _check(monitor: Monitor, values: NDArray[Any], path: Path, column: str, first: int) -> None:
    """Refuse labels that are none: a binary one is 0 or 1."""
    if monitor.task is ModelTask.BINARY:
        wrong = np.flatnonzero(known(values) & (values != 0) & (values != 1))
        if len(wrong):
            raise DataError(
                f"{path}: column `{column}`, row {first + int(wrong[0]) + 1:,}: {values[wrong[0]]:g} is no label of a"
                " binary model",
                hint="labels are 0 and 1, or true and false",
            )


def _last_of_each(ids: pa.Array, labels: NDArray[Any]) -> tuple[pa.Array, NDArray[Any], int]:
    """Keep the last label of each id; count the ids that had different ones."""
    places = pa.table({"id": ids, "place": np.arange(len(ids))}).group_by("id").aggregate([("place", "max")])
    last = np.sort(places.column("place_max").to_numpy())
    if len(last) == len(ids):
        return ids, labels, 0
    kept = ids.take(pa.array(last))
    final = labels[last][pc.index_in(ids, value_set=kept).to_numpy()]
    differing = ids.filter(pa.array(final != labels))
    return kept, labels[last], int(pc.count_distinct(differing).as_py())


def _values(monitor: Monitor, column: pa.Array) -> NDArray[Any]:
    if monitor.task is ModelTask.MULTICLASS:
        return np.array(column.to_pylist(), dtype=object)
    values: NDArray[Any] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values


def _write(monitor: Monitor, ids: pa.Array, labels: NDArray[Any]) -> tuple[Digest, Path]:
    """Write a batch under the name of its content, whole or not at all."""
    try:
        return _written(monitor.evidence / FOLDER / monitor.name, ids, labels)
    except OSError as error:
        raise StoreError(
            f"{monitor.evidence}: the labels cannot be kept: {os.strerror(error.errno or errno.EIO)}",
            hint="make room there, or make it writable; nothing was kept, bring the labels again then",
        ) from error


def _written(folder: Path, ids: pa.Array, labels: NDArray[Any]) -> tuple[Digest, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".draft-{token_hex(6)}.parquet"
    try:
        pq.write_table(pa.table({"row_id": ids, "label": pa.array(labels)}), draft, compression="zstd")
        digest = digest_file(draft)
        path = folder / f"{digest.removeprefix('sha256:')[:16]}.parquet"
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return digest, path
