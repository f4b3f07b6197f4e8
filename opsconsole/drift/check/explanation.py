"""``drift explain``: the columns by which a classifier separates a chunk's rows from the reference's."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import NotFoundError, RefusedError
from opsconsole.core.nouns import version_name
from opsconsole.core.text import clean, decimals, listed
from opsconsole.drift.check.checker import production_of
from opsconsole.drift.check.pending_chunks import judgeable
from opsconsole.drift.measures.classifier import Separator, tell_apart
from opsconsole.drift.monitors import Monitor, Subject, monitor_of
from opsconsole.drift.production.ordering import in_order
from opsconsole.drift.production.rows import Rows
from opsconsole.drift.production.windows import Cut, Window
from opsconsole.drift.reference.baseline import reference_of
from opsconsole.drift.reference.reference_rows import production_rows
from opsconsole.store import baselines
from opsconsole.store.connection import Store

TELLING = 0.01
"""A column whose shuffling costs less AUC is not named as a cause."""
TELLING_ALONE = 0.65
NAMED = 4
NEWEST = 8
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
    columns: tuple[Separator, ...]
    words: tuple[str, ...]


def explain(workspace: Workspace, store: Store, name: str, subject: Subject, chunk: str | None = None) -> Explanation:
    """Explain a chunk of the version that holds the alias: the one of that label, or the newest.

    Rows of reference and chunk are read again, at most ten thousand of each are learned from.
    NotFoundError before the first check, RefusedError for a chunk of too few rows to learn from.
    """
    monitor = monitor_of(workspace, name, readonly=store.readonly)
    production = production_of(monitor, store, subject)
    baseline = baselines.baseline(store, name, subject.version)
    if baseline is None or subject.version not in production.scored:
        raise NotFoundError(
            f"monitor `{name}`: no chunk of {version_name(subject.version)} was checked yet",
            hint=f"opsconsole drift check {name} checks what is there",
        )
    window, rows = _chosen(monitor, in_order(production, judgeable(production, baseline, [])), chunk)
    reference = reference_of(monitor, subject, baseline, production)
    current = production_rows(monitor, production, rows, window.label)
    names = [one for one in reference.kinds if one not in monitor.outcomes]
    try:
        apart = tell_apart(reference.batches, current.batches, names)
    except ValueError as error:
        raise RefusedError(
            f"monitor `{name}`, {window.label}: cannot be explained: {error}",
            hint="choose a larger chunk: --chunk LABEL",
        ) from error
    return Explanation(
        monitor=name,
        version=subject.version,
        chunk=window.label,
        auc=apart.auc,
        low=apart.low,
        high=apart.high,
        rows_reference=apart.rows_reference,
        rows_current=apart.rows_current,
        columns=apart.columns,
        words=_words(window.label, apart.auc, apart.low, apart.columns),
    )


def _chosen(monitor: Monitor, parts: Iterator[tuple[Rows, list[Cut]]], chunk: str | None) -> tuple[Window, Rows]:
    """Return the chunk of a label, or the newest, with its rows."""
    last: tuple[Window, Rows] | None = None
    labels: deque[str] = deque(maxlen=NEWEST)
    for rows, cuts in parts:
        for one in cuts:
            labels.append(one.label)
            if chunk == one.label or (chunk is None and one is cuts[-1]):
                last = one.window(), rows.at(np.sort(one.rows))
    if last is not None:
        return last
    if chunk is None:
        raise NotFoundError(f"monitor `{monitor.name}` has no rows to explain", hint="bring rows, then check")
    raise NotFoundError(f"monitor `{monitor.name}` has no chunk `{chunk}`", hint=f"the newest: {', '.join(labels)}")


def _words(label: str, auc: float, low: float, columns: tuple[Separator, ...]) -> tuple[str, ...]:
    if low <= 0.5:
        return (f"The rows of {label} cannot be told from the reference (AUC {decimals(auc)}).",)
    degree = next(phrase for least, phrase in HOW_WELL if auc >= least)
    first = f"The rows of {label} {degree} (AUC {decimals(auc)})."
    telling = [one for one in columns if one.importance >= TELLING or one.alone >= TELLING_ALONE][:NAMED]
    if not telling:
        return (first, "No column does it alone: it is how they go together.")
    named = [f"`{clean(one.name, limit=40)}` (alone {decimals(one.alone, 2)})" for one in telling]
    return (first, f"By {listed(named)}.")
