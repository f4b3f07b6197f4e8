"""``opsconsole config``: show the configuration, its path and its schema, and validate it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from opsconsole.cli.base import Session, as_dict, emit, json_option, pass_session
from opsconsole.core import text
from opsconsole.store.connection import FILE_NAME, open_store

if TYPE_CHECKING:
    from opsconsole.lifecycle.monitors.monitor_needs import Lack


@click.group("config")
def config_command() -> None:
    """The workspace's configuration."""


@config_command.command("path")
@json_option
@pass_session
def path(session: Session, as_json: bool) -> None:
    """Say which file is read."""
    emit({"path": str(session.workspace.file)}, str(session.workspace.file), as_json=as_json)


@config_command.command("show")
@json_option
@pass_session
def show(session: Session, as_json: bool) -> None:
    """Show the configuration with every default filled in."""
    import json

    data = as_dict(session.workspace.config)
    emit(data, json.dumps(data, indent=2, ensure_ascii=False), as_json=as_json)


@config_command.command("validate")
@json_option
@pass_session
def validate(session: Session, as_json: bool) -> None:
    """Check the file; exit code 3 with file, line and key when it does not hold.

    Besides, say what each monitor lacks before its first check: that is no error of the file, and exit 0.
    """
    config = session.workspace.config
    lacking = _lacks(session) if config.monitors else []
    data = {
        "path": str(session.workspace.file),
        "valid": True,
        "repos": len(config.repos),
        "models": len(config.models),
        "monitors": len(config.monitors),
        "lacks": lacking,
    }
    lines = [f"{session.workspace.file} holds"]
    lines += [text.clean(f"monitors.{one.monitor}.{one.key}: {one.detail}") for one in lacking]
    emit(data, lines, as_json=as_json)


def _lacks(session: Session) -> list[Lack]:
    """Ask what is known of versions only where there is a store already."""
    from opsconsole.lifecycle.monitors.monitor_needs import lacks

    workspace = session.workspace
    if not (workspace.state / FILE_NAME).exists():
        return lacks(workspace, None)
    with open_store(workspace.state, readonly=True) as store:
        return lacks(workspace, store)


@config_command.command("schema")
@json_option
def schema(as_json: bool) -> None:
    """Print the JSON Schema of the file."""
    import json

    from opsconsole.config.schema import json_schema

    data = json_schema()
    emit(data, json.dumps(data, indent=2), as_json=as_json)
