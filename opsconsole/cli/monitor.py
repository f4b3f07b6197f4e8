"""``opsconsole monitor``: what is watched, written to ``opsconsole.toml`` and taken out again."""

from __future__ import annotations

from pathlib import Path

import click

from opsconsole.cli.base import Session, emit, json_option, pass_session
from opsconsole.cli.drift import list_monitors
from opsconsole.cli.edits import choice_lines, choices_json, dry_run_option, edit_json, edit_lines, removed


@click.group("monitor")
def monitor_command() -> None:
    """What is watched: a model's production rows, or data alone against a reference."""


monitor_command.add_command(list_monitors, "ls")


@monitor_command.command("add")
@click.argument("name")
@click.option("--data", required=True, metavar="SOURCE", help="The rows to watch: a file, a folder, a glob, a table.")
@click.option("--model", metavar="MODEL[@RUNG]", help="Whose rows they are; default of the rung: the top one.")
@click.option("--reference", metavar="SOURCE", help="Rows as they should be; needed without a model.")
@click.option("--time", metavar="COLUMN", help="What dates a row; default: the only datetime column.")
@click.option("--label", metavar="COLUMN", help="What came true; default: the column that is called so.")
@click.option("--id", "id_column", metavar="COLUMN", help="What names a row; default: one called so, without repeats.")
@click.option("--score", metavar="COLUMN", help="What the model said; default: the column that is called so.")
@click.option(
    "--chunk", metavar="LENGTH", help="hour, day, week, month, quarter, size:N or count:N; default: by the rows."
)
@dry_run_option
@json_option
@pass_session
def add(
    session: Session,
    name: str,
    data: str,
    model: str | None,
    reference: str | None,
    time: str | None,
    label: str | None,
    id_column: str | None,
    score: str | None,
    chunk: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Watch a model in production, or a data file against another; what is not said is guessed from the data, and told.

    The same again changes nothing (exit 0); a name that stands for something else is refused (exit 5).
    """
    from opsconsole.lifecycle.adding.add_monitor import MonitorRequest, add_monitor

    session.permit("monitor.add")
    request = MonitorRequest(
        name, data, model=model, reference=reference, time=time, label=label, id=id_column, score=score, chunk=chunk
    )
    added = add_monitor(session.workspace, session.store, request, base=Path.cwd(), dry_run=dry_run)
    lines = [*choice_lines(added.choices), *edit_lines(added.edit, dry_run=dry_run)]
    lines += [f"note: {one}" for one in added.notes]
    following = f"opsconsole drift check {name}"
    document = {
        "name": name,
        **edit_json(added.edit, dry_run=dry_run),
        "choices": choices_json(added.choices),
        "notes": list(added.notes),
        "next": following,
    }
    emit(document, [*lines, *([] if dry_run else [f"next: {following}"])], as_json=as_json)


@monitor_command.command("rm")
@click.argument("name")
@dry_run_option
@json_option
@pass_session
def rm(session: Session, name: str, dry_run: bool, as_json: bool) -> None:
    """Take a monitor out of opsconsole.toml; its chunks and alerts stay in the store, the data where they are."""
    from opsconsole.lifecycle.adding.remove import remove_monitor

    session.permit("monitor.remove")
    done = remove_monitor(session.workspace, session.store, name, dry_run=dry_run)
    emit(*removed(done, dry_run=dry_run), as_json=as_json)
