"""``drift check``: read production rows, cut them into chunks, measure and judge each by its version's history.

Measuring needs rows, judging does not: a chunk whose rows, labels and scores are as before is not read again, and is
judged again only where a chunk before it changed, or the settings that judge it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from opsconsole.config.workspace import Workspace
from opsconsole.core import clock
from opsconsole.core.errors import UsageError
from opsconsole.core.nouns import Severity, version_name
from opsconsole.core.text import clean, duration, listed, plural
from opsconsole.drift.check.fingerprints import inputs_of, mark_of, stamps_at, stamps_of
from opsconsole.drift.check.pending_chunks import PendingChunks, forget_others, gap_notes, pending_chunks_of
from opsconsole.drift.chunks.measurement import measure_chunks
from opsconsole.drift.data.sources import Source, open_source
from opsconsole.drift.facts.chunk import Measured, QualityFact
from opsconsole.drift.facts.reference import Fitted
from opsconsole.drift.facts.reference import decode as fitted_of
from opsconsole.drift.monitors import Monitor, Subject, monitor_of
from opsconsole.drift.performance.estimates.trust import TrackRecord
from opsconsole.drift.production.labels import with_labels
from opsconsole.drift.production.reading import Production, read_production
from opsconsole.drift.reference.baseline import ensure_baseline, fits
from opsconsole.drift.reference.reference_rows import watchable
from opsconsole.drift.sketches.sketch import TableSketch, decode
from opsconsole.drift.verdicts import incident as incidents
from opsconsole.drift.verdicts.history import Past, VersionHistory, past_of
from opsconsole.drift.verdicts.judging import Against, Judged, fall_of, judge_chunk
from opsconsole.drift.verdicts.policy import worst
from opsconsole.store import alerts as alert_store
from opsconsole.store import baselines as baseline_store
from opsconsole.store import check_marks
from opsconsole.store import chunks as chunk_store
from opsconsole.store.alerts import Alert
from opsconsole.store.baselines import Baseline
from opsconsole.store.check_marks import CheckMark
from opsconsole.store.chunk_records import Chunk, Kept
from opsconsole.store.connection import Store

NAMED = 5
MOST_CHUNKS = 100_000


@dataclass(frozen=True)
class CheckResult:
    """What a check did and how the monitor stands now."""

    monitor: str
    version: int
    chunks: tuple[Chunk, ...]
    """Those that this check judged, oldest first."""
    unchanged: int
    """How many had been judged before, from the same rows, labels and scores."""
    notes: tuple[str, ...]
    """What was left out, and why."""
    alerts: tuple[Alert, ...]
    """Those that stand."""
    severity: Severity
    """The worst of them."""


@dataclass
class _Done:
    """What a check has done so far."""

    judged: list[Chunk]
    unchanged: int
    notes: list[str]
    whole: bool
    """Whether all rows that there are were read: what is not among them is no more."""


def check(
    workspace: Workspace, store: Store, name: str, subject: Subject, *, data: str | Path | None = None
) -> CheckResult:
    """Check a monitor: ``subject`` is the version that holds its alias now, ``data`` stands in for ``current``.

    NotFoundError for an unknown monitor, ConfigError for a wrong one, UsageError for a subject of another model,
    DataError for data that cannot be read: chunks judged before it are kept.
    """
    monitor = monitor_of(workspace, name, readonly=store.readonly)
    if (subject.model, subject.alias) != (monitor.model, monitor.alias):
        raise UsageError(
            f"monitor `{name}` watches {monitor.model}@{monitor.alias}, not {subject.model}@{subject.alias}"
        )
    with store.immediate() as connection:
        incidents.wake(connection, name, clock.now())
    stamps = stamps_at(monitor, data or monitor.config.current)
    inputs = inputs_of(monitor, store, subject, stamps)
    last = check_marks.mark(store, name)
    if inputs is not None and last is not None and last.mark == mark_of(monitor, store, inputs):
        return _result(store, name, subject, _Done([], last.chunks, list(last.notes), whole=True))
    production = production_of(monitor, store, subject, data)
    ensure_baseline(monitor, store, subject, production)
    stamps = stamps_of(production.source, stamps)
    done = _Done([], 0, list(production.notes), whole=data is None and not production.source.left_out)
    held = baseline_store.baselines(store, name)
    for version, baseline in sorted(held.items()):
        if version not in production.scored:
            continue
        if fits(monitor, baseline):
            _check_version(store, production, against_of(monitor, baseline), stamps, subject, done)
        else:
            made = "an older program made its baseline, or one of other settings"
            done.notes.append(f"{version_name(version)}: {made}: its chunks stay as they were judged")
    unscored = sorted(set(production.scored) - set(held))
    done.notes += [
        f"{version_name(version)} scored rows but has no baseline: they are not judged" for version in unscored
    ]
    mark = check_marks.UNKNOWN if inputs is None or production.source.left_out else mark_of(monitor, store, inputs)
    check_marks.leave(store, name, CheckMark(mark, done.unchanged + len(done.judged), tuple(done.notes)))
    return _result(store, name, subject, done)


def _result(store: Store, name: str, subject: Subject, done: _Done) -> CheckResult:
    standing = alert_store.alerts(store, monitor=name, live=True)
    return CheckResult(
        monitor=name,
        version=subject.version,
        chunks=tuple(done.judged),
        unchanged=done.unchanged,
        notes=tuple(done.notes),
        alerts=tuple(standing),
        severity=worst([alert.severity for alert in standing]),
    )


def production_of(monitor: Monitor, store: Store, subject: Subject, data: str | Path | None = None) -> Production:
    """Read the production rows with their scores, and the labels that were brought later."""
    source = open_source(data or monitor.config.current, base=monitor.root, programs=monitor.programs)
    batches = baseline_store.predictions(store, monitor.model)
    return with_labels(monitor, store, read_production(monitor, source, batches, subject.version))


def _check_version(
    store: Store, production: Production, against: Against, stamps: Mapping[str, str], subject: Subject, done: _Done
) -> None:
    """Measure what changed of a version's chunks, and judge from the first that changed on."""
    monitor, version = against.monitor, against.baseline.version
    left_out: list[str] = []
    pending, unmeasured = pending_chunks_of(store, production, against, stamps, left_out)
    done.notes += [*_column_notes(monitor, against, production), *_class_notes(against, production)]
    done.notes += [*left_out, *gap_notes(monitor, version, pending)]
    done.notes += forget_others(store, monitor, version, pending, whole=done.whole)
    fresh = measure_chunks(production, against, unmeasured)
    stored = _stored_pasts(store, against) if pending else {}
    history = _history_of(against, pending, stored)
    stale = _stale(monitor, pending)
    changed = False
    for work in pending:
        last = work is pending[-1] and monitor.config.quality.fresh is not None
        again = changed or last or not work.judged or _was_stale(monitor, store, work)
        if not work.new and not again:
            history.add(stored[work.window.start])
            done.unchanged += 1
            continue
        facts, sketch = next(fresh) if work.new else _measured_before(store, against, work)
        measured = replace(facts, quality=(*facts.quality, *stale)) if last else facts
        judged = judge_chunk(against, work.window, measured, sketch, history, work.fingerprint)
        history.add(judged.past)
        kept = Kept(sketch.encode(against.reference), facts.encode(), work.stamp)
        changed = _keep(monitor, store, judged, kept, subject, done) or changed


