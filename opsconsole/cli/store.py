"""``opsconsole store``: check, back up and prune."""

from __future__ import annotations

from pathlib import Path

import click

from opsconsole.cli.base import Session, emit, json_option, pass_session
from opsconsole.ground import text
from opsconsole.ground.errors import ExitCode
from opsconsole.ground.nouns import Danger
from opsconsole.store import upkeep


@click.group("store")
def store_command() -> None:
    """The workspace's database."""


@store_command.command("check")
@json_option
@pass_session
def check(session: Session, as_json: bool) -> int:
    """Check integrity and references; exit code 1 when something is wrong."""
    found = upkeep.check(session.store)
    data = {
        "path": str(session.store.path),
        "good": not found.problems,
        "problems": found.problems,
        "rows": found.rows,
        "bytes": found.size,
    }
    lines = [
        f"{session.store.path}  {text.size(found.size)}  {'good' if not found.problems else 'damaged'}",
        *found.problems,
    ]
    emit(data, lines, as_json=as_json)
    return int(ExitCode.NO if found.problems else ExitCode.OK)


@store_command.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@pass_session
def backup(session: Session, file: Path, as_json: bool) -> None:
    """Copy the database to a new file, whole, while others go on writing."""
    size = upkeep.backup(session.store, file)
    emit({"file": str(file), "bytes": size}, f"{file}  {text.size(size)}", as_json=as_json)


@store_command.command("prune")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@json_option
@pass_session
def prune(session: Session, dry_run: bool, as_json: bool) -> None:
    """Take away logs, reports and artifacts that [workspace.retention] does not keep; rows stay."""
    from opsconsole.runs import retention

    if not dry_run:
        session.permit(Danger.WRITE, "Prune old runs")
    found = retention.prune(session.workspace, session.store, dry_run=dry_run)
    data = {
        "dry_run": dry_run,
        "runs": [{"id": run.run_id, "bytes": run.size, "why": run.why} for run in found.runs],
        "kept_results": [{"name": name, "bytes": size} for name, size in found.kept_results],
        "bytes": found.size,
    }
    word = "would go" if dry_run else "gone"
    counted = f"{text.plural(len(found.runs), 'run')} and {text.plural(len(found.kept_results), 'kept result')}"
    lines = [
        f"{counted} {word}, {text.size(found.size)}",
        *(f"  #{run.run_id}  {text.size(run.size)}  {run.why}" for run in found.runs),
    ]
    emit(data, lines, as_json=as_json)
