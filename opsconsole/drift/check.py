"""``drift check``: read production rows, cut them into chunks, judge each against its version's baseline, once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opsconsole.config.workspace import Workspace
from opsconsole.drift import alerts as incidents
from opsconsole.drift.baselining import ensure_baseline, used_rows
from opsconsole.drift.chunking import Work, sketch_chunks
from opsconsole.drift.data.production import Production, known, read_production
from opsconsole.drift.data.sources import Source, open_source
from opsconsole.drift.data.windows import Window, cut
from opsconsole.drift.monitors import Monitor, Subject, monitor_of
from opsconsole.drift.performance.metrics import measure
from opsconsole.drift.sketches.sketch import TableSketch, decode
from opsconsole.drift.verdicts.gates import worst
from opsconsole.drift.verdicts.judging import Judged, judge_chunk
from opsconsole.drift.verdicts.words import PerformanceVerdict, judge_performance
from opsconsole.ground import clock
from opsconsole.ground.errors import UsageError
from opsconsole.ground.files import digest_file
from opsconsole.ground.nouns import Severity
from opsconsole.store import alerts as alert_store
from opsconsole.store import baselines as baseline_store
from opsconsole.store import chunks as chunk_store
from opsconsole.store.alerts import Alert
from opsconsole.store.baselines import Baseline
from opsconsole.store.chunk_records import Chunk
from opsconsole.store.connection import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

HASHED_BYTES = 64 << 20
"""Files up to this size are known by their content, larger ones by size and time."""
REVISION = 1
"""Raised when the same rows would be judged otherwise than before."""


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


def check(
    workspace: Workspace, store: Store, name: str, subject: Subject, *, data: str | Path | None = None
) -> CheckResult:
    """Check a monitor: ``subject`` is the version that holds its alias now, ``data`` stands in for ``current``.

    Raises NotFoundError, ConfigError, and DataError for data that cannot be read; chunks judged before it are kept.
    """
    monitor = monitor_of(workspace, name)
    if (subject.model, subject.alias) != (monitor.model, monitor.alias):
        raise UsageError(
            f"monitor `{name}` watches {monitor.model}@{monitor.alias}, not {subject.model}@{subject.alias}"
        )
    with store.immediate() as connection:
        incidents.wake(connection, name, clock.now())
    source = open_source(data or monitor.config.current, base=workspace.root)
    batches = baseline_store.predictions(store, monitor.model)
    production = read_production(monitor, source, batches, subject.version)
    ensure_baseline(monitor, store, subject, source)
    stamps = _stamps(source)
    done: list[Chunk] = []
    unchanged, notes = 0, []
    for version, baseline in sorted(baseline_store.baselines(store, name).items()):
        if version not in production.scores:
            continue
        works, same, left_out = _plan(monitor, store, production, baseline, stamps)
        unchanged += same
        notes += left_out
        done += _carry_out(monitor, store, production, baseline, works, subject)
    unscored = sorted(set(production.scores) - set(baseline_store.baselines(store, name)))
    notes += [f"v{version} scored rows but has no baseline: they are not judged" for version in unscored]
    standing = alert_store.alerts(store, monitor=name, live=True)
    return CheckResult(
        monitor=name,
        version=subject.version,
        chunks=tuple(done),
        unchanged=unchanged,
        notes=tuple(notes),
        alerts=tuple(standing),
        severity=worst([alert.severity for alert in standing]),
    )


def _plan(
    monitor: Monitor, store: Store, production: Production, baseline: Baseline, stamps: dict[Path, str]
) -> tuple[list[Work], int, list[str]]:
    """Return the chunks of a version that were never judged, or from other inputs than there are now."""
    rows, notes = _judgeable(production, baseline)
    judged_before = chunk_store.fingerprints(store, monitor.name, baseline.version)
    works: list[Work] = []
    same, breaches = 0, 0
    for window in cut(monitor.config.chunk, production.times, rows, production.zone):
        performance = _performance(monitor, production, baseline, window, breaches)
        fingerprint = _fingerprint(monitor, production, baseline, window, breaches, stamps)
        breaches = 0 if performance is None else performance.breaches
        if judged_before.get(window.start) == fingerprint:
            same += 1
        else:
            works.append(Work(window, performance, fingerprint))
    return works, same, notes


def _judgeable(production: Production, baseline: Baseline) -> tuple[NDArray[np.intp], list[str]]:
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
        early = production.times < np.datetime64(_wall(baseline, production), "us")
        if before := int((new & early).sum()):
            notes.append(f"{version}: {before:,} rows from before its baseline were left out")
        new &= ~early
    return np.flatnonzero(new), notes


def _wall(baseline: Baseline, production: Production) -> datetime:
    """Return the baseline's first moment as a wall-clock time of the data's zone."""
    assert baseline.since is not None
    return baseline.since.astimezone(ZoneInfo(production.zone or "UTC")).replace(tzinfo=None)


def _performance(
    monitor: Monitor, production: Production, baseline: Baseline, window: Window, before: int
) -> PerformanceVerdict | None:
    if monitor.metric is None or monitor.floor is None:
        return None
    labels, scores = production.labels[window.rows], production.scores[baseline.version][window.rows]
    both = known(labels)
    realised = measure(monitor.metric, labels[both], scores[both])
    reference = None if baseline.realised is None else baseline.realised.value
    floor = None if len(window.rows) < monitor.config.least else monitor.floor.at(reference)
    return judge_performance(monitor.metric, realised, reference, floor, before, monitor.persistence)


def _carry_out(
    monitor: Monitor, store: Store, production: Production, baseline: Baseline, works: list[Work], subject: Subject
) -> list[Chunk]:
    """Sketch, judge and store chunks, each with what it does to the alerts in one transaction."""
    if not works:
        return []
    reference: TableSketch = decode(baseline.sketch)
    done = []
    for work, counted in zip(
        works, sketch_chunks(monitor, production, baseline.version, reference, works), strict=True
    ):
        judged = judge_chunk(monitor, baseline, reference, production, work, counted)
        chunk_id = _store(monitor, store, judged, subject)
        stored = chunk_store.chunk(store, chunk_id)
        assert stored is not None
        done.append(stored)
    return done


def _store(monitor: Monitor, store: Store, judged: Judged, subject: Subject) -> int:
    record = judged.record
    with store.immediate() as connection:
        same = chunk_store.identity(connection, record.monitor, record.version, record.start)
        if same is not None and same[1] == record.fingerprint:
            return same[0]
        chunk_id = chunk_store.write_chunk(connection, record, judged.sketch, judged.columns)
        incidents.observe(
            connection,
            record,
            judged.news(chunk_id),
            alias=monitor.alias,
            holder=subject.version,
            judged=monitor.metric is not None and monitor.config.label is not None,
        )
    return chunk_id


def _fingerprint(
    monitor: Monitor,
    production: Production,
    baseline: Baseline,
    window: Window,
    before: int,
    stamps: dict[Path, str],
) -> str:
    """Return what a verdict rests on: rows, labels, scores, files, baseline, settings, and the chunks before."""
    rows = np.sort(window.rows)
    hasher = hashlib.sha256()
    settings = (REVISION, baseline.id, before, window.partial, len(rows), monitor.config, monitor.persistence)
    hasher.update(repr(settings).encode())
    for values in (production.labels[rows], production.scores[baseline.version][rows]):
        hasher.update(repr(values.tolist()).encode() if values.dtype == object else values.tobytes())
    hasher.update(production.times[rows].tobytes())
    for text in _texts(production.ids.take(pa.array(rows))):
        hasher.update(text)
    for file, first, after in production.spans:
        if np.searchsorted(rows, first) != np.searchsorted(rows, after):
            hasher.update(stamps[file.path].encode())
    return "sha256:" + hasher.hexdigest()


def _texts(ids: pa.Array) -> Iterable[bytes]:
    for value in ids.to_pylist():
        yield b"\n" if value is None else value.encode() + b"\n"


def _stamps(source: Source) -> dict[Path, str]:
    """Return what each file's content is known by."""
    found = {}
    for file in source.files:
        about = file.path.stat()
        small = about.st_size <= HASHED_BYTES
        found[file.path] = digest_file(file.path) if small else f"{file.path.name}:{about.st_size}:{about.st_mtime_ns}"
    return found
