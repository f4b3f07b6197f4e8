"""``opsconsole store``: check, back up, restore, make anew and prune."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from opsconsole.cli.base import Session, emit, json_option, pass_session, table, write_csv
from opsconsole.core import text
from opsconsole.core.errors import ExitCode
from opsconsole.registry.versions.ledger import strangers
from opsconsole.store import maintenance
from opsconsole.store.beside import newest_copy
from opsconsole.store.connection import open_store

if TYPE_CHECKING:
    from opsconsole.lifecycle.recovery.restoring import Restored


@click.group("store")
def store_command() -> None:
    """The workspace's database."""


@store_command.command("check")
@json_option
@pass_session
def check(session: Session, as_json: bool) -> int:
    """Check integrity, references, modes and what lies beside; exit code 1 when something is wrong."""
    workspace = session.workspace
    with (
        open_store(workspace.state, readonly=True) if maintenance.is_there(workspace.state) else session.store as store
    ):
        path, problems = store.path, maintenance.check(store)
        notes = [] if problems.problems else strangers(workspace, store)
    newest = newest_copy(workspace.state)
    data = {
        "path": str(path),
        "good": not problems.problems,
        "problems": problems.problems,
        "notes": notes,
        "rows": problems.rows,
        "bytes": problems.size,
        "newest_copy": None if newest is None else str(newest),
    }
    lines = [
        f"{path}  {text.size(problems.size)}  {'good' if not problems.problems else 'damaged'}",
        *problems.problems,
        *map(text.clean, notes),
        f"newest copy: {newest}" if newest is not None else "no copy of it was kept yet",
    ]
    if problems.problems and problems.damaged:
        hint = maintenance.damaged_hint(path)
        lines.append(hint)
    emit(data, lines, as_json=as_json)
    return int(ExitCode.NO if problems.problems else ExitCode.OK)


@store_command.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@pass_session
def backup(session: Session, file: Path, as_json: bool) -> None:
    """Copy the database to a new file, whole, while others go on writing."""
    session.permit("store.backup")
    size = maintenance.backup(session.store, file)
    emit({"file": str(file), "bytes": size}, f"{file}  {text.size(size)}", as_json=as_json)


@store_command.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@pass_session
def restore(session: Session, file: Path, as_json: bool) -> None:
    """Put a copy of the store in its place, with what happened since and left files; the old one is kept aside."""
    from opsconsole.lifecycle.recovery import restoring

    session.permit("store.restore")
    _show(session, restoring.restore(session.workspace, file), "restored", as_json=as_json)


@store_command.command("rebuild")
@click.option("--yes", is_flag=True, help="Also where the store that is there is sound.")
@json_option
@pass_session
def rebuild(session: Session, yes: bool, as_json: bool) -> None:
    """Make a lost or damaged store anew from run folders, versions and the records beside them; say what cannot be known."""
    from opsconsole.lifecycle.recovery import restoring

    session.permit("store.rebuild")
    _show(session, restoring.rebuild(session.workspace, asked=yes), "made anew", as_json=as_json)


def _show(session: Session, done: Restored, word: str, *, as_json: bool) -> None:
    """Settle the workspace on its new store, and say what it holds and what it does not."""
    refilled = done.refilled
    data = {"store": str(done.store), "aside": None if done.aside is None else str(done.aside), **refilled.as_json()}
    counted = [
        text.plural(refilled.runs, "run"),
        text.plural(refilled.versions, "version"),
        text.plural(refilled.moves, "move"),
        text.plural(refilled.scores, "file of scores", "files of scores"),
    ]
    lines = [f"{done.store} {word}; from what lies beside it: {text.listed(counted)}"]
    lines += [f"the store that was there is {done.aside}"] * (done.aside is not None)
    lines += [f"trust it again: opsconsole repo trust {text.clean(name)}" for name in refilled.repos]
    lines += ["not known:"] * bool(refilled.unknown) + [f"  {text.clean(line)}" for line in refilled.unknown]
    _ = session.store
    emit(data, lines, as_json=as_json)


@store_command.command("prune")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@json_option
@pass_session
def prune(session: Session, dry_run: bool, as_json: bool) -> None:
    """Take away logs, reports and artifacts that [workspace.retention] does not keep; rows stay."""
    from opsconsole.runs.record import retention

    if not dry_run:
        session.permit("store.prune")
    pruned = retention.prune(session.workspace, session.store, dry_run=dry_run)
    data = {
        "dry_run": dry_run,
        "runs": [{"id": run.run_id, "bytes": run.size, "why": run.why} for run in pruned.runs],
        "kept_results": [{"name": name, "bytes": size} for name, size in pruned.kept_results],
        "bytes": pruned.size,
    }
    word = "would go" if dry_run else "gone"
    counted = f"{text.plural(len(pruned.runs), 'run')} and {text.plural(len(pruned.kept_results), 'kept result')}"
    lines = [
        f"{counted} {word}, {text.size(pruned.size)}",
        *(f"  #{run.run_id}  {text.size(run.size)}  {run.why}" for run in pruned.runs),
    ]
    emit(data, lines, as_json=as_json)


@store_command.command("query")
@click.argument("sql")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV.")
@json_option
@pass_session
def query(session: Session, sql: str, as_csv: bool, as_json: bool) -> None:
    """Answer one SELECT over the views that `opsconsole help operations` lists; nothing can be changed by it."""
    from opsconsole.store import views

    with views.query(session.workspace.state, sql) as (names, rows):
        if as_csv:
            write_csv(names, rows)
        elif as_json:
            emit([dict(zip(names, row, strict=True)) for row in rows], "", as_json=True)
        else:
            emit(None, table(names, [["" if cell is None else cell for cell in row] for row in rows]), as_json=False)


@store_command.command("export")
@click.argument("view")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@pass_session
def export(session: Session, view: str, file: Path, as_json: bool) -> None:
    """Write a view to a new file: CSV, JSON lines or a SQLite database, by its ending (.csv, .jsonl, .db)."""
    from opsconsole.store import views

    session.permit("store.export")
    count = views.export(session.workspace.state, view, file)
    line = f"{file}  {text.plural(count, 'row')} of {text.clean(view)}"
    emit({"view": view, "file": str(file), "rows": count}, line, as_json=as_json)
