"""The output of ``drift compare`` in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsconsole.cli.base import table
from opsconsole.core import text

if TYPE_CHECKING:
    from opsconsole.drift.compare.by_value import SliceComparison
    from opsconsole.drift.compare.files import Comparison

HEAD = ("column", "kind", "PSI", "JS", "KS", "L∞", "missing", "outside", "effect", "severity")
NAMED = 5


def comparison_lines(comparison: Comparison) -> list[str]:
    """Return the columns, the weightiest first, and what is to be said of them."""
    from opsconsole.drift.compare.columns import weight

    rows = [
        (
            column.name,
            column.kind,
            text.psi(column.distances.psi),
            text.decimals(column.distances.js),
            text.decimals(column.distances.ks),
            text.decimals(column.distances.l_infinity),
            text.percent(column.distances.missing_current, 1),
            text.percent(column.distances.outside if column.distances.unseen is None else column.distances.unseen, 1),
            column.effect.replace("_", " "),
            column.severity,
        )
        for column in sorted(
            comparison.columns, key=lambda one: (-weight(one.severity), -(one.distances.psi or 0.0), one.name)
        )
    ]
    lines = [
        f"{text.count(comparison.rows.reference)} reference rows, {text.count(comparison.rows.current)} current rows",
        *table(HEAD, rows, right=(2, 3, 4, 5, 6, 7)),
    ]
    if comparison.left_out:
        lines.append(f"not compared (lists or records): {text.clean(', '.join(comparison.left_out))}")
    if comparison.rows_needed is not None:
        lines.append(_open(comparison))
    return [*lines, *(f"note: {text.clean(note)}" for note in comparison.notes)]


def _open(comparison: Comparison) -> str:
    names = [column.name for column in comparison.columns if column.rows_needed is not None]
    shown = [f"`{text.clean(name, limit=40)}`" for name in names[:NAMED]]
    if len(names) > NAMED:
        shown.append(text.plural(len(names) - NAMED, "more column"))
    return f"cannot tell of {text.listed(shown)}: {text.count(comparison.rows_needed)} rows on each side would decide"


def slice_lines(by: str, slices: tuple[SliceComparison, ...]) -> list[str]:
    """Return each value of a column with what moved among its rows."""
    rows = []
    for one in slices:
        moved = sorted(
            (column for column in one.columns if column.drifted), key=lambda column: -(column.distances.psi or 0.0)
        )
        shown = ", ".join(f"{column.name} {text.psi(column.distances.psi)}" for column in moved[:4]) or "–"
        open_ = f"cannot tell: {text.count(one.rows_needed)} rows on each side would decide"
        rows.append(
            (
                one.value,
                text.count(one.rows.reference),
                text.count(one.rows.current),
                open_ if one.drifted is None else shown,
                one.severity,
            )
        )
    return table((text.clean(by), "reference rows", "current rows", "moved (PSI)", "severity"), rows, right=(1, 2))
