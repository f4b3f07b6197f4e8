"""Alerts: one incident for each monitored version; every change of one writes its event in the same transaction."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

import msgspec

from opsconsole.core import clock
from opsconsole.core.actor import current_actor
from opsconsole.core.errors import ConflictError, NotFoundError
from opsconsole.core.nouns import AlertState, Resolution, Severity
from opsconsole.store import events
from opsconsole.store.connection import Store
from opsconsole.store.findings import Finding

LIVE = (AlertState.OPEN, AlertState.ACKNOWLEDGED, AlertState.SNOOZED)


@dataclass(frozen=True, kw_only=True)
class Alert:
    """An incident of one version, open until a healthy chunk or the operator says otherwise."""

    id: int
    monitor: str
    model: str
    alias: str
    version: int
    severity: Severity
    state: AlertState
    title: str
    """One line: what is worst."""
    words: tuple[str, ...]
    """The evidence as sentences, the answer first."""
    evidence: tuple[Finding, ...]
    chunk_id: int | None
    """The chunk that the evidence is of."""
    opened_at: datetime
    changed_at: datetime
    acknowledged_by: str | None
    snoozed_until: datetime | None
    resolved_at: datetime | None
    cured_by: int | None
    """The version whose healthy chunk resolved it."""
    resolution: Resolution | None
    """How it came to be resolved; None while it stands."""

    @property
    def live(self) -> bool:
        """Whether it still stands."""
        return self.state is not AlertState.RESOLVED


@dataclass(frozen=True)
class News:
    """What a chunk says about an alert."""

    severity: Severity
    title: str
    words: tuple[str, ...]
    evidence: tuple[Finding, ...]
    chunk_id: int


def alerts(
    store: Store,
    *,
    monitor: str | None = None,
    live: bool = False,
    before: int | None = None,
    limit: int = 200,
) -> list[Alert]:
    """Return alerts, newest first; ``live`` leaves out resolved ones, ``before`` is the id to page on from."""
    where, parameters = ["1=1"], []
    if monitor is not None:
        where.append("monitor = ?")
        parameters.append(monitor)
    if live:
        where.append("state IN ('open', 'acknowledged', 'snoozed')")
    if before is not None:
        where.append(f"id < {int(before)}")
    rows = store.rows(
        f"SELECT * FROM alerts WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?",  # noqa: S608 - fixed words
        (*parameters, limit),
    )
    return [_alert(row) for row in rows]


def alert(store: Store, alert_id: int) -> Alert:
    """Return one alert; NotFoundError when there is none of that number."""
    row = store.row("SELECT * FROM alerts WHERE id = ?", (alert_id,))
    if row is None:
        raise NotFoundError(f"there is no alert {alert_id}", hint="opsconsole alert ls lists them")
    return _alert(row)


def read(connection: sqlite3.Connection, alert_id: int) -> Alert:
    """Return one alert inside the caller's transaction; NotFoundError for an unknown one."""
    row = connection.execute("SELECT * FROM alerts WHERE id = ?", (alert_id,)).fetchone()
    if row is None:
        raise NotFoundError(f"there is no alert {alert_id}", hint="opsconsole alert ls lists them")
    return _alert(row)


def of_version(connection: sqlite3.Connection, monitor: str, version: int) -> Alert | None:
    """Return the incident of a monitored version, inside the caller's transaction."""
    row = connection.execute("SELECT * FROM alerts WHERE monitor = ? AND version = ?", (monitor, version)).fetchone()
    return None if row is None else _alert(row)


def live_of(connection: sqlite3.Connection, monitor: str) -> list[Alert]:
    """Return a monitor's alerts that still stand, inside the caller's transaction."""
    rows = connection.execute(
        "SELECT * FROM alerts WHERE monitor = ? AND state IN ('open', 'acknowledged', 'snoozed') ORDER BY id",
        (monitor,),
    ).fetchall()
    return [_alert(row) for row in rows]


