"""A version's baseline: the sketch of its reference, what was fitted on it, and its performance; made once, then stored.

The operator may take other rows as the reference: that is a revision with a reason, and the one before it can be taken
back.
"""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa

from opsconsole.core import clock
from opsconsole.core.errors import ConfigError, ConflictError, NotFoundError, RefusedError
from opsconsole.core.nouns import version_name
from opsconsole.drift.data.files import BATCH_ROWS
from opsconsole.drift.data.sources import DataError, Source
from opsconsole.drift.data.times import wall_clock
from opsconsole.drift.facts.reference import Fitted, decode
from opsconsole.drift.monitors import EVALUATION, Monitor, Subject
from opsconsole.drift.production.outcomes import known
from opsconsole.drift.production.reading import Production
from opsconsole.drift.production.rows import Rows, joined_rows
from opsconsole.drift.reference.fitting import fit_reference
from opsconsole.drift.reference.reference_rows import Reference, evaluation_rows, production_rows, source_rows
from opsconsole.drift.sketches.layout import count, lay_out
from opsconsole.drift.sketches.sketch import readable
from opsconsole.store import baselines, events
from opsconsole.store.baselines import Baseline, NewBaseline, Period, Realised
from opsconsole.store.connection import Store


def ensure_baseline(monitor: Monitor, store: Store, subject: Subject, production: Production) -> Baseline:
    """Return the baseline of the subject's version, making and storing it the first time.

    One that an older program stored, or that was made for other settings of the monitor, lacks what is counted and
    fitted now, and is made anew: from the rows that the operator took, else from those that the configuration names.
    """
    baseline = baselines.baseline(store, monitor.name, subject.version)
    if baseline is not None and fits(monitor, baseline):
        return baseline
    if baseline is None or baseline.reason is None:
        reference = configured_rows(monitor, subject, production.source)
    else:
        reference = reference_of(monitor, subject, baseline, production)
    new = _new(monitor, subject.version, reference, used=tuple(str(path) for path in subject.used))
    if baseline is not None and baseline.reason is not None:
        new = replace(
            new, reason=baseline.reason, realised=_kept(monitor, store, subject, baseline, new, production.source)
        )
    if baseline is not None:
        new = replace(new, follows=baseline.follows)  # it stands in the place of the one that it is made from
    with store.immediate() as connection:
        revision = baselines.insert_baseline(connection, new, replaces=None if baseline is None else baseline.id)
        if baseline is not None and revision is not None:
            why = "the monitor's settings or the program changed"
            _tell(connection, monitor, baseline, "the same, made anew", why, None, revision)
    made = baselines.baseline(store, monitor.name, subject.version)
    assert made is not None
    return made


def _kept(
    monitor: Monitor, store: Store, subject: Subject, baseline: Baseline, new: NewBaseline, current: Source
) -> Realised | None:
    """Return the performance that the floor stays relative to when a baseline that the operator took is made anew."""
    if monitor.metric is None or (baseline.realised is not None and baseline.realised.metric == monitor.metric.name):
        return baseline.realised
    before = _before(monitor, store, baseline)
    followed = before is not None and before.realised != baseline.realised
    return new.realised if followed else _realised(monitor, configured_rows(monitor, subject, current))


def fits(monitor: Monitor, baseline: Baseline) -> bool:
    """Whether a baseline is one of this program, and made for the settings that the monitor has now."""
    if not usable(baseline):
        return False
    return decode(baseline.fitted or b"").settings in {"", monitor.settings}


def usable(baseline: Baseline) -> bool:
    """Whether a stored baseline is one of this program, not of an older one."""
    return baseline.fitted is not None and readable(baseline.sketch)


def draft_baseline(monitor: Monitor, subject: Subject, current: Source) -> Baseline:
    """Return the baseline that a first check would make, without storing it: to see what settings promise."""
    new = _new(monitor, subject.version, configured_rows(monitor, subject, current), used=())
    return Baseline(
        id=0,
        monitor=new.monitor,
        model=new.model,
        version=new.version,
        revision=0,
        rows=new.rows,
        origin=new.origin,
        sketch=new.sketch,
        fitted=new.fitted,
        realised=new.realised,
        used=new.used,
        since=new.since,
        reason=None,
        actor=None,
        made_at=clock.now(),
    )


def configured_rows(monitor: Monitor, subject: Subject, current: Source) -> Reference:
    """Read the reference that the configuration names."""
    if monitor.config.reference == EVALUATION:
        return evaluation_rows(monitor, subject, current)
    return source_rows(monitor, monitor.config.reference, current)


def chosen_rows(monitor: Monitor, production: Production, version: int, since: datetime, until: datetime) -> Reference:
    """Read a version's production rows of a time as a reference: from ``since`` on, before ``until``.

    RefusedError for fewer rows than the monitor's ``least``.
    """
    first, after = (wall_clock(one, production.zone) for one in (since, until))
    parts: list[Rows] = []
    for block in production.blocks(version):
        mine = known(block.scores) & ~np.isnat(block.times) & (block.times >= first) & (block.times < after)
        parts += [block.at(mine)] if mine.any() else []
    number = sum(map(len, parts))
    if number < monitor.config.least or not parts:
        raise RefusedError(
            f"monitor `{monitor.name}`: {version_name(version)} {'scored' if monitor.scored else 'has'} {number:,} rows from {since:%Y-%m-%d} to {until:%Y-%m-%d},"
            f" a reference needs {monitor.config.least:,}",
            hint="choose a longer time",
        )
    origin = f"production {since.isoformat()}/{until.isoformat()}"
    return replace(production_rows(monitor, production, joined_rows(parts), origin), period=Period(since, until))


