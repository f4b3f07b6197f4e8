"""Facts from a chunk's ids, times, labels and scores, before any feature is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow.compute as pc

from opsconsole.core.nouns import ModelTask
from opsconsole.drift.facts.chunk import Losses
from opsconsole.drift.facts.reference import Fitted
from opsconsole.drift.monitors import Monitor
from opsconsole.drift.performance.estimates.binary import FINE, Estimated, labelled_bins, realised_binned
from opsconsole.drift.performance.estimates.estimator import estimated
from opsconsole.drift.performance.estimates.score_histogram import count_by_label
from opsconsole.drift.performance.realised.metrics import measure, measure_all
from opsconsole.drift.performance.realised.multiclass import Probabilities
from opsconsole.drift.performance.streams.losses import losses
from opsconsole.drift.production.outcomes import known
from opsconsole.drift.production.probabilities import at
from opsconsole.drift.production.rows import Rows
from opsconsole.drift.production.seasons import seasons_of
from opsconsole.store.baselines import Realised

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class RowFacts:
    """Facts of a chunk that are not those of a feature."""

    rows: int
    labels: int
    realised: tuple[Realised, ...]
    """All metrics of the task, the monitor's own first."""
    estimated: Estimated | None
    """The monitor's metric without labels, where scores are enough to know it."""
    losses: Losses
    scores: tuple[bytes, bytes, bytes] | None
    """Histograms by label; None where they would not tell what the rows do."""
    season: int | None
    twice: int
    """Rows that repeat an id which stands there already; counted only where the monitor forbids it."""

    def encode(self) -> bytes:
        """Return bytes, to be put aside until the features were read."""
        return msgspec.msgpack.encode(self)


def decode(data: bytes) -> RowFacts:
    """Read what ``RowFacts.encode`` wrote."""
    return msgspec.msgpack.decode(data, type=RowFacts)


def row_facts(monitor: Monitor, fitted: Fitted, rows: Rows) -> RowFacts:
    """Measure what the rows of a chunk tell; at least one row, in the order of their files."""
    both = known(rows.labels)
    labels, scores = rows.labels[both], rows.scores[both]
    season = monitor.config.season
    realised = _realised(monitor, labels, scores, at(rows.probabilities, both))
    return RowFacts(
        rows=len(rows),
        labels=int(both.sum()),
        realised=realised,
        estimated=_estimated(monitor, fitted, rows),
        losses=_losses(monitor, fitted, labels, scores, rows.times[both]),
        scores=_histograms(monitor, rows, realised),
        season=None if season is None else int(seasons_of(season, rows.times[:1])[0]),
        twice=_twice(rows) if monitor.config.quality.unique else 0,
    )


def _realised(
    monitor: Monitor, labels: NDArray[Any], scores: NDArray[Any], probabilities: Probabilities | None
) -> tuple[Realised, ...]:
    if monitor.metric is None:
        return ()
    values = measure_all(monitor.task, labels, scores, monitor.options, probabilities)
    first = values.pop(monitor.metric.name, None) or measure(
        monitor.metric, labels, scores, monitor.options, probabilities
    )
    return (first, *values.values())


def _estimated(monitor: Monitor, fitted: Fitted, rows: Rows) -> Estimated | None:
    if monitor.metric is None or not monitor.config.estimate:
        return None
    probabilities = None if rows.probabilities is None else at(rows.probabilities, np.arange(len(rows)))
    if (
        probabilities is not None
        and fitted.outlook.classes is not None
        and probabilities.classes != fitted.outlook.classes.classes
    ):
        probabilities = None
    return estimated(fitted.outlook, monitor.metric, rows.scores, monitor.options, None, probabilities)


def _histograms(monitor: Monitor, rows: Rows, realised: tuple[Realised, ...]) -> tuple[bytes, bytes, bytes] | None:
    """Count probabilities by label, where their bins are fine enough for the chunk's own AUC."""
    if monitor.metric is None or monitor.task is not ModelTask.BINARY:
        return None
    there = rows.scores[np.isfinite(rows.scores)]
    if not len(there) or there.min() < 0 or there.max() > 1:
        return None
    counted = count_by_label(rows.labels, rows.scores)
    exact = next((one.value for one in realised if one.metric == "auc"), None)
    binned = realised_binned("auc", labelled_bins(counted), monitor.options)
    coarse = exact is not None and binned is not None and abs(exact - binned) > FINE
    return None if coarse else counted.encode()


def _twice(rows: Rows) -> int:
    ids = rows.ids.drop_null()
    return len(ids) - int(pc.count_distinct(ids).as_py())


def _losses(
    monitor: Monitor, fitted: Fitted, labels: NDArray[Any], scores: NDArray[Any], times: NDArray[np.datetime64]
) -> Losses:
    size = fitted.loss_block
    if len(labels) < size or not fitted.loss_spread:
        return Losses()
    order = np.argsort(times, kind="stable")
    values = losses(monitor.task, labels[order], scores[order], fitted.loss_scale)
    starts = np.arange(0, len(values) - size + 1, size)
    means = np.add.reduceat(values, starts)[: len(starts)]
    widths = np.diff(np.append(starts, len(values)))
    seconds = times[order][starts].astype("datetime64[s]").astype(np.int64)
    return Losses(tuple(float(f"{value:.6g}") for value in means / widths), tuple(seconds.tolist()), size)
