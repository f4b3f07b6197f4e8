"""Measuring a chunk: facts from its own rows; ``verdicts`` decides what they mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from opsconsole.core.text import count, percent, plural
from opsconsole.drift.chunks.row_facts import RowFacts
from opsconsole.drift.chunks.row_facts import decode as row_facts_of
from opsconsole.drift.chunks.sketching import Counted, count_chunks
from opsconsole.drift.compare.files import facts_of
from opsconsole.drift.facts.chunk import Measured, QualityFact, SliceFacts
from opsconsole.drift.facts.chunk import decode as measured_of
from opsconsole.drift.facts.column import ColumnFacts, Role, Shift, rows_needed
from opsconsole.drift.facts.reference import Fitted
from opsconsole.drift.measures.distances import distances
from opsconsole.drift.monitors import Monitor
from opsconsole.drift.performance.realised.metrics import measure
from opsconsole.drift.production.outcomes import known
from opsconsole.drift.production.owners import Owners
from opsconsole.drift.production.reading import Production
from opsconsole.drift.production.rows import Rows
from opsconsole.drift.production.seasons import season_named
from opsconsole.drift.production.spill_partitions import SpillPartitions
from opsconsole.drift.production.windows import Window
from opsconsole.drift.reference.fitting import by_value, score_sketch
from opsconsole.drift.sketches.layout import layout_of
from opsconsole.drift.sketches.sketch import CategorySketch, EmbeddingSketch, NumericSketch, Sketch, TableSketch, decode
from opsconsole.drift.verdicts.criteria import RATE_FACTOR
from opsconsole.drift.verdicts.judging import Against

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONSTANT_BY_CHANCE = 1e-5
"""A flag that is nearly always off is off all day once in a while: a finding only where that is unlikely by chance."""
SHIFTS, LEAST_SHIFT = 2, 0.01


class Unmeasured:
    """Chunks whose features are still to be read, with all else that their rows tell."""

    def __init__(self, monitor: Monitor) -> None:
        self.owners = Owners(monitor)
        self._windows: list[Window] = []
        self._facts = SpillPartitions()

    def add(self, window: Window, facts: RowFacts, rows: Rows) -> None:
        """Take one more chunk in."""
        self._facts.add(pa.RecordBatch.from_pydict({"facts": [facts.encode()]}), len(self._windows))
        self._windows.append(window)
        self.owners.add(rows)

    def chunk(self, number: int) -> tuple[Window, RowFacts]:
        """Return one of the chunks, by the order in which they came."""
        batch = self._facts.read(number)
        assert batch is not None
        return self._windows[number], row_facts_of(batch.column("facts")[0].as_py())


def measure_chunks(
    production: Production, against: Against, unmeasured: Unmeasured
) -> Iterator[tuple[Measured, TableSketch]]:
    """Yield the facts and the sketch of each chunk, in order, while their features are read."""
    monitor, parked, expected = against.monitor, SpillPartitions(), 0
    done: set[int] = set()
    for number, counted in count_chunks(monitor, production, against.reference, against.fitted, unmeasured.owners):
        facts, sketch = measure_chunk(against, *unmeasured.chunk(number), counted), counted.sketch
        if number != expected:
            parked.add(_parked(facts, sketch, against.reference), number)
            done.add(number)
            continue
        yield facts, sketch
        expected += 1
        while expected in done:
            yield _unparked(parked.read(expected), against.reference)
            expected += 1


def _parked(facts: Measured, sketch: TableSketch, reference: TableSketch) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"facts": [facts.encode()], "sketch": [sketch.encode(reference)]})


def _unparked(batch: pa.RecordBatch | None, reference: TableSketch) -> tuple[Measured, TableSketch]:
    assert batch is not None
    facts, sketch = (batch.column(name)[0].as_py() for name in ("facts", "sketch"))
    measured = measured_of(facts)
    assert measured is not None
    return measured, decode(sketch, [reference])


def measure_chunk(against: Against, window: Window, facts: RowFacts, counted: Counted) -> Measured:
    """Measure one chunk against its version's baseline."""
    monitor, reference, fitted = against.monitor, against.reference, against.fitted
    season, fitting = _season(monitor, fitted, facts, reference)
    estimate = facts.estimated
    if monitor.metric is not None and counted.losses is not None:
        estimate = counted.losses.result(monitor.metric.name)
    return Measured(
        rows=facts.rows,
        labels=facts.labels,
        columns=_columns(monitor, fitting, counted),
        realised=facts.realised,
        estimated=estimate,
        structure=counted.structure,
        slices=_slices(against, counted),
        quality=_quality(monitor, reference, window, facts, counted),
        losses=facts.losses,
        scores=facts.scores,
        season=season,
    )


