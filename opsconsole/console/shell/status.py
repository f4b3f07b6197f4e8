"""What the status row says of the whole: what runs, what stands, what waits for a decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from opsconsole.console.widgets.marks import SEVERITY_MARKS
from opsconsole.console.widgets.tones import Toned
from opsconsole.core import text
from opsconsole.core.nouns import RunPurpose, RunState, Severity
from opsconsole.lifecycle.inbox import Waiting
from opsconsole.store import alerts, runs
from opsconsole.store.connection import Store


class Status(NamedTuple):
    """The left part of the row."""

    stretches: tuple[Toned, ...]
    ticking: int
    """How many live runs have a clock that is worth following: a service has none."""


def status_of(store: Store, waiting: Sequence[Waiting], *, readonly: bool) -> Status:
    """Read it; every alert that stands is counted under its severity, so that the row agrees with the lists."""
    live = runs.live(store)
    queued = sum(run.state is RunState.QUEUED for run in live)
    stretches = [Toned(f" {len(live) - queued} running", "accent" if live else "dim")]
    if queued:
        stretches.append(Toned(f"   {queued} queued", "dim"))
    standing = [item.severity for item in alerts.alerts(store, live=True)]
    for severity in (Severity.CRITICAL, Severity.WARN, Severity.INFO):
        if count := standing.count(severity):
            mark = SEVERITY_MARKS[severity]
            stretches.append(Toned(f"   {mark.text} {count} {severity}", mark.tone))
    if not standing:
        stretches.append(Toned("   no alerts", "dim"))
    if down := sum(item.kind == "service" for item in waiting):
        stretches.append(Toned(f"   ✗ {down} down", "bad"))
    if decisions := sum(item.kind == "decision" for item in waiting):
        stretches.append(Toned(f"   ◆ {text.plural(decisions, 'decision')}", "accent"))
    stretches.append(Toned("   read-only", "warn") if readonly else Toned("   read-write", "dim"))
    return Status(tuple(stretches), sum(run.purpose is not RunPurpose.SERVE for run in live))
