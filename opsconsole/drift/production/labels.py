"""Labels that come after the rows: read, checked against the rows they belong to, kept, and joined at every check."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from opsconsole.core.errors import StoreError
from opsconsole.core.files import digest_file
from opsconsole.core.nouns import Digest, ModelTask
from opsconsole.drift.data.files import BATCH_ROWS
from opsconsole.drift.data.sources import DataError, open_source
from opsconsole.drift.monitors import Monitor
from opsconsole.drift.production.joins import heap_of
from opsconsole.drift.production.outcomes import as_column, as_text, from_column, known, outcomes
from opsconsole.drift.production.reading import Production
from opsconsole.drift.production.spill_partitions import SpillPartitions, heaps_for
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
    read = _read(monitor, file)
    if not read.rows:
        raise DataError(f"{file}: there is no row with an id and a label in it", hint="ids and labels, one row each")
    last = _last_of_all(read)
    matched, changed = _matched(production, last)
    digest, path = _write(monitor, last.heaps)
    with store.immediate() as connection:
        new = label_batches.record(
            connection,
            monitor=monitor.name,
            path=str(path.relative_to(monitor.evidence)),
            file_digest=digest,
            rows=last.rows,
            unknown=last.rows - matched,
            changed=changed,
        )
    return Brought(str(file), last.rows, matched, last.rows - matched, changed, last.repeated, read.empty, new)


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
            labels = table.column("label")
            kind = pa.string() if monitor.task is ModelTask.MULTICLASS else pa.float64()
            yield pa.RecordBatch.from_pydict({"id": table.column("row_id"), "label": labels.cast(kind)})


@dataclass(frozen=True)
class _Labels:
    """Ids and labels (``id``, ``label``), on heaps."""

    heaps: SpillPartitions
    rows: int
    empty: int = 0
    repeated: int = 0


def _read(monitor: Monitor, file: str | Path) -> _Labels:
    source = open_source(file, base=Path.cwd())
    names = {name for one in source.files for name in one.kinds}
    id_column = monitor.config.id if monitor.config.id in names else "row_id"
    wanted = monitor.config.label if monitor.config.label in names else "label"
    label_column = str(wanted)
    source.require([id_column, label_column])
    source = source.as_text([id_column], keys=True).as_text(monitor.texts_of(label_column))
    heaps, rows, empty, row = SpillPartitions(), 0, 0, 0
    for batch in source.batches([id_column, label_column]):
        values = outcomes(monitor, batch.table.column(label_column), batch.file, label_column)
        _check(monitor, values, batch.file.path, label_column, row)
        own = as_text(batch.table.column(id_column))
        there = own.is_valid().to_numpy(zero_copy_only=False) & known(values)
        heaps.add(_batch(own.filter(pa.array(there)), values[there]), row // BATCH_ROWS)
        rows += int(there.sum())
        empty += int((~there).sum())
        row += batch.table.num_rows
    return _Labels(heaps, rows, empty)


def _batch(ids: pa.Array, labels: NDArray[Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"id": ids, "label": as_column(labels)})


def _last_of_all(read: _Labels) -> _Labels:
    """Keep the last label of each id; count the ids that had different ones."""
    dealt, number = SpillPartitions(), heaps_for(read.rows)
    for batch in read.heaps.batches():
        dealt.deal(batch, heap_of(batch.column("id"), number))
    heaps, rows, repeated = SpillPartitions(), 0, 0
    for batch in dealt.batches():
        ids, labels, several = _last_of_each(batch.column("id"), from_column(batch.column("label")))
        heaps.add(_batch(ids, labels), len(heaps.numbers()))
        rows, repeated = rows + len(ids), repeated + several
    return _Labels(heaps, rows, repeated=repeated)


def _matched(production: Production, labels: _Labels) -> tuple[int, int]:
    """Return how many of the ids production rows have, and for how many the first such row had another label."""
    joined = production.keys.newest(_numbered(labels))
    seen, changed = np.zeros(labels.rows, dtype=np.bool_), 0
    for block in production.blocks():
        joined_block = joined.read(block.block)
        if joined_block is None:
            continue
        rows, numbers = joined_block.column("row").to_numpy(), joined_block.column("number").to_numpy()
        order = np.argsort(rows)
        each, first = np.unique(numbers[order], return_index=True)
        new = order[first[~seen[each]]]
        before, now = block.labels[rows[new] - block.numbers[0]], from_column(joined_block.column("label"))[new]
        changed += int((known(before) & (before != now)).sum())
        seen[each] = True
    return int(seen.sum()), changed


def _numbered(labels: _Labels) -> Iterator[pa.RecordBatch]:
    number = 0
    for batch in labels.heaps.batches():
        numbers = pa.array(np.arange(number, number + batch.num_rows))
        yield pa.RecordBatch.from_pydict({"id": batch.column("id"), "label": batch.column("label"), "number": numbers})
        number += batch.num_rows


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


def _write(monitor: Monitor, labels: SpillPartitions) -> tuple[Digest, Path]:
    """Write a batch under the name of its content, whole or not at all."""
    try:
        return _written(monitor.evidence / FOLDER / monitor.name, labels)
    except OSError as error:
        raise StoreError(
            f"{monitor.evidence}: the labels cannot be kept: {os.strerror(error.errno or errno.EIO)}",
            hint="make room there, or make it writable; nothing was kept, bring the labels again then",
        ) from error


def _written(folder: Path, labels: SpillPartitions) -> tuple[Digest, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".draft-{token_hex(6)}.parquet"
    batches = (batch.rename_columns(["row_id", "label"]) for batch in labels.batches())
    first = next(batches)
    try:
        with pq.ParquetWriter(draft, first.schema, compression="zstd") as writer:
            for batch in chain([first], batches):
                writer.write_batch(batch)
        digest = digest_file(draft)
        path = folder / f"{digest.removeprefix('sha256:')[:16]}.parquet"
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return digest, path
