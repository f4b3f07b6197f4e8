"""How a monitor's rows are best cut into chunks: the shortest period that has enough of them for a verdict."""

from __future__ import annotations

from datetime import timedelta

from opsconsole.config.monitors import MonitorConfig
from opsconsole.core.text import count, plural
from opsconsole.lifecycle.adding.choices import Choice, given, guessed
from opsconsole.lifecycle.adding.data_head import Head, span_of

PERIODS = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=30.5),
    "quarter": timedelta(days=91.5),
}
ENOUGH = MonitorConfig(model="m@a", current="").least
"""Rows that a chunk needs before a verdict: less than that moves by chance."""
FEWEST = 50
"""Below that nothing can be told of any column."""


def chunk_of(head: Head, time: str | None, named: str | None) -> Choice:
    """Choose the chunk by how dense the rows lie in time."""
    if named is not None:
        return given("chunk", named)
    if time is None:
        return guessed("chunk", "day", "files that were written on one day are one chunk")
    span = span_of(head, time)
    if not span:
        return guessed("chunk", "day", "all rows that were looked at are of one time")
    described = f"{plural(head.rows, 'row')} in {_span(span)}"
    before = ""
    for name, length in PERIODS.items():
        each = head.rows * (length / max(span, length))
        if each >= ENOUGH:
            why = f"{described}, {count(round(each))} a {name}{before}: {ENOUGH} are enough for a verdict"
            return guessed("chunk", name, why)
        before = f" and {count(round(each))} a {name}"
    return guessed("chunk", "quarter", f"{described}: even a quarter has fewer than the {ENOUGH} that a verdict needs")


def least_of(*heads: Head | None) -> Choice | None:
    """Choose fewer rows than usual for a chunk where there are not so many; None where there are."""
    fewest = min(head.rows for head in heads if head is not None)
    if fewest >= ENOUGH:
        return None
    why = f"there are no more; columns of many values need {ENOUGH}"
    return guessed("least", max(fewest, FEWEST), why)


def _span(span: timedelta) -> str:
    days = span / timedelta(days=1)
    return plural(max(round(days), 1), "day") if days >= 1 else plural(max(round(days * 24), 1), "hour")
