"""Production rows: their ids, times, labels, and which version gave which score; features stay in their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from opsconsole.drift.data.errors import DataError
from opsconsole.drift.data.files import DataFile
from opsconsole.drift.data.repeats import repeated
from opsconsole.drift.data.sources import Source, open_source
from opsconsole.drift.data.times import WallClock, moments_of, wall_clock
from opsconsole.drift.kinds import is_vector
from opsconsole.drift.monitors import Monitor
from opsconsole.drift.performance.multiclass import Probabilities
from opsconsole.ground import clock
from opsconsole.ground.nouns import ModelTask
from opsconsole.store.baselines import Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Production", "as_text", "known", "moments_of", "outcomes", "outcomes_in", "read_production"]

AHEAD = timedelta(days=1)
"""A row dated further ahead of now is a mistake of its clock or its zone, and is counted."""


@dataclass(frozen=True)
class Production:
    """All current rows in the order of their files; the arrays run in parallel."""

    source: Source
    ids: pa.Array
    """As text; null where a row has none."""
    times: NDArray[np.datetime64]
    """Wall-clock time in ``zone``; NaT where a row has none."""
    zone: str | None
    labels: NDArray[Any]
    """Floats (NaN: not yet known), or for a multiclass model text (None: not yet known)."""
    spans: tuple[tuple[DataFile, int, int], ...]
    """Each file's rows, as first and one past the last."""
    scores: dict[int, NDArray[Any]]
    """For each version its scores; NaN (or None) where it has scored no such row."""
    probabilities: dict[int, Probabilities] = field(default_factory=dict)
    """For each version of a multiclass model, what it says of every class; NaN where it says nothing."""
    duplicates: int = 0
    """Rows whose id an earlier row has already; they are kept."""
    notes: tuple[str, ...] = ()
    """What is odd about the rows, with what was left out of the source."""

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.times)


def read_production(monitor: Monitor, source: Source, batches: Sequence[Predictions], holder: int) -> Production:
    """Read ids, times and labels, and join the scores by id.

    Without any predictions a score column in the files themselves counts as that of ``holder``, the version that
    the alias points to.
    """
    own_scores = not batches
    source.require([monitor.config.time, monitor.config.score if own_scores else monitor.config.id])
    read = _read(monitor, source, own_scores=own_scores)
    ids = _one_array(read.ids, source)
    times = np.concatenate(read.times) if read.times else np.empty(0, dtype="datetime64[us]")
    duplicates, example = repeated(ids)
    notes = [*source.notes, *read.notes, *read.clock.notes.values(), *_ahead(times, read.clock.zone)]
    if duplicates:
        notes.append(f"{duplicates:,} rows repeat the id of an earlier one, such as `{example}`: all were kept")
    if own_scores:
        scores = {holder: _joined(monitor, read.scores)}
    else:
        scores, odd = _joined_scores(monitor, ids, batches)
        notes += odd
        if ids.null_count:
            notes.append(f"{ids.null_count:,} rows have no id: no score is theirs")
    notes += _unscored(scores, times)
    labels, wrong = _right(monitor, _joined(monitor, read.labels))
    notes += [*wrong, *_infinite("labels", labels), *_nameless(monitor, ids, labels)]
    notes += [note for version in scores for note in _infinite(f"scores of v{version}", scores[version])]
    return Production(
        source=source,
        ids=ids,
        times=times,
        zone=read.clock.zone,
        labels=labels,
        spans=tuple(read.spans),
        scores=scores,
        duplicates=duplicates,
        notes=tuple(notes),
    )


