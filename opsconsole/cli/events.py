"""``opsconsole events``: the audit trail."""

from __future__ import annotations

from datetime import datetime

import click

from opsconsole.cli.base import Session, as_dict, emit, json_option, pass_session, table
from opsconsole.ground import clock
from opsconsole.ground.errors import UsageError
from opsconsole.store import events


@click.command("events")
@click.option("--since", metavar="TIME", help="ISO 8601.")
@click.option("--kind", help="Only kinds that begin so, such as model.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@json_option
@pass_session
def events_command(session: Session, since: str | None, kind: str | None, limit: int, as_json: bool) -> None:
    """Show who did what, why, and the command it amounts to; newest first."""
    moment: datetime | None = None
    if since is not None:
        try:
            moment = clock.from_text(since)
        except ValueError as error:
            raise UsageError(f"--since: {since!r} is no time", hint="2026-11-24 or 2026-11-24T08:00:00Z") from error
    found = events.events(session.store, since=moment, kind=kind, limit=limit)
    rows = [
        (clock.to_text(item.at)[:19], item.actor, item.kind, item.subject, item.reason or "", item.command or "")
        for item in found
    ]
    emit(
        [as_dict(item) for item in found],
        table(("at", "by", "kind", "subject", "reason", "command"), rows),
        as_json=as_json,
    )
