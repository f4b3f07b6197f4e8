"""Reference rows in memory: a version's own evaluated rows, a source, or production rows that the operator chose.

Of more than memory is to hold, rows are drawn at random: a reference of half a million says what one of all would.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opsconsole.core.errors import RefusedError
from opsconsole.core.nouns import ColumnKind, Contender, ModelTask
from opsconsole.drift.data.sources import DataError, DataFile, Source, open_source
from opsconsole.drift.data.times import WallClock, moment
from opsconsole.drift.monitors import Monitor, Subject
from opsconsole.drift.performance.realised.metrics import measure
from opsconsole.drift.performance.realised.multiclass import Probabilities
from opsconsole.drift.production.batches import outcome_column, outcome_kind, with_column
from opsconsole.drift.production.outcomes import as_text, joined, known, outcomes, outcomes_in
from opsconsole.drift.production.probabilities import PREFIX, at, classes_of, matrix
from opsconsole.drift.production.reading import Production
from opsconsole.drift.production.rows import Rows
from opsconsole.store.baselines import Period, Realised

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_BYTES = 128 << 20
"""How much of a reference's rows is held: half a million of thirty columns."""
SEED = 20130101


@dataclass(frozen=True)
class Reference:
    """Reference rows: inputs, slicing columns and score as batches, and what is known of their outcome."""

    origin: str
    batches: list[pa.RecordBatch]
    kinds: dict[str, ColumnKind | None]
    """The columns to watch; batches may hold more."""
    labels: NDArray[Any]
    scores: NDArray[Any]
    times: NDArray[np.datetime64]
    """Wall-clock times; NaT where a row has none."""
    since: datetime | None
    """The earliest of its source's rows."""
    drawn_from: int
    """How many rows its source has; these are all of them, or were drawn at random."""
    probabilities: Probabilities | None = None
    """For a multiclass model what it says of every class."""
    offered: tuple[str, ...] = ()
    """All columns of its source that could be watched."""
    period: Period | None = None
    """The time whose production rows these are; None for those of another source."""

    @property
    def rows(self) -> int:
        """How many are held."""
        return sum(batch.num_rows for batch in self.batches)

    @property
    def share(self) -> float:
        """Which share of its source's rows are held."""
        return self.rows / self.drawn_from if self.drawn_from else 1.0

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Where a row's label and score are both known."""
        return known(self.labels) & known(self.scores)

    def realised(self, monitor: Monitor, rows: NDArray[np.intp] | None = None) -> Realised | None:
        """Measure the monitor's metric on its labelled rows, or those among ``rows``; None where there is neither."""
        there = self.labelled
        chosen = np.flatnonzero(there) if rows is None else rows[there[rows]]
        if monitor.metric is None or not len(chosen):
            return None
        probabilities = at(self.probabilities, chosen)
        return measure(monitor.metric, self.labels[chosen], self.scores[chosen], monitor.options, probabilities)


@dataclass(frozen=True)
class Evaluated:
    """The challenger's rows of an evaluation file."""

    ids: pa.Array
    labels: NDArray[Any]
    scores: NDArray[Any]
    probabilities: Probabilities | None = None


@dataclass(frozen=True)
class _Part:
    """Some rows with their outcomes."""

    rows: pa.RecordBatch
    labels: NDArray[Any]
    scores: NDArray[Any]
    times: NDArray[np.datetime64]
    probabilities: Probabilities | None

    def at(self, mine: NDArray[np.bool_] | None) -> _Part:
        """Return those that are ``mine``; None: all."""
        if mine is None:
            return self
        probabilities = (
            None
            if self.probabilities is None
            else Probabilities(self.probabilities.classes, self.probabilities.values[mine])
        )
        return _Part(
            self.rows.filter(pa.array(mine)), self.labels[mine], self.scores[mine], self.times[mine], probabilities
        )


