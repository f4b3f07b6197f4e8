"""The records beside a model's versions: ``models/NAME/.history/`` holds one file for each version and each move.

They are derived from the store, written after each commit and at every start, never changed and never deleted: a store
that is lost is made anew from them. Small files, one a record, so that a crash costs at most the newest, which the next
start writes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

from opsconsole.config.workspace import Workspace
from opsconsole.core import clock
from opsconsole.core.errors import OpsconsoleError, StoreError
from opsconsole.core.files import fsync_directory, read_regular, write_atomically
from opsconsole.store.beside import HISTORY, model_folders, run_numbers, version_numbers
from opsconsole.store.connection import Store
from opsconsole.store.recovery import records
from opsconsole.store.recovery.records import Record, Row

FORMAT = 1
MOST = 64 << 20
"""Bytes of one record, at most."""
MARK = "recorded.json"
"""How far the records of a workspace go, so that a start which has nothing to write looks at no folder."""
BUDGET_S = 2.0
"""How long one start may write: a workspace of an older program may have a hundred thousand versions."""


def record(workspace: Workspace, store: Store, *, everything: bool = False) -> list[OpsconsoleError]:
    """Write the records that are not there yet; return what could not be written, which the next start tries again.

    ``everything`` looks at each, also at those that were written once; else only at what is new, which costs two
    look-ups when nothing is.
    """
    mark = _Mark.read(workspace.state) if not everything else _Mark()
    if records.newest(store) == (mark.versions, mark.moves):
        return []
    deadline = None if everything else time.monotonic() + BUDGET_S
    try:
        _write_new(workspace, store, mark, deadline)
    except OSError as error:
        message = (error.strerror or str(error)).lower()
        return [
            StoreError(
                f"{error.filename or workspace.models}: the record of a version or a move cannot be written: {message}",
                hint="put that right; then any command writes it. The store has it",
            )
        ]
    return []


def _write_new(workspace: Workspace, store: Store, mark: _Mark, deadline: float | None) -> None:
    touched: set[Path] = set()
    try:
        for number, model, version in records.versions_after(store, mark.versions):
            document = {"format": FORMAT, **records.version_record(store, model, version)}
            touched.add(_put(workspace, model, _version_name(version), document))
            mark.versions = number
            if deadline is not None and time.monotonic() > deadline:
                return
        for row in records.moves_after(store, mark.moves):
            name = f"move-{row['alias']}-{row['revision']:06d}.json"
            touched.add(_put(workspace, row["model"], name, {"format": FORMAT, "move": row}))
            mark.moves = row["id"]
            if deadline is not None and time.monotonic() > deadline:
                return
    finally:
        for folder in touched:
            fsync_directory(folder)
        mark.write(workspace.state)


def _put(workspace: Workspace, model: str, name: str, document: Record) -> Path:
    """Write one record where it is not yet; what lies there already is never replaced."""
    folder = workspace.models / model / HISTORY
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        folder.mkdir(exist_ok=True, mode=0o700)
        folder.chmod(0o700)
    data = json.dumps(document, ensure_ascii=False, sort_keys=True).encode()
    path, again = folder / name, 1
    while path.exists():
        if path.stat().st_size == len(data) and path.read_bytes() == data:
            return folder
        again += 1
        path = folder / f"{name.removesuffix('.json')}.{again}.json"
    write_atomically(path, data, durable=len(data) > 0 and _is_fresh(document))
    return folder


def _is_fresh(document: Record) -> bool:
    """Whether a record tells of what happened just now; the many of an older program need not each be synced."""
    at = document["move"]["at"] if "move" in document else document["version"]["created_at"]
    return (clock.now() - clock.from_text(at)).total_seconds() < 60


def strangers(workspace: Workspace, store: Store) -> list[str]:
    """Say what lies beside the store that it knows nothing of, and what has no record; none of it is in anybody's way."""
    names: list[str] = []
    for folder in model_folders(workspace.state):
        known = records.known_versions(store, folder.name)
        names += [
            f"{folder.name}: versions/{number} belongs to no version: a registration was cut short, or the store is older"
            for number in version_numbers(folder)
            if number not in known
        ]
        lacking = sum(not has_version(workspace, folder.name, number) for number in known)
        names += [f"{folder.name}: {lacking} versions have no record yet; any command writes them"] * (lacking > 0)
    numbers = set(run_numbers(workspace.state))
    unborn = sorted(numbers - records.known_runs(store, numbers))
    names += [
        f"runs/{number} belongs to no run: a start was cut short, or the store is older" for number in unborn[:20]
    ]
    return names


def has_version(workspace: Workspace, model: str, number: int) -> bool:
    """Whether a version was ever recorded, whatever the store says."""
    return (workspace.models / model / HISTORY / _version_name(number)).exists()


def version_records(folder: Path) -> Iterator[tuple[int, Record | None]]:
    """Yield the recorded versions of a model's folder, by number; None for a record that cannot be read."""
    for path in sorted((folder / HISTORY).glob("version-??????*.json")):
        number = path.name.removeprefix("version-").split(".")[0]
        if number.isdecimal():
            document = _read(path)
            version = document.get("version") if document is not None else None
            named = isinstance(version, dict) and (version.get("model"), version.get("version")) == (
                folder.name,
                int(number),
            )
            yield int(number), document if named else None


def move_records(folder: Path) -> Iterator[Row | str]:
    """Yield the recorded moves of a model's folder; the name of a record that cannot be read in its place."""
    for path in sorted((folder / HISTORY).glob("move-*.json")):
        document = _read(path)
        row = document.get("move") if document is not None else None
        good = isinstance(row, dict) and row.get("model") == folder.name and isinstance(row.get("id"), int)
        yield row if good and isinstance(row, dict) else path.name


def _read(path: Path) -> Record | None:
    try:
        document = json.loads(read_regular(path, limit=MOST))
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) and document.get("format") == FORMAT else None


def _version_name(number: int) -> str:
    return f"version-{number:06d}.json"


class _Mark:
    """The newest version and move that were recorded, by the ids of their rows."""

    def __init__(self, versions: int = 0, moves: int = 0) -> None:
        self.versions, self.moves = versions, moves

    @classmethod
    def read(cls, state: Path) -> _Mark:
        try:
            document = json.loads(read_regular(state / MARK, limit=4096))
            return cls(int(document["versions"]), int(document["moves"]))
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    def write(self, state: Path) -> None:
        document = {"versions": self.versions, "moves": self.moves}
        write_atomically(state / MARK, json.dumps(document).encode(), durable=False)
