"""``opsconsole drift``: compare two files, check monitors, report results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from opsconsole.cli.alert import alert_json
from opsconsole.cli.base import Session, as_dict, emit, json_option, pass_session, table
from opsconsole.cli.columns import comparison_json, report_json, slices_json, sums_json
from opsconsole.cli.comparison import comparison_lines, slice_lines
from opsconsole.core import clock, text
from opsconsole.core.errors import ExitCode
from opsconsole.core.files import expanded
from opsconsole.core.nouns import DATA_ALONE, SUMMED_TO, Severity, holder_name, version_name
from opsconsole.drift.report import monitor_report as reports
from opsconsole.store.chunk_records import Chunk, ChunkColumn
from opsconsole.store.chunks import columns as columns_of_chunk
from opsconsole.store.connection import Store

if TYPE_CHECKING:
    from opsconsole.drift.check.checker import CheckResult
    from opsconsole.drift.compare.by_value import SliceComparison
    from opsconsole.drift.compare.files import Comparison


@click.group("drift")
def drift_command() -> None:
    """Whether production data and performance still are what the model was made for."""


@drift_command.command("compare")
@click.argument("reference", metavar="REFERENCE")
@click.argument("current", metavar="CURRENT")
@click.option("--exact", is_flag=True, help="Distances from the raw values, as scipy computes them; slower.")
@click.option("--columns", metavar="A,B,…", help="Only these columns.")
@click.option("--ignore", metavar="COLUMN", multiple=True, help="Not this column; may be given several times.")
@click.option(
    "--id", "ids", metavar="COLUMN", multiple=True, help="This column names rows: new values are no drift; likewise."
)
@click.option("--by", metavar="COLUMN", help="Besides, compare each value of this column with itself.")
@json_option
@pass_session
def compare_files(
    session: Session,
    reference: str,
    current: str,
    exact: bool,
    columns: str | None,
    ignore: tuple[str, ...],
    ids: tuple[str, ...],
    by: str | None,
    as_json: bool,
) -> int:
    """Compare two data files (CSV, Parquet, JSON lines; a folder or a glob), column by column.

    Needs no workspace. Exit 1 when a column drifted, 9 when none did that can be told of, and there are too few rows
    to tell of all (`drifted` is null, `severity` unknown, `rows_needed` says how many would decide).
    """
    from opsconsole.drift.compare.files import Choice, compare

    names = tuple(name.strip() for name in (columns or "").split(",") if name.strip())
    choice = Choice(names, frozenset(ignore), frozenset(ids))
    comparison = compare(reference, current, exact=exact, choice=choice, programs=not session.readonly)
    lines = comparison_lines(comparison)
    if by is None:
        emit(comparison_json(comparison), lines, as_json=as_json)
        return _exit_of(comparison)
    from opsconsole.drift.compare.by_value import compare_slices

    slices = compare_slices(reference, current, by, choice=choice)
    emit(
        comparison_json(comparison) | {"slices": slices_json(slices)},
        [*lines, "", *slice_lines(by, slices)],
        as_json=as_json,
    )
    return _exit_of(comparison, *slices)


def _exit_of(comparison: Comparison, *slices: SliceComparison) -> int:
    """A value too rare to tell of leaves nothing open of the whole."""
    if comparison.drifted or any(one.drifted for one in slices):
        return int(ExitCode.NO)
    return int(ExitCode.UNDECIDED if comparison.drifted is None else ExitCode.OK)


@drift_command.command("monitors")
@json_option
@pass_session
def list_monitors(session: Session, as_json: bool) -> None:
    """List the monitors and how each stands."""
    listed = reports.monitors(session.store, session.workspace.config)
    now = clock.now()
    rows = [
        (
            item.name,
            f"{item.model}@{item.alias}" if item.model else "–",
            "–" if item.version is None else version_name(item.version),
            item.chunks,
            item.last or "not checked",
            text.decimals(item.realised),
            text.decimals(item.floor),
            "still filling" if item.filling and item.severity is Severity.OK else item.severity,
            text.age(item.last_checked, now),
        )
        for item in listed
    ]
    head = ("monitor", "model", "version", "chunks", "last", "realised", "floor", "severity", "checked")
    emit(listed, table(head, rows, right=(3, 5, 6)) if rows else "no monitors in opsconsole.toml", as_json=as_json)


@drift_command.command("check")
@click.argument("monitor", metavar="MONITOR")
@click.option("--data", metavar="SOURCE", help="Production rows from here instead of `current`.")
@click.option("--no-refresh", is_flag=True, help="Check what is there; do not run the pipeline that brings new rows.")
@json_option
@pass_session
def check_now(session: Session, monitor: str, data: str | None, no_refresh: bool, as_json: bool) -> int:
    """Judge the chunks that are new, or whose rows, labels or scores changed.

    Exit 1 when an alert of the monitor stands that is more than information.
    """
    from opsconsole.lifecycle.monitors.monitor_check import check_monitor, check_with_new_rows

    session.permit("drift.check")
    if data is None and not no_refresh:
        result = check_with_new_rows(session.workspace, session.store, monitor)
    else:
        here = None if data is None else located(data)
        result = check_monitor(session.workspace, session.store, monitor, data=here)
    lines = check_lines(result, session.store)
    emit(check_document(session, result), lines, as_json=as_json)
    return int(ExitCode.NO if result.severity.rank >= Severity.WARN.rank else ExitCode.OK)


@drift_command.command("report")
@click.argument("monitor", metavar="MONITOR")
@click.option("--limit", type=click.IntRange(min=1), default=200, show_default=True, help="The newest so many chunks.")
@click.option(
    "--per",
    type=click.Choice(SUMMED_TO),
    help="Sum the stored chunks to longer ones; no row is read for it.",
)
@json_option
@pass_session
def report_monitor(session: Session, monitor: str, limit: int, per: str | None, as_json: bool) -> None:
    """Show each chunk's columns, score and performance."""
    if per is not None:
        _report_sums(session, monitor, per, as_json=as_json)
        return
    chunks = reports.report(session.store, session.workspace.config, monitor, limit=limit)
    rows = [
        (
            item.label + (" (so far)" if item.partial else ""),
            version_name(item.version),
            text.count(item.rows),
            text.percent(item.realised.label_coverage),
            text.decimals(item.realised.value),
            "–"
            if item.realised.low is None
            else f"{text.decimals(item.realised.low)}–{text.decimals(item.realised.high)}",
            text.decimals(item.realised.floor),
            "–"
            if item.estimated.value is None
            else f"{text.decimals(item.estimated.value)}{'' if item.estimated.trusted else ' untrusted'}",
            "–" if item.score is None else text.psi(item.score.distances.psi),
            next((_largest(column) for column in item.columns if column is not item.score), "–"),
            "still filling" if item.partial and item.severity is Severity.OK else item.severity,
        )
        for item in chunks
    ]
    head = (
        "chunk",
        "version",
        "rows",
        "labels",
        "realised",
        "CI",
        "floor",
        "estimated",
        "score PSI",
        "largest PSI",
        "severity",
    )
    human = (
        table(head, rows, right=(2, 3, 4, 6, 7))
        if rows
        else f"no chunks yet: opsconsole drift check {text.clean(monitor)}"
    )
    emit(report_json(chunks), human, as_json=as_json)