def _season(monitor: Monitor, fitted: Fitted, facts: RowFacts, whole: TableSketch) -> tuple[str | None, TableSketch]:
    """Return the reference's rows of the chunk's own season, where there are enough of them."""
    season = monitor.config.season
    stored = None if facts.season is None else fitted.seasons.get(str(facts.season))
    if season is None or facts.season is None or stored is None:
        return None, whole
    own = decode(stored)
    return (season_named(season, facts.season), own) if own.rows >= monitor.config.least else (None, whole)


def _columns(monitor: Monitor, reference: TableSketch, counted: Counted) -> tuple[ColumnFacts, ...]:
    facts = facts_of(reference, counted.sketch, counted.schema, new={}, score=monitor.config.score)
    measured = []
    for one in facts:
        current, mine = counted.sketch.columns[one.name], reference.columns[one.name]
        changed = one
        if isinstance(current, CategorySketch) and isinstance(mine, CategorySketch):
            newcomers = tuple(name for name, _ in current.examples[:3])
            changed = replace(one, newcomers=newcomers, shifts=_shifts(mine, current))
        if one.name == monitor.config.label:
            changed = _target(monitor, mine, current, changed)
        measured.append(changed)
    return tuple(measured)


def _shifts(reference: CategorySketch, current: CategorySketch) -> tuple[Shift, ...]:
    """Return the categories whose share of the present values changed most."""
    if not reference.present or not current.present:
        return ()
    shares = [
        Shift(name, before / reference.present, after / current.present)
        for name, before, after in zip(reference.categories, reference.counts, current.counts, strict=True)
    ]
    shares.sort(key=lambda one: -abs(one.after - one.before))
    return tuple(one for one in shares[:SHIFTS] if abs(one.after - one.before) >= LEAST_SHIFT)


def _target(monitor: Monitor, reference: Sketch, current: Sketch, facts: ColumnFacts) -> ColumnFacts:
    """Measure what happened on the labelled rows alone: a label that has not come is no missing value."""
    mine, theirs = replace(reference, missing=0), replace(current, missing=0)
    share = current.present / current.rows if current.rows else 0.0
    needed = monitor.coverage
    return replace(
        facts,
        role=Role.TARGET,
        distances=distances(mine, theirs),
        rows_reference=mine.present,
        rows_current=theirs.present if share >= needed else 0,
    )


def _slices(against: Against, counted: Counted) -> tuple[SliceFacts, ...]:
    monitor, labels, scores = against.monitor, counted.labels, counted.scores
    references = {(one.column, one.value): one for one in against.fitted.slices}
    if not references:
        return ()
    name = monitor.config.score
    layouts = {name: layout_of(against.reference.columns[name])} if name in against.reference.columns else {}
    both = known(labels)
    measured = []
    for column, values in counted.slices.items():
        for value, rows in by_value(values):
            reference = references.get((column, value))
            if reference is None:
                continue
            mine = rows[both[rows]]
            realised = None
            if monitor.metric is not None and reference.realised is not None:
                realised = measure(monitor.metric, labels[mine], scores[mine], monitor.options)
            psi, noise_p = None, None
            own = score_sketch(monitor, layouts, scores[rows])
            if own is not None and reference.score is not None:
                moved = distances(decode(reference.score).columns[name], own.columns[name])
                enough = len(rows) >= rows_needed(moved.bins)
                psi, noise_p = (moved.psi, moved.noise_p) if enough else (None, None)
            measured.append(SliceFacts(column, value, len(rows), realised, psi, noise_p))
    return tuple(measured)


