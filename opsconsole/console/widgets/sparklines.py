"""Numbers over time in one row of bars."""

from __future__ import annotations

from collections.abc import Sequence

from opsconsole.console.widgets.marks import STATE_MARKS
from opsconsole.console.widgets.tones import Toned
from opsconsole.core.nouns import RunState
from opsconsole.store.runs import RunRecord

BARS = "▁▂▃▄▅▆▇█"


def trend_cell(recent: Sequence[RunRecord]) -> tuple[Toned, ...]:
    """Return the last runs as a sparkline of durations, newest at the right; a run that did not pass shows its glyph."""
    ended = [run for run in reversed(recent) if run.state.final]
    longest = max((run.duration_s or 0.0 for run in ended), default=0.0) or 1.0
    cells: list[Toned] = []
    for run in ended:
        if run.state is RunState.PASSED:
            cells.append(Toned(BARS[min(int((run.duration_s or 0.0) / longest * 7), 7)], "dim"))
        else:
            cells.append(STATE_MARKS[run.state])
    return tuple(cells) or (Toned("", "dim"),)


def spark(values: Sequence[float | None]) -> str:
    """Return values as bars between their least and their greatest."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    return "".join(" " if value is None else BARS[int((value - low) / span * 7)] for value in values)
