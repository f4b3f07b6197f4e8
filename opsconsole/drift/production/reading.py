"""Production rows: their ids, times, labels, and which version gave which score; features stay in their files.

They are read once, in the order of their files, and what is known of them by id is joined; after that they are given
out block by block, so that memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from opsconsole.core import clock
from opsconsole.core.nouns import ModelTask
from opsconsole.core.text import plural
from opsconsole.drift.data.errors import DataError
from opsconsole.drift.data.files import DataFile
from opsconsole.drift.data.sources import Source, open_source
from opsconsole.drift.data.times import WallClock, wall_clock
from opsconsole.drift.monitors import Monitor
from opsconsole.drift.performance.realised.multiclass import Probabilities
from opsconsole.drift.production.joins import Keys
from opsconsole.drift.production.outcomes import as_column, as_text, from_column, known, outcomes_in, unknown
from opsconsole.drift.production.periods import Periods
from opsconsole.drift.production.probabilities import PREFIX, classes_of, columns_of, matrix
from opsconsole.drift.production.rows import Rows
from opsconsole.drift.production.spill_partitions import SpillPartitions, block_of, first_of
from opsconsole.store.baselines import Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

AHEAD = timedelta(days=1)
"""A row dated further ahead of now is a mistake of its clock or its zone, and is counted."""


@dataclass(frozen=True)
class Scored:
    """The scores of one version: ``row``, ``score`` and probabilities, one partition a block; none: in the files."""

    heaps: SpillPartitions | None
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Production:
    """All current rows in the order of their files."""

    monitor: Monitor
    source: Source
    zone: str | None
    rows: int
    spans: tuple[tuple[DataFile, int, int], ...]
    """Each file's rows, as first and one past the last."""
    periods: Periods
    """How the rows lie in time."""
    log: SpillPartitions
    """``id``, ``time``, ``label`` and what else the files say, a heap a block."""
    keys: Keys
    """Their ids, to join by."""
    scored: dict[int, Scored]
    """By version."""
    brought: SpillPartitions | None = None
    """``row`` and ``label`` of the labels that came later, a heap a block."""
    duplicates: int = 0
    """Rows whose id an earlier row has already; they are kept."""
    notes: tuple[str, ...] = ()
    """What is odd about the rows, with what was left out of the source."""

    def blocks(self, version: int | None = None) -> Iterator[Rows]:
        """Yield the rows in the order of their files, with the scores of a version (None: of none).

        Blocks of which the version scored no row are left out.
        """
        held = None if version is None else self.scored[version].heaps
        numbers = self.log.numbers() if held is None else held.numbers()
        for number in numbers:
            yield self._block(number, version)

    def _block(self, number: int, version: int | None) -> Rows:
        """Return one block of rows with the scores of a version."""
        batch = self.log.read(number)
        assert batch is not None
        first, rows = first_of(number), batch.num_rows
        labels = from_column(batch.column("label"))
        if self.brought is not None and (came := self.brought.read(number)) is not None:
            labels = labels.copy()
            labels[came.column("row").to_numpy() - first] = from_column(came.column("label"))
        scores, probabilities = (
            (unknown(self.monitor, rows), None) if version is None else self.scores_of(number, batch, version)
        )
        times: NDArray[np.datetime64] = batch.column("time").to_numpy(zero_copy_only=False)
        return Rows(np.arange(first, first + rows), batch.column("id"), times, labels, scores, probabilities)

    def scores_of(self, number: int, logged: pa.RecordBatch, version: int) -> tuple[NDArray[Any], Probabilities | None]:
        """Return a version's scores and probabilities of a block; ``logged`` is what the log holds of it."""
        scored, rows = self.scored[version], logged.num_rows
        if scored.heaps is None:
            probabilities = Probabilities(scored.classes, matrix(logged, scored.classes)) if scored.classes else None
            return from_column(logged.column("score")), probabilities
        scores, values = unknown(self.monitor, rows), np.full((rows, len(scored.classes)), np.nan)
        scored_rows = scored.heaps.read(number)
        if scored_rows is not None:
            places = scored_rows.column("row").to_numpy() - first_of(number)
            scores[places] = from_column(scored_rows.column("score"))
            if scored.classes:
                values[places] = matrix(scored_rows, scored.classes)
        return scores, Probabilities(scored.classes, values) if scored.classes else None


