"""What an operator does to an incident, and what a promotion or a rollback does to those of the versions it moves.

What a chunk does to one is ``drift.verdicts.incident``: there it is written with the chunk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from datetime import timedelta

from opsconsole.config.quantities import parse_duration
from opsconsole.config.workspace import Workspace
from opsconsole.core import clock
from opsconsole.core.errors import UsageError
from opsconsole.core.nouns import Resolution
from opsconsole.lifecycle.usecases import command
from opsconsole.registry.promotion.moves import Moved
from opsconsole.store import alerts
from opsconsole.store.alerts import Alert
from opsconsole.store.connection import Store


def acknowledge(store: Store, alert_id: int, reason: str | None = None) -> Alert:
    """Note that the operator has seen an alert; NotFoundError, or ConflictError when it is resolved."""
    line = command("alert.ack", alert=alert_id, reason=reason)
    with store.immediate() as connection:
        alerts.acknowledge(connection, alert_id, reason, command=line)
    return alerts.alert(store, alert_id)


def snooze(store: Store, alert_id: int, length: str, reason: str | None = None) -> Alert:
    """Silence an alert for a time such as ``2h``, or until it gets worse.

    UsageError for what is no length of time, NotFoundError, or ConflictError when the alert is resolved.
    """
    try:
        until = clock.now() + timedelta(seconds=parse_duration(length))
    except ValueError as error:
        raise UsageError(f"--for: {error}") from error
    line = command("alert.snooze", alert=alert_id, time=length, reason=reason)
    with store.immediate() as connection:
        alerts.snooze(connection, alert_id, until, reason, command=line)
    return alerts.alert(store, alert_id)


def resolve(store: Store, alert_id: int, reason: str | None = None) -> Alert:
    """Close an alert by hand; NotFoundError, or ConflictError when it is closed already."""
    line = command("alert.resolve", alert=alert_id, reason=reason or "")
    with store.immediate() as connection:
        alerts.resolve(connection, alert_id, Resolution.OPERATOR, reason, command=line)
    return alerts.alert(store, alert_id)


def follow_promotion(connection: sqlite3.Connection, workspace: Workspace, moved: Moved) -> list[int]:
    """Open again what was closed because the version left the alias; part of the promotion's own transaction."""
    watched = _monitors_of(workspace, moved)
    returned = [one.id for one in alerts.of_leaver(connection, moved.model, moved.to_version) if one.monitor in watched]
    for alert_id in returned:
        alerts.reopen(connection, alert_id, f"v{moved.to_version} is back in {moved.alias}")
    return returned


def follow_rollback(connection: sqlite3.Connection, workspace: Workspace, moved: Moved) -> None:
    """Close the incidents of the version that was taken back, and open those of the one that is live again.

    Nothing will ever be judged as production again of the one that left, so its incident could only stand for ever.
    Part of the rollback's own transaction.
    """
    left = f"v{moved.from_version} left {moved.alias}: v{moved.to_version} holds it again"
    for monitor in _monitors_of(workspace, moved):
        for one in alerts.live_of(connection, monitor):
            if one.version == moved.from_version:
                alerts.resolve(connection, one.id, Resolution.LEFT, left)
    reason = f"rolled back to v{moved.to_version}"
    alerts.reopen_for_version(connection, moved.model, moved.alias, moved.to_version, reason=reason)


def _monitors_of(workspace: Workspace, moved: Moved) -> Collection[str]:
    watched = f"{moved.model}@{moved.alias}"
    return [name for name, config in workspace.config.monitors.items() if config.model == watched]
