"""``drift report --per``: stored chunks summed to weeks, months or quarters; not one row is read for it.

Sketches of one layout add up, so the sum says what a check of the longer chunk would have measured. So do the
scores of a binary model by label, from which its metrics are measured and estimated to .001. Of other tasks, and of
scores that are no probabilities, only means over rows add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import NotFoundError
from opsconsole.core.text import plural
from opsconsole.drift.compare.columns import ColumnComparison, column_comparison
from opsconsole.drift.compare.files import facts_of
from opsconsole.drift.facts.chunk import decode as measured_of
from opsconsole.drift.facts.reference import Fitted
from opsconsole.drift.facts.reference import decode as fitted_of
from opsconsole.drift.monitors import Monitor, monitor_of
from opsconsole.drift.performance.estimates.binary import (
    ESTIMATES,
    Estimated,
    Expected,
    binned_well,
    estimate_binned,
    labelled_bins,
    realised_binned,
)
from opsconsole.drift.performance.estimates.score_histogram import LabelledScores, decode_by_label
from opsconsole.drift.reference.baseline import usable
from opsconsole.drift.sketches.sketch import TableSketch, decode
from opsconsole.drift.verdicts.criteria import judge
from opsconsole.store import baselines
from opsconsole.store import chunks as chunk_store
from opsconsole.store.chunk_records import Chunk
from opsconsole.store.connection import Store

ADDITIVE = ("accuracy", "brier", "log_loss", "mae", "mse", "quantile_loss")
"""Metrics that are means over labelled rows."""


@dataclass(frozen=True)
class Summed:
    """Some chunks of a version as one."""

    label: str
    version: int
    start: datetime
    end: datetime
    chunks: int
    rows: int
    labels: int
    columns: tuple[ColumnComparison, ...]
    metrics: dict[str, float]
    """Of the labelled rows: those of the task for a binary model, of others the means over rows."""
    estimated: Estimated | None
    """The monitor's metric as it must be if what was fitted on the reference still holds; for a binary model."""
    trusted: bool
    """Whether no chunk's labels had disproved what was estimated of it."""

    @property
    def drifted(self) -> tuple[str, ...]:
        """The columns past chance and limit, the furthest first."""
        drifted = sorted((one for one in self.columns if one.drifted), key=lambda one: -(one.distances.psi or 0.0))
        return tuple(one.name for one in drifted)


@dataclass(frozen=True)
class Rollup:
    """What ``drift report --per`` answers."""

    monitor: str
    metric: str | None
    """The metric that is watched."""
    per: str
    sums: tuple[Summed, ...]
    notes: tuple[str, ...]


def sums(workspace: Workspace, store: Store, name: str, per: str) -> Rollup:
    """Return a monitor's chunks summed per unit, oldest first, each version apart. NotFoundError when it has none."""
    monitor = monitor_of(workspace, name)
    groups: dict[tuple[int, str], list[Chunk]] = {}
    for chunk in chunk_store.chunks(store, name, limit=10_000):
        groups.setdefault((chunk.version, period(chunk, per)), []).append(chunk)
    if not groups:
        raise NotFoundError(f"monitor `{name}` has no chunks yet", hint=f"opsconsole drift check {name}")
    held = baselines.baselines(store, name)
    references = {
        version: (decode(one.sketch), fitted_of(one.fitted or b"")) for version, one in held.items() if usable(one)
    }
    chosen, skipped = [], 0
    for (version, label), members in groups.items():
        reference = references.get(version)
        summed = None if reference is None else _summed(monitor, store, *reference, label, members)
        if summed is None:
            skipped += len(members)
        else:
            chosen.append(summed)
    notes = (f"{plural(skipped, 'chunk')} held against an earlier baseline do not add up with the others",)
    metric = None if monitor.metric is None else monitor.metric.name
    return Rollup(name, metric, per, tuple(sorted(chosen, key=lambda one: one.start)), notes if skipped else ())


def period(chunk: Chunk, per: str) -> str:
    """Return the name of the unit that a chunk's middle lies in, which does not hang on its zone."""
    middle = chunk.start + (chunk.end - chunk.start) / 2
    if per == "week":
        year, week, _ = middle.isocalendar()
        return f"{year}-W{week:02d}"
    if per == "quarter":
        return f"{middle.year}-Q{(middle.month + 2) // 3}"
    return f"{middle:%b %Y}" if per == "month" else f"{middle.year}"


def _summed(
    monitor: Monitor, store: Store, reference: TableSketch, fitted: Fitted, label: str, members: list[Chunk]
) -> Summed | None:
    """Merge the chunks' sketches and measure the sum; None where any was counted in another layout."""
    whole: TableSketch | None = None
    for chunk in members:
        stored = chunk_store.sketch(store, chunk.id)
        try:
            own = decode(stored or b"", [reference])
            whole = own if whole is None else whole.merge(own)
        except ValueError:
            return None
    assert whole is not None
    try:
        facts = facts_of(reference, whole, {}, new={}, score=monitor.config.score)
    except (KeyError, ValueError):
        return None
    verdicts = judge(facts, monitor.config.limits)
    columns = tuple(
        column_comparison(one, verdicts[one.name], reference.columns.get(one.name), whole.columns.get(one.name))
        for one in facts
    )
    scores = _scores(store, members)
    return Summed(
        label=label,
        version=members[0].version,
        start=members[0].start,
        end=members[-1].end,
        chunks=len(members),
        rows=sum(chunk.rows for chunk in members),
        labels=sum(chunk.labels for chunk in members),
        columns=columns,
        metrics=({} if scores is None else _measured(monitor, scores)) | _means(members),
        estimated=None if scores is None else _estimated(monitor, fitted, scores),
        trusted=all(chunk.estimated is None or chunk.estimated.trusted for chunk in members),
    )


def _scores(store: Store, members: list[Chunk]) -> LabelledScores | None:
    """Return the scores of all chunks; None where those of any were not kept."""
    whole: LabelledScores | None = None
    for chunk in members:
        facts = measured_of(chunk_store.facts(store, chunk.id) or b"")
        if facts is None or facts.scores is None:
            return None
        own = decode_by_label(facts.scores)
        whole = own if whole is None else whole.merge(own)
    return whole


def _measured(monitor: Monitor, scores: LabelledScores) -> dict[str, float]:
    """Return the metrics of the labelled rows, the monitor's own first."""
    first = [] if monitor.metric is None or monitor.metric.name not in ESTIMATES else [monitor.metric.name]
    names = dict.fromkeys([*first, *ESTIMATES])
    binned = labelled_bins(scores)
    values = {name: realised_binned(name, binned, monitor.options) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _estimated(monitor: Monitor, fitted: Fitted, scores: LabelledScores) -> Estimated | None:
    calibrator = fitted.outlook.calibrator
    if monitor.metric is None or calibrator is None or not monitor.config.estimate:
        return None
    histogram = scores.all
    centres, rows = histogram.centres()
    expected = Expected(centres, calibrator.chances(centres), rows)
    if not binned_well(monitor.metric.name, expected, monitor.options):
        return None
    return estimate_binned(monitor.metric.name, calibrator, histogram, monitor.options)


def _means(members: list[Chunk]) -> dict[str, float]:
    totals: dict[str, tuple[float, int]] = {}
    for chunk in members:
        for one in chunk.metrics:
            if one.metric in ADDITIVE and one.value is not None:
                total, labels = totals.get(one.metric, (0.0, 0))
                totals[one.metric] = total + one.value * one.labels, labels + one.labels
    return {name: total / labels for name, (total, labels) in totals.items() if labels}
