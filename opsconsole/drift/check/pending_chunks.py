"""The chunks of a version that must be measured or judged: its rows cut into windows, compared with what is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pyarrow as pa

from opsconsole.core.nouns import version_name
from opsconsole.core.text import plural
from opsconsole.drift.check.fingerprints import fingerprint, judging_settings, stamp_of
from opsconsole.drift.chunks.measurement import Unmeasured
from opsconsole.drift.chunks.row_facts import row_facts
from opsconsole.drift.data.times import moment, wall_clock
from opsconsole.drift.facts.chunk import Measured
from opsconsole.drift.facts.chunk import decode as measured_of
from opsconsole.drift.monitors import Monitor
from opsconsole.drift.production.ordering import in_order
from opsconsole.drift.production.outcomes import known
from opsconsole.drift.production.reading import Production
from opsconsole.drift.production.rows import Rows
from opsconsole.drift.production.spill_partitions import SpillPartitions
from opsconsole.drift.production.windows import Cut, Window, gaps, unit_of
from opsconsole.drift.reference.baseline import used_rows
from opsconsole.drift.verdicts import incident as incidents
from opsconsole.drift.verdicts.judging import Against
from opsconsole.store import chunks as chunk_store
from opsconsole.store.baselines import Baseline
from opsconsole.store.chunk_records import Known, Stamp
from opsconsole.store.connection import Store


@dataclass(frozen=True)
class PendingChunks:
    """One window of a version, with what is stored of it."""

    window: Window
    newest: datetime
    """When its last row is of."""
    fingerprint: str
    stamp: Stamp
    stored: Known | None
    new: bool = False
    """Whether its features are to be read."""

    def facts(self, store: Store) -> Measured | None:
        """Return what was measured of it, where its rows, labels and scores are as they were; read anew at each call."""
        if self.stored is None or not self.stored.measured:
            return None
        same = self.stored.fingerprint == self.fingerprint and self.stored.stamp.files == self.stamp.files
        return measured_of(chunk_store.facts(store, self.stored.id) or b"") if same else None

    @property
    def judged(self) -> bool:
        """Whether its verdict was made by the settings that there are now."""
        return self.stored is not None and self.stored.stamp == self.stamp


def pending_chunks_of(
    store: Store, production: Production, against: Against, stamps: Mapping[str, str], notes: list[str]
) -> tuple[list[PendingChunks], Unmeasured]:
    """Cut the version's rows, and hold each window against what is stored of it; ``new`` ones are left to be measured.

    Notes are added on rows that were left out.
    """
    monitor, baseline = against.monitor, against.baseline
    stored = chunk_store.known(store, monitor.name, baseline.version)
    judging = judging_settings(monitor)
    pending, unmeasured = [], Unmeasured(monitor)
    for rows, cuts in in_order(production, judgeable(production, baseline, notes)):
        for one in cuts:
            mine, window = rows.at(np.sort(one.rows)), _window(monitor, one)
            work = PendingChunks(
                window,
                moment(mine.times.max(), production.zone),
                fingerprint(monitor, mine, baseline, window),
                Stamp(stamp_of(production, mine, stamps), judging),
                stored.get(window.start),
            )
            if work.facts(store) is None:
                work = replace(work, new=True)
                unmeasured.add(window, row_facts(monitor, against.fitted, mine), mine)
            pending.append(work)
    return pending, unmeasured


def _window(monitor: Monitor, cut: Cut) -> Window:
    """Return a cut's window; rows that are dated by their file came with it, and no more are to come."""
    window = cut.window()
    return replace(window, partial=False) if monitor.config.time is None else window


def gap_notes(monitor: Monitor, version: int, pending: list[PendingChunks]) -> list[str]:
    """Say where a version has no rows at all between chunks that have."""
    unit = unit_of(monitor.config.chunk)
    return [
        f"{version_name(version)}: no rows from {gap.start:%Y-%m-%d %H:%M} to {gap.end:%Y-%m-%d %H:%M} ({plural(gap.units, unit)})"
        for gap in gaps(monitor.config.chunk, [work.window for work in pending])
    ]


def forget_others(
    store: Store, monitor: Monitor, version: int, pending: list[PendingChunks], *, whole: bool
) -> list[str]:
    """Drop stored chunks that no window begins with any more; the past before all rows stays.

    Their time belongs to another window now, or, when the rows are ``whole``, to none: a date was corrected.
    """
    starts = {work.window.start for work in pending}
    spans = [(work.window.start, work.window.end) for work in pending]
    others = [one for one in chunk_store.known(store, monitor.name, version).items() if one[0] not in starts]
    cut = {
        one.id
        for start, one in others
        if any(first <= start < after or start < first < one.end for first, after in spans)
    }
    empty = {one.id for start, one in others if whole and pending and start > pending[0].window.start} - cut
    if not cut | empty:
        return []
    with store.immediate() as connection:
        chunk_store.drop(connection, sorted(cut))
        incidents.forget(connection, monitor.name, version, empty)
    if not empty:
        return []
    return [f"{version_name(version)}: {plural(len(empty), 'chunk')} that no row is of any more: forgotten"]


def judgeable(production: Production, baseline: Baseline, notes: list[str]) -> Iterator[Rows]:
    """Yield the rows that the version scored as production: dated, not before its baseline, and new to it.

    When all were given out, notes are added on those that were not.
    """
    trained = _trained(production, baseline)
    since = None if baseline.since is None else wall_clock(baseline.since, production.zone)
    undated, overlap, before = 0, 0, 0
    for block in production.blocks(baseline.version):
        scored, dated = known(block.scores), ~np.isnat(block.times)
        undated += int((scored & ~dated).sum())
        new = scored & dated
        seen = trained.read(block.block)
        if seen is not None:
            places = np.unique(seen.column("row").to_numpy()) - block.numbers[0]
            overlap += int(new[places].sum())
            new[places] = False
        if since is not None:
            early = block.times < since
            before += int((new & early).sum())
            new &= ~early
        if new.any():
            yield block.at(new)
    left_out = (
        (undated, "without a time"),
        (overlap, "that it was trained or evaluated on"),
        (before, "from before its baseline"),
    )
    notes += [
        f"{version_name(baseline.version)}: {plural(number, 'row')} {what}: left out"
        for number, what in left_out
        if number
    ]


def _trained(production: Production, baseline: Baseline) -> SpillPartitions:
    """Return the rows that a version was trained or evaluated on, a heap a block."""
    if not baseline.used:
        return SpillPartitions()
    return production.keys.newest(pa.RecordBatch.from_pydict({"id": ids}) for ids in used_rows(baseline))
