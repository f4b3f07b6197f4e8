"""A version's baseline: the sketch of its own held-out rows, and its performance on them; made once, then stored."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opsconsole.drift.data.production import as_text, known, moments_of, outcomes
from opsconsole.drift.data.sources import DataError, DataFile, Source, open_source
from opsconsole.drift.monitors import EVALUATION, Monitor, Subject
from opsconsole.drift.performance.metrics import measure
from opsconsole.drift.sketches.layout import count, lay_out
from opsconsole.ground.errors import ConfigError, RefusedError
from opsconsole.ground.nouns import ColumnKind
from opsconsole.store import baselines
from opsconsole.store.baselines import Baseline, Realised
from opsconsole.store.connection import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Reference:
    """Reference rows in memory: inputs and score as batches, and what is known of their outcome."""

    origin: str
    batches: list[pa.RecordBatch]
    kinds: dict[str, ColumnKind | None]
    labels: NDArray[Any]
    scores: NDArray[Any]
    since: datetime | None


@dataclass(frozen=True)
class Evaluated:
    """The challenger's rows of an evaluation file."""

    ids: pa.Array
    labels: NDArray[Any]
    scores: NDArray[Any]


def ensure_baseline(monitor: Monitor, store: Store, subject: Subject, current: Source) -> Baseline:
    """Return the baseline of the subject's version, making and storing it the first time."""
    found = baselines.baseline(store, monitor.name, subject.version)
    if found is not None:
        return found
    reference = (
        _evaluation(monitor, subject, current) if monitor.config.reference == EVALUATION else _file(monitor, current)
    )
    sketch = count(reference.batches, lay_out(reference.batches, reference.kinds))
    if not sketch.rows:
        raise DataError(f"{reference.origin}: there are no reference rows in it")
    realised = _realised(monitor, reference)
    with store.immediate() as connection:
        baselines.insert_baseline(
            connection,
            monitor=monitor.name,
            model=monitor.model,
            version=subject.version,
            rows=sketch.rows,
            origin=reference.origin,
            sketch=sketch.encode(),
            realised=realised,
            used=tuple(str(path) for path in subject.used),
            since=reference.since,
        )
    made = baselines.baseline(store, monitor.name, subject.version)
    assert made is not None
    return made


def _realised(monitor: Monitor, reference: Reference) -> Realised | None:
    if monitor.metric is None or monitor.floor is None:
        return None
    both = known(reference.labels) & known(reference.scores)
    if not both.any():
        if monitor.floor.relative:
            raise ConfigError(
                f"monitors.{monitor.name}.performance.floor is relative, and {reference.origin} has no labels with scores",
                hint="give the floor as a number, or name a reference with labels and scores",
            )
        return None
    return measure(monitor.metric, reference.labels[both], reference.scores[both])


def _evaluation(monitor: Monitor, subject: Subject, current: Source) -> Reference:
    """Take the evaluated rows out of the data files; score and label are those of the evaluation."""
    if subject.evaluation is None or not subject.data:
        raise RefusedError(
            f"{subject.model} v{subject.version} left no evaluation rows to compare with",
            hint=f'name a file: monitors.{monitor.name}.reference = "data/reference.parquet"',
        )
    rows = read_evaluated(monitor, subject.evaluation)
    files = tuple(file for path in subject.data for file in open_source(path, base=monitor.root).files)
    source = Source(", ".join(str(path) for path in subject.data), files)
    source.require([monitor.config.id])
    batches, labels, scores, since = [], [], [], None
    kinds = _inputs(monitor, source, current)
    read = [*kinds, monitor.config.id, monitor.config.time]
    for batch in source.batches(read):
        match = pc.index_in(as_text(batch.table.column(monitor.config.id)), value_set=rows.ids)
        chosen = match.is_valid()
        table = batch.table.filter(chosen)
        if not table.num_rows:
            continue
        places = match.drop_null().to_numpy()
        labels.append(rows.labels[places])
        scores.append(rows.scores[places])
        since = _earliest(monitor, batch.file, table, since)
        batches.append(
            _with_score(monitor, table.select([name for name in kinds if name in table.schema.names]), scores[-1])
        )
    if not batches:
        raise DataError(
            f"{source.name}: holds none of the {len(rows.ids):,} rows that {subject.evaluation.name} names",
            hint=f"are `{monitor.config.id}` there and row_id here the same ids?",
        )
    return Reference(
        origin=f"evaluation of v{subject.version}",
        batches=batches,
        kinds=kinds | {monitor.config.score: _score_kind(scores[0])},
        labels=np.concatenate(labels),
        scores=np.concatenate(scores),
        since=since,
    )


