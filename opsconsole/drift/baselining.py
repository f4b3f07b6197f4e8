"""A version's baseline: the sketch of its reference, what was fitted on it, and its performance; made once, then stored.

The operator may take other rows as the reference: that is a revision with a reason, and the one before it can be taken
back.
"""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from opsconsole.drift.data.production import known
from opsconsole.drift.data.sources import DataError, Source
from opsconsole.drift.fitting import fit_reference
from opsconsole.drift.monitors import EVALUATION, Monitor, Subject
from opsconsole.drift.performance.metrics import measure
from opsconsole.drift.references import Reference, evaluation_rows, source_rows
from opsconsole.drift.sketches.layout import count, lay_out
from opsconsole.ground.errors import ConfigError, ConflictError, NotFoundError
from opsconsole.store import baselines, events
from opsconsole.store.baselines import Baseline, NewBaseline, Realised
from opsconsole.store.connection import Store


def ensure_baseline(monitor: Monitor, store: Store, subject: Subject, current: Source) -> Baseline:
    """Return the baseline of the subject's version, making and storing it the first time.

    One that an older program stored lacks what is fitted now, and is made anew.
    """
    found = baselines.baseline(store, monitor.name, subject.version)
    if found is not None and found.fitted is not None:
        return found
    own = monitor.config.reference == EVALUATION
    reference = (
        evaluation_rows(monitor, subject, current) if own else source_rows(monitor, monitor.config.reference, current)
    )
    new = _new(monitor, subject.version, reference, used=tuple(str(path) for path in subject.used))
    with store.immediate() as connection:
        baselines.insert_baseline(connection, new, replaces=None if found is None else found.id)
    made = baselines.baseline(store, monitor.name, subject.version)
    assert made is not None
    return made


def rebaseline(
    monitor: Monitor,
    store: Store,
    held: Baseline,
    reference: Reference,
    reason: str,
    *,
    performance: bool = False,
    command: str | None = None,
) -> Baseline:
    """Take other rows as the reference of a version from now on; a recorded act.

    The performance that the floor is relative to stays that of the version's own evaluation, because decay must not
    become the standard; ``performance`` takes that of the new rows.
    """
    new = replace(_new(monitor, held.version, reference, used=held.used), reason=reason)
    if not performance:
        new = replace(new, realised=held.realised)
    with store.immediate() as connection:
        if not baselines.insert_baseline(connection, new, replaces=held.id):
            raise ConflictError(
                f"monitor `{monitor.name}`: another baseline of v{held.version} was taken meanwhile",
                hint=f"opsconsole drift baseline {monitor.name} shows it",
            )
        _tell(connection, monitor, held, f"{reference.origin}, {new.rows:,} rows", reason, command)
    made = baselines.baseline(store, monitor.name, held.version)
    assert made is not None
    return made


def take_back(
    monitor: Monitor, store: Store, held: Baseline, reason: str | None = None, *, command: str | None = None
) -> Baseline:
    """Let the baseline before the one that holds hold again; a recorded act."""
    earlier = [one for one, active in baselines.revisions(store, monitor.name, held.version) if not active]
    before = [one for one in earlier if one.revision < held.revision and one.fitted is not None]
    if not before:
        raise NotFoundError(
            f"monitor `{monitor.name}`: v{held.version} has no baseline before the one that holds",
            hint=f"opsconsole drift baseline {monitor.name} lists them",
        )
    with store.immediate() as connection:
        baselines.hold(connection, held, before[-1])
        _tell(connection, monitor, held, f"back to revision {before[-1].revision}", reason, command)
    return before[-1]


def _tell(
    connection: sqlite3.Connection,
    monitor: Monitor,
    held: Baseline,
    what: str,
    reason: str | None,
    command: str | None,
) -> None:
    events.record(
        connection,
        "monitor.rebaselined",
        f"monitor {monitor.name}",
        reason=reason,
        command=command,
        detail={"version": held.version, "from_revision": held.revision, "baseline": what},
    )


def _new(monitor: Monitor, version: int, reference: Reference, *, used: tuple[str, ...]) -> NewBaseline:
    layouts = lay_out(reference.batches, reference.kinds)
    sketch = count(reference.batches, layouts)
    if not sketch.rows:
        raise DataError(f"{reference.origin}: there are no reference rows in it", hint="name rows that are there")
    return NewBaseline(
        monitor=monitor.name,
        model=monitor.model,
        version=version,
        rows=sketch.rows,
        origin=reference.origin,
        sketch=sketch.encode(),
        fitted=fit_reference(monitor, reference, layouts, sketch).encode(),
        realised=_realised(monitor, reference),
        used=used,
        since=reference.since,
    )


def _realised(monitor: Monitor, reference: Reference) -> Realised | None:
    if monitor.metric is None or monitor.floor is None:
        return None
    both = known(reference.labels) & known(reference.scores)
    if not both.any():
        if monitor.floor.relative:
            raise ConfigError(
                f"monitors.{monitor.name}.performance.floor is relative, and {reference.origin} has no labels with scores",
                hint="give the floor as a number, or name a reference with labels and scores",
            )
        return None
    return measure(monitor.metric, reference.labels[both], reference.scores[both], monitor.options)


def used_rows(baseline: Baseline) -> Iterator[pa.Array]:
    """Yield the ids of rows that a version was trained or evaluated on."""
    for name in baseline.used:
        path = Path(name)
        opener = gzip.open if path.suffix == ".gz" else open
        try:
            with opener(path, "rt", encoding="utf-8") as file:
                yield pa.array([line.rstrip("\n") for line in file], pa.string())
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise DataError(
                f"{path}: the ids of rows that v{baseline.version} was trained on cannot be read: {error}",
                hint="restore the evidence folder; without it rows known to the model would be judged",
            ) from error
