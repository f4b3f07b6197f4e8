"""The command group: global options, commands imported only when they are named, one place where errors end."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TextIO

import click

from opsconsole import __version__
from opsconsole.cli.base import Session, log_failure, report
from opsconsole.config.workspace import locate
from opsconsole.core import faults
from opsconsole.core.errors import ExitCode, InterruptError, OpsconsoleError, UsageError
from opsconsole.store.connection import FILE_NAME as STORE
from opsconsole.store.connection import require_store, translated

COMMANDS = {
    "demo": "demo",
    "init": "init",
    "status": "status",
    "config": "config",
    "doctor": "doctor",
    "repo": "repo",
    "run": "run",
    "plan": "run",
    "runs": "runs",
    "show": "runs",
    "log": "log",
    "tests": "tests",
    "flaky": "tests",
    "history": "tests",
    "compare": "tests",
    "artifacts": "runs",
    "cancel": "run",
    "rerun": "run",
    "bisect": "bisect",
    "pin": "runs",
    "unpin": "runs",
    "model": "model",
    "monitor": "monitor",
    "drift": "monitors",
    "alert": "alert",
    "events": "events",
    "store": "store",
    "workspace": "workspace",
    "help": "help",
    "completion": "completion",
}
"""Each command and the module that holds it."""
STORELESS = frozenset({"completion", "config", "doctor", "help", "store", "workspace"})
"""What still answers where the store is lost."""


class LazyGroup(click.Group):
    """Imports a command's module when the command is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands in the order they are told."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command, imported now; from here on there may be garbage."""
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = getattr(import_module(f"opsconsole.cli.{module}"), f"{cmd_name}_command")
        gc.freeze()
        gc.enable()
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; UsageError, with the nearest name, for one that there is not."""
        import difflib

        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f"did you mean `{near[0]}`?" if near else "opsconsole --help lists the commands"
            raise UsageError(f"there is no command `{name}`", hint=hint)
        if name not in STORELESS and not {"-h", "--help"} & set(args):
            _require_store(ctx)
        return super().resolve_command(ctx, args)


def _require_store(context: click.Context) -> None:
    """Refuse to go on where a store was and is not: also what needs none would only add to what it does not know."""
    root = locate(context.params.get("start"))
    if root is not None:
        require_store(root / ".opsconsole")


@click.command(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-C",
    "start",
    type=click.Path(path_type=Path),
    metavar="WORKSPACE",
    help="The workspace; default: the nearest folder up with an opsconsole.toml.",
)
@click.option("--readonly", is_flag=True, help="Look, and change nothing.")
@click.version_option(__version__, prog_name="opsconsole")
@click.pass_context
def root_command(context: click.Context, start: Path | None, readonly: bool) -> None:
    """Drive software builds and model lifecycles of one machine from one keyboard.

    Without a command it opens the console.
    """
    context.obj = Session(start, readonly=readonly)
    if context.invoked_subcommand is None:
        from opsconsole.cli.console import open_console

        open_console(context.obj)


def run(arguments: list[str] | None = None) -> int:
    """Run one command line; return its exit code. Never a traceback: that goes to the log, whose path is told."""
    arguments = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in arguments
    stdout = sys.stdout
    try:
        _require_text(arguments)
        result = root_command.main(args=arguments, prog_name="opsconsole", standalone_mode=False)
    except OpsconsoleError as error:
        report(error, as_json=as_json)
        return int(error.exit_code)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        report(UsageError(error.format_message(), hint="--help shows how"), as_json=as_json)
        return int(ExitCode.USAGE)
    except (click.Abort, KeyboardInterrupt):
        report(InterruptError("interrupted"), as_json=as_json)
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        return _without_reader(stdout)
    except SystemExit:
        if sys.stdout is stdout:
            raise
        return _without_reader(stdout)  # click met the broken pipe, put a muffler on stdout and gave up
    except Exception as error:  # noqa: BLE001 - the outermost edge: recorded, and told in a sentence
        return failed(error, as_json=as_json)
    return int(result) if isinstance(result, int) else 0


def failed(error: BaseException, *, as_json: bool) -> int:
    """Say what nobody expected; an error of the system that is known says what to do. Return the exit code."""
    known = faults.explained(error) or _of_database(error)
    path = log_failure(error)
    if known is None:
        explained = f"the traceback is in {path}" if path else "and its log could not be written"
        known = OpsconsoleError(f"unexpected failure: {type(error).__name__}: {error}", hint=explained)
    try:
        sys.stdout.flush()
    except OSError:
        _without_reader(sys.stdout)  # what cannot be written now could not at the end of the process either
    report(known, as_json=as_json)
    return int(known.exit_code)


def _of_database(error: BaseException) -> OpsconsoleError | None:
    import sqlite3

    if not isinstance(error, sqlite3.OperationalError | sqlite3.DatabaseError) or isinstance(
        error, sqlite3.IntegrityError | sqlite3.ProgrammingError
    ):
        return None
    root = locate()
    return translated((root or Path()) / ".opsconsole" / STORE, error)


def _require_text(arguments: list[str]) -> None:
    """Refuse what is no text: it could be neither stored nor shown."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            raise UsageError(f"not UTF-8: {argument.encode('utf-8', 'replace').decode()}") from error


def _without_reader(stdout: TextIO) -> int:
    """End in silence when nobody reads on, as under ``| head``: what is still buffered goes nowhere."""
    sys.stdout = stdout
    os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
    return int(ExitCode.OK)