def _file(monitor: Monitor, current: Source) -> Reference:
    config = monitor.config
    source = open_source(config.reference, base=monitor.root)
    kinds = _inputs(monitor, source, current)
    extra = [name for name in (config.label, config.score, config.time) if name is not None]
    batches, labels, scores, since = [], [], [], None
    for batch in source.batches([*kinds, *extra]):
        table = batch.table
        labels.append(_column(monitor, batch.file, table, config.label))
        scores.append(_column(monitor, batch.file, table, config.score))
        since = _earliest(monitor, batch.file, table, since)
        batches.append(
            _with_score(monitor, table.select([name for name in kinds if name in table.schema.names]), scores[-1])
        )
    has_score = any(config.score in file.kinds for file in source.files)
    return Reference(
        origin=config.reference,
        batches=batches,
        kinds=kinds | ({config.score: _score_kind(scores[0])} if has_score and scores else {}),
        labels=np.concatenate(labels) if labels else np.empty(0),
        scores=np.concatenate(scores) if scores else np.empty(0),
        since=since,
    )


def read_evaluated(monitor: Monitor, path: Path) -> Evaluated:
    """Read the challenger's rows of an evaluation file."""
    source = open_source(path)
    source.require(["row_id", "label", "score"])
    ids, labels, scores = [], [], []
    for batch in source.batches(["row_id", "label", "score", "contender"]):
        table = batch.table
        if "contender" in table.schema.names:
            contender = as_text(table.column("contender"))
            table = table.filter(pc.equal(contender, "challenger"))
        ids.append(as_text(table.column("row_id")))
        labels.append(outcomes(monitor, table.column("label"), batch.file, "label"))
        scores.append(outcomes(monitor, table.column("score"), batch.file, "score"))
    if not sum(map(len, ids)):
        raise DataError(f"{path}: has no rows of the challenger")
    return Evaluated(pa.concat_arrays(ids), np.concatenate(labels), np.concatenate(scores))


def _inputs(monitor: Monitor, reference: Source, current: Source) -> dict[str, ColumnKind | None]:
    """Return the columns to watch: those declared, else all that both sides have and that can be compared."""
    theirs = {name for file in current.files for name in file.kinds}
    if monitor.config.columns:
        reference.require(monitor.config.columns)
        names = list(monitor.config.columns)
    else:
        names = [name for name in reference.kinds if name in theirs and name not in monitor.kept_out]
    kinds = {name: reference.kinds.get(name) for name in names}
    return {name: kind for name, kind in kinds.items() if kind not in {None, ColumnKind.DATETIME}}


def _column(monitor: Monitor, file: DataFile, table: pa.RecordBatch, name: str | None) -> NDArray[Any]:
    if name is None or name not in table.schema.names:
        return np.full(table.num_rows, np.nan)
    return outcomes(monitor, table.column(name), file, name)


def _with_score(monitor: Monitor, table: pa.RecordBatch, scores: NDArray[Any]) -> pa.RecordBatch:
    return with_column(table, monitor.config.score, scores)


def with_column(table: pa.RecordBatch, name: str, values: NDArray[Any]) -> pa.RecordBatch:
    """Return a batch with one more column, in the place of one of the same name."""
    columns: Mapping[str, pa.Array] = {other: table.column(other) for other in table.schema.names if other != name}
    return pa.RecordBatch.from_pydict({**columns, name: pa.array(values, from_pandas=True)})


def _score_kind(scores: NDArray[Any]) -> ColumnKind:
    return ColumnKind.CATEGORICAL if scores.dtype == object else ColumnKind.NUMERIC


def _earliest(monitor: Monitor, file: DataFile, table: pa.RecordBatch, since: datetime | None) -> datetime | None:
    """Return the earliest time so far; data without the time column says nothing about it."""
    name = monitor.config.time
    if name not in table.schema.names:
        return since
    moments = moments_of(table.column(name), file, name)
    first: datetime | None = pc.min(moments).as_py()
    if first is None:
        return since
    first = (first if first.tzinfo is not None else first.replace(tzinfo=UTC)).astimezone(ZoneInfo("UTC"))
    return first if since is None else min(since, first)


def used_rows(baseline: Baseline) -> Iterator[pa.Array]:
    """Yield the ids of rows that a version was trained or evaluated on."""
    for name in baseline.used:
        path = Path(name)
        opener = gzip.open if path.suffix == ".gz" else open
        try:
            with opener(path, "rt", encoding="utf-8") as file:
                yield pa.array([line.rstrip("\n") for line in file], pa.string())
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise DataError(
                f"{path}: the ids of rows that v{baseline.version} was trained on cannot be read: {error}",
                hint="restore the evidence folder; without it rows known to the model would be judged",
            ) from error
