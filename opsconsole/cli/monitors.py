"""Verbs on a monitor: bring labels, explain a chunk, replay its settings, take another baseline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from opsconsole.cli.base import Session, as_dict, emit, json_option, moment, pass_session, table
from opsconsole.cli.drift import check_document, check_lines, drift_command, located
from opsconsole.core import clock, text
from opsconsole.core.errors import ExitCode, UsageError
from opsconsole.core.files import expanded
from opsconsole.core.nouns import Severity, version_name

if TYPE_CHECKING:
    from opsconsole.store.baselines import Baseline


@drift_command.command("labels")
@click.argument("monitor", metavar="MONITOR")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@json_option
@pass_session
def bring_labels(session: Session, monitor: str, file: Path, as_json: bool) -> int:
    """Bring labels that came later: a FILE with the monitor's id column (or row_id) and its label column (or label).

    They may be partial and in any order; a label brought again wins over the one before. The chunks that they are of
    are judged anew. Exit 1 when an alert of the monitor stands that is more than information.
    """
    from opsconsole.lifecycle.monitors.monitoring import bring_labels as bring

    session.permit("drift.labels")
    result = bring(session.workspace, session.store, monitor, expanded(file).resolve())
    brought = result.labels
    lines = [f"{text.plural(brought.rows, 'label')}, {text.count(brought.matched)} of them of rows that are there"]
    for number, what in (
        (brought.unknown, "of ids that no row has: kept, in case the row comes"),
        (brought.changed, "other than the row had before"),
        (brought.repeated, "stood there twice with another value: the last counts"),
        (brought.empty, "rows had no id or no label"),
    ):
        if number:
            lines.append(f"{text.count(number)} {what}")
    if not brought.new:
        lines.append("the very same labels were brought before")
    document = check_document(session, result.checked) | {"labels": as_dict(brought)}
    emit(document, [*lines, "", *check_lines(result.checked, session.store)], as_json=as_json)
    return int(ExitCode.NO if result.checked.severity.rank >= Severity.WARN.rank else ExitCode.OK)


@drift_command.command("explain")
@click.argument("monitor", metavar="MONITOR")
@click.option("--chunk", metavar="LABEL", help="A chunk as the report names it; default: the newest.")
@json_option
@pass_session
def explain_chunk(session: Session, monitor: str, chunk: str | None, as_json: bool) -> None:
    """Name the columns that tell a chunk's rows from the reference's: a classifier tries to tell them apart."""
    from opsconsole.lifecycle.monitors.monitoring import explain_monitor

    explanation = explain_monitor(session.workspace, session.store, monitor, chunk)
    rows = [(one.name, text.decimals(one.importance), text.decimals(one.alone)) for one in explanation.columns]
    interval = f"CI {text.decimals(explanation.low)}–{text.decimals(explanation.high)}, from {text.count(explanation.rows_reference)} rows of the"
    chunk_rows = f"{text.count(explanation.rows_current)} of {text.clean(explanation.chunk)}"
    lines = [
        *(text.clean(sentence) for sentence in explanation.words),
        f"{interval} reference and {chunk_rows}",
        "",
        *table(("column", "AUC it is worth", "AUC alone"), rows, right=(1, 2)),
    ]
    emit(explanation, lines, as_json=as_json)


@drift_command.command("replay")
@click.argument("monitor", metavar="MONITOR")
@json_option
@pass_session
def replay_settings(session: Session, monitor: str, as_json: bool) -> int:
    """Say what a monitor's settings would have told of its own reference, and how many false alarms a week to expect.

    Nothing is stored. Exit 1 when it is more than the monitor's budget.
    """
    from opsconsole.lifecycle.monitors.monitoring import replay_monitor

    replayed = replay_monitor(session.workspace, session.store, monitor)
    rows = [
        (one.label, one.severity, "performance" if one.performance else "", text.clean(", ".join(one.columns)))
        for one in replayed.would_alert
    ]
    lines = [text.clean(sentence) for sentence in replayed.words]
    if rows:
        lines += ["", *table(("window", "severity", "", "columns"), rows)]
    emit(replayed, lines, as_json=as_json)
    return int(ExitCode.OK if replayed.bearable else ExitCode.NO)


@drift_command.command("baseline")
@click.argument("monitor", metavar="MONITOR")
@json_option
@pass_session
def show_baselines(session: Session, monitor: str, as_json: bool) -> None:
    """Show what a monitor compares with, and what it compared with before."""
    _show(session, monitor, as_json=as_json)


@drift_command.command("rebaseline")
@click.argument("monitor", metavar="MONITOR")
@click.option("--since", metavar="TIME", help="Take the holder's production rows from this time on as its reference.")
@click.option("--until", metavar="TIME", help="With --since: before this time; default: now.")
@click.option("--file", "source", metavar="SOURCE", help="Take the rows of a file (or any source) instead.")
@click.option("--performance", is_flag=True, help="Let the floor follow the performance on the new rows too.")
@click.option("--undo", is_flag=True, help="Let the baseline before the one that holds hold again.")
@click.option("--reason", metavar="TEXT", help="Why; it goes into the audit trail.")
@json_option
@pass_session
def take_another(
    session: Session,
    monitor: str,
    since: str | None,
    until: str | None,
    source: str | None,
    performance: bool,
    undo: bool,
    reason: str | None,
    as_json: bool,
) -> None:
    """Take another reference from now on; it can be taken back. The floor stays, unless --performance is given."""
    from opsconsole.lifecycle.monitors import monitoring

    session.permit("drift.undo_baseline" if undo else "drift.rebaseline")
    if sum((since is not None, source is not None, undo)) != 1 or (until is not None and since is None):
        raise UsageError("one of --since, --file and --undo", hint="--until goes with --since")
    why = (reason or "").strip()
    if not why:
        raise UsageError("another baseline needs a reason", hint='--reason "the fleet was renewed in May"')
    workspace, store = session.workspace, session.store
    if undo:
        monitoring.take_baseline_back(workspace, store, monitor, why)
    elif source is not None:
        monitoring.rebaseline_on_source(workspace, store, monitor, located(source), why, performance=performance)
    else:
        end = None if until is None else moment("--until", until)
        start = moment("--since", str(since))
        monitoring.rebaseline_on_production(workspace, store, monitor, start, end, why, performance=performance)
    _show(session, monitor, as_json=as_json)


def _show(session: Session, monitor: str, *, as_json: bool) -> None:
    from opsconsole.lifecycle.monitors.monitoring import baseline_of

    known = baseline_of(session.workspace, session.store, monitor)
    rows = [
        (
            "holds" if holds else "",
            version_name(one.version),
            one.revision,
            text.count(one.rows),
            text.clean(one.origin),
            text.clean(one.reason or ""),
            one.actor or "",
            text.age(one.made_at, clock.now()),
        )
        for one, holds in reversed(known)
    ]
    head = ("", "version", "revision", "rows", "reference", "reason", "by", "made")
    empty = f"no baseline yet: opsconsole drift check {monitor} makes it"
    document = {"monitor": monitor, "baselines": [_document(one, holds=holds) for one, holds in known]}
    emit(document, table(head, rows, right=(2, 3)) if rows else empty, as_json=as_json)


def _document(one: Baseline, *, holds: bool) -> dict[str, object]:
    return {
        "version": one.version,
        "revision": one.revision,
        "holds": holds,
        "rows": one.rows,
        "origin": one.origin,
        "since": None if one.since is None else clock.to_text(one.since),
        "realised": None if one.realised is None else as_dict(one.realised),
        "reason": one.reason,
        "actor": one.actor,
        "made_at": clock.to_text(one.made_at),
    }
