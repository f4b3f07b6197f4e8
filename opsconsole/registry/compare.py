"""Two versions side by side: metrics on the rows that both scored, and, marked as such, those on rows of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from opsconsole.config.metrics import RECALL, Use, smaller_is_better, used
from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import UsageError
from opsconsole.registry.evidence import rivals
from opsconsole.registry.gates.contest import Contest
from opsconsole.registry.gates.held_out import Demand, find_contest
from opsconsole.store.connection import Store
from opsconsole.store.judgements import Changes
from opsconsole.store.models import Version


@dataclass(frozen=True)
class Compared:
    """What ``model compare`` answers: A is taken as champion, B as challenger."""

    a: Version
    b: Version
    comparable: bool
    """Whether there are rows that both scored: without them no number of the one stands against one of the other."""
    why: str
    """Why there are none, or why the scores on them are not to be believed; empty when all is well."""
    rows: int
    """Rows both scored; 0 when there are none."""
    metrics: list[dict[str, Any]]
    """On the same rows: ``name, a, b, difference, low, high, p``; the interval is None where a metric has none."""
    own: list[dict[str, Any]]
    """Each version's own numbers, on rows or in conditions of its own, so not comparable: ``name, a, b``."""
    params: list[dict[str, Any]]
    """``name, a, b`` of every parameter that differs."""
    columns: dict[str, list[str]]
    """``added``, ``removed``, ``retyped`` columns of the signature."""
    plots: dict[str, Any]
    """``roc`` and ``calibration`` points of A and B, on the same rows."""
    changes: Changes | None


def compare(workspace: Workspace, store: Store, a: Version, b: Version) -> Compared:
    """Compare two versions of one model: on the rows both scored, or not at all."""
    contest, gate = find_contest(workspace, store, b, a, Demand(always=False, compared=False))
    paired = contest is not None and contest.champion is not None and contest.champions is not None
    shared = _on_shared_rows(contest) if contest is not None and paired else []
    known = {row["name"] for row in shared}
    own = [
        {"name": name, "a": a.metrics.get(name), "b": b.metrics.get(name)}
        for name in sorted((set(a.metrics) | set(b.metrics)) - known)
    ]
    doubt = contest.doubt if contest is not None else ""
    return Compared(
        a=a,
        b=b,
        comparable=paired,
        why=doubt if paired else gate.detail,
        rows=contest.evaluation.rows if contest is not None and paired else 0,
        metrics=shared,
        own=own,
        params=_params(a, b),
        columns=_columns(a, b),
        plots={"a": contest.champions.plots, "b": contest.evaluation.plots}
        if contest is not None and contest.champions is not None
        else {},
        changes=rivals.changes(contest.champion, contest.challenger)
        if contest is not None and contest.champion is not None
        else None,
    )


def _on_shared_rows(contest: Contest) -> list[dict[str, Any]]:
    """Return every metric that both have on the rows that both scored, those with an interval first."""
    assert contest.champion is not None
    assert contest.champions is not None
    before, after = contest.champions.metrics, contest.evaluation.metrics
    compared = [spec.name for spec in used(contest.task, Use.COMPARED)]
    names = [*compared, *sorted({*before, *after} - set(compared))]
    rows: list[dict[str, Any]] = []
    for name in names:
        comparison = None
        if name in compared or name.startswith(RECALL):
            try:
                comparison = rivals.compare_scores(contest.task, name, contest.champion, contest.challenger)
            except UsageError:
                comparison = None
        numbers: tuple[float | None, ...]
        if comparison is not None:
            numbers = (
                comparison.champion,
                comparison.challenger,
                comparison.difference,
                comparison.low,
                comparison.high,
                comparison.p,
            )
        elif name in before and name in after:
            gain = (before[name] - after[name]) if smaller_is_better(name) else (after[name] - before[name])
            numbers = (before[name], after[name], gain, None, None, None)
        else:
            continue
        rows.append(dict(zip(("name", "a", "b", "difference", "low", "high", "p"), (name, *numbers), strict=True)))
    return rows


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