def read_production(monitor: Monitor, source: Source, batches: Sequence[Predictions], holder: int) -> Production:
    """Read ids, times and labels, and join the scores by id.

    Without any predictions a score column in the files themselves counts as that of ``holder``, the version that
    the alias points to.
    """
    own_scores = not batches
    needed = (monitor.config.time, monitor.config.score if own_scores else monitor.config.id)
    source.require([name for name in needed if name])
    source = source.as_text([monitor.config.id], keys=True)
    source = source.as_text(monitor.texts_of(monitor.config.label, monitor.config.score))
    classes = classes_of(source) if own_scores and monitor.task is ModelTask.MULTICLASS else ()
    read = _Reading(monitor, classes, own_scores=own_scores)
    for file in source.files:
        read.file(source, file)
    keys = read.keys()
    duplicates, example = keys.repeated()
    scored, odd = ({holder: Scored(None, classes)}, []) if own_scores else _joined_scores(monitor, keys, batches)
    if read.nameless and not own_scores:
        odd.append(f"{plural(read.nameless, 'row has', 'rows have')} no id: no score is theirs")
    production = Production(
        monitor=monitor,
        source=source,
        zone=read.clock.zone,
        rows=read.rows,
        spans=tuple(read.spans),
        periods=read.periods,
        log=read.log,
        keys=keys,
        scored=scored,
        duplicates=duplicates,
    )
    notes = [*(note.text for note in source.notes), *read.notes, *read.clock.notes.values(), *_ahead(read)]
    if duplicates:
        repeats = plural(duplicates, "row repeats", "rows repeat")
        notes.append(f"{repeats} the id of an earlier one, such as `{example}`: all were kept")
    unscored, infinite = _score_notes(production)
    return replace(production, notes=(*notes, *odd, *unscored, *_label_notes(read), *infinite))