_LAST_KNOWN = (
    "SELECT max(coalesce((SELECT max(id) FROM alerts), 0),"
    " coalesce((SELECT max(alert_id) FROM runs WHERE alert_id IS NOT NULL), 0),"
    " coalesce((SELECT max(alert_id) FROM versions WHERE alert_id IS NOT NULL), 0))"
)
"""The highest number that any row gives an alert: runs and versions that answer one outlive it where a store was lost."""


def open_alert(
    connection: sqlite3.Connection, *, monitor: str, model: str, alias: str, version: int, news: News
) -> int:
    """Open the incident of a version; the caller's transaction has seen that there is none."""
    at = clock.to_text(clock.now())
    cursor = connection.execute(
        "INSERT INTO alerts (id, monitor, model, alias, version, severity, state, title, words, evidence, chunk_id,"
        " opened_at, changed_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            int(connection.execute(_LAST_KNOWN).fetchone()[0]) + 1,
            monitor,
            model,
            alias,
            version,
            news.severity,
            AlertState.OPEN,
            news.title,
            _dump(news.words),
            _dump(news.evidence),
            news.chunk_id,
            at,
            at,
        ),
    )
    alert_id = int(cursor.lastrowid or 0)
    detail = {"monitor": monitor, "model": model, "version": version, "severity": str(news.severity)}
    events.record(connection, "alert.opened", f"alert {alert_id}", reason=news.title, detail=detail)
    return alert_id


def bring_news(connection: sqlite3.Connection, known: Alert, news: News, *, kind: str, state: AlertState) -> None:
    """Replace an alert's evidence: ``kind`` is ``alert.raised``, ``continued``, ``reopened`` or ``revised``."""
    reopened = state is AlertState.OPEN
    connection.execute(
        "UPDATE alerts SET severity=?, state=?, title=?, words=?, evidence=?, chunk_id=?, changed_at=?,"
        " snoozed_until = CASE WHEN ? THEN NULL ELSE snoozed_until END,"
        " resolved_at = CASE WHEN ? THEN NULL ELSE resolved_at END,"
        " cured_by = CASE WHEN ? THEN NULL ELSE cured_by END,"
        " resolution = CASE WHEN ? THEN NULL ELSE resolution END WHERE id=?",
        (
            news.severity,
            state,
            news.title,
            _dump(news.words),
            _dump(news.evidence),
            news.chunk_id,
            clock.to_text(clock.now()),
            reopened,
            reopened,
            reopened,
            reopened,
            known.id,
        ),
    )
    detail: dict[str, object] = {"from": str(known.severity), "severity": str(news.severity)}
    events.record(connection, kind, f"alert {known.id}", reason=news.title, detail=detail)


def acknowledge(
    connection: sqlite3.Connection, alert_id: int, reason: str | None = None, *, command: str | None = None
) -> None:
    """Note that someone has seen it; ConflictError when it is resolved."""
    _standing(connection, alert_id)
    _move(connection, alert_id, AlertState.ACKNOWLEDGED, acknowledged_by=current_actor())
    events.record(connection, "alert.acknowledged", f"alert {alert_id}", reason=reason, command=command)


def snooze(
    connection: sqlite3.Connection,
    alert_id: int,
    until: datetime,
    reason: str | None = None,
    *,
    command: str | None = None,
) -> None:
    """Silence it until a time, or until it gets worse; ConflictError when it is resolved."""
    _standing(connection, alert_id)
    _move(connection, alert_id, AlertState.SNOOZED, snoozed_until=clock.to_text(until))
    events.record(
        connection,
        "alert.snoozed",
        f"alert {alert_id}",
        reason=reason,
        command=command,
        detail={"until": clock.to_text(until)},
    )


