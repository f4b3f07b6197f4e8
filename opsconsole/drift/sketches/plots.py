"""Histograms to be stored with a chunk, so that a screen draws reference and current data without decoding a sketch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from opsconsole.drift.sketches.sketch import CategorySketch, EmbeddingSketch, MomentSketch, NumericSketch, Sketch
from opsconsole.store.chunk_records import Histogram

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BARS = 40
NAMES = 12
HOURS = tuple(f"{hour:02d}" for hour in range(24))
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
OTHER, UNSEEN = "(other)", "(unseen)"


def histogram(reference: Sketch, current: Sketch | None) -> Histogram:
    """Return the two distributions over the same bars; shares are of present values and sum to 1 where there are any."""
    if isinstance(reference, NumericSketch):
        return _numeric(reference, current if isinstance(current, NumericSketch) else None)
    if isinstance(reference, MomentSketch):
        return _moments(reference, current if isinstance(current, MomentSketch) else None)
    if isinstance(reference, EmbeddingSketch):
        if not reference.projections:
            return Histogram()
        along = current.projections[0] if isinstance(current, EmbeddingSketch) else None
        return _numeric(reference.projections[0], along)
    return _categorical(reference, current if isinstance(current, CategorySketch) else None)


def _numeric(reference: NumericSketch, current: NumericSketch | None) -> Histogram:
    both = [reference] if current is None else [reference, current]
    lows = [sketch.minimum for sketch in both if sketch.minimum is not None]
    highs = [sketch.maximum for sketch in both if sketch.maximum is not None]
    if not lows or not reference.edges or not np.isfinite(max(highs) - min(lows)):
        return Histogram()
    low, high = min(lows), max(highs)
    if high <= low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, BARS + 1)
    return Histogram(
        edges=_rounded(edges, 6),
        reference=_rounded(_spread(reference, edges)),
        current=() if current is None else _rounded(_spread(current, edges)),
    )


def _spread(sketch: NumericSketch, edges: Floats) -> Floats:
    """Share a sketch's cells out over the bars; inside a cell values count as evenly spread."""
    inner = np.asarray(sketch.edges)
    low = min(sketch.minimum if sketch.minimum is not None else inner[0], inner[0])
    high = max(sketch.maximum if sketch.maximum is not None else inner[-1], inner[-1])
    points = np.concatenate(([low], inner, [high]))
    cells = np.asarray(sketch.cells, dtype=np.float64)
    if not cells.sum():
        return np.zeros(BARS)
    reached = np.interp(edges, points, np.concatenate(([0.0], np.cumsum(cells))))
    reached[0], reached[-1] = 0.0, cells.sum()
    shares: Floats = np.diff(reached) / cells.sum()
    return shares


def _categorical(reference: CategorySketch, current: CategorySketch | None) -> Histogram:
    labels = [*reference.categories[:NAMES], OTHER, UNSEEN]
    return Histogram(
        labels=tuple(labels),
        reference=_rounded(_bars(reference)),
        current=() if current is None else _rounded(_bars(current)),
    )


def _moments(reference: MomentSketch, current: MomentSketch | None) -> Histogram:
    """Hours of the day, or weekdays where the reference has dates only."""
    labels = HOURS if reference.clocked else WEEKDAYS
    return Histogram(
        labels=labels,
        reference=_rounded(_moment_bars(reference, labels)),
        current=() if current is None else _rounded(_moment_bars(current, labels)),
    )


def _moment_bars(sketch: MomentSketch, labels: tuple[str, ...]) -> Floats:
    counts = np.asarray(sketch.hours if labels is HOURS else sketch.weekdays, dtype=np.float64)
    return counts / sketch.present if sketch.present else counts


def _bars(sketch: CategorySketch) -> Floats:
    counts = np.asarray(
        [*sketch.counts[:NAMES], sum(sketch.counts[NAMES:]) + sketch.other, sketch.unseen], dtype=np.float64
    )
    return counts / sketch.present if sketch.present else counts


def _rounded(values: Floats, digits: int = 5) -> tuple[float, ...]:
    if digits == 6:
        return tuple(float(f"{value:.6g}") for value in values)
    return tuple(round(float(value), digits) for value in values)