class _Gathering:
    """Takes reference rows in, batch by batch."""

    def __init__(self, monitor: Monitor, kinds: dict[str, ColumnKind | None], source: Source) -> None:
        self.monitor, self.kinds = monitor, kinds
        self.offered = watchable(monitor, source)
        self.parts: list[_Part] = []
        self.since: datetime | None = None
        self.rows, self.bytes, self.drawn_from = 0, 0, 0
        self._clock = WallClock()
        self._share = 1.0
        self._random = np.random.default_rng(SEED)

    @property
    def columns(self) -> list[str]:
        """What to read besides ids and outcomes."""
        times = [] if self.monitor.config.time is None else [self.monitor.config.time]
        return list(dict.fromkeys([*self.kinds, *self.monitor.config.slices, *times]))

    def add(
        self,
        file: DataFile,
        table: pa.RecordBatch,
        labels: NDArray[Any],
        scores: NDArray[Any],
        probabilities: Probabilities | None = None,
    ) -> None:
        """Keep rows with their outcomes, or those of them that are drawn."""
        self.drawn_from += table.num_rows
        times = self._times(file, table)
        names = set(table.schema.names)
        kept = [name for name in dict.fromkeys([*self.kinds, *self.monitor.config.slices]) if name in names]
        rows = with_column(table.select(kept), self.monitor.config.score, scores)
        if self.monitor.config.label is not None:
            rows = with_column(rows, self.monitor.config.label, outcome_column(self.monitor.task, labels))
        mine = None if self._share == 1.0 else self._random.random(len(labels)) < self._share
        self._keep(_Part(rows, labels, scores, times, probabilities).at(mine))
        while self.bytes > MOST_BYTES and self.rows > self.monitor.config.least:
            self._share /= 2
            parts, self.parts, self.rows, self.bytes = self.parts, [], 0, 0
            for part in parts:
                self._keep(part.at(self._random.random(len(part.labels)) < 0.5))

    def _keep(self, part: _Part) -> None:
        self.parts.append(part)
        self.rows += len(part.labels)
        self.bytes += part.rows.nbytes

    def _times(self, file: DataFile, table: pa.RecordBatch) -> NDArray[np.datetime64]:
        name = self.monitor.config.time
        if name is None or name not in table.schema.names:
            return np.full(table.num_rows, np.datetime64("NaT"), dtype="datetime64[us]")
        times = self._clock.read(table.column(name), file, name, 0)
        there = times[~np.isnat(times)]
        if len(there):
            first = moment(there.min(), self._clock.zone)
            self.since = first if self.since is None else min(self.since, first)
        return times

    def result(self, origin: str, *, scored: bool = True) -> Reference:
        """Return what was kept."""
        scores = joined(self.monitor, [part.scores for part in self.parts])
        labels = joined(self.monitor, [part.labels for part in self.parts])
        kind = ColumnKind.CATEGORICAL if scores.dtype == object else ColumnKind.NUMERIC
        kinds = self.kinds | ({self.monitor.config.score: kind} if scored else {})
        if self.monitor.config.label is not None and int(known(labels).sum()) >= self.monitor.config.least:
            kinds[self.monitor.config.label] = outcome_kind(self.monitor.task)
        return Reference(
            origin=origin,
            batches=[part.rows for part in self.parts],
            kinds=kinds,
            labels=labels,
            scores=scores,
            times=np.concatenate([np.empty(0, dtype="datetime64[us]"), *(part.times for part in self.parts)]),
            since=self.since,
            probabilities=_whole([part.probabilities for part in self.parts]),
            offered=self.offered,
            drawn_from=self.drawn_from,
        )


def evaluation_rows(monitor: Monitor, subject: Subject, current: Source) -> Reference:
    """Take the evaluated rows out of the data files; score and label are those of the evaluation.

    RefusedError for a version without evaluation rows, DataError when the files hold none of them.
    """
    data = subject.data
    alone = subject.evaluation is not None and not data and brings_features(subject.evaluation)
    if subject.evaluation is not None and alone:
        data = (subject.evaluation,)
    if subject.evaluation is None or not data:
        raise RefusedError(
            f"{subject.model} v{subject.version} left no evaluation rows to compare with",
            hint=f'name a file: monitors.{monitor.name}.reference = "data/reference.parquet"',
        )
    rows = read_evaluated(monitor, subject.evaluation)
    files = tuple(file for path in data for file in open_source(path, base=monitor.root).files)
    source = Source(", ".join(str(path) for path in data), files)
    if alone:
        source = replace(source, files=tuple(_features(file) for file in files))
    key = "row_id" if alone else monitor.config.id
    source.require([key])
    source = source.spelled_as(current).as_text([key], keys=True)
    kept = _Gathering(monitor, inputs(monitor, source, current), source)
    for batch in source.batches([*kept.columns, key]):
        match = pc.index_in(as_text(batch.table.column(key)), value_set=rows.ids)
        table = batch.table.filter(match.is_valid())
        if table.num_rows:
            places = match.drop_null().to_numpy()
            kept.add(batch.file, table, rows.labels[places], rows.scores[places], at(rows.probabilities, places))
    if not kept.parts:
        raise DataError(
            f"{source.name}: holds none of the {len(rows.ids):,} rows that {subject.evaluation.name} names",
            hint=f"are `{monitor.config.id}` there and row_id here the same ids?",
        )
    return kept.result(f"evaluation of v{subject.version}")


def _features(file: DataFile) -> DataFile:
    """Return an evaluation without its outcomes: those are taken from it by another way."""
    kinds = {name: kind for name, kind in file.kinds.items() if not _outcome(name)}
    return replace(file, kinds=kinds)


def _outcome(name: str) -> bool:
    return name in {"label", "score"} or name.startswith(PREFIX)