def _quality(
    monitor: Monitor, reference: TableSketch, window: Window, facts: RowFacts, counted: Counted
) -> tuple[QualityFact, ...]:
    config, rows = monitor.config.quality, facts.rows
    problems = []
    if config.rows is not None and not window.partial and not config.rows[0] <= rows <= config.rows[1]:
        problems.append(
            QualityFact(
                f"{count(rows)} rows came, {count(config.rows[0])} to {count(config.rows[1])} are declared",
                of_number=True,
            )
        )
    if facts.twice:
        share = facts.twice / rows
        problems.append(QualityFact(f"{plural(facts.twice, 'row')} ({percent(share, 1)}) repeat an id", share=share))
    for name, beyond in counted.beyond.items():
        if beyond:
            low, high = config.ranges[name]
            text = f"{plural(beyond, 'value')} ({percent(beyond / rows, 1)}) outside the declared {low:g} to {high:g}"
            problems.append(QualityFact(text, name, beyond / rows))
    problems += _unusable(reference, counted.sketch)
    if config.constant:
        problems += [
            QualityFact("has one value only, and varies in the reference", name)
            for name, sketch in counted.sketch.columns.items()
            if name != monitor.config.label and _constant(sketch) and not _constant(reference.columns[name])
            if sketch.present >= rows_needed(2) and _by_chance(sketch, reference.columns[name]) < CONSTANT_BY_CHANCE
        ]
    return tuple(problems)


def _unusable(reference: TableSketch, sketch: TableSketch) -> Iterator[QualityFact]:
    """Tell the values that are not compared, where they are more than three times what the reference had."""
    for name, column in sketch.columns.items():
        number = _not_compared(column)
        if not number:
            continue
        share, usual = number / column.rows, reference.columns[name]
        if share <= RATE_FACTOR * (_not_compared(usual) / usual.rows if usual.rows else 0.0):
            continue
        if isinstance(column, EmbeddingSketch):
            text = f"{plural(number, 'row')} ({percent(share, 1)}) are no vectors of {column.size} finite numbers"
        else:
            text = f"{plural(number, 'value')} ({percent(share, 1)}) {'is' if number == 1 else 'are'} infinite"
        yield QualityFact(text, name, share)


def _not_compared(column: Sketch) -> int:
    """Return how many vectors are none of the column's, or how many numbers are infinite."""
    if isinstance(column, EmbeddingSketch):
        return column.wrong
    return column.infinite if isinstance(column, NumericSketch) else 0


def _constant(sketch: Sketch) -> bool:
    if isinstance(sketch, NumericSketch):
        return sketch.present > 0 and not sketch.infinite and sketch.minimum == sketch.maximum
    if isinstance(sketch, CategorySketch):
        counts = [*sketch.counts, sketch.other, sketch.unseen]
        several = sketch.other and len(sketch.rest) > 1
        return sketch.present > 0 and max(counts) == sketch.present and not several and len(sketch.examples) < 2
    return False


def _by_chance(sketch: Sketch, reference: Sketch) -> float:
    """Return how likely as many rows of the reference would all hold the one value (or the one cell) of a sketch."""
    mine, theirs = _cells(reference), _cells(sketch)
    place = int(np.argmax(theirs))
    return float((mine[place] / mine.sum()) ** theirs[place]) if mine.sum() else 0.0


def _cells(sketch: Sketch) -> NDArray[np.float64]:
    if isinstance(sketch, NumericSketch):
        return np.asarray(sketch.cells, dtype=np.float64)
    assert isinstance(sketch, CategorySketch), "only these are ever constant"
    return np.asarray((*sketch.counts, sketch.other, sketch.unseen), dtype=np.float64)
