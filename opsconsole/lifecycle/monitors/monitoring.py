"""What an operator does with a monitor besides checking it: bring labels, explain a chunk, replay, take another baseline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from opsconsole.config.workspace import Workspace
from opsconsole.core import clock
from opsconsole.core.errors import RefusedError, UsageError
from opsconsole.drift.check.checker import CheckResult, against_of, production_of
from opsconsole.drift.check.explanation import Explanation, explain
from opsconsole.drift.data.sources import open_source
from opsconsole.drift.monitors import Monitor, Subject, monitor_of
from opsconsole.drift.production.labels import Brought, bring
from opsconsole.drift.reference.baseline import (
    chosen_rows,
    draft_baseline,
    ensure_baseline,
    fits,
    rebaseline,
    take_back,
)
from opsconsole.drift.reference.reference_rows import source_rows
from opsconsole.drift.replay.replayer import Replay, replay
from opsconsole.lifecycle.monitors.monitor_check import check_monitor, subject_of
from opsconsole.lifecycle.usecases import command
from opsconsole.store import baselines, chunks, events
from opsconsole.store.baselines import Baseline
from opsconsole.store.connection import Store


@dataclass(frozen=True)
class Labelled:
    """What a file of labels was, and what the check that followed found."""

    labels: Brought
    checked: CheckResult


def bring_labels(workspace: Workspace, store: Store, name: str, file: Path) -> Labelled:
    """Keep a file of labels, then judge the chunks that they are of; a recorded act.

    RefusedError for a monitor without a label.
    """
    monitor, subject = _watched(workspace, store, name)
    if not monitor.scored:
        raise RefusedError(
            f"monitor `{name}` watches rows that no model scores: labels would say nothing of them",
            hint="a monitor of a model takes labels: opsconsole monitor add NAME --model MODEL --data SOURCE",
        )
    if monitor.config.label is None:
        raise RefusedError(
            f"monitor `{name}` names no label", hint=f'monitors.{name}.label = "…" in opsconsole.toml says which it is'
        )
    brought = bring(monitor, store, file, production_of(monitor, store, subject))
    with store.immediate() as connection:
        events.record(
            connection,
            "monitor.labelled",
            f"monitor {name}",
            command=command("drift.labels", monitor=name, file=file),
            detail={"rows": brought.rows, "unknown": brought.unknown, "changed": brought.changed},
        )
    return Labelled(brought, check_monitor(workspace, store, name))


def explain_monitor(workspace: Workspace, store: Store, name: str, chunk: str | None = None) -> Explanation:
    """Say what tells a chunk of the alias's holder from its reference."""
    return explain(workspace, store, name, subject_of(workspace, store, name), chunk)


def replay_monitor(workspace: Workspace, store: Store, name: str) -> Replay:
    """Replay a monitor's settings on its own reference; nothing is stored, no check need have run."""
    monitor, subject = _watched(workspace, store, name)
    stored = baselines.baseline(store, name, subject.version)
    if stored is not None and fits(monitor, stored):
        baseline = stored
    else:
        baseline = draft_baseline(
            monitor, subject, open_source(monitor.config.current, base=monitor.root, programs=monitor.programs)
        )
    usual = sorted(chunk.rows for chunk in chunks.chunks(store, name, version=baseline.version) if not chunk.partial)
    return replay(against_of(monitor, baseline), rows=usual[len(usual) // 2] if usual else None)


def baseline_of(workspace: Workspace, store: Store, name: str) -> list[tuple[Baseline, bool]]:
    """Return all baselines of the alias's holder, oldest first, each with whether it holds."""
    _, subject = _watched(workspace, store, name)
    return baselines.revisions(store, name, subject.version)


def rebaseline_on_production(
    workspace: Workspace,
    store: Store,
    name: str,
    since: datetime,
    until: datetime | None,
    reason: str,
    *,
    performance: bool = False,
) -> Baseline:
    """Take the holder's own production rows of a time as its reference from now on. UsageError for an empty time."""
    monitor, held, subject = _held(workspace, store, name)
    end = until or clock.now()
    if since >= end:
        raise UsageError("the time of the new baseline is empty", hint="--since is before --until")
    production = production_of(monitor, store, subject)
    reference = chosen_rows(monitor, production, subject.version, since, end)
    line = command(
        "drift.rebaseline",
        monitor=name,
        since=since.isoformat(),
        until=until and until.isoformat(),
        performance="--performance" if performance else None,
        reason=reason,
    )
    return rebaseline(monitor, store, held, reference, reason, performance=performance, command=line)


def rebaseline_on_source(
    workspace: Workspace, store: Store, name: str, location: str, reason: str, *, performance: bool = False
) -> Baseline:
    """Take the rows of a file, or any other source, as the holder's reference from now on."""
    monitor, held, subject = _held(workspace, store, name)
    reference = source_rows(monitor, location, production_of(monitor, store, subject).source)
    line = command(
        "drift.rebaseline",
        monitor=name,
        source=location,
        performance="--performance" if performance else None,
        reason=reason,
    )
    return rebaseline(monitor, store, held, reference, reason, performance=performance, command=line)


def take_baseline_back(workspace: Workspace, store: Store, name: str, reason: str) -> Baseline:
    """Let the holder's baseline before this one hold again."""
    monitor, held, _ = _held(workspace, store, name)
    return take_back(monitor, store, held, reason, command=command("drift.undo_baseline", monitor=name, reason=reason))


def _watched(workspace: Workspace, store: Store, name: str) -> tuple[Monitor, Subject]:
    subject = subject_of(workspace, store, name)
    return monitor_of(workspace, name, readonly=store.readonly), subject


def _held(workspace: Workspace, store: Store, name: str) -> tuple[Monitor, Baseline, Subject]:
    """Return the baseline that holds, making the first one from the configured reference."""
    monitor, subject = _watched(workspace, store, name)
    held = baselines.baseline(store, name, subject.version)
    if held is None or not fits(monitor, held):
        held = ensure_baseline(monitor, store, subject, production_of(monitor, store, subject))
    return monitor, held, subject
