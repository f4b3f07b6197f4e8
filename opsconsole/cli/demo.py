"""``opsconsole demo``: a workspace that fills itself by running the product."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from opsconsole.cli.base import Session, emit, json_option, pass_session, say
from opsconsole.core import text
from opsconsole.core.errors import NegativeError, UsageError
from opsconsole.core.files import expanded

PORT = 8013
"""Where the demo's service answers, where it is free."""


def begin(directory: Path, port: int) -> Path:
    """Lay the demo out and start what fills it, or go on with it; return its workspace."""
    from opsconsole.demo.driver import launch
    from opsconsole.demo.material import lay_out

    root = expanded(directory).resolve()
    lay_out(root, port)
    launch(root)
    return root


@click.command("demo")
@click.argument("directory", type=click.Path(path_type=Path), default="opsconsole-demo", metavar="[DIR]")
@click.option("--no-open", is_flag=True, help="Do not open the console; show progress until the demo is full.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="Where the demo's service answers; any free one if that is taken.",
)
@json_option
@pass_session
def demo_command(session: Session, directory: Path, no_open: bool, port: int, as_json: bool) -> None:
    """Make the demo workspace and open it: real repos, real models, real drift, and an alert that waits for you.

    Again in the same folder it goes on where it was, or just opens.
    """
    from opsconsole.demo.driver import log_path

    session.permit("demo.make")
    opens = not no_open and not as_json
    if opens and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the console needs a terminal", hint="opsconsole demo --no-open fills the demo without one")
    root = begin(directory, port)
    if opens:
        from opsconsole.cli.console import open_console

        open_console(Session(root, readonly=False))
        return
    from opsconsole.demo.following import follow, summary

    try:
        outcome = follow(root, lambda line: say(line, err=True))
    except KeyboardInterrupt:
        say(f"the demo goes on filling itself; {log_path(root)} tells how far it is", err=True)
        raise
    if not outcome.done:
        raise NegativeError(f"the demo stopped: {outcome.reason}", hint=f"opsconsole demo {root} goes on where it was")
    state = summary(root)
    lines = [
        f"{root}: {text.plural(state.runs, 'run')}, {text.plural(state.versions, 'version')}, {text.plural(len(state.alerts), 'alert')}",
        f"opsconsole demo {root} opens it",
    ]
    emit(state, lines, as_json=as_json)
