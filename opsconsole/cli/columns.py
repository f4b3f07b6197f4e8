"""The distances of a column as flat JSON fields."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from opsconsole.cli.base import as_dict
from opsconsole.store.chunk_records import ChunkColumn

if TYPE_CHECKING:
    from opsconsole.drift.compare.by_value import SliceComparison
    from opsconsole.drift.compare.files import ColumnComparison, Comparison
    from opsconsole.drift.report.monitor_report import ChunkReport
    from opsconsole.drift.report.rollup import Summed

COMPARED = (
    "psi", "js", "hellinger", "ks", "ks_p", "wasserstein", "wasserstein_normed", "chi2", "chi2_p", "l_infinity",
    "missing", "unseen", "outside", "noise_p",
)  # fmt: skip
"""What is told of a comparison, in this order."""


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """Return what ``drift compare --json`` says of two files."""
    return as_dict(comparison) | {"columns": compared_json(comparison.columns)}


def slices_json(slices: Iterable[SliceComparison]) -> list[dict[str, Any]]:
    """Return what ``drift compare --by --json`` says of each slice."""
    return [as_dict(one) | {"columns": compared_json(one.columns)} for one in slices]


def compared_json(columns: Iterable[ColumnComparison]) -> list[dict[str, Any]]:
    """Return the columns of a comparison."""
    return [_compared(one) for one in columns]


def report_json(reports: Iterable[ChunkReport]) -> list[dict[str, Any]]:
    """Return what ``drift report --json`` says of each chunk."""
    return [
        as_dict(one)
        | {
            "columns": [_of_chunk(column) for column in one.columns],
            "score": None if one.score is None else _of_chunk(one.score),
        }
        for one in reports
    ]


def sums_json(summed: Iterable[Summed]) -> list[dict[str, Any]]:
    """Return what ``drift report --per --json`` says of some chunks as one."""
    return [as_dict(one) | {"columns": compared_json(one.columns), "drifted": list(one.drifted)} for one in summed]


def _compared(column: ColumnComparison) -> dict[str, Any]:
    rest = as_dict(column)
    measured = rest.pop("distances")
    measured["missing"] = {"reference": measured["missing_reference"], "current": measured["missing_current"]}
    distances = {name: measured[name] for name in COMPARED}
    return {"name": rest.pop("name"), "kind": rest.pop("kind"), **distances, **rest}


def _of_chunk(column: ChunkColumn) -> dict[str, Any]:
    rest = as_dict(column)
    measured = rest.pop("distances")
    return {"name": rest.pop("name"), "kind": rest.pop("kind"), **measured, **rest}