def resolve(
    connection: sqlite3.Connection,
    alert_id: int,
    resolution: Resolution,
    reason: str | None = None,
    *,
    cured_by: int | None = None,
    command: str | None = None,
) -> None:
    """Close it, naming the version that cured it; ConflictError when it is closed already."""
    _standing(connection, alert_id)
    at = clock.to_text(clock.now())
    _move(connection, alert_id, AlertState.RESOLVED, resolved_at=at, resolution=resolution, cured_by=cured_by)
    detail: dict[str, object] = {} if cured_by is None else {"cured_by": cured_by}
    events.record(connection, "alert.resolved", f"alert {alert_id}", reason=reason, command=command, detail=detail)


def reopen(
    connection: sqlite3.Connection, alert_id: int, reason: str | None = None, *, command: str | None = None
) -> None:
    """Open it again; ConflictError when it is open already."""
    known = read(connection, alert_id)
    if known.state is AlertState.OPEN:
        raise ConflictError(f"alert {alert_id} is open already")
    _move(connection, alert_id, AlertState.OPEN)
    events.record(connection, "alert.reopened", f"alert {alert_id}", reason=reason, command=command)


def reopen_for_version(
    connection: sqlite3.Connection, model: str, alias: str, version: int, *, reason: str
) -> list[int]:
    """Open the resolved incidents of a version that is live again; return their ids. What was mere information stays."""
    rows = connection.execute(
        "SELECT id FROM alerts WHERE model = ? AND alias = ? AND version = ? AND state = 'resolved'"
        " AND severity IN ('warn', 'critical') ORDER BY id",
        (model, alias, version),
    ).fetchall()
    for row in rows:
        reopen(connection, row["id"], reason)
    return [row["id"] for row in rows]


def of_leaver(connection: sqlite3.Connection, model: str, version: int) -> list[Alert]:
    """Return the incidents of a version that were closed because it left its alias, inside the caller's transaction."""
    rows = connection.execute(
        "SELECT * FROM alerts WHERE model = ? AND version = ? AND state = 'resolved' AND resolution = ? ORDER BY id",
        (model, version, Resolution.LEFT),
    ).fetchall()
    return [_alert(row) for row in rows]


def _standing(connection: sqlite3.Connection, alert_id: int) -> None:
    if not read(connection, alert_id).live:
        raise ConflictError(f"alert {alert_id} is resolved already", hint="opsconsole alert show says by what")


def _move(
    connection: sqlite3.Connection,
    alert_id: int,
    state: AlertState,
    *,
    acknowledged_by: str | None = None,
    snoozed_until: str | None = None,
    resolved_at: str | None = None,
    resolution: Resolution | None = None,
    cured_by: int | None = None,
) -> None:
    at = clock.to_text(clock.now())
    connection.execute(
        "UPDATE alerts SET state=?, changed_at=?, acknowledged_by=coalesce(?, acknowledged_by), snoozed_until=?,"
        " resolved_at=?, resolution=?, cured_by=? WHERE id=?",
        (state, at, acknowledged_by, snoozed_until, resolved_at, resolution, cured_by, alert_id),
    )


def _dump(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _alert(row: sqlite3.Row) -> Alert:
    return Alert(
        id=row["id"],
        monitor=row["monitor"],
        model=row["model"],
        alias=row["alias"],
        version=row["version"],
        severity=Severity(row["severity"]),
        state=AlertState(row["state"]),
        title=row["title"],
        words=msgspec.json.decode(row["words"], type=tuple[str, ...]),
        evidence=msgspec.json.decode(row["evidence"], type=tuple[Finding, ...]),
        chunk_id=row["chunk_id"],
        opened_at=clock.from_text(row["opened_at"]),
        changed_at=clock.from_text(row["changed_at"]),
        acknowledged_by=row["acknowledged_by"],
        snoozed_until=clock.from_text_or_none(row["snoozed_until"]),
        resolved_at=clock.from_text_or_none(row["resolved_at"]),
        cured_by=row["cured_by"],
        resolution=None if row["resolution"] is None else Resolution(row["resolution"]),
    )
