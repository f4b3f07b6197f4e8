"""The link that consumers read: ``models/<name>/<alias>`` always says what the alias row says.

``sync_link`` is the one function that promotion, rollback and repair call. It reads the row again under its lock, so a
promoter that stalled between its commit and its swap cannot undo a later one.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import StoreError
from opsconsole.core.files import fsync_directory, locked
from opsconsole.registry.versions import ledger
from opsconsole.store import promotions
from opsconsole.store.connection import Store


def sync_link(workspace: Workspace, store: Store, model: str, alias: str) -> int | None:
    """Make an alias's link point to the version its row names; return that version (None: the row is not there).

    StoreError when it cannot: the row stands all the same, and the next command tries again.
    """
    folder = workspace.models / model
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        with locked(folder):
            row = promotions.alias(store, model, alias)
            if row is None:
                return None
            link, target = folder / alias, target_of(row.version)
            if read_link(link) != target:
                require_place(link)
                _swap(folder, link, target)
            return row.version
    except OSError as error:
        raise StoreError(
            f"{folder / alias}: the link cannot be swapped: {(error.strerror or str(error)).lower()}",
            hint="put that right; then any command repairs it",
        ) from error


def _swap(folder: Path, link: Path, target: str) -> None:
    temporary = folder / f".{link.name}.{uuid.uuid4().hex}"
    temporary.symlink_to(target)
    try:
        temporary.replace(link)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    fsync_directory(folder)


def follow_record(workspace: Workspace, store: Store, model: str, alias: str, promotion: int) -> None:
    """Make the link follow a move that was committed; StoreError says what is on record, and that the link is not there yet."""
    try:
        sync_link(workspace, store, model, alias)
    except StoreError as error:
        row = promotions.alias(store, model, alias)
        raise StoreError(
            f"the move is on record (promotion {promotion}: {model}@{alias} is v{row.version if row else '?'}), and the link"
            f" is not swapped yet: {error.message}",
            hint=error.hint,
        ) from error
    unwritten = ledger.record(workspace, store)
    if unwritten:
        raise StoreError(
            f"the move is done (promotion {promotion}), and its record is not written yet: {unwritten[0].message}",
            hint=unwritten[0].hint,
        )


def sync_links(workspace: Workspace, store: Store) -> list[StoreError]:
    """Repair every link that does not say what its row says, cheap when all do; return what could not be repaired."""
    refused: list[StoreError] = []
    for row in promotions.aliases(store):
        if read_link(workspace.models / row.model / row.alias) != target_of(row.version):
            try:
                sync_link(workspace, store, row.model, row.alias)
            except StoreError as error:
                refused.append(error)
    return refused


def require_place(link: Path) -> None:
    """Raise StoreError where something that is not our link stands in its place: it is never overwritten."""
    if link.exists() and not link.is_symlink():
        raise StoreError(
            f"{link}: is a file or folder of someone's, not our link",
            hint="move it away; then any command repairs it",
        )


def target_of(version: int) -> str:
    """Return what the link holds: a path relative to the model's folder."""
    return f"versions/{version}"


def read_link(link: Path) -> str | None:
    """Return what a link holds, or None when there is none."""
    try:
        return os.readlink(link)  # noqa: PTH115 - the text itself, not a Path made of it
    except OSError:
        return None
