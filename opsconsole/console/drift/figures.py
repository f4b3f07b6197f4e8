"""The figures of one chunk: all metrics with their intervals, what was expected without labels, the slices."""

from __future__ import annotations

from opsconsole.config import metrics
from opsconsole.console.widgets.rows import BLANK, Row, heading, sentences
from opsconsole.console.widgets.tones import Cell, Column, Tone, Toned
from opsconsole.core import text
from opsconsole.store.chunk_records import Chunk, Slice

WIDE = (Column(),)
SLICES = (
    Column("slice", width=34),
    Column("rows", width=8, right=True, drop=1),
    Column("value", width=7, right=True),
    Column("CI 95 %", width=13, right=True),
    Column("reference", width=10, right=True, drop=2),
    Column("score PSI", width=10, right=True, drop=3),
    Column("verdict", least=8),
)
SHOWN = 8


def figures_rows(chunk: Chunk, width: int) -> list[Row]:
    """Return performance and slices of a chunk; nothing where nothing of it is known."""
    rows: list[Row] = []
    known = [one for one in chunk.metrics if one.value is not None]
    if known:
        caption = f"{chunk.label} so far" if chunk.partial else chunk.label
        rows.append(heading("PERFORMANCE", None, Toned(f"   {caption}, {chunk.labels:,} labelled rows", "dim")))
        rows += [Row(None, (line,), WIDE) for line in _metric_lines(chunk, width)]
    if chunk.estimated is not None:
        rows += _estimate_rows(chunk, width)
    if rows:
        rows.append(BLANK)
    if chunk.slices:
        fell = sum(one.fell for one in chunk.slices)
        caption = f"   {fell} fell below their own floor" if fell else "   none fell below its own floor"
        moved = sum(one.moved for one in chunk.slices)
        caption += f", scores moved in {moved}" if moved else ""
        rows += [
            heading("SLICES", len(chunk.slices), Toned(caption, "bad" if fell else "dim")),
            Row(None, tuple(Toned(column.title, "dim") for column in SLICES), SLICES),
            *(_slice_row(one) for one in chunk.slices[:SHOWN]),
            BLANK,
        ]
    return rows


def _metric_lines(chunk: Chunk, width: int) -> list[tuple[Toned, ...]]:
    lines: list[list[Toned]] = [[]]
    used = 0
    for one in chunk.metrics:
        if one.value is None:
            continue
        name = metrics.short(one.metric)
        interval = "" if one.low is None else f" ({text.decimals(one.low)}–{text.decimals(one.high)})"
        length = len(name) + len(interval) + 9
        if used and used + length > width - 6:
            lines.append([])
            used = 0
        lines[-1] += [
            Toned(f"{name} ", "dim"),
            Toned(text.decimals(one.value), "strong" if one.metric == chunk.metric else "text"),
            Toned(f"{interval}   ", "dim"),
        ]
        used += length
    return [tuple(line) for line in lines]


def _estimate_rows(chunk: Chunk, width: int) -> list[Row]:
    """Return the estimate, and below it what it is worth."""
    estimate = chunk.estimated
    assert estimate is not None
    tone: Tone = "good" if estimate.trusted else "warn"
    head = (
        Toned("× ", tone),
        Toned(f"{metrics.short(estimate.metric)} expected without labels ", "dim"),
        Toned(text.decimals(estimate.value)),
        Toned(f" ({text.decimals(estimate.low)}–{text.decimals(estimate.high)})   ", "dim"),
        Toned("trusted" if estimate.trusted else "not trusted", tone),
    )
    return [Row(None, (head,), WIDE), *sentences(estimate.words, max(width - 8, 40), "dim")]


def _slice_row(one: Slice) -> Row:
    tone: Tone = "bad" if one.fell else "text"
    interval = "" if one.low is None else f"{text.decimals(one.low)}–{text.decimals(one.high)}"
    cells: tuple[Cell, ...] = (
        f"{text.clean(one.column, limit=24)} = {text.clean(one.value, limit=24) or '(empty)'}",
        Toned(f"{one.rows:,}", "dim"),
        Toned(text.decimals(one.realised), tone),
        Toned(interval, "dim"),
        text.decimals(one.reference),
        Toned(text.psi(one.psi), "warn" if one.moved else "dim"),
        Toned("fell" if one.fell else "score moved" if one.moved else "holds", tone if one.fell else "dim"),
    )
    return Row(None, cells, SLICES)
