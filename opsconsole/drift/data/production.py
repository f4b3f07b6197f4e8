"""Production rows: their ids, times, labels, and which version gave which score; features stay in their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from opsconsole.drift.data.sources import DataError, DataFile, Source, open_source
from opsconsole.drift.monitors import Monitor
from opsconsole.ground.nouns import ModelTask
from opsconsole.store.baselines import Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


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

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.times)


def read_production(monitor: Monitor, source: Source, batches: Sequence[Predictions], holder: int) -> Production:
    """Read ids, times and labels, and join the scores by id.

    Without any predictions a score column in the files themselves counts as that of ``holder``, the version that
    the alias points to.
    """
    config = monitor.config
    own_scores = not batches
    needed = [config.time, config.score] if own_scores else [config.time, config.id]
    source.require(needed)
    wanted = [name for name in (config.id, config.time, config.label, config.score) if name is not None]
    ids, times, labels, scores, spans = [], [], [], [], []
    zone, row = None, 0
    for file in source.files:
        first = row
        for batch in Source(source.name, (file,)).batches(wanted):
            table = batch.table
            names = table.schema.names
            moments, found_zone = _times(table.column(config.time), file, config.time, zone)
            zone = zone or found_zone
            times.append(moments)
            ids.append(as_text(table.column(config.id)) if config.id in names else pa.nulls(len(moments), pa.string()))
            labels.append(_outcomes(monitor, table, config.label, file))
            if own_scores:
                scores.append(_outcomes(monitor, table, config.score, file))
            row += table.num_rows
        spans.append((file, first, row))
    joined_ids = pa.concat_arrays(ids) if ids else pa.array([], pa.string())
    whole_labels = _joined(monitor, labels)
    return Production(
        source=source,
        ids=joined_ids,
        times=np.concatenate(times) if times else np.empty(0, dtype="datetime64[us]"),
        zone=zone,
        labels=whole_labels,
        spans=tuple(spans),
        scores={holder: _joined(monitor, scores)} if own_scores else _joined_scores(monitor, joined_ids, batches),
    )


def _joined_scores(monitor: Monitor, ids: pa.Array, batches: Sequence[Predictions]) -> dict[int, NDArray[Any]]:
    """Give each row its newest score of each version."""
    found: dict[int, NDArray[Any]] = {}
    for version in sorted({batch.version for batch in batches}):
        keys, values = [], []
        for batch in batches:
            if batch.version == version:
                source = open_source(monitor.evidence / Path(batch.path))
                source.require(["row_id", "score"])
                for part in source.batches(["row_id", "score"]):
                    keys.append(as_text(part.table.column("row_id")))
                    values.append(_outcomes(monitor, part.table, "score", part.file))
        if not keys:
            continue
        key, value = pa.concat_arrays(keys), _joined(monitor, values)
        newest = pa.table({"id": key, "place": np.arange(len(key))}).group_by("id").aggregate([("place", "max")])
        match = pc.index_in(ids, value_set=newest.column("id").combine_chunks().drop_null())
        places = newest.filter(newest.column("id").is_valid()).column("place_max").to_numpy()
        scored = match.is_valid().to_numpy(zero_copy_only=False)
        scores = unknown(monitor, len(ids))
        scores[scored] = value[places[match.drop_null().to_numpy()]]
        found[version] = scores
    return found


def known(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where a label or score is there."""
    if values.dtype == object:
        return np.array([value is not None for value in values], dtype=np.bool_)
    there: NDArray[np.bool_] = np.isfinite(values)
    return there


def as_text(column: pa.Array) -> pa.Array:
    """Return ids as text, so that a number here and text there still meet."""
    if pt.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pt.is_floating(column.type):
        whole = pc.floor(column)
        if pc.all(pc.equal(whole, column), skip_nulls=True).as_py():
            column = whole.cast(pa.int64(), safe=False)
    return column if column.type == pa.string() else column.cast(pa.string())


def outcomes(monitor: Monitor, column: pa.Array, file: DataFile, name: str) -> NDArray[Any]:
    """Return labels or scores: floats, or for a multiclass model text."""
    if monitor.task is ModelTask.MULTICLASS:
        return np.array(as_text(column).to_pylist(), dtype=object)
    kind = column.type
    if pt.is_null(kind):
        return np.full(len(column), np.nan)
    if not (pt.is_boolean(kind) or pt.is_integer(kind) or pt.is_floating(kind) or pt.is_decimal(kind)):
        raise DataError(
            f"{file.name}: column `{name}` holds {kind}, a {monitor.task.value} model needs numbers",
            hint="labels are 0 and 1 (or true and false), scores are probabilities",
        )
    values: NDArray[Any] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values


def _outcomes(monitor: Monitor, table: pa.RecordBatch, name: str | None, file: DataFile) -> NDArray[Any]:
    if name is None or name not in table.schema.names:
        return unknown(monitor, table.num_rows)
    return outcomes(monitor, table.column(name), file, name)


def unknown(monitor: Monitor, rows: int) -> NDArray[Any]:
    """Return outcomes of which none is known."""
    return np.full(rows, None, dtype=object) if monitor.task is ModelTask.MULTICLASS else np.full(rows, np.nan)


def _joined(monitor: Monitor, parts: list[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else unknown(monitor, 0)


def moments_of(column: pa.Array, file: DataFile, name: str) -> pa.Array:
    """Return a time column as Arrow timestamps in microseconds, with its zone if it has one."""
    if pt.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    try:
        if pt.is_string(kind) or pt.is_large_string(kind):
            try:
                return column.cast(pa.timestamp("us"))
            except pa.ArrowInvalid:
                return column.cast(pa.timestamp("us", tz="UTC"))
        if pt.is_date(kind) or pt.is_null(kind):
            return column.cast(pa.timestamp("us"))
        if pt.is_timestamp(kind):
            return column.cast(pa.timestamp("us", tz=kind.tz), safe=False)
    except pa.ArrowInvalid as error:
        raise DataError(
            f"{file.name}: column `{name}` holds something that is no time: {str(error).splitlines()[0]}",
            hint="write times as 2013-10-01T06:00:00, with or without a zone",
        ) from error
    raise DataError(f"{file.name}: column `{name}` holds {kind}, not times", hint="name the time column: time = …")


def _times(column: pa.Array, file: DataFile, name: str, zone: str | None) -> tuple[NDArray[np.datetime64], str | None]:
    moments = moments_of(column, file, name)
    found: str | None = moments.type.tz
    if found is not None:
        named = _named_zone(zone or found)
        moments = pc.local_timestamp(moments.cast(pa.timestamp("us", tz=named)))
        found = named
    values: NDArray[np.datetime64] = moments.to_numpy(zero_copy_only=False)
    return values.astype("datetime64[us]"), found


def _named_zone(zone: str) -> str:
    """Return a zone that chunks can be cut in; a bare offset such as ``+01:00`` is none, so UTC stands in."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        return "UTC"
    return zone
