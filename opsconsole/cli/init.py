"""``opsconsole init``: make a workspace from what is found."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from opsconsole.cli.base import Session, emit, json_option, pass_session, say, table
from opsconsole.core.errors import RefusedError
from opsconsole.lifecycle.workspace_init import found_workspace, require_free, scout


@click.command("init")
@click.argument("directory", type=click.Path(path_type=Path), default=".", metavar="[DIR]")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_session
def init_command(session: Session, directory: Path, yes: bool, as_json: bool) -> None:
    """Find the repos below a folder, detect how they are tested, and write a commented opsconsole.toml."""
    session.permit("workspace.init")
    root = directory.resolve()
    require_free(root)
    found = scout(root)
    rows = [(repo.name, repo.path, repo.runner or "–", repo.reason) for repo in found]
    lines = (
        table(("repo", "path", "runner", "because"), rows)
        if rows
        else ["no git repository below; add one later with opsconsole repo add PATH"]
    )
    if not as_json:
        for line in lines:
            say(line)
    if (
        not yes
        and not as_json
        and sys.stdin.isatty()
        and not click.confirm(f"Write {root / 'opsconsole.toml'}?", default=True)
    ):
        raise RefusedError("nothing was written")
    path = found_workspace(root, found)
    following = ["opsconsole opens the console"]
    if found:
        following = ["opsconsole repo trust NAME lets a repo's pipelines run; opsconsole opens the console"]
    data = {
        "workspace": str(root),
        "path": str(path),
        "repos": [
            {"name": repo.name, "path": repo.path, "runner": repo.runner, "reason": repo.reason} for repo in found
        ],
    }
    emit(
        data,
        [f"wrote {path}", *following],
        as_json=as_json,
    )
