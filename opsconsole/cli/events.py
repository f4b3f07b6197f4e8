"""``opsconsole events``: the audit trail."""

from __future__ import annotations

import click

from opsconsole.cli.base import Session, as_dict, emit, json_option, moment, pass_session, table
from opsconsole.core import clock
from opsconsole.store import events


@click.command("events")
@click.option("--since", metavar="TIME", help="ISO 8601.")
@click.option("--kind", help="Only kinds that begin so, such as model.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@json_option
@pass_session
def events_command(session: Session, since: str | None, kind: str | None, limit: int, as_json: bool) -> None:
    """Show who did what, why, and the command it amounts to; newest first."""
    start = None if since is None else moment("--since", since)
    listed = events.events(session.store, since=start, kind=kind, limit=limit)
    rows = [
        (clock.to_text(item.at)[:19], item.actor, item.kind, item.subject, item.reason or "", item.command or "")
        for item in listed
    ]
    emit(
        [as_dict(item) for item in listed],
        table(("at", "by", "kind", "subject", "reason", "command"), rows),
        as_json=as_json,
    )
