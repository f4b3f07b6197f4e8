"""A reference without one part of itself, so that the part can be compared with the rest."""

from __future__ import annotations

from dataclasses import replace

from opsconsole.drift.sketches.sketch import CategorySketch, EmbeddingSketch, MomentSketch, NumericSketch, Sketch


def without(whole: Sketch, part: Sketch) -> Sketch:
    """Return the counts of ``whole`` without those of a part of it; range and moments stay those of the whole.

    ValueError for sketches of different kinds.
    """
    if isinstance(whole, NumericSketch) and isinstance(part, NumericSketch):
        return _numbers(whole, part)
    if isinstance(whole, CategorySketch) and isinstance(part, CategorySketch):
        return replace(
            whole,
            counts=tuple(a - b for a, b in zip(whole.counts, part.counts, strict=True)),
            other=whole.other - part.other,
            unseen=whole.unseen - part.unseen,
            missing=whole.missing - part.missing,
        )
    if isinstance(whole, MomentSketch) and isinstance(part, MomentSketch):
        return replace(
            whole,
            hours=tuple(a - b for a, b in zip(whole.hours, part.hours, strict=True)),
            weekdays=tuple(a - b for a, b in zip(whole.weekdays, part.weekdays, strict=True)),
            missing=whole.missing - part.missing,
        )
    if isinstance(whole, EmbeddingSketch) and isinstance(part, EmbeddingSketch):
        return replace(
            whole,
            count=whole.count - part.count,
            wrong=whole.wrong - part.wrong,
            missing=whole.missing - part.missing,
            sums=tuple(a - b for a, b in zip(whole.sums, part.sums, strict=True)),
            squares=tuple(a - b for a, b in zip(whole.squares, part.squares, strict=True)),
            projections=tuple(_numbers(a, b) for a, b in zip(whole.projections, part.projections, strict=True)),
        )
    raise ValueError("sketches of different kinds cannot be subtracted")


def _numbers(whole: NumericSketch, part: NumericSketch) -> NumericSketch:
    return replace(
        whole,
        cells=tuple(a - b for a, b in zip(whole.cells, part.cells, strict=True)),
        missing=whole.missing - part.missing,
        infinite=whole.infinite - part.infinite,
    )