def _report_sums(session: Session, monitor: str, per: str, *, as_json: bool) -> None:
    from opsconsole.drift.report.rollup import ADDITIVE, sums

    rollup = sums(session.workspace, session.store, monitor, per)
    shown = dict.fromkeys([*([rollup.metric] if rollup.metric else []), *ADDITIVE])
    rows = [
        (
            one.label,
            version_name(one.version),
            one.chunks,
            text.count(one.rows),
            text.percent(one.labels / one.rows if one.rows else None),
            ", ".join(f"{name} {text.decimals(one.metrics[name])}" for name in shown if name in one.metrics) or "–",
            "–"
            if one.estimated is None
            else f"{text.decimals(one.estimated.value)}{'' if one.trusted else ' untrusted'}",
            ", ".join(one.drifted[:4]) + ("" if len(one.drifted) < 5 else f" and {len(one.drifted) - 4} more") or "–",
        )
        for one in rollup.sums
    ]
    head = (per, "version", "chunks", "rows", "labels", "realised", "estimated", "moved")
    lines = [*table(head, rows, right=(2, 3, 4, 6)), *(f"note: {text.clean(note)}" for note in rollup.notes)]
    document = as_dict(rollup) | {"sums": sums_json(rollup.sums)}
    emit(document, lines, as_json=as_json)


def located(source: str) -> str:
    """Return a source named from the folder that the command was typed in; a table or a program as it stands."""
    if source.startswith("command:"):
        return source
    prefix = "sqlite:" if source.startswith("sqlite:") else ""
    return f"{prefix}{expanded(source.removeprefix(prefix)).absolute()}"


def _largest(column: ChunkColumn) -> str:
    once = " once" if column.drifted and column.persistent is False else ""
    return f"{column.name} {text.psi(column.distances.psi)}{once}"


def check_document(session: Session, result: CheckResult) -> dict[str, object]:
    """Return what a check did as JSON says it."""
    return as_dict(result) | {"alerts": [alert_json(session.store, alert) for alert in result.alerts]}


def check_lines(result: CheckResult, store: Store) -> list[str]:
    """Return what a check did, and the alerts that stand."""
    lines = [_chunk_line(chunk, store) for chunk in result.chunks] or ["nothing new to judge"]
    if result.unchanged:
        lines.append(f"{text.plural(result.unchanged, 'chunk')} judged before, unchanged")
    lines += [f"note: {text.clean(note)}" for note in result.notes]
    for alert in result.alerts:
        model = text.clean(holder_name(alert.model, alert.version))
        lines += ["", f"{alert.severity}  alert {alert.id}  {model}  {alert.state}"]
        lines += [f"  {text.clean(sentence)}" for sentence in alert.words]
    return lines


def _moved(columns: list[ChunkColumn]) -> str:
    """Return what is told of columns that no model scores: how many moved, and of how many nothing can be told."""
    moved = [f"{text.clean(one.name, limit=40)} (PSI {text.psi(one.distances.psi)})" for one in columns if one.drifted]
    words = f"{len(moved)} of {text.plural(len(columns), 'column')} moved" if moved else "no column moved"
    few = sum(one.drifted is None for one in columns)
    if few == len(columns):
        return f"too few rows to tell of any of {text.plural(few, 'column')}"
    named = ", ".join(moved[:3]) + (f" and {len(moved) - 3} more" if len(moved) > 3 else "")
    return words + (f": {named}" if moved else "") + (f"; too few rows to tell of {few}" if few else "")


def _chunk_line(chunk: Chunk, store: Store) -> str:
    measured = "no labels yet" if not chunk.labels else f"{chunk.metric or 'performance'} not known"
    if chunk.realised is not None:
        measured = f"{chunk.metric} {text.decimals(chunk.realised)}"
        if chunk.low is not None:
            measured += f" (CI {text.decimals(chunk.low)}–{text.decimals(chunk.high)})"
    if chunk.version == DATA_ALONE:
        measured = _moved(columns_of_chunk(store, chunk.id))
    so_far = " (so far)" if chunk.partial else ""
    return f"{chunk.severity:<8}  {chunk.label}{so_far}  {version_name(chunk.version)}  {text.count(chunk.rows)} rows  {measured}"
