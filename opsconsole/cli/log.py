"""``opsconsole log``: the output of a run's steps."""

from __future__ import annotations

import sys

import click

from opsconsole.cli.base import Session, emit, json_option, pass_session, say
from opsconsole.cli.shown import the_run
from opsconsole.core.errors import NotFoundError
from opsconsole.runs.record.folder import run_folder
from opsconsole.runs.record.log_reader import LogPiece, blocks, tail_offset
from opsconsole.store import steps


@click.command("log")
@click.argument("run", type=int)
@click.option("--step", help="Only of this step.")
@click.option("-f", "--follow", "following", is_flag=True, help="Go on until the run is over.")
@click.option("--tail", type=click.IntRange(0), help="Begin at the last lines.")
@json_option
@pass_session
def log_command(session: Session, run: int, step: str | None, following: bool, tail: int | None, as_json: bool) -> None:
    """Print a run's log: raw bytes, harmless text when stdout is a terminal."""
    the_run(session.store, run)
    names = [record.name for record in steps.of_run(session.store, run)]
    if step is not None and step not in names:
        raise NotFoundError(f"run {run} has no step {step!r}", hint=f"steps: {', '.join(names)}")
    if following and not as_json:
        from opsconsole.runs.execute.follow import follow

        follow(session.workspace, session.store, run, on_output=_show, step=step, tail=tail)
        return
    folder = run_folder(session.workspace.state, run)
    chosen = [step] if step is not None else names
    if as_json:
        data = [
            {
                "step": name,
                "path": str(folder.log(name)),
                "bytes": folder.log(name).stat().st_size if folder.log(name).exists() else 0,
            }
            for name in chosen
        ]
        emit(data, "", as_json=True)
        return
    for name in chosen:
        path = folder.log(name)
        start = tail_offset(path, tail) if tail is not None and path.exists() else 0
        for block in blocks(path, start):
            _write(block)


def _show(piece: LogPiece) -> None:
    _write(piece.data)


def _write(data: bytes) -> None:
    if sys.stdout.isatty():
        say(data, nl=False)
    else:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
