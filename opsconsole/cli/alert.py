"""``opsconsole alert``: incidents of the monitored versions."""

from __future__ import annotations

from typing import Any

import click

from opsconsole.cli.base import Session, as_dict, emit, json_option, pass_session, table
from opsconsole.cli.shown import run_json, run_line, the_run
from opsconsole.core import clock, text
from opsconsole.core.errors import ExitCode
from opsconsole.core.nouns import RunState, holder_name
from opsconsole.lifecycle.monitors import incidents
from opsconsole.lifecycle.monitors.whereabouts import answers, where
from opsconsole.store import alerts, models
from opsconsole.store.alerts import Alert
from opsconsole.store.connection import Store


@click.group("alert")
def alert_command() -> None:
    """Incidents of the monitored versions."""


@alert_command.command("ls")
@click.option("--all", "everything", is_flag=True, help="Resolved ones too.")
@json_option
@pass_session
def ls(session: Session, everything: bool, as_json: bool) -> None:
    """List the alerts, newest first."""
    listed = alerts.alerts(session.store, live=not everything)
    now = clock.now()
    rows = [
        (
            item.id,
            item.severity,
            item.state,
            holder_name(item.model, item.version),
            text.age(item.opened_at, now),
            item.title,
        )
        for item in listed
    ]
    head = ("alert", "severity", "state", "version", "ago", "")
    emit(
        [alert_json(session.store, item) for item in listed],
        table(head, rows, right=(0, 4)) if rows else "no alerts",
        as_json=as_json,
    )


@alert_command.command("show")
@click.argument("alert_id", type=int, metavar="ID")
@json_option
@pass_session
def show(session: Session, alert_id: int, as_json: bool) -> None:
    """Show an alert with its evidence, in words first."""
    alert = alerts.alert(session.store, alert_id)
    lines = [
        f"{alert.severity}  alert {alert.id}  {where(session.store, alert)}  {alert.state}",
        *(text.clean(line) for line in alert.words),
    ]
    lines += [f"answer: v{item.version}, {item.became} (run {item.run_id})" for item in answers(session.store, alert)]
    emit(alert_json(session.store, alert), lines, as_json=as_json)


@alert_command.command("ack")
@click.argument("alert_id", type=int, metavar="ID")
@click.option("--reason", help="Why; it is kept.")
@json_option
@pass_session
def ack(session: Session, alert_id: int, reason: str | None, as_json: bool) -> None:
    """Say that you have seen it."""
    session.permit("alert.ack")
    _answer(session, incidents.acknowledge(session.store, alert_id, reason), as_json=as_json)


@alert_command.command("snooze")
@click.argument("alert_id", type=int, metavar="ID")
@click.option("--for", "length", required=True, metavar="TIME", help="Such as 2h.")
@click.option("--reason", help="Why; it is kept.")
@json_option
@pass_session
def snooze(session: Session, alert_id: int, length: str, reason: str | None, as_json: bool) -> None:
    """Be silent about it for a while, or until it gets worse."""
    session.permit("alert.snooze")
    _answer(session, incidents.snooze(session.store, alert_id, length, reason), as_json=as_json)


@alert_command.command("resolve")
@click.argument("alert_id", type=int, metavar="ID")
@click.option("--reason", help="Why; it is kept.")
@json_option
@pass_session
def resolve(session: Session, alert_id: int, reason: str | None, as_json: bool) -> None:
    """Close it by hand."""
    session.permit("alert.resolve")
    _answer(session, incidents.resolve(session.store, alert_id, reason), as_json=as_json)


@alert_command.command("retrain")
@click.argument("alert_id", type=int, metavar="ID")
@click.option("--detach", is_flag=True, help="Do not wait for its end.")
@json_option
@pass_session
def retrain(session: Session, alert_id: int, detach: bool, as_json: bool) -> int:
    """Train a candidate that answers it, and judge it on the newest labelled rows."""
    from opsconsole.lifecycle.models.retraining import retrain as start_retraining
    from opsconsole.runs.execute.follow import wait, wait_until_released

    session.permit("alert.retrain")
    run_id = start_retraining(session.workspace, session.store, alert_id)
    if not detach:
        wait(session.workspace, session.store, run_id)
        wait_until_released(session.workspace, run_id)
    record = the_run(session.store, run_id)
    made = [
        item.version for item in models.versions_of_alert(session.store, alert_id) if item.provenance.run_id == run_id
    ]
    data = {
        **run_json(session.workspace, session.store, record),
        "alert": alert_id,
        "version": made[0] if made else None,
    }
    emit(data, run_line(record) + (f"\ncandidate v{made[0]}" if made else ""), as_json=as_json)
    return int(ExitCode.OK if detach or record.state is RunState.PASSED else ExitCode.NO)


def alert_json(store: Store, alert: Alert) -> dict[str, Any]:
    """Return an alert as ``--json`` promises it."""
    return {
        **as_dict(alert),
        "model": alert.model or None,
        "version": alert.version or None,
        "answers": [item.version for item in models.versions_of_alert(store, alert.id)],
    }


def _answer(session: Session, alert: Alert, *, as_json: bool) -> None:
    emit(alert_json(session.store, alert), f"alert {alert.id} is {alert.state}", as_json=as_json)