def _measured_before(store: Store, against: Against, work: PendingChunks) -> tuple[Measured, TableSketch]:
    """Return what is stored of a chunk whose rows are as they were."""
    facts = work.facts(store)
    assert facts is not None
    assert work.stored is not None
    return facts, decode(chunk_store.sketch(store, work.stored.id) or b"", [against.reference])


def _was_stale(monitor: Monitor, store: Store, work: PendingChunks) -> bool:
    """Whether a chunk has the finding that rows stopped coming; it may not be the last one any more."""
    if monitor.config.quality.fresh is None or work.stored is None:
        return False
    stored = chunk_store.chunk(store, work.stored.id)
    return stored is not None and any(one.stale for one in stored.findings)


def _stale(monitor: Monitor, pending: list[PendingChunks]) -> tuple[QualityFact, ...]:
    """Say that no row has come for longer than is allowed: with the newest chunk, which then is no longer calm."""
    fresh = monitor.config.quality.fresh
    if fresh is None or not pending:
        return ()
    newest = pending[-1].newest
    if clock.now() - newest <= timedelta(seconds=fresh):
        return ()
    text = f"The newest row is of {newest:%Y-%m-%d %H:%M} UTC, more than {duration(fresh)} ago"
    return (QualityFact(text, of_number=True, stale=True),)