@dataclass
class _Reading:
    """What was read so far, file by file."""

    monitor: Monitor
    classes: tuple[str, ...]
    own_scores: bool = field(kw_only=True)
    clock: WallClock = field(default_factory=WallClock)
    log: SpillPartitions = field(default_factory=SpillPartitions)
    rows: int = 0
    spans: list[tuple[DataFile, int, int]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    nameless: int = 0
    """Rows without an id."""
    forlorn: int = 0
    """Rows that have neither an id nor a label."""
    wrong: int = 0
    """Labels that a binary model cannot have."""
    such: float = 0.0
    """One of them."""
    infinite: int = 0
    """Labels that are."""
    late: int = 0
    """Rows dated after now."""
    latest: np.datetime64 | None = None

    def __post_init__(self) -> None:
        self.periods = Periods(self.monitor.config.chunk)

    def file(self, source: Source, file: DataFile) -> None:
        """Read one file."""
        config, first = self.monitor.config, self.rows
        named = [config.id, config.time, config.label, config.score, *(PREFIX + one for one in self.classes)]
        read = [name for name in named if name in file.kinds] or list(file.kinds)[:1]
        for batch in Source(source.name, (file,)).batches(read):
            table = batch.table
            times = self.clock.of_batch(table, file, config.time, self.rows - first)
            has_id = config.id in table.schema.names
            ids = as_text(table.column(config.id)) if has_id else pa.nulls(table.num_rows, pa.string())
            labels = self._right(outcomes_in(self.monitor, table, config.label, file))
            self._count(ids, times, labels)
            columns = {"id": ids, "time": pa.array(times), "label": as_column(labels)}
            if self.own_scores:
                columns["score"] = as_column(self._scores(table, file))
                probabilities = Probabilities(self.classes, matrix(table, self.classes)) if self.classes else None
                columns |= columns_of(probabilities)
            blocks = block_of(np.arange(self.rows, self.rows + table.num_rows))
            self.log.deal(pa.RecordBatch.from_pydict(columns), blocks)
            self.rows += table.num_rows
        self.spans.append((file, first, self.rows))
        if self.rows == first:
            self.notes.append(f"{file.name}: holds no rows")

    def keys(self) -> Keys:
        """Return the ids of all rows, to join by."""
        keys = Keys(self.rows)
        for number, batch in enumerate(self.log.batches()):
            keys.add(batch.column("id"), first_of(number))
        return keys

    def _scores(self, table: pa.RecordBatch, file: DataFile) -> NDArray[Any]:
        """Return the scores that a file brings; where no model is watched every row has one, so that it counts."""
        if not self.monitor.scored:
            return np.zeros(table.num_rows)
        return outcomes_in(self.monitor, table, self.monitor.config.score, file)

    def _right(self, labels: NDArray[Any]) -> NDArray[Any]:
        """Return labels without those that a binary model cannot have."""
        if self.monitor.task is not ModelTask.BINARY:
            return labels
        wrong = np.isfinite(labels) & (labels != 0) & (labels != 1)
        if not wrong.any():
            return labels
        self.such = self.such if self.wrong else float(labels[wrong][0])
        self.wrong += int(wrong.sum())
        return np.where(wrong, np.nan, labels)

    def _count(self, ids: pa.Array, times: NDArray[np.datetime64], labels: NDArray[Any]) -> None:
        self.periods.add(times, self.clock.zone)
        if ids.null_count:
            self.nameless += ids.null_count
            self.forlorn += int((ids.is_null().to_numpy(zero_copy_only=False) & ~known(labels)).sum())
        if labels.dtype != object:
            self.infinite += int(np.isinf(labels).sum())
        future = times[times > wall_clock(clock.now() + AHEAD, self.clock.zone)]
        if len(future):
            self.late += len(future)
            self.latest = future.max() if self.latest is None else max(self.latest, future.max())


def _ahead(read: _Reading) -> list[str]:
    """Return a note on the rows that are dated more than a day after now, if there are any."""
    late = plural(read.late, "row is", "rows are")
    return [f"{late} dated after now, up to {str(read.latest)[:16]}"] if read.late else []


def _label_notes(read: _Reading) -> list[str]:
    """Return notes on labels that cannot be, and on rows that can never get one because they have no id."""
    notes = []
    if read.wrong:
        labels = plural(read.wrong, "label is", "labels are")
        notes.append(f"{labels} neither 0 nor 1, such as {read.such:g}: left out")
    if read.infinite:
        notes.append(f"{plural(read.infinite, 'label is', 'labels are')} infinite: left out")
    if read.monitor.config.label is not None and read.forlorn:
        notes.append(
            f"{plural(read.forlorn, 'row has', 'rows have')} neither an id nor a label: no label that is brought can be theirs"
        )
    return notes


def _score_notes(production: Production) -> tuple[list[str], list[str]]:
    """Return notes on the rows that no version scored since the first that one did, and on infinite scores.

    The unscored are in no chunk. Those before are what versions were trained on. ``known`` leaves out the infinite.
    """
    infinite = dict.fromkeys(sorted(production.scored), 0)
    unsaid = dict(infinite)
    unscored, begun = SpillPartitions(), None
    for number, logged in zip(production.log.numbers(), production.log.batches(), strict=True):
        scored = np.zeros(logged.num_rows, dtype=np.bool_)
        for version in infinite:
            scores, probabilities = production.scores_of(number, logged, version)
            if probabilities is not None:
                unsaid[version] += int((known(scores) & ~np.isfinite(probabilities.values).all(axis=1)).sum())
            scored |= known(scores) if scores.dtype == object else ~np.isnan(scores)
            infinite[version] += 0 if scores.dtype == object else int(np.isinf(scores).sum())
        all_times = logged.column("time").to_numpy(zero_copy_only=False)
        times = all_times[scored & ~np.isnat(all_times)]
        if len(times):
            begun = times.min() if begun is None else min(begun, times.min())
        unscored.add(pa.RecordBatch.from_pydict({"time": pa.array(all_times[~scored])}), number)
    missed = production.rows if begun is None else 0
    for batch in unscored.batches() if begun is not None else ():
        missed += int((batch.column("time").to_numpy(zero_copy_only=False) >= begun).sum())
    notes = [f"{plural(missed, 'row has', 'rows have')} no score of any version: left out"] if missed else []
    notes += [
        f"v{version}: {plural(number, 'row')} with a class and without probabilities: what needs them is not measured of"
        " their chunks"
        for version, number in unsaid.items()
        if number
    ]
    return notes, [
        f"{plural(number, 'score')} of v{version} {'is' if number == 1 else 'are'} infinite: left out"
        for version, number in infinite.items()
        if number
    ]


def _joined_scores(monitor: Monitor, keys: Keys, batches: Sequence[Predictions]) -> tuple[dict[int, Scored], list[str]]:
    """Give each row its newest score of each version; return with them what is odd about the predictions."""
    by_version: dict[int, Scored] = {}
    notes: list[str] = []
    for version in sorted({batch.version for batch in batches}):
        sources = [_predicted(monitor, batch) for batch in batches if batch.version == version]
        classes = _classes(monitor, sources)
        reading = _Predictions(monitor, classes, notes)
        heaps = keys.newest(batch for source in sources for batch in reading.read(source))
        if reading.rows:
            by_version[version] = Scored(heaps, classes)
    return by_version, notes


def _predicted(monitor: Monitor, batch: Predictions) -> Source:
    source = open_source(monitor.evidence / Path(batch.path))
    source.require(["row_id", "score"])
    return source.as_text(["row_id"], keys=True).as_text(monitor.texts_of("score"))


def _classes(monitor: Monitor, sources: list[Source]) -> tuple[str, ...]:
    """Return the classes that a version's runs gave probabilities of; DataError where they disagree."""
    classes: tuple[str, ...] = ()
    if monitor.task is not ModelTask.MULTICLASS:
        return classes
    for source in sources:
        own = classes_of(source)
        if own and classes and own != classes:
            raise DataError(
                f"{source.name}: probabilities of {', '.join(own)}, in the runs before it of {', '.join(classes)}",
                hint="a version names the same classes in every run",
            )
        classes = own or classes
    return classes


@dataclass
class _Predictions:
    """Reads what runs of a version left."""

    monitor: Monitor
    classes: tuple[str, ...]
    notes: list[str]
    rows: int = 0

    def read(self, source: Source) -> Iterator[pa.RecordBatch]:
        """Yield id, score and probabilities; note when the run scored a row twice."""
        own = classes_of(source) if self.classes else ()
        keys, first = Keys(source.files[0].rows or 0), self.rows
        for part in source.batches(["row_id", "score", *(PREFIX + one for one in own)]):
            table, rows = part.table, part.table.num_rows
            ids = as_text(table.column("row_id"))
            keys.add(ids, self.rows)
            self.rows += rows
            scores = as_column(outcomes_in(self.monitor, table, "score", part.file))
            values = matrix(table, own) if own else np.full((rows, len(self.classes)), np.nan)
            probabilities = Probabilities(self.classes, values) if self.classes else None
            yield pa.RecordBatch.from_pydict({"id": ids, "score": scores} | columns_of(probabilities))
        more, example = keys.repeated() if self.rows > first else (0, "")
        if more:
            repeats = plural(more, "prediction repeats a row id", "predictions repeat a row id")
            repeats = f"{repeats}, such as `{example}`: the last one counts"
            self.notes.append(f"{source.name}: {repeats}")