@dataclass
class _Read:
    """What was read so far, batch by batch."""

    clock: WallClock = field(default_factory=WallClock)
    ids: list[pa.Array] = field(default_factory=list)
    times: list[NDArray[np.datetime64]] = field(default_factory=list)
    labels: list[NDArray[Any]] = field(default_factory=list)
    scores: list[NDArray[Any]] = field(default_factory=list)
    spans: list[tuple[DataFile, int, int]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def _read(monitor: Monitor, source: Source, *, own_scores: bool) -> _Read:
    config = monitor.config
    wanted = [name for name in (config.id, config.time, config.label, config.score) if name is not None]
    found, row = _Read(), 0
    for file in source.files:
        first = row
        for batch in Source(source.name, (file,)).batches(wanted):
            table = batch.table
            found.times.append(found.clock.read(table.column(config.time), file, config.time, row - first))
            has_id = config.id in table.schema.names
            found.ids.append(as_text(table.column(config.id)) if has_id else pa.nulls(table.num_rows, pa.string()))
            found.labels.append(outcomes_in(monitor, table, config.label, file))
            if own_scores:
                found.scores.append(outcomes_in(monitor, table, config.score, file))
            row += table.num_rows
        found.spans.append((file, first, row))
        if row == first:
            found.notes.append(f"{file.name}: holds no rows")
    return found


def _one_array(parts: list[pa.Array], source: Source) -> pa.Array:
    try:
        return pa.concat_arrays(parts) if parts else pa.array([], pa.string())
    except pa.ArrowInvalid as error:
        raise DataError(
            f"{source.name}: its row ids are longer than 2 GiB together",
            hint="check fewer files at a time, or use shorter ids",
        ) from error


def _ahead(times: NDArray[np.datetime64], zone: str | None) -> list[str]:
    """Return a note on the rows that are dated more than a day after now, if there are any."""
    future = times[times > wall_clock(clock.now() + AHEAD, zone)]
    return [f"{len(future):,} rows are dated after now, up to {str(future.max())[:16]}"] if len(future) else []


def _unscored(scores: dict[int, NDArray[Any]], times: NDArray[np.datetime64]) -> list[str]:
    """Return a note on the rows that no version scored since the first that one did, if there are any.

    They are in no chunk. Those before are what versions were trained on.
    """
    scored = np.zeros(len(times), dtype=np.bool_)
    for one in scores.values():
        scored |= known(one) if one.dtype == object else ~np.isnan(one)
    begun = times[scored & ~np.isnat(times)]
    number = int((~scored & (times >= begun.min())).sum()) if len(begun) else len(times)
    return [f"{number:,} rows have no score of any version and were left out"] if number else []


def _nameless(monitor: Monitor, ids: pa.Array, labels: NDArray[Any]) -> list[str]:
    """Return a note on the rows that can never get a label, because they have no id, if there are any."""
    if monitor.config.label is None or not ids.null_count:
        return []
    number = int((ids.is_null().to_numpy(zero_copy_only=False) & ~known(labels)).sum())
    return [f"{number:,} rows have neither an id nor a label: no label that is brought can be theirs"] if number else []


def _right(monitor: Monitor, labels: NDArray[Any]) -> tuple[NDArray[Any], list[str]]:
    """Return labels without those that a binary model cannot have, and a note on them."""
    if monitor.task is not ModelTask.BINARY:
        return labels, []
    wrong = np.isfinite(labels) & (labels != 0) & (labels != 1)
    if not wrong.any():
        return labels, []
    told = f"{int(wrong.sum()):,} labels are neither 0 nor 1, such as {labels[wrong][0]:g}, and were left out"
    return np.where(wrong, np.nan, labels), [told]


def _infinite(what: str, values: NDArray[Any]) -> list[str]:
    """Return a note on values that are no number to measure by, if there are any; ``known`` leaves them out."""
    number = 0 if values.dtype == object else int(np.isinf(values).sum())
    return [f"{number:,} {what} are infinite and were left out"] if number else []


def _joined_scores(
    monitor: Monitor, ids: pa.Array, batches: Sequence[Predictions]
) -> tuple[dict[int, NDArray[Any]], list[str]]:
    """Give each row its newest score of each version; return with them what is odd about the predictions."""
    found: dict[int, NDArray[Any]] = {}
    notes: list[str] = []
    for version in sorted({batch.version for batch in batches}):
        keys, values = [], []
        for batch in batches:
            if batch.version == version:
                key, value, note = _predicted(monitor, batch)
                keys.append(key)
                values.append(value)
                notes += [note] if note else []
        key, value = pa.concat_arrays(keys), _joined(monitor, values)
        if not len(key):
            continue
        newest = pa.table({"id": key, "place": np.arange(len(key))}).group_by("id").aggregate([("place", "max")])
        match = pc.index_in(ids, value_set=newest.column("id").combine_chunks().drop_null())
        places = newest.filter(newest.column("id").is_valid()).column("place_max").to_numpy()
        scored = match.is_valid().to_numpy(zero_copy_only=False)
        scores = unknown(monitor, len(ids))
        scores[scored] = value[places[match.drop_null().to_numpy()]]
        found[version] = scores
    return found, notes


def _predicted(monitor: Monitor, batch: Predictions) -> tuple[pa.Array, NDArray[Any], str]:
    """Return the ids and scores that one run left, and a note when it scored a row twice."""
    source = open_source(monitor.evidence / Path(batch.path))
    source.require(["row_id", "score"])
    keys, values = [pa.array([], pa.string())], [unknown(monitor, 0)]
    for part in source.batches(["row_id", "score"]):
        keys.append(as_text(part.table.column("row_id")))
        values.append(outcomes_in(monitor, part.table, "score", part.file))
    key = pa.concat_arrays(keys)
    more, example = repeated(key)
    note = f"{source.name}: {more:,} predictions repeat a row id, such as `{example}`: the last one counts"
    return key, np.concatenate(values), note if more else ""


def known(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where a label or score is there."""
    if values.dtype == object:
        values = pa.array(values, from_pandas=True).is_valid().to_numpy(zero_copy_only=False)
        return values.astype(np.bool_, copy=False)
    there: NDArray[np.bool_] = np.isfinite(values)
    return there


def as_text(column: pa.Array) -> pa.Array:
    """Return ids as text, so that a number here and text there still meet."""
    if pt.is_dictionary(column.type):
        column = column.dictionary_decode()
    if is_vector(column.type):
        raise DataError("a column of vectors stands where one value a row is needed", hint="name another column")
    if pt.is_floating(column.type):
        whole = pc.floor(column)
        if pc.all(pc.equal(whole, column), skip_nulls=True).as_py():
            column = whole.cast(pa.int64(), safe=False)
    return column if column.type == pa.string() else column.cast(pa.string())


def outcomes(monitor: Monitor, column: pa.Array, file: DataFile, name: str) -> NDArray[Any]:
    """Return labels or scores: floats, or for a multiclass model text."""
    if monitor.task is ModelTask.MULTICLASS:
        texts: NDArray[Any] = as_text(column).to_numpy(zero_copy_only=False)
        return texts.astype(object, copy=False)
    kind = column.type
    if pt.is_null(kind):
        return np.full(len(column), np.nan)
    if not (pt.is_boolean(kind) or pt.is_integer(kind) or pt.is_floating(kind) or pt.is_decimal(kind)):
        raise DataError(
            f"{file.name}: column `{name}` holds {_plain(kind)}, a {monitor.task.value} model needs numbers",
            hint=next(
                (note for note in file.reader.notes if f"column `{name}`" in note),
                "labels are 0 and 1 (or true and false), scores are probabilities",
            ),
        )
    values: NDArray[Any] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values


def _plain(kind: pa.DataType) -> str:
    """Return a type as one would say it: how the text is packed is no one's business."""
    kind = kind.value_type if pt.is_dictionary(kind) else kind
    return "text" if pt.is_string(kind) or pt.is_large_string(kind) else str(kind)


def outcomes_in(monitor: Monitor, table: pa.RecordBatch, name: str | None, file: DataFile) -> NDArray[Any]:
    """Return the labels or scores of a batch; none is known where it lacks the column."""
    if name is None or name not in table.schema.names:
        return unknown(monitor, table.num_rows)
    return outcomes(monitor, table.column(name), file, name)


def unknown(monitor: Monitor, rows: int) -> NDArray[Any]:
    """Return outcomes of which none is known."""
    return np.full(rows, None, dtype=object) if monitor.task is ModelTask.MULTICLASS else np.full(rows, np.nan)


def _joined(monitor: Monitor, parts: list[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else unknown(monitor, 0)
