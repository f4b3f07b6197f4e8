"""What every verb shares: the session, ``--json``, errors with their exit codes, tables that read well in a terminal."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar, cast

import click
import msgspec

from opsconsole.config.workspace import Workspace, find, locate, open_workspace
from opsconsole.core import clock, text
from opsconsole.core.belonging import is_ours, state_home
from opsconsole.core.errors import ConfirmationError, NotFoundError, OpsconsoleError, UsageError
from opsconsole.lifecycle.usecases import permit
from opsconsole.store.connection import Store, open_store

F = TypeVar("F", bound=Callable[..., Any])


class Session:
    """One invocation: which workspace, whether it may write, and its store, opened when first needed."""

    def __init__(self, start: Path | None, *, readonly: bool) -> None:
        self.start = start
        self.readonly = readonly

    @cached_property
    def workspace(self) -> Workspace:
        """The workspace that ``-C``, the environment or the current folder names.

        NotFoundError where none of them has one.
        """
        if self.start is None:
            return find()
        root = locate(self.start)
        if root is None:
            raise NotFoundError(
                f"no opsconsole.toml in {self.start.resolve()} or above", hint="opsconsole init DIR makes a workspace"
            )
        return open_workspace(root)

    @cached_property
    def store(self) -> Store:
        """The workspace's store; a read-write session first puts right what a dead process left."""
        from opsconsole.lifecycle.startup_repair import settle

        workspace = self.workspace
        store = open_store(workspace.state, readonly=self.readonly)
        click.get_current_context().call_on_close(store.close)
        if not self.readonly:
            for problem in settle(workspace, store):
                report(problem, as_json=False)
        return store

    def permit(self, use_case: str) -> None:
        """Refuse the act in a read-only session."""
        permit(use_case, readonly=self.readonly)


pass_session = click.make_pass_decorator(Session)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask for the name to be typed.")


def emit(data: object, human: Iterable[str] | str, *, as_json: bool) -> None:
    """Print the answer: one JSON document, or the human lines."""
    if as_json:
        sys.stdout.buffer.write(encode(data) + b"\n")
        sys.stdout.buffer.flush()
        return
    for line in [human] if isinstance(human, str) else human:
        say(line)


def say(line: str | bytes, *, err: bool = False, nl: bool = True) -> None:
    """Print a line or several: the one door to the terminal, so that no name from outside passes without the sanitiser."""
    click.echo(text.clean_lines(line), err=err, nl=nl)


def encode(data: object) -> bytes:
    """Return JSON: ISO times in UTC, enums by value, what is not finite as null.

    Controls that JSON allows as they are, and marks that turn the direction of text, are written as numbers.
    """
    plain = msgspec.json.format(msgspec.json.encode(data, enc_hook=_plain), indent=2 if sys.stdout.isatty() else 0)
    if plain.isascii():
        return plain
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", plain.decode()).encode()


_UNSEEN = re.compile("[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return int(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[int] = ()) -> list[str]:
    """Return an aligned table; columns in ``right`` are right-aligned. Cells pass the sanitiser."""
    cells = [[text.clean(str(cell)) for cell in row] for row in rows]
    head = [text.clean(title) for title in head]
    widths = [max(text.width(row[index]) for row in [head, *cells]) for index in range(len(head))]

    def line(row: Sequence[str]) -> str:
        padded = (
            " " * (widths[index] - text.width(cell)) + cell
            if index in right
            else cell + " " * (widths[index] - text.width(cell))
            for index, cell in enumerate(row)
        )
        return "  ".join(padded).rstrip()

    return [line(head), *(line(row) for row in cells)]


def write_csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows as CSV: raw for a program, through the sanitiser for a terminal."""
    import csv
    import io

    for row in chain((head,), rows):
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(row)
        if sys.stdout.isatty():
            say(line.getvalue())
        else:
            sys.stdout.write(line.getvalue() + "\n")


def moment(option: str, given: str) -> datetime:
    """Read the time that an option was given; UsageError when it is none."""
    try:
        return clock.from_text(given)
    except ValueError as error:
        raise UsageError(f"{option}: {given!r} is no time", hint="2026-11-24 or 2026-11-24T08:00:00Z") from error


def confirm(name: str, what: str, *, yes: bool) -> None:
    """Ask for the name to be typed before an act on production; without a terminal ``--yes`` is needed.

    RefusedError without either, or for another name.
    """
    from opsconsole.core.errors import RefusedError

    if yes:
        return
    if not sys.stdin.isatty():
        raise RefusedError(f"{what} needs a confirmation, and there is no terminal to ask on", hint="add --yes")
    typed = click.prompt(f"{what}. Type {name} to go on", default="", show_default=False, err=True)
    if typed.strip() != name:
        raise RefusedError("not confirmed; nothing was done")


def report(error: OpsconsoleError, *, as_json: bool) -> None:
    """Say what is wrong, where, and what to do next."""
    if as_json:
        document: dict[str, Any] = {"code": error.code, "message": error.message, "hint": error.hint}
        if isinstance(error, ConfirmationError) and error.asks:
            document["asks"] = error.asks
        sys.stdout.buffer.write(encode({"error": document}) + b"\n")
        sys.stdout.buffer.flush()
    say(f"opsconsole: {error.message}", err=True)
    if error.hint:
        say(f"  {error.hint}", err=True)


def log_path() -> Path:
    """Return where tracebacks go: the workspace's log when there is one, else the user's state folder."""
    root = locate()
    if root is not None and is_ours(root / ".opsconsole"):
        return root / ".opsconsole" / "opsconsole.log"
    return state_home() / "opsconsole.log"


def log_failure(error: BaseException) -> Path | None:
    """Write a traceback to the log; return the log's path, or None when it cannot be written."""
    import logging

    logging.raiseExceptions = False  # a disk that is full is told once, by what failed of it
    path = log_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError:
        return None
    logger = logging.getLogger("opsconsole.failure")
    logger.propagate = False
    logger.addHandler(handler)
    logger.error("unexpected failure", exc_info=error)
    logger.removeHandler(handler)
    handler.close()
    return path


def as_dict(record: object) -> dict[str, Any]:
    """Return a record's fields as the JSON they become."""
    return cast("dict[str, Any]", msgspec.to_builtins(record, enc_hook=_plain))
