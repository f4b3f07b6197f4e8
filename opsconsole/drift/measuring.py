"""Measuring a chunk: everything that its own rows tell, as facts; what to think of them is decided in ``verdicts``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opsconsole.drift.chunking import Counted
from opsconsole.drift.compare import facts_of
from opsconsole.drift.data.probabilities import at
from opsconsole.drift.data.production import Production, known
from opsconsole.drift.data.seasons import season_named, seasons_of
from opsconsole.drift.data.windows import Window
from opsconsole.drift.facts import ColumnFacts, Role, Shift, rows_needed
from opsconsole.drift.fitted import Fitted
from opsconsole.drift.fitting import by_value, score_sketch
from opsconsole.drift.measured import Losses, Measured, QualityFact, SliceFacts
from opsconsole.drift.measures.distances import distances
from opsconsole.drift.monitors import Monitor
from opsconsole.drift.performance.estimation import Estimated
from opsconsole.drift.performance.losses import losses
from opsconsole.drift.performance.metrics import measure, measure_all
from opsconsole.drift.performance.multiclass import Probabilities
from opsconsole.drift.performance.outlook import estimated
from opsconsole.drift.sketches.layout import layout_of
from opsconsole.drift.sketches.sketch import CategorySketch, EmbeddingSketch, NumericSketch, Sketch, TableSketch, decode
from opsconsole.drift.verdicts.gates import RATE_FACTOR
from opsconsole.drift.verdicts.judging import Against
from opsconsole.ground.text import count, percent, plural
from opsconsole.store.baselines import Realised

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONSTANT_BY_CHANCE = 1e-5
"""A flag that is nearly always off is off all day once in a while: that is told only where chance would not do it."""
SHIFTS, LEAST_SHIFT = 2, 0.01


def measure_chunk(
    monitor: Monitor, against: Against, production: Production, window: Window, counted: Counted
) -> Measured:
    """Measure one chunk against its version's baseline."""
    reference, fitted = against.reference, against.fitted
    rows = np.sort(window.rows)
    labels, scores = production.labels[rows], production.scores[against.baseline.version][rows]
    both = known(labels)
    said = production.probabilities.get(against.baseline.version)
    season, fitting = _season(monitor, fitted, production, rows, reference)
    return Measured(
        rows=len(rows),
        labels=int(both.sum()),
        columns=_columns(monitor, fitting, counted),
        realised=_realised(monitor, labels[both], scores[both], at(said, rows[both])),
        estimated=_estimated(monitor, fitted, scores, counted, at(said, rows)),
        structure=counted.structure,
        slices=_slices(against, counted, labels, scores),
        quality=_quality(monitor, reference, production, window, counted),
        losses=_losses(monitor, fitted, labels[both], scores[both], production.times[rows][both]),
        season=season,
    )


def _realised(
    monitor: Monitor, labels: NDArray[Any], scores: NDArray[Any], said: Probabilities | None
) -> tuple[Realised, ...]:
    if monitor.metric is None:
        return ()
    found = measure_all(monitor.task, labels, scores, monitor.options, said)
    first = found.pop(monitor.metric.name, None) or measure(monitor.metric, labels, scores, monitor.options, said)
    return (first, *found.values())


def _estimated(
    monitor: Monitor, fitted: Fitted, scores: NDArray[Any], counted: Counted, said: Probabilities | None
) -> Estimated | None:
    if monitor.metric is None or not monitor.config.estimate:
        return None
    return estimated(fitted.outlook, monitor.metric, scores, monitor.options, counted.losses, said)


def _season(
    monitor: Monitor, fitted: Fitted, production: Production, rows: NDArray[np.intp], whole: TableSketch
) -> tuple[str | None, TableSketch]:
    """Return the reference's rows of the chunk's own season, where there are enough of them."""
    season = monitor.config.season
    if season is None or not len(rows):
        return None, whole
    number = int(seasons_of(season, production.times[rows[:1]])[0])
    stored = fitted.seasons.get(str(number))
    if stored is None:
        return None, whole
    own = decode(stored)
    return (season_named(season, number), own) if own.rows >= monitor.config.least else (None, whole)


