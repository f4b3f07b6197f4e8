"""The append-only audit trail: everything that changes state writes one event in the same transaction."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime

from opsconsole.core import clock
from opsconsole.core.actor import current_actor, current_origin
from opsconsole.core.nouns import Address
from opsconsole.store.connection import Store

_FIRST_SINCE = "SELECT min(id) FROM (SELECT id FROM events WHERE at >= :since ORDER BY at LIMIT 1000)"
"""Where to stop walking back; among so many, that also holds where a clock was set and numbers and times disagree."""
_OF_KINDS = (
    "WITH RECURSIVE kinds (kind) AS (SELECT min(kind) FROM events WHERE kind >= :kind AND kind < :past UNION ALL"
    " SELECT (SELECT min(kind) FROM events WHERE kind > kinds.kind AND kind < :past) FROM kinds WHERE kinds.kind IS NOT NULL)"
    " SELECT events.* FROM kinds CROSS JOIN events ON events.id IN (SELECT id {page}) ORDER BY id DESC LIMIT :limit"
)
"""A page of each kind, merged: each is in order by itself, the kinds of a prefix together are not."""


@dataclass(frozen=True)
class Event:
    """One row of the audit trail."""

    id: int
    at: datetime
    actor: str
    origin: str
    kind: str
    """What happened, as ``noun.verb``: ``run.started``, ``model.promoted``, ``alert.opened``."""
    subject: str
    """What it happened to, as ``:`` takes it: ``run 42``, ``model flights@production``, ``alert 3``, ``repo api``."""
    reason: str | None
    command: str | None
    """The CLI line the act amounts to; None for what happens by itself."""
    detail: dict[str, object]

    @property
    def address(self) -> Address:
        """What it happened to."""
        return Address.of(self.subject)


def record(
    connection: sqlite3.Connection,
    kind: str,
    subject: str,
    *,
    reason: str | None = None,
    command: str | None = None,
    detail: dict[str, object] | None = None,
    actor: str | None = None,
) -> int:
    """Write one event inside the caller's transaction; return its id."""
    cursor = connection.execute(
        "INSERT INTO events (at, actor, origin, kind, subject, reason, command, detail) VALUES (?,?,?,?,?,?,?,?)",
        (
            clock.to_text(clock.now()),
            actor or current_actor(),
            current_origin(),
            kind,
            subject,
            reason,
            command,
            json.dumps(detail or {}, ensure_ascii=False, sort_keys=True),
        ),
    )
    return int(cursor.lastrowid or 0)


@dataclass(frozen=True)
class PastEvent:
    """Something that is known to have happened, from what it left, while the audit trail that recorded it is lost."""

    at: datetime
    actor: str
    kind: str
    subject: str
    reason: str | None = None
    detail: dict[str, object] | None = None


REBUILT = "rebuilt"
"""The origin of events that were written anew."""


def record_past(connection: sqlite3.Connection, past: list[PastEvent]) -> None:
    """Write what is known to have happened, in the order of time."""
    connection.executemany(
        "INSERT INTO events (at, actor, origin, kind, subject, reason, detail) VALUES (?,?,?,?,?,?,?)",
        [
            (
                clock.to_text(event.at),
                event.actor,
                REBUILT,
                event.kind,
                event.subject,
                event.reason,
                json.dumps(event.detail or {}, ensure_ascii=False, sort_keys=True),
            )
            for event in sorted(past, key=lambda event: event.at)
        ],
    )


def events(
    store: Store,
    *,
    before: int | None = None,
    since: datetime | None = None,
    kind: str | None = None,
    subject: str | None = None,
    limit: int = 200,
) -> list[Event]:
    """Return events, newest first; ``before`` is the id to page on from. ``kind`` is a prefix such as ``run.``."""
    where = ["1=1"]
    parameters: dict[str, object] = {"limit": limit}
    if before is not None:
        where.append("id < :before")
        parameters["before"] = before
    if since is not None:
        where.append(f"id >= ({_FIRST_SINCE}) AND at >= :since")
        parameters["since"] = clock.to_text(since)
    if kind is not None:
        where.append("kind >= :kind AND kind < :past" if subject is not None else "kind = kinds.kind")
        parameters |= {"kind": kind, "past": f"{kind}\U0010ffff"}
    if subject is not None:
        where.append("subject = :subject")
        parameters["subject"] = subject
    page = f"FROM events WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT :limit"
    several = kind is not None and subject is None
    rows = store.rows(_OF_KINDS.format(page=page) if several else f"SELECT * {page}", parameters)
    return [_event(row) for row in rows]


def _event(row: sqlite3.Row) -> Event:
    return Event(
        id=row["id"],
        at=clock.from_text(row["at"]),
        actor=row["actor"],
        origin=row["origin"],
        kind=row["kind"],
        subject=row["subject"],
        reason=row["reason"],
        command=row["command"],
        detail=json.loads(row["detail"]),
    )


def count(store: Store) -> int:
    """Return how many events there are: none is ever deleted, so the newest id says it."""
    row = store.row("SELECT coalesce(max(id), 0) AS events FROM events")
    return int(row["events"]) if row is not None else 0


def window(store: Store, start: int, size: int) -> list[Event]:
    """Return ``size`` events from the ``start``-th newest on; ids have no gaps, so this is a look-up."""
    return events(store, before=count(store) - start + 1, limit=size)
