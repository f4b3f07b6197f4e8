"""``opsconsole workspace``: which folders' state is taken for the operator's own."""

from __future__ import annotations

from pathlib import Path

import click

from opsconsole.cli.base import Session, emit, json_option, pass_session
from opsconsole.core import belonging


@click.group("workspace")
def workspace_command() -> None:
    """Which folders' state is taken for your own."""


@workspace_command.command("trust")
@click.argument("path", type=click.Path(path_type=Path))
@json_option
@pass_session
def trust(session: Session, path: Path, as_json: bool) -> None:
    """Take on a workspace that was cloned, copied, moved, or that belongs to another user.

    What lies in it then decides what runs as you: its opsconsole.toml, its store and its runs.
    """
    session.permit("workspace.trust")
    root = path.expanduser().resolve()
    belonging.trust(root)
    emit({"workspace": str(root), "trusted": True}, f"{root} is trusted", as_json=as_json)
