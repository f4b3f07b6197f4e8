"""``opsconsole init``: make a workspace from what is found."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from opsconsole.cli.base import Session, as_dict, emit, json_option, pass_session, say, table
from opsconsole.config.workspace import open_workspace
from opsconsole.core import text
from opsconsole.core.errors import RefusedError, UsageError
from opsconsole.lifecycle.adding.found_files import FoundData, FoundFiles
from opsconsole.lifecycle.workspace_init import Candidates, add_files, look_around, require_free, write_workspace
from opsconsole.store.connection import open_store


@click.command("init")
@click.argument("directory", type=click.Path(path_type=Path), default=".", metavar="[DIR]")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--take",
    multiple=True,
    metavar="PATH",
    help="Only this of what is found: a repo, a model or data; likewise others.",
)
@click.option("--bare", is_flag=True, help="Nothing of what is found.")
@click.option("--dry-run", is_flag=True, help="Say what is found, and write nothing.")
@json_option
@pass_session
def init_command(
    session: Session, directory: Path, yes: bool, take: tuple[str, ...], bare: bool, dry_run: bool, as_json: bool
) -> None:
    """Find what lies below a folder, and write a commented opsconsole.toml.

    Repos stand in it with how they are tested; models and data are listed with the line that adds each, or taken by name.
    """
    session.permit("workspace.look" if dry_run else "workspace.init")
    if take and bare:
        raise UsageError("--take and --bare say opposite things")
    root = directory.resolve()
    require_free(root)
    seen = look_around(root)
    if not as_json:
        for line in seen_lines(seen):
            say(line)
    path = root / "opsconsole.toml"
    document: dict[str, Any] = {"workspace": str(root), "path": str(path), **seen_json(seen)}
    if dry_run:
        emit(document, "nothing was written: --dry-run", as_json=as_json)
        return
    if not yes and not as_json and sys.stdin.isatty() and not click.confirm(f"Write {path}?", default=True):
        raise RefusedError("nothing was written")
    taken = seen.taking(take) if take or bare else Candidates(seen.repos, FoundFiles())
    write_workspace(root, taken.repos)
    notes = _add(root, taken.files)
    lines = [f"wrote {path}", *(text.clean(one) for one in notes)]
    lines += ["opsconsole repo trust NAME lets a repo's pipelines run"] if taken.repos else []
    emit({**document, "notes": notes}, [*lines, "opsconsole opens the console"], as_json=as_json)


def _add(root: Path, files: FoundFiles) -> list[str]:
    if not files.data and not files.models:
        return []
    workspace = open_workspace(root)
    with open_store(workspace.state, readonly=False) as store:
        return add_files(workspace, store, files)


def seen_json(seen: Candidates) -> dict[str, Any]:
    """Return what was found as JSON says it."""
    return {
        "repos": [as_dict(one) for one in seen.repos],
        "models": [as_dict(one) for one in seen.files.models],
        "data": [as_dict(one) for one in seen.files.data],
        "more": seen.files.more,
    }


def seen_lines(seen: Candidates) -> list[str]:
    """Return what was found as tables, with the line that adds each."""
    lines: list[str] = []
    if seen.repos:
        rows = [(one.name, one.path, one.runner or "–", one.reason) for one in seen.repos]
        lines += [*table(("repo", "path", "runner", "because"), rows), ""]
    if seen.files.models:
        models = [
            (one.path, one.kind, text.size(one.size), f"opsconsole model add {one.name} {one.path}")
            for one in seen.files.models
        ]
        lines += [*table(("model", "kind", "size", "added by"), models), ""]
    if seen.files.data:
        data = [(one.path, _size(one), _guesses(one), _adding(one)) for one in seen.files.data]
        lines += [*table(("data", "size", "", "watched by"), data), ""]
    if seen.files.more:
        lines.append("there is more: only so many files near the top were looked at")
    if not lines:
        return [
            "no git repository, model or data file below; add one later:",
            "  opsconsole repo add PATH · model add NAME FILE · monitor add NAME --reference FILE --data FILE",
            "or look at one that is full: opsconsole demo",
        ]
    return lines


def _size(one: FoundData) -> str:
    return text.size(one.size) if one.rows is None else text.plural(one.rows, "row")


def _guesses(one: FoundData) -> str:
    """Return what was guessed of a data file, in words."""
    if one.problem:
        return one.problem
    guesses = [f"{key}: {value}" for key, value in (("time", one.time), ("label", one.label)) if value is not None]
    return ", ".join(guesses) or ("" if one.columns is None else text.plural(one.columns, "column"))


def _adding(one: FoundData) -> str:
    if one.against is None:
        return "" if one.problem else f"opsconsole monitor add {one.name} --data {one.path} --reference FILE"
    return f"opsconsole monitor add {one.name} --data {one.path} --reference {one.against}"
