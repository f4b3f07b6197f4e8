"""Two versions side by side: metrics, parameters, signature, and the paired difference on the rows both scored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from opsconsole.config.workspace import Workspace
from opsconsole.ground.nouns import ModelTask
from opsconsole.registry.gates import changes, compare_scores, contest_of
from opsconsole.store import models
from opsconsole.store.connection import Store
from opsconsole.store.models import Version

_COMPARED = {
    ModelTask.BINARY: ("auc", "brier", "log_loss", "accuracy"),
    ModelTask.REGRESSION: ("mae", "mse"),
    ModelTask.MULTICLASS: (),
    ModelTask.RANKING: (),
}


@dataclass(frozen=True)
class Compared:
    """What ``model compare`` answers: A is taken as champion, B as challenger."""

    a: Version
    b: Version
    rows: int
    """Rows both scored; 0 when there are none, and then only registered metrics are compared."""
    metrics: list[dict[str, Any]]
    """``name, a, b, difference, low, high, p``; the interval is None where no rows are shared."""
    params: list[dict[str, Any]]
    """``name, a, b`` of every parameter that differs."""
    columns: dict[str, list[str]]
    """``added``, ``removed``, ``retyped`` columns of the signature."""
    plots: dict[str, Any]
    """``roc`` and ``calibration`` points of A and B."""
    changes: dict[str, int] | None


def compare(workspace: Workspace, store: Store, a: Version, b: Version) -> Compared:
    """Compare two versions of one model on the rows both scored."""
    contest = contest_of(workspace, store, b, a)
    paired = contest is not None and contest.champion is not None
    task = workspace.config.models[a.model].task if a.model in workspace.config.models else ModelTask.BINARY
    rows: list[dict[str, Any]] = []
    if contest is not None and paired:
        for metric in _COMPARED[task]:
            found = compare_scores(metric, contest)
            if found is not None:
                rows.append(
                    {
                        "name": metric,
                        "a": found.champion,
                        "b": found.challenger,
                        "difference": found.difference,
                        "low": found.low,
                        "high": found.high,
                        "p": found.p,
                    }
                )
    known = {row["name"] for row in rows}
    for name in sorted((set(a.metrics) | set(b.metrics)) - known):
        one, other = a.metrics.get(name), b.metrics.get(name)
        rows.append({"name": name, "a": one, "b": other, "difference": None, "low": None, "high": None, "p": None})
    pair = models.shared_evaluation(store, a.model, a.version, b.version)
    return Compared(
        a=a,
        b=b,
        rows=contest.evaluation.rows if contest is not None and paired else 0,
        metrics=rows,
        params=_params(a, b),
        columns=_columns(a, b),
        plots={"a": pair[0].plots, "b": pair[1].plots} if pair else {},
        changes=changes(contest) if paired else None,
    )


def _params(a: Version, b: Version) -> list[dict[str, Any]]:
    names = sorted(set(a.params) | set(b.params))
    return [
        {"name": name, "a": a.params.get(name), "b": b.params.get(name)}
        for name in names
        if a.params.get(name) != b.params.get(name)
    ]


def _columns(a: Version, b: Version) -> dict[str, list[str]]:
    before = {column.name: column.type for column in a.signature.inputs}
    after = {column.name: column.type for column in b.signature.inputs}
    return {
        "added": sorted(set(after) - set(before)),
        "removed": sorted(set(before) - set(after)),
        "retyped": sorted(name for name in after if name in before and after[name] != before[name]),
    }