def _columns(monitor: Monitor, reference: TableSketch, counted: Counted) -> tuple[ColumnFacts, ...]:
    facts = facts_of(reference, counted.sketch, counted.schema, new={}, score=monitor.config.score)
    found = []
    for one in facts:
        current, mine = counted.sketch.columns[one.name], reference.columns[one.name]
        changed = one
        if isinstance(current, CategorySketch) and isinstance(mine, CategorySketch):
            newcomers = tuple(name for name, _ in current.examples[:3])
            changed = replace(one, newcomers=newcomers, shifts=_shifts(mine, current))
        if one.name == monitor.config.label:
            changed = _target(monitor, mine, current, changed)
        found.append(changed)
    return tuple(found)


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


def _slices(against: Against, counted: Counted, labels: NDArray[Any], scores: NDArray[Any]) -> tuple[SliceFacts, ...]:
    monitor = against.monitor
    references = {(one.column, one.value): one for one in against.fitted.slices}
    if not references:
        return ()
    name = monitor.config.score
    layouts = {name: layout_of(against.reference.columns[name])} if name in against.reference.columns else {}
    both = known(labels)
    found = []
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
            found.append(SliceFacts(column, value, len(rows), realised, psi, noise_p))
    return tuple(found)


def _quality(
    monitor: Monitor, reference: TableSketch, production: Production, window: Window, counted: Counted
) -> tuple[QualityFact, ...]:
    config = monitor.config.quality
    rows = len(window.rows)
    found = []
    if config.rows is not None and not window.partial and not config.rows[0] <= rows <= config.rows[1]:
        found.append(
            QualityFact(
                f"{count(rows)} rows came, {count(config.rows[0])} to {count(config.rows[1])} are declared",
                of_number=True,
            )
        )
    if config.unique and (twice := _twice(production, window)):
        share = twice / rows
        found.append(QualityFact(f"{plural(twice, 'row')} ({percent(share, 1)}) repeat an id", share=share))
    for name, beyond in counted.beyond.items():
        if beyond:
            low, high = config.ranges[name]
            text = f"{plural(beyond, 'value')} ({percent(beyond / rows, 1)}) outside the declared {low:g} to {high:g}"
            found.append(QualityFact(text, name, beyond / rows))
    found += _unusable(reference, counted.sketch)
    if config.constant:
        found += [
            QualityFact("has one value only, and varies in the reference", name)
            for name, sketch in counted.sketch.columns.items()
            if name != monitor.config.label and _constant(sketch) and not _constant(reference.columns[name])
            if sketch.present >= rows_needed(2) and _by_chance(sketch, reference.columns[name]) < CONSTANT_BY_CHANCE
        ]
    return tuple(found)


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


def _twice(production: Production, window: Window) -> int:
    """Return how many rows of a chunk repeat an id that stands there already."""
    ids = production.ids.take(pa.array(window.rows)).drop_null()
    return len(ids) - int(pc.count_distinct(ids).as_py())


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


def _losses(
    monitor: Monitor, fitted: Fitted, labels: NDArray[Any], scores: NDArray[Any], times: NDArray[np.datetime64]
) -> Losses:
    size = fitted.loss_block
    if len(labels) < size or not fitted.loss_spread:
        return Losses()
    order = np.argsort(times, kind="stable")
    values = losses(monitor.task, labels[order], scores[order], fitted.loss_scale)
    starts = np.arange(0, len(values) - size + 1, size)
    means = np.add.reduceat(values, starts)[: len(starts)]
    widths = np.diff(np.append(starts, len(values)))
    seconds = times[order][starts].astype("datetime64[s]").astype(np.int64)
    return Losses(tuple(float(f"{value:.6g}") for value in means / widths), tuple(seconds.tolist()), size)