def reference_of(monitor: Monitor, subject: Subject, baseline: Baseline, production: Production) -> Reference:
    """Read the rows of a baseline again, for what its sketch cannot tell."""
    if baseline.period is not None:
        since, until = baseline.period.since, baseline.period.until
        return replace(chosen_rows(monitor, production, baseline.version, since, until), origin=baseline.origin)
    if baseline.reason is not None:
        return source_rows(monitor, baseline.origin, production.source)
    return configured_rows(monitor, subject, production.source)


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
    new = replace(_new(monitor, held.version, reference, used=held.used), reason=reason, follows=held.revision)
    if not performance:
        new = replace(new, realised=held.realised, fitted=_with_performance(new.fitted, held).encode())
    with store.immediate() as connection:
        revision = baselines.insert_baseline(connection, new, replaces=held.id)
        if revision is None:
            raise _meanwhile(monitor, held)
        _tell(connection, monitor, held, f"{reference.origin}, {new.rows:,} rows", reason, command, revision)
    made = baselines.baseline(store, monitor.name, held.version)
    assert made is not None
    return made


def _with_performance(fitted: bytes, held: Baseline) -> Fitted:
    """Return what was fitted on new rows with the slices' performance of the baseline before."""
    mine, before = decode(fitted), Fitted() if held.fitted is None else decode(held.fitted)
    known_of = {(one.column, one.value): one.realised for one in before.slices}
    return replace(
        mine, slices=tuple(replace(one, realised=known_of.get((one.column, one.value))) for one in mine.slices)
    )


def take_back(
    monitor: Monitor, store: Store, held: Baseline, reason: str | None = None, *, command: str | None = None
) -> Baseline:
    """Let the baseline before the one that holds hold again; a recorded act.

    NotFoundError without one before it, ConflictError when another was taken meanwhile.
    """
    before = _before(monitor, store, held)
    if before is None:
        raise NotFoundError(
            f"monitor `{monitor.name}`: {version_name(held.version)} has no baseline before the one that holds",
            hint=f"opsconsole drift baseline {monitor.name} lists them",
        )
    with store.immediate() as connection:
        if not baselines.hold(connection, held, before):
            raise _meanwhile(monitor, held)
        _tell(connection, monitor, held, f"back to revision {before.revision}", reason, command)
    return before


def _meanwhile(monitor: Monitor, held: Baseline) -> ConflictError:
    return ConflictError(
        f"monitor `{monitor.name}`: another baseline of {version_name(held.version)} was taken meanwhile",
        hint=f"opsconsole drift baseline {monitor.name} shows it",
    )


def _before(monitor: Monitor, store: Store, held: Baseline) -> Baseline | None:
    """Return the baseline that held before this one was taken: not one that was taken back in between."""
    made = {one.revision: one for one, _ in baselines.revisions(store, monitor.name, held.version)}
    earlier = made.get(held.follows)
    while earlier is not None and not usable(earlier):
        earlier = made.get(earlier.follows)
    return earlier


def _tell(
    connection: sqlite3.Connection,
    monitor: Monitor,
    held: Baseline,
    what: str,
    reason: str | None,
    command: str | None,
    revision: int | None = None,
) -> None:
    """Record the act; ``revision`` is the new baseline's."""
    detail = {"version": held.version, "from_revision": held.revision, "baseline": what}
    events.record(
        connection,
        "monitor.rebaselined",
        f"monitor {monitor.name}",
        reason=reason,
        command=command,
        detail=detail if revision is None else detail | {"revision": revision},
    )


def _new(monitor: Monitor, version: int, reference: Reference, *, used: tuple[str, ...]) -> NewBaseline:
    layouts = lay_out(reference.batches, reference.kinds)
    sketch = count(reference.batches, layouts)
    if not sketch.rows:
        raise DataError(f"{reference.origin}: there are no reference rows in it", hint="name rows that are there")
    kinds = {
        name: layout.kind if kind is not None else None
        for (name, layout), kind in zip(layouts.items(), reference.kinds.values(), strict=True)
    }
    reference = replace(reference, kinds=kinds)  # only values tell whether categories read as text
    return NewBaseline(
        monitor=monitor.name,
        model=monitor.model,
        version=version,
        rows=reference.drawn_from,
        origin=reference.origin,
        sketch=sketch.encode(),
        fitted=fit_reference(monitor, reference, layouts, sketch).encode(),
        realised=_realised(monitor, reference),
        used=used,
        since=reference.since,
        period=reference.period,
    )


def _realised(monitor: Monitor, reference: Reference) -> Realised | None:
    if monitor.metric is None or monitor.floor is None:
        return None
    realised = reference.realised(monitor)
    if realised is None and monitor.floor.relative:
        raise ConfigError(
            f"monitors.{monitor.name}.performance.floor is relative, and {reference.origin} has no labels with scores",
            hint="give the floor as a number, or name a reference with labels and scores",
        )
    return realised


def used_rows(baseline: Baseline) -> Iterator[pa.Array]:
    """Yield the ids of rows that a version was trained or evaluated on. DataError when their file cannot be read."""
    for name in baseline.used:
        path = Path(name)
        opener = gzip.open if path.suffix == ".gz" else open
        try:
            with opener(path, "rt", encoding="utf-8") as file:
                while lines := [line.rstrip("\n") for line in islice(file, BATCH_ROWS)]:
                    yield pa.array(lines, pa.string())
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise DataError(
                f"{path}: the ids of rows that v{baseline.version} was trained on cannot be read: {error}",
                hint="restore the evidence folder; without it rows known to the model would be judged",
            ) from error
