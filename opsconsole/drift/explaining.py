"""``drift explain``: which columns tell a chunk's rows from the reference's, found by a classifier that tries to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from opsconsole.config.workspace import Workspace
from opsconsole.drift.baselining import reference_of
from opsconsole.drift.check import production_of
from opsconsole.drift.data.windows import Window, cut
from opsconsole.drift.measures.classifier import Told, tell_apart
from opsconsole.drift.monitors import Monitor, Subject, monitor_of
from opsconsole.drift.references import production_rows
from opsconsole.drift.works import judgeable
from opsconsole.ground.errors import NotFoundError, RefusedError
from opsconsole.ground.text import clean, decimals, listed
from opsconsole.store import baselines
from opsconsole.store.connection import Store

TELLING = 0.01
"""A column whose shuffling costs less AUC is not named as a cause."""
TELLING_ALONE = 0.65
NAMED = 4
HOW_WELL = (
    (0.95, "can be told from the reference at a glance"),
    (0.75, "can be told from the reference well"),
    (0.6, "can be told from the reference somewhat"),
    (0.0, "can hardly be told from the reference"),
)


@dataclass(frozen=True)
class Explanation:
    """What tells a chunk from its reference."""

    monitor: str
    version: int
    chunk: str
    auc: float
    low: float
    high: float
    rows_reference: int
    rows_current: int
    columns: tuple[Told, ...]
    words: tuple[str, ...]


def explain(workspace: Workspace, store: Store, name: str, subject: Subject, chunk: str | None = None) -> Explanation:
    """Explain a chunk of the version that holds the alias: the one of that label, or the newest.

    Rows of reference and chunk are read again, at most ten thousand of each are learned from.
    """
    monitor = monitor_of(workspace, name)
    production = production_of(monitor, store, subject)
    baseline = baselines.baseline(store, name, subject.version)
    if baseline is None or subject.version not in production.scores:
        raise NotFoundError(
            f"monitor `{name}`: no chunk of v{subject.version} was checked yet",
            hint=f"opsconsole drift check {name} checks what is there",
        )
    rows, _ = judgeable(production, baseline)
    windows = cut(monitor.config.chunk, production.times, rows, production.zone, monitor.config.least)
    window = _chosen(monitor, windows, chunk)
    reference = reference_of(monitor, subject, baseline, production)
    current = production_rows(monitor, production, subject.version, np.sort(window.rows), window.label)
    names = [one for one in reference.kinds if one not in monitor.outcomes]
    try:
        found = tell_apart(reference.batches, current.batches, names)
    except ValueError as error:
        raise RefusedError(
            f"monitor `{name}`, {window.label}: cannot be explained: {error}",
            hint="choose a larger chunk: --chunk LABEL",
        ) from error
    return Explanation(
        monitor=name,
        version=subject.version,
        chunk=window.label,
        auc=found.auc,
        low=found.low,
        high=found.high,
        rows_reference=found.rows_reference,
        rows_current=found.rows_current,
        columns=found.columns,
        words=_words(window.label, found.auc, found.low, found.columns),
    )


def _chosen(monitor: Monitor, windows: list[Window], chunk: str | None) -> Window:
    if not windows:
        raise NotFoundError(f"monitor `{monitor.name}` has no rows to explain", hint="bring rows, then check")
    if chunk is None:
        return windows[-1]
    for window in windows:
        if window.label == chunk:
            return window
    known = ", ".join(window.label for window in windows[-8:])
    raise NotFoundError(f"monitor `{monitor.name}` has no chunk `{chunk}`", hint=f"the newest: {known}")


def _words(label: str, auc: float, low: float, columns: tuple[Told, ...]) -> tuple[str, ...]:
    if low <= 0.5:
        return (f"The rows of {label} cannot be told from the reference (AUC {decimals(auc)}).",)
    told = next(phrase for least, phrase in HOW_WELL if auc >= least)
    first = f"The rows of {label} {told} (AUC {decimals(auc)})."
    telling = [one for one in columns if one.importance >= TELLING or one.alone >= TELLING_ALONE][:NAMED]
    if not telling:
        return (first, "No column does it alone: it is how they go together.")
    named = [f"`{clean(one.name, limit=40)}` (alone {decimals(one.alone, 2)})" for one in telling]
    return (first, f"By {listed(named)}.")
