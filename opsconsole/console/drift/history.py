"""How a monitored model fared over its chunks: performance as a plot, beside it each column's drift as a heat strip.

Chunks of different versions stand in one picture; where the version changes both say so, because each chunk is compared
with its own version's reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from opsconsole.config import metrics
from opsconsole.console.drift.chunk_headings import UNIT, grouped, heading, ticks
from opsconsole.console.widgets.plots import Series, legend, line_plot
from opsconsole.console.widgets.rows import BLANK, Row
from opsconsole.console.widgets.tones import Column, Tone, Toned
from opsconsole.core import text
from opsconsole.core.nouns import DATA_ALONE, version_name
from opsconsole.drift.report.monitor_report import HeatRow, Plots

WIDE = (Column(),)
EFFECTS: dict[str, tuple[str, Tone]] = {
    "none": ("·", "faint"),
    "noise_passed": ("░", "dim"),
    "warn": ("▒", "warn"),
    "major": ("█", "bad"),
    "too_few_rows": ("?", "dim"),
    "filling": ("?", "dim"),
    "gone": ("✗", "bad"),
    "type_changed": ("✗", "bad"),
    "all_missing": ("✗", "bad"),
}
PLOT_HEIGHT = 11
CELL = 4
"""Cells of a chunk in the heat strip."""


def picture_rows(plots: Plots, metric: str, width: int, chosen: str = "") -> list[Row]:
    """Return the plot beside the heat strip, or above it where there is little room; ``chosen`` is marked."""
    wide = width >= 100
    plot_width = 56 if wide else max(width - 4, 40)
    left = _performance(plots, metric, plot_width)
    right = _heat(plots, width - plot_width - 8 if wide else width - 4, chosen)
    caption = _version_words(plots)
    below = [Row(None, (Toned(caption, "dim"),), WIDE)] if caption else []
    if not wide:
        return [
            *(Row(None, (line,), WIDE) for line in left),
            BLANK,
            *(Row(None, (line,), WIDE) for line in right),
            *below,
        ]
    columns = (Column(width=plot_width), Column())
    height = max(len(left), len(right))
    blank: tuple[Toned, ...] = (Toned(""),)
    left = [*left, *[blank] * (height - len(left))]
    right = [*right, *[blank] * (height - len(right))]
    return [*(Row(None, pair, columns) for pair in zip(left, right, strict=True)), *below]


def changes_of_version(plots: Plots) -> dict[int, int]:
    """Return at which chunks another version begins, and which; the first chunk is no change."""
    versions = [point.version for point in plots.performance]
    return {index: own for index, own in enumerate(versions) if index and own != versions[index - 1]}


def _version_words(plots: Plots) -> str:
    changes = changes_of_version(plots)
    if not changes:
        return ""
    first = plots.performance[0]
    parts = [f"{version_name(first.version)} from {first.label}"]
    parts += [f"{version_name(version)} from {plots.labels[index]}" for index, version in changes.items()]
    return f"{', '.join(parts)}: each chunk is compared with its own version's reference."


def _performance(plots: Plots, metric: str, width: int) -> list[tuple[Toned, ...]]:
    points = [(index, point) for index, point in enumerate(plots.performance) if point.value is not None]
    title = (
        Toned(metrics.short(metric) or "PERFORMANCE", "strong"),
        legend("realised", "solid", "accent"),
        legend("95 %", "dotted", "dim"),
        legend("floor", "dashed", "bad"),
        *_estimated_legend(plots),
    )
    estimated = _estimated(plots)
    if not points and not estimated:
        alone = bool(plots.performance) and plots.performance[-1].version == DATA_ALONE
        why = (
            "no model is watched: columns alone tell" if alone else "no labels yet: performance is known when they come"
        )
        return [title, (Toned(why, "dim"),)]
    drawn: list[Series] = []
    starts = [0, *changes_of_version(plots), len(plots.performance)]
    for first, after in pairwise(starts):  # a line never joins two versions
        own = [(float(index), point) for index, point in points if first <= index < after]
        xs = [x for x, _ in own]
        drawn += [
            Series(xs, [point.low or point.value or 0.0 for _, point in own], "dim", "dotted"),
            Series(xs, [point.high or point.value or 0.0 for _, point in own], "dim", "dotted"),
            Series(
                [x for x, point in own if point.floor is not None],
                [point.floor for _, point in own if point.floor is not None],
                "bad",
                "dashed",
            ),
            Series(xs, [point.value or 0.0 for _, point in own], "accent"),
        ]
    drawn += estimated
    return [title, *line_plot(drawn, width=width - 2, height=PLOT_HEIGHT, ticks=_ticks(plots, width // 8))]


def _estimated(plots: Plots) -> list[Series]:
    """Return the estimates without labels: crosses, dim where labels have disproved them."""
    points = [(float(index), point.estimated) for index, point in enumerate(plots.performance) if point.estimated]
    tones: tuple[tuple[bool, Tone], ...] = ((True, "good"), (False, "warn"))
    return [
        Series([x for x, _ in own], [one.value for _, one in own], tone, "points")
        for trusted, tone in tones
        if (own := [(x, one) for x, one in points if one is not None and one.trusted is trusted])
    ]


def _estimated_legend(plots: Plots) -> list[Toned]:
    known = [point.estimated for point in plots.performance if point.estimated is not None]
    if not known:
        return []
    trusted = known[-1].trusted
    return [legend("estimate" if trusted else "est., untrusted", "points", "good" if trusted else "warn")]


def _ticks(plots: Plots, most: int) -> list[tuple[float, str]]:
    """Return labels along the chunks; where another version begins, its name takes the label's place."""
    changes = changes_of_version(plots)
    kept = dict(_spread(list(enumerate(plots.labels)), most)) | {index: plots.labels[index] for index in changes}
    shown = [
        (index, label)
        for index, label in sorted(kept.items())
        if index in changes or not {index - 1, index + 1} & changes.keys()
    ]
    names = ticks([heading(label) for _, label in shown])
    return [
        (float(index), f"{name} {version_name(changes[index])}" if index in changes else name)
        for (index, _), name in zip(shown, names, strict=True)
    ]


