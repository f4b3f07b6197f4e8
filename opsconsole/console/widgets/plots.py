"""Plots as lines of toned text, drawn by plotext in a string: no widget, nothing moves, cheap to send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from opsconsole.console.widgets.tones import Tone, Toned
from opsconsole.core import text
from opsconsole.core.text import Sgr, styled

_COLOURS: dict[Tone, int] = {
    "dim": 240,
    "faint": 239,
    "accent": 81,
    "good": 114,
    "bad": 203,
    "warn": 179,
    "champion": 183,
    "text": 252,
}
_BACK: dict[int, Tone] = {number: tone for tone, number in _COLOURS.items()}


Line: TypeAlias = Literal["solid", "dotted", "dashed", "points"]
MARKERS: dict[Line, str] = {"solid": "braille", "dotted": "·", "dashed": "╌", "points": "×"}
SAMPLES: dict[Line, str] = {"solid": "⠒⠒", "dotted": "··", "dashed": "╌╌", "points": "×"}
"""How a line looks in a legend: no two of a plot are told apart by colour alone."""


def legend(name: str, line: Line, tone: Tone) -> Toned:
    """Return a line's entry in a legend."""
    return Toned(f"  {SAMPLES[line]} {name}", tone)


@dataclass(frozen=True)
class Series:
    """One line of a plot."""

    xs: Sequence[float]
    ys: Sequence[float]
    tone: Tone
    line: Line = "solid"


def line_plot(
    series: Sequence[Series],
    *,
    width: int,
    height: int,
    ticks: Sequence[tuple[float, str]] = (),
    limits: tuple[float, float] | None = None,
) -> list[tuple[Toned, ...]]:
    """Return a plot, ``height`` rows of ``width`` cells; ``ticks`` label the x axis."""
    import plotext

    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plotsize(width, height)
    plotext.frame(False)  # noqa: FBT003 - plotext's own signature, here and below
    plotext.xaxes(True, False)  # noqa: FBT003
    plotext.yaxes(True, False)  # noqa: FBT003
    for item in series:
        draw = plotext.scatter if item.line == "points" else plotext.plot
        if item.xs:
            draw(list(item.xs), list(item.ys), marker=MARKERS[item.line], color=_COLOURS[item.tone])
    known = [value for item in series for value in item.ys]
    if known:
        low, high = limits or (min(known), max(known))
        steps = [low + (high - low) * step / 4 for step in range(5)] if high > low else [low]
        plotext.yticks(steps, [text.decimals(step, 2 if high - low > 0.1 else 3) for step in steps])
    if limits is not None:
        plotext.ylim(*limits)
    if ticks:
        plotext.xticks([at for at, _ in ticks], [label for _, label in ticks])
    drawn = str(plotext.build())
    plotext.clear_figure()
    return [_toned(line) for line in drawn.splitlines()]


def _toned(line: str) -> tuple[Toned, ...]:
    spans, _ = styled(line)
    return tuple(Toned(span.text, _tone(span.style)) for span in spans)


def _tone(style: Sgr) -> Tone:
    return _BACK.get(style.foreground, "dim") if isinstance(style.foreground, int) else "dim"


def bars(values: Sequence[float], top: float, tone: Tone, *, height: int, width: int) -> list[tuple[Toned, ...]]:
    """Return a histogram of ``height`` rows, each bar ``width`` cells; ``top`` is what fills it."""
    eighths = " ▁▂▃▄▅▆▇█"
    rows: list[tuple[Toned, ...]] = []
    for level in range(height - 1, -1, -1):
        filled = [min(max(value / top * height - level, 0.0), 1.0) if top > 0 else 0.0 for value in values]
        rows.append((Toned("".join(eighths[round(share * 8)] * width for share in filled), tone),))
    return rows
