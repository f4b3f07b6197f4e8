"""Fitting a reference: its own variation between windows, column importance, correlations among columns, seasons."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from opsconsole.core.nouns import ColumnKind, ModelTask
from opsconsole.drift.facts.column import rows_needed
from opsconsole.drift.facts.reference import Fitted, Moved, ReferenceWindow, SliceReference
from opsconsole.drift.measures.distances import distances
from opsconsole.drift.measures.relevance import KINDS, importance
from opsconsole.drift.measures.structure import StructureModel, errors, fit
from opsconsole.drift.monitors import Monitor
from opsconsole.drift.performance.estimates.estimator import NOTHING, Estimator, fit_outlook
from opsconsole.drift.performance.estimates.trust import BackTest
from opsconsole.drift.performance.streams.losses import losses
from opsconsole.drift.production.outcomes import as_text
from opsconsole.drift.production.probabilities import at
from opsconsole.drift.production.seasons import seasons_of
from opsconsole.drift.production.windows import Cut, cut
from opsconsole.drift.reference.reference_rows import Reference
from opsconsole.drift.sketches.layout import Layout, Tally
from opsconsole.drift.sketches.rest import without
from opsconsole.drift.sketches.sketch import TableSketch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Indices = NDArray[np.intp]

LEAST_WINDOWS = 3
MOST_WINDOWS = 400
SLICES_KEPT = 20
LEAST_SLICE = 100
IMPORTANCE_ROWS = 50_000
BLOCKS, LEAST_BLOCK = 500, 20
"""Into how many values the reference's errors are summed up, and how many rows each has at least."""
HONEST_ROWS, FOLDS = 20_000, 10
"""Up to so many rows the reference's reconstruction errors are measured in so many folds."""
REFITTED = 2.0
"""How many times more the mean error of fresh rows varies from reference to reference than that of one reference's rows
tells: scales and components are its own too (seen on references of 1,000 to 10,000 flights)."""
WEEK = np.timedelta64(7, "D")