def _heat(plots: Plots, width: int, chosen: str) -> list[tuple[Toned, ...]]:
    shown = max(min(len(plots.labels), (width - 24) // CELL), 1)
    skipped = len(plots.labels) - shown
    changes = {index - skipped: version for index, version in changes_of_version(plots).items() if index >= skipped}
    head = Toned(f"{'COLUMNS':<9}{len(plots.heat):<7,}", "strong")
    headings = [heading(label) for label in plots.labels[-shown:]]
    labels = [
        Toned(f"{one.unit:<{UNIT}}▾", "accent") if label == chosen else Toned(f"{one.unit:<{CELL}}", "dim")
        for one, label in zip(headings, plots.labels[-shown:], strict=True)
    ]
    lines: list[tuple[Toned, ...]] = [(head, *_marked(labels, changes), Toned("   PSI", "dim"))]
    above = grouped(headings, CELL)
    if above is not None:
        lines.insert(0, (Toned(" " * len(head.text)), Toned(above, "dim")))
    lines += [_strip(row, shown, changes) for row in plots.heat[: PLOT_HEIGHT - len(lines)]]
    signs = [Toned("· none  ", "faint"), Toned("░ small  ", "dim"), Toned("▒ ≥ .1  ", "warn"), Toned("█ ≥ .25", "bad")]
    signs += [Toned(f"   │ {version_name(version)}", "champion") for version in changes.values()]
    lines.append(tuple(signs))
    return lines


def _marked(cells: Sequence[Toned], changes: dict[int, int]) -> list[Toned]:
    """Put a bar before each cell with which another version begins."""
    marked: list[Toned] = []
    for index, cell in enumerate(cells):
        if index + 1 in changes:
            marked += [Toned(cell.text[:-1], cell.tone), Toned("│", "champion")]
        else:
            marked.append(cell)
    return marked


def _strip(row: HeatRow, shown: int, changes: dict[int, int]) -> tuple[Toned, ...]:
    cells = [
        EFFECTS.get(effect or "none", EFFECTS["none"]) if effect else (" ", "faint") for effect in row.effects[-shown:]
    ]
    drawn = [Toned(f"{mark * 3 if mark in '░▒█' else mark + '  '} ", tone) for mark, tone in cells]
    last = row.psi[-1] if row.psi else None
    name = text.clean(row.name, limit=15)
    return (Toned(f"{name:<16}", "text"), *_marked(drawn, changes), Toned(f"{text.decimals(last, 2):>6}", "dim"))


def _spread(items: Sequence[tuple[int, str]], most: int) -> list[tuple[int, str]]:
    step = max(-(-len(items) // max(most, 1)), 1)
    return list(items[::step])
