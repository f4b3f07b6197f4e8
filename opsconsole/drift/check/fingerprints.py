"""The fingerprint of a chunk: a digest of its rows' ids, times, labels and scores, and of the files that hold them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opsconsole.config.monitors import MonitorConfig
from opsconsole.drift.data.files import file_stamp
from opsconsole.drift.data.formats.commands import COMMAND
from opsconsole.drift.data.formats.tables import SQLITE
from opsconsole.drift.data.places import find_files
from opsconsole.drift.data.sources import Source
from opsconsole.drift.monitors import Monitor, Subject
from opsconsole.drift.production.reading import Production
from opsconsole.drift.production.rows import Rows
from opsconsole.drift.production.windows import Window
from opsconsole.drift.sketches.sketch import readable
from opsconsole.store import baselines, chunks, label_batches
from opsconsole.store.baselines import Baseline
from opsconsole.store.connection import Store

REVISION = 5
"""Raised when the same rows would be measured otherwise than before."""


def fingerprint(monitor: Monitor, rows: Rows, baseline: Baseline, window: Window) -> str:
    """Return what a chunk's facts rest on, save its features: rows, labels, scores, baseline, settings."""
    hasher = hashlib.sha256()
    settings = (REVISION, baseline.id, window.partial, len(rows), measuring_settings(monitor))
    hasher.update(repr(settings).encode())
    for values in (rows.labels, rows.scores):
        hasher.update(repr(values.tolist()).encode() if values.dtype == object else values.tobytes())
    hasher.update(rows.times.tobytes())
    for part in _buffers(rows.ids):
        hasher.update(part)
    return "sha256:" + hasher.hexdigest()


def measuring_settings(monitor: Monitor) -> MonitorConfig:
    """Return a monitor's settings without those that only verdicts are made by: those need no row again."""
    neutral = MonitorConfig(model="m@a", current="")
    performance = monitor.config.performance
    return msgspec.structs.replace(
        monitor.config,
        current=neutral.current,
        limits=neutral.limits,
        policy=neutral.policy,
        budget=neutral.budget,
        enabled=neutral.enabled,
        refresh=neutral.refresh,
        performance=performance and msgspec.structs.replace(performance, floor=0.0, chunks=1),
    )


def judging_settings(monitor: Monitor) -> str:
    """Return what the settings that verdicts are made by are known by."""
    config = monitor.config
    settings = (REVISION, config.limits, config.policy, config.enabled, config.performance, monitor.persistence)
    return hashlib.sha256(repr(settings).encode()).hexdigest()[:16]


def stamp_of(production: Production, rows: Rows, stamps: Mapping[str, str]) -> str:
    """Return what the files in which a window's rows stand are known by."""
    hasher = hashlib.sha256()
    for file, first, after in production.spans:
        if np.searchsorted(rows.numbers, first) != np.searchsorted(rows.numbers, after):
            hasher.update(stamps[file.name].encode())
    return hasher.hexdigest()


def stamps_at(monitor: Monitor, location: str | Path) -> dict[str, str]:
    """Return what the content of each file of a place is known by; none for tables and commands."""
    if str(location).startswith((SQLITE, COMMAND)):
        return {}
    return {str(path): file_stamp(path) for path in find_files(location, base=monitor.root).paths}


def stamps_of(source: Source, stamps: Mapping[str, str]) -> dict[str, str]:
    """Return what each file's content is known by: as it was before it was read, where that is known."""
    return {file.name: stamps.get(file.name) or file.stamp() for file in source.files}


def inputs_of(monitor: Monitor, store: Store, subject: Subject, stamps: Mapping[str, str]) -> str | None:
    """Return what a check is about to rest on, without opening a file.

    None where only reading would tell (tables and commands), and where time alone can change a verdict (freshness).
    """
    if not stamps or monitor.config.quality.fresh is not None:
        return None
    inputs = (
        REVISION,
        monitor.config,
        monitor.persistence,
        (monitor.task, monitor.positive, monitor.logits),
        subject,
        list(stamps.items()),
        [(one.id, one.file_digest) for one in baselines.predictions(store, monitor.model)],
        [(one.id, one.file_digest) for one in label_batches.batches(store, monitor.name)],
    )
    return hashlib.sha256(repr(inputs).encode()).hexdigest()


def mark_of(monitor: Monitor, store: Store, inputs: str) -> str:
    """Return what a whole check is known by: its inputs, and what it left in the store."""
    held_baselines = baselines.baselines(store, monitor.name).values()
    held = sorted((one.version, one.id, one.fitted is None, readable(one.sketch)) for one in held_baselines)
    facts = (inputs, held, chunks.number(store, monitor.name))
    return "sha256:" + hashlib.sha256(repr(facts).encode()).hexdigest()


def _buffers(ids: pa.Array) -> list[bytes]:
    """Return the bytes of text ids with their lengths, so that no two lists of ids look alike."""
    lengths = pc.binary_length(ids).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    joined = pc.binary_join(pa.ListArray.from_arrays([0, len(ids)], ids.fill_null("")), "")
    return [lengths.tobytes(), (joined[0].as_py() or "").encode()]
