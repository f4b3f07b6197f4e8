"""What there is to do for a version: its rows cut into windows, each beside what is stored of it; what no row is of any more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from opsconsole.drift import alerts as incidents
from opsconsole.drift.baselining import used_rows
from opsconsole.drift.data.production import Production, known
from opsconsole.drift.data.times import moment, wall_clock
from opsconsole.drift.data.windows import Window, cut, gaps, unit_of
from opsconsole.drift.fingerprints import fingerprint, judging_settings, stamp_of
from opsconsole.drift.measured import Measured
from opsconsole.drift.measured import decode as measured_of
from opsconsole.drift.monitors import Monitor
from opsconsole.ground.text import plural
from opsconsole.store import chunks as chunk_store
from opsconsole.store.baselines import Baseline
from opsconsole.store.chunk_records import Known
from opsconsole.store.connection import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Work:
    """One window of a version, with what is stored of it."""

    window: Window
    newest: datetime
    """When its last row is of."""
    fingerprint: str
    stamp: str
    stored: Known | None

    def facts(self) -> Measured | None:
        """Return what was measured of it, where its rows, labels and scores are as they were; read anew at each call."""
        if self.stored is None or self.stored.facts is None:
            return None
        files, _, _ = self.stamp.partition(" ")
        same = self.stored.fingerprint == self.fingerprint and self.stored.stamp.partition(" ")[0] == files
        return measured_of(self.stored.facts) if same else None

    @property
    def judged(self) -> bool:
        """Whether its verdict was made by the settings that there are now."""
        return self.stored is not None and self.stored.stamp == self.stamp


def works_of(
    monitor: Monitor,
    store: Store,
    production: Production,
    baseline: Baseline,
    rows: NDArray[np.intp],
    stamps: Mapping[str, str],
) -> list[Work]:
    """Cut the version's rows, and hold each window against what is stored of it."""
    stored = chunk_store.known(store, monitor.name, baseline.version)
    judging = judging_settings(monitor)
    return [
        Work(
            window,
            moment(production.times[window.rows].max(), production.zone),
            fingerprint(monitor, production, baseline, window),
            f"{stamp_of(production, window, stamps)} {judging}",
            stored.get(window.start),
        )
        for window in cut(monitor.config.chunk, production.times, rows, production.zone, monitor.config.least)
    ]


def gaps_told(monitor: Monitor, version: int, works: list[Work]) -> list[str]:
    """Say where a version has no rows at all between chunks that have."""
    unit = unit_of(monitor.config.chunk)
    return [
        f"v{version}: no rows from {gap.start:%Y-%m-%d %H:%M} to {gap.end:%Y-%m-%d %H:%M} ({plural(gap.units, unit)})"
        for gap in gaps(monitor.config.chunk, [work.window for work in works])
    ]


def forget_others(store: Store, monitor: Monitor, version: int, works: list[Work], *, whole: bool) -> list[str]:
    """Drop stored chunks that no window begins with any more; the past before all rows stays.

    Their time belongs to another window now, or, when the rows are ``whole``, to none: a date was corrected.
    """
    starts = {work.window.start for work in works}
    spans = [(work.window.start, work.window.end) for work in works]
    others = [one for one in chunk_store.known(store, monitor.name, version).items() if one[0] not in starts]
    cut = {
        one.id
        for start, one in others
        if any(first <= start < after or start < first < one.end for first, after in spans)
    }
    empty = {one.id for start, one in others if whole and works and start > works[0].window.start} - cut
    if not cut | empty:
        return []
    with store.immediate() as connection:
        chunk_store.drop(connection, sorted(cut))
        incidents.forget(connection, monitor.name, version, empty)
    if not empty:
        return []
    return [f"v{version}: {plural(len(empty), 'chunk')} that no row is of any more: forgotten"]


def judgeable(production: Production, baseline: Baseline) -> tuple[NDArray[np.intp], list[str]]:
    """Return the rows that the version scored as production: dated, not before its baseline, and new to it."""
    scored = known(production.scores[baseline.version])
    dated = ~np.isnat(production.times)
    notes = []
    version = f"v{baseline.version}"
    if undated := int((scored & ~dated).sum()):
        notes.append(f"{version}: {undated:,} rows without a time were left out")
    new = scored & dated
    trained = np.zeros(production.rows, dtype=np.bool_)
    for ids in used_rows(baseline):
        trained |= pc.is_in(production.ids, value_set=ids).to_numpy(zero_copy_only=False)
    if overlap := int((new & trained).sum()):
        notes.append(f"{version}: {overlap:,} rows that it was trained or evaluated on were left out")
    new &= ~trained
    if baseline.since is not None:
        early = production.times < wall_clock(baseline.since, production.zone)
        if before := int((new & early).sum()):
            notes.append(f"{version}: {before:,} rows from before its baseline were left out")
        new &= ~early
    return np.flatnonzero(new), notes