def fit_reference(monitor: Monitor, reference: Reference, layouts: dict[str, Layout], sketch: TableSketch) -> Fitted:
    """Fit everything that a verdict needs of a reference besides its counts; its rows are in memory."""
    windows = _windows(monitor, reference)
    structure, stream = _structure(monitor, reference, windows), _stream(monitor, reference)
    return Fitted(
        windows=_reference_windows(monitor, reference, layouts, sketch, windows),
        rows_a_week=_rows_a_week(reference),
        importance=_importance(monitor, reference),
        structure=structure.model,
        structure_mean=structure.mean,
        structure_spread=structure.spread,
        structure_wobble=structure.wobble,
        seasons=_seasons(monitor, reference, layouts),
        slices=_slices(monitor, reference, layouts),
        outlook=_outlook(monitor, reference),
        loss_scale=stream.scale,
        loss_spread=stream.spread,
        loss_block=max(-(-sketch.rows // BLOCKS), LEAST_BLOCK),
        offered=reference.offered,
        settings=monitor.settings,
    )


def _outlook(monitor: Monitor, reference: Reference) -> Estimator:
    """Fit what estimates are made with on the labelled rows, which the version was not trained on."""
    if monitor.metric is None or not monitor.config.estimate:
        return NOTHING
    both = reference.labelled
    labels, scores = reference.labels[both], reference.scores[both]
    realised = reference.realised(monitor)
    own = None if realised is None else realised.value
    floor = None if monitor.floor is None else monitor.floor.at(own)
    batches, place = [], 0
    names = [name for name in reference.kinds if name not in monitor.outcomes]
    for batch in reference.batches if monitor.task in {ModelTask.REGRESSION, ModelTask.RANKING} else []:
        mine = both[place : place + batch.num_rows]
        place += batch.num_rows
        batches.append(batch.select([name for name in names if name in batch.schema.names]).filter(pa.array(mine)))
    back_test = BackTest(monitor.metric, own, floor)
    probabilities = at(reference.probabilities, both)
    return fit_outlook(monitor.task, back_test, batches, labels, scores, monitor.options, probabilities)


@dataclass(frozen=True)
class _Stream:
    scale: float = 0.0
    spread: float = 0.0


def _stream(monitor: Monitor, reference: Reference) -> _Stream:
    both = reference.labelled
    if monitor.metric is None or both.sum() < LEAST_SLICE:
        return _Stream()
    labels, scores = reference.labels[both], reference.scores[both]
    scale = 0.0
    if monitor.task in {ModelTask.REGRESSION, ModelTask.RANKING}:
        scale = float(np.abs(labels - scores).mean())
    return _Stream(scale, float(losses(monitor.task, labels, scores, scale).std()))


def _windows(monitor: Monitor, reference: Reference) -> list[Cut]:
    """Return the reference cut as production will be; none where it spans too few of them to tell how they wobble."""
    there = np.flatnonzero(~np.isnat(reference.times))
    if len(there) < LEAST_WINDOWS * monitor.config.least:
        return []
    cuts = cut(monitor.config.chunk, reference.times, there, None)
    whole = [window for window in cuts if not window.partial and len(window.rows) >= monitor.config.least]
    return whole[-MOST_WINDOWS:] if len(whole) >= LEAST_WINDOWS else []


def _reference_windows(
    monitor: Monitor, reference: Reference, layouts: dict[str, Layout], whole: TableSketch, windows: list[Cut]
) -> tuple[ReferenceWindow, ...]:
    sketches = _sketches_of(reference, layouts, [window.rows for window in windows])
    return tuple(
        ReferenceWindow(
            label=window.label,
            rows=round(len(window.rows) / reference.share),
            columns=_moved(whole, sketch),
            realised=reference.realised(monitor, window.rows),
        )
        for window, sketch in zip(windows, sketches, strict=True)
    )


def _moved(whole: TableSketch, part: TableSketch) -> dict[str, Moved]:
    """Measure a part of the reference against the rest of it."""
    moved = {}
    for name, sketch in part.columns.items():
        measured = distances(without(whole.columns[name], sketch), sketch)
        enough = min(part.rows, whole.rows - part.rows) >= rows_needed(measured.bins)
        if enough and measured.psi is not None and measured.noise_p is not None:
            moved[name] = Moved(measured.psi, measured.noise_p)
    return moved


def _sketches_of(reference: Reference, layouts: dict[str, Layout], parts: list[Indices]) -> list[TableSketch]:
    """Count some parts of the reference's rows in one pass."""
    owner = np.full(reference.rows, -1, dtype=np.int32)
    for number, rows in enumerate(parts):
        owner[rows] = number
    tallies = [Tally(layouts) for _ in parts]
    place = 0
    for batch in reference.batches:
        mine = owner[place : place + batch.num_rows]
        place += batch.num_rows
        for number in np.unique(mine[mine >= 0]).tolist():
            tallies[number].add(batch.filter(pa.array(mine == number)))
    return [tally.result() for tally in tallies]


def _rows_a_week(reference: Reference) -> float | None:
    there = reference.times[~np.isnat(reference.times)]
    if len(there) < 2 or there.max() == there.min():
        return None
    return float(len(there) / reference.share / ((there.max() - there.min()) / WEEK))


def _importance(monitor: Monitor, reference: Reference) -> dict[str, float]:
    """Return what each input explains of the score, on as many rows as that needs."""
    if monitor.config.score not in reference.kinds:
        return {}
    weights: dict[str, float] = {}
    rows = 0
    kept = []
    for batch in reference.batches:
        kept.append(batch)
        rows += batch.num_rows
        if rows >= IMPORTANCE_ROWS:
            break
    table = pa.Table.from_batches(kept) if len({tuple(batch.schema.names) for batch in kept}) == 1 else None
    if table is None:
        return {}
    scores = reference.scores[: table.num_rows]
    for name, kind in reference.kinds.items():
        if name in table.schema.names and kind in KINDS and name not in monitor.outcomes:
            weights[name] = round(importance(_whole(table.column(name)), scores), 6)
    return weights


def _whole(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return whole.unify_dictionaries() if isinstance(whole, pa.ChunkedArray) else whole


@dataclass(frozen=True)
class _Structure:
    model: StructureModel | None = None
    mean: float = 0.0
    spread: float = 0.0
    wobble: float = 0.0


def _structure(monitor: Monitor, reference: Reference, windows: list[Cut]) -> _Structure:
    if not monitor.config.structure:
        return _Structure()
    kinds = {name: kind for name, kind in reference.kinds.items() if name not in monitor.outcomes}
    model = fit(reference.batches, kinds)
    if model is None:
        return _Structure()
    honest = _honest_errors(model, reference, kinds)
    spread = float(honest.std(ddof=1)) if len(honest) > 1 else 0.0
    own = REFITTED * spread / math.sqrt(len(honest))
    return _Structure(model, float(honest.mean()), spread, math.hypot(_wobble_of_means(honest, windows, spread), own))


def _honest_errors(
    model: StructureModel, reference: Reference, kinds: dict[str, ColumnKind | None]
) -> NDArray[np.float64]:
    """Return the reference's own reconstruction errors; of few rows, as components that were fitted without them see them.

    Components suit the rows they were fitted on better than any others, by more the fewer there were.
    """
    if reference.rows > HONEST_ROWS or len({tuple(batch.schema.names) for batch in reference.batches}) > 1:
        return np.concatenate([errors(model, batch) for batch in reference.batches])
    table = pa.Table.from_batches(reference.batches)
    honest = np.empty(table.num_rows)
    fold = np.random.default_rng(20130104).integers(0, FOLDS, table.num_rows)
    for number in range(FOLDS):
        mine = fold == number
        other = fit(table.filter(pa.array(~mine)).to_batches(), kinds) or model
        other = replace(other, components=other.components[: len(model.components)])
        if mine.any():
            honest[mine] = np.concatenate([errors(other, one) for one in table.filter(pa.array(mine)).to_batches()])
    return honest


def _wobble_of_means(values: NDArray[np.float64], windows: list[Cut], spread: float) -> float:
    """Return the standard deviation of the windows' means beyond what windows of their size have by chance."""
    if not windows:
        return 0.0
    means = np.array([values[window.rows].mean() for window in windows])
    chance = float(np.mean([spread**2 / len(window.rows) for window in windows]))
    return math.sqrt(max(float(means.var(ddof=1)) - chance, 0.0))


def _seasons(monitor: Monitor, reference: Reference, layouts: dict[str, Layout]) -> dict[str, bytes]:
    season = monitor.config.season
    if season is None:
        return {}
    there = np.flatnonzero(~np.isnat(reference.times))
    numbers = seasons_of(season, reference.times[there])
    seasons = np.unique(numbers).tolist()
    parts = [there[numbers == number] for number in seasons]
    sketches = _sketches_of(reference, layouts, parts)
    return {str(number): sketch.encode() for number, sketch in zip(seasons, sketches, strict=True)}


def _slices(monitor: Monitor, reference: Reference, layouts: dict[str, Layout]) -> tuple[SliceReference, ...]:
    slices: list[SliceReference] = []
    for column in monitor.config.slices:
        parts = [
            as_text(batch.column(column)) if column in batch.schema.names else pa.nulls(batch.num_rows, pa.string())
            for batch in reference.batches
        ]
        for value, rows in by_value(pa.concat_arrays(parts) if parts else pa.array([], pa.string())):
            if len(rows) >= LEAST_SLICE:
                realised = reference.realised(monitor, rows)
                enough = realised is not None and realised.labels >= LEAST_SLICE
                score = score_sketch(monitor, layouts, reference.scores[rows])
                encoded = None if score is None else score.encode()
                slices.append(SliceReference(column, value, realised if enough else None, encoded))
    return tuple(slices)


def score_sketch(monitor: Monitor, layouts: Mapping[str, Layout], scores: NDArray[Any]) -> TableSketch | None:
    """Return the sketch of some scores in the layout of the reference's."""
    name = monitor.config.score
    if name not in layouts:
        return None
    tally = Tally({name: layouts[name]})
    tally.add(pa.RecordBatch.from_pydict({name: pa.array(scores, from_pandas=True)}))
    return tally.result()


def by_value(values: pa.Array) -> list[tuple[str, Indices]]:
    """Return the commonest values, each with the rows that hold it."""
    encoded = values.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    sizes = np.bincount(codes[codes >= 0], minlength=len(encoded.dictionary))
    names: list[Any] = encoded.dictionary.to_pylist()
    order = sorted(range(len(names)), key=lambda code: (-sizes[code], names[code]))[:SLICES_KEPT]
    return [(str(names[code]), np.flatnonzero(codes == code)) for code in order]