def against_of(monitor: Monitor, baseline: Baseline) -> Against:
    """Return what a version's chunks are held against."""
    fitted = Fitted() if baseline.fitted is None else fitted_of(baseline.fitted)
    reference: TableSketch = decode(baseline.sketch)
    return Against(monitor, baseline, reference, fitted)


def _class_notes(against: Against, production: Production) -> list[str]:
    """Say where a version gives probabilities of other classes than its reference: no estimate was fitted for them."""
    fitted, version = against.fitted.outlook.classes, against.baseline.version
    classes = production.scored[version].classes
    if fitted is None or not classes or classes == fitted.classes:
        return []
    difference = (
        f"v{version}: it gives probabilities of {listed([*classes])}, its reference of {listed([*fitted.classes])}"
    )
    return [f"{clean(difference, limit=300)}: nothing is estimated"]


def _column_notes(monitor: Monitor, against: Against, production: Production) -> list[str]:
    """Say which columns only one side had when the baseline was made: no chunk says anything of them."""
    offered, watched = against.fitted.offered, against.reference.columns
    if not offered or monitor.config.columns:
        return []
    version = version_name(against.baseline.version)
    there = {name for file in production.source.files for name in watchable(monitor, Source(file.name, (file,)))}
    new = sorted(there - set(offered))
    lacking = sorted(name for name in offered if name not in watched)
    notes = []
    if new:
        notes.append(f"{version}: {_named(new)} new: not in the reference, so not watched")
    if lacking:
        notes.append(f"{version}: {_named(lacking)} not watched: no row had it when the baseline was made")
    return notes


def _named(names: list[str]) -> str:
    shown = [f"`{clean(name, limit=40)}`" for name in names[:NAMED]]
    if len(names) > NAMED:
        shown.append(plural(len(names) - NAMED, "more column"))
    return f"{listed(shown)} {'is' if len(names) == 1 else 'are'}"


def _stored_pasts(store: Store, against: Against) -> dict[datetime, Past]:
    """Return what later verdicts need of each stored chunk of a version, by its start, oldest first."""
    name, version = against.monitor.name, against.baseline.version
    moves = chunk_store.moves(store, name, version)
    return {
        chunk.start: past_of(chunk, moves.get(chunk.id, []), fall_of(against, chunk))
        for chunk in chunk_store.chunks(store, name, version=version, limit=MOST_CHUNKS)
    }


def _history_of(against: Against, pending: list[PendingChunks], stored: Mapping[datetime, Past]) -> VersionHistory:
    """Return the course of a version up to the first window whose rows are still there."""
    wobble = against.fitted.wobble() if against.monitor.config.limits.wobble else {}
    history = VersionHistory(wobble, against.back_test, TrackRecord(against.fitted.outlook.tested))
    first = pending[0].window.start if pending else None
    for start, past in stored.items():
        if first is not None and start < first:
            history.add(past)
    return history


def _as_stored(connection: sqlite3.Connection, chunk_id: int, judged: Judged) -> bool:
    return chunk_store.columns_of(connection, chunk_id) == {one.name: one for one in judged.columns}


def _keep(monitor: Monitor, store: Store, judged: Judged, kept: Kept, subject: Subject, done: _Done) -> bool:
    """Store a judged chunk with what it does to the alerts in one transaction; return whether its verdict is new."""
    record = judged.record
    with store.immediate() as connection:
        before = chunk_store.at(connection, record.monitor, record.version, record.start)
        if before is not None and before.shows(record) and _as_stored(connection, before.id, judged):
            chunk_store.refresh(connection, before.id, kept)
            done.unchanged += 1
            return False
        chunk_id = chunk_store.write_chunk(connection, record, kept, judged.columns)
        incidents.observe(
            connection,
            record,
            judged.news(chunk_id),
            alias=monitor.alias,
            holder=subject.version,
            judged=monitor.metric is not None and monitor.config.label is not None,
            anew=before is not None and before.rows == record.rows,
            opens=monitor.config.enabled,
            was=None if before is None else before.severity,
        )
    stored = chunk_store.chunk(store, chunk_id)
    assert stored is not None
    done.judged.append(stored)
    return True