def brings_features(evaluation: Path) -> bool:
    """Whether an evaluation holds its rows' columns beside ids, labels and scores: then it is a reference by itself."""
    names = {name for file in open_source(evaluation).files for name in file.kinds}
    features = any(name != "row_id" and not _outcome(name) for name in names)
    return features and "contender" not in names


def source_rows(monitor: Monitor, location: str, current: Source) -> Reference:
    """Take all rows of a source; labels and scores where it has them."""
    config = monitor.config
    source = open_source(location, base=monitor.root, programs=monitor.programs).spelled_as(current)
    source = source.as_text(monitor.texts_of(config.label, config.score))
    kept = _Gathering(monitor, inputs(monitor, source, current), source)
    extra = [name for name in (config.label, config.score) if name is not None]
    classes = classes_of(source) if monitor.task is ModelTask.MULTICLASS else ()
    for batch in source.batches([*kept.columns, *extra, *(PREFIX + one for one in classes)]):
        labels = outcomes_in(monitor, batch.table, config.label, batch.file)
        probabilities = Probabilities(classes, matrix(batch.table, classes)) if classes else None
        scores = outcomes_in(monitor, batch.table, config.score, batch.file)
        kept.add(batch.file, batch.table, labels, scores, probabilities)
    return kept.result(location, scored=any(config.score in file.kinds for file in source.files))


def production_rows(monitor: Monitor, production: Production, rows: Rows, origin: str) -> Reference:
    """Take chosen production rows of a version, with the labels that have come."""
    kept = _Gathering(monitor, inputs(monitor, production.source, production.source), production.source)
    for file, first, after in production.spans:
        if np.searchsorted(rows.numbers, first) == np.searchsorted(rows.numbers, after):
            continue
        place = first
        for batch in Source(file.name, (file,)).batches(kept.columns):
            until = place + batch.table.num_rows
            mine = rows.at(np.arange(*np.searchsorted(rows.numbers, (place, until))))
            if len(mine):
                table = batch.table.take(pa.array(mine.numbers - place))
                kept.add(file, table, mine.labels, mine.scores, mine.probabilities)
            place = until
    return kept.result(origin, scored=monitor.scored)


def read_evaluated(monitor: Monitor, path: Path) -> Evaluated:
    """Read the challenger's rows of an evaluation file; DataError when it has none."""
    source = open_source(path)
    classes = classes_of(source) if monitor.task is ModelTask.MULTICLASS else ()
    called = all("score" in file.kinds for file in source.files)
    source.require(["row_id", "label", *([] if classes and not called else ["score"])])
    source = source.as_text(["row_id"], keys=True).as_text(monitor.texts_of("label", "score"))
    ids, labels, scores, matrices = [], [], [], []
    for batch in source.batches(["row_id", "label", "score", "contender", *(PREFIX + one for one in classes)]):
        table = batch.table
        if "contender" in table.schema.names:
            contender = as_text(table.column("contender"))
            table = table.filter(pc.equal(contender, str(Contender.CHALLENGER)))
        ids.append(as_text(table.column("row_id")))
        labels.append(outcomes(monitor, table.column("label"), batch.file, "label"))
        matrices.append(matrix(table, classes) if classes else None)
        if called:
            scores.append(outcomes(monitor, table.column("score"), batch.file, "score"))
        else:
            scores.append(np.array(classes, dtype=object)[matrix(table, classes).argmax(axis=1)])
    if not sum(map(len, ids)):
        raise DataError(f"{path}: has no rows of the challenger")
    known_matrices = [one for one in matrices if one is not None]
    probabilities = Probabilities(classes, np.concatenate(known_matrices)) if known_matrices else None
    return Evaluated(pa.concat_arrays(ids), np.concatenate(labels), np.concatenate(scores), probabilities)


def _whole(parts: list[Probabilities | None]) -> Probabilities | None:
    there = [one for one in parts if one is not None]
    if not there or len(there) < len(parts):
        return None
    return Probabilities(there[0].classes, np.concatenate([one.values for one in there]))


def inputs(monitor: Monitor, reference: Source, current: Source) -> dict[str, ColumnKind | None]:
    """Return the columns to watch: those declared, else all that both sides have and that can be compared."""
    theirs = {name for file in current.files for name in file.kinds}
    if monitor.config.columns:
        reference.require(monitor.config.columns)
        names = list(monitor.config.columns)
    else:
        names = [name for name in watchable(monitor, reference) if name in theirs]
    kinds = {name: reference.kinds.get(name) for name in names}
    return {name: kind for name, kind in kinds.items() if kind is not None}


def watchable(monitor: Monitor, source: Source) -> tuple[str, ...]:
    """Return a source's columns that are inputs and can be compared, whether or not the other side has them."""
    prefix = PREFIX if monitor.task is ModelTask.MULTICLASS else None
    return tuple(
        name
        for name, kind in source.kinds.items()
        if kind is not None and name not in monitor.kept_out and not (prefix and name.startswith(prefix))
    )
