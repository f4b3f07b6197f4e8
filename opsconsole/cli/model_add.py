"""``opsconsole model add`` and ``rm``: a model's table in ``opsconsole.toml``, and its first version."""

from __future__ import annotations

from pathlib import Path

import click

from opsconsole.cli.base import Session, emit, json_option, pass_session
from opsconsole.cli.edits import choice_lines, choices_json, dry_run_option, edit_json, edit_lines, removed
from opsconsole.cli.model_register import FILE
from opsconsole.core.nouns import ModelTask


@click.command("add")
@click.argument("name")
@click.argument("path", type=FILE, required=False, metavar="[PATH]")
@click.option(
    "--task",
    type=click.Choice([str(task) for task in ModelTask]),
    help="What it predicts; default: told by the evaluation.",
)
@click.option(
    "--eval-data",
    type=FILE,
    help="Per-row scores of PATH: row_id, label, score or probability_CLASS; other columns are its reference.",
)
@click.option("--training-data", type=FILE, help="The rows PATH was trained on, CSV or Parquet with a row_id.")
@dry_run_option
@json_option
@pass_session
def add(
    session: Session,
    name: str,
    path: Path | None,
    task: str | None,
    eval_data: Path | None,
    training_data: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Write a model's table with its task and a first gate; with a PATH, register that file or folder as a version.

    A table that is there stays as it is; a PATH is registered all the same. Nothing is loaded, a pickle neither.
    """
    from opsconsole.lifecycle.adding.add_model import add_model
    from opsconsole.registry.versions.registration import Given

    session.permit("model.add")
    request = Given(task=None if task is None else ModelTask(task), evaluation=eval_data, training_data=training_data)
    added = add_model(session.workspace, session.store, name, path, request, dry_run=dry_run)
    version = None if added.registered is None else added.registered.version
    lines = [*choice_lines(added.choices), *edit_lines(added.edit, dry_run=dry_run)]
    if version is not None:
        lines.append(f"registered {name} v{version.version}  {version.digest}")
    lines += [f"note: {one}" for one in added.notes]
    following = (
        f'opsconsole model promote {name}:{version.version} --to production --reason "…"'
        if version is not None
        else f"opsconsole model register {name} FILE --eval-data HELD_OUT.csv"
    )
    document = {
        "name": name,
        **edit_json(added.edit, dry_run=dry_run),
        "choices": choices_json(added.choices),
        "version": None if version is None else version.version,
        "digest": None if version is None else version.digest,
        "notes": list(added.notes),
        "next": following,
    }
    emit(document, [*lines, *([] if dry_run else [f"next: {following}"])], as_json=as_json)


@click.command("rm")
@click.argument("name")
@dry_run_option
@json_option
@pass_session
def rm(session: Session, name: str, dry_run: bool, as_json: bool) -> None:
    """Take a model's table out of opsconsole.toml; its versions, rungs and history stay.

    Refused while a monitor, a pipeline or a live training names it.
    """
    from opsconsole.lifecycle.adding.remove import remove_model

    session.permit("model.remove")
    done = remove_model(session.workspace, session.store, name, dry_run=dry_run)
    emit(*removed(done, dry_run=dry_run), as_json=as_json)
