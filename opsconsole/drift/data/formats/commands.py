"""The output of a command as rows, CSV or JSON lines, kept in an unnamed temporary file.

Such a file outlives neither the process nor a crash: the kernel frees it with its last descriptor.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

from opsconsole.core import text
from opsconsole.core.errors import NotFoundError
from opsconsole.core.files import digest_file
from opsconsole.core.process import capture
from opsconsole.drift.data.errors import DataError, shown
from opsconsole.drift.data.files import DataFile, Reader, Spelled, described
from opsconsole.drift.data.formats.csvs import open_csv
from opsconsole.drift.data.formats.encodings import encoding_of, head_of
from opsconsole.drift.data.formats.jsons import open_json
from opsconsole.drift.data.spools import Spool, where_to_make_room

COMMAND = "command:"
COMMAND_S = 900.0
"""A query that takes longer does not end."""
PRINTED_BYTES = 64 << 30
"""A command that never stops printing is ended before it fills a large disk."""


class SpooledReader:
    """A reader that keeps its file alive."""

    def __init__(self, spool: Spool, reader: Reader) -> None:
        self._spool = spool
        self._reader = reader
        self.schema = reader.schema
        self.rows = reader.rows
        self.notes = reader.notes
        self.typed = bool(getattr(reader, "typed", True))
        self.batches = reader.batches

    def as_text(self, names: Iterable[str], *, keys: bool = False) -> SpooledReader:
        """Return a reader of the same file that gives some columns as they are spelled."""
        assert isinstance(self._reader, Spelled)
        return SpooledReader(self._spool, self._reader.as_text(names, keys=keys))

    def as_flags(self, names: Iterable[str]) -> SpooledReader:
        """Return a reader of the same file that gives columns of 1 and 0 as true and false."""
        assert isinstance(self._reader, Spelled)
        return SpooledReader(self._spool, self._reader.as_flags(names))


def open_command(location: str, base: Path) -> DataFile:
    """Run ``command:PROGRAM ARGUMENTS`` in ``base``, without a shell, and read what it prints.

    DataError for an open quote, no program, or no output.
    """
    name = text.clean(location, limit=120)
    try:
        argv = shlex.split(location.removeprefix(COMMAND))
    except ValueError as error:
        raise DataError(f"{name}: {error}", hint="close the quote") from error
    if not argv:
        raise DataError(f"{name}: which command?", hint=f"write {COMMAND}PROGRAM ARGUMENTS")
    spool = Spool()
    _run(name, argv, base, spool)
    first = _first_character(spool.path, name)
    if not first:
        raise DataError(f"{name}: printed nothing", hint="run it by hand; it must print a header line or JSON objects")
    reader: Reader = open_json(spool.path, name) if first == "{" else open_csv(spool.path, name, ",")
    return described(spool.path, name, SpooledReader(spool, reader), known_by=digest_file(spool.path))


def _run(name: str, argv: list[str], base: Path, spool: Spool) -> None:
    try:
        with open(spool.descriptor, "wb", closefd=False) as file:
            done = capture(argv, cwd=base, timeout=COMMAND_S, limit=PRINTED_BYTES, into=file)
    except NotFoundError as error:
        raise DataError(f"{name}: {error.message}", hint=error.hint) from error
    except OSError as error:
        raise DataError(
            f"{name}: what it prints cannot be kept: {error.strerror}",
            hint=where_to_make_room(),
        ) from error
    if done.timed_out:
        raise DataError(f"{name}: did not end within {COMMAND_S:g} s and was stopped", hint="ask it for fewer rows")
    if done.truncated:
        raise DataError(f"{name}: printed more than can be kept and was stopped", hint="ask it for fewer rows")
    if done.exit_code:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        complaint = text.clean(lines[-1], limit=200) if lines else "it said nothing on stderr"
        how = f"exit {done.exit_code}" if done.exit_code > 0 else f"ended by signal {-done.exit_code}"
        raise DataError(f"{name}: failed ({how}): {complaint}", hint=f"run it by hand: {shown(argv[0])} …")


def _first_character(path: Path, name: str) -> str:
    """Return the first character that is no blank, whatever the encoding."""
    head = head_of(path, name)
    return head.decode(encoding_of(head), errors="replace").removeprefix("\ufeff").lstrip()[:1]
