"""A daily copy of the store, kept beside it: what a damaged or lost store is restored from."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from opsconsole.core import clock
from opsconsole.core.errors import ConflictError, StoreError
from opsconsole.core.files import try_lock
from opsconsole.store import events, maintenance
from opsconsole.store.beside import BACKUPS
from opsconsole.store.connection import Store

SMALL = 64 << 20
"""Bytes of a store that a command copies at its start, in some tens of milliseconds; a larger one waits for a run's end."""
SPARE = 256 << 20
"""Bytes that stay free on the disk: a copy is never what fills it."""


def is_due(state: Path) -> bool:
    """Whether there is no copy of today yet; one look, for every command's start."""
    return not os.path.lexists(_today(state))


def keep_daily(store: Store, kept: int, *, most: int | None = None) -> Path | None:
    """Make today's copy and let the oldest beyond ``kept`` go; return it, or None when none was made.

    None is made of a store larger than ``most``, of one in which nothing ever happened, where the disk has no room to
    spare, and while another process makes it. StoreError when the store is damaged: then the older copies stay.
    """
    state = store.path.parent
    if kept < 1 or not is_due(state) or events.count(store) == 0:
        return None
    size = maintenance.size_of(store.path)
    if (most is not None and size > most) or shutil.disk_usage(state).free < size + SPARE:
        return None
    folder = state / BACKUPS
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    lock = try_lock(folder / "lock")
    if lock is None:
        return None
    try:
        maintenance.backup(store, _today(state))
        _rotate(folder, kept)
    except ConflictError:
        return None  # another process was first
    finally:
        os.close(lock)
    return _today(state)


def settle_daily(store: Store, kept: int, *, most: int | None = None) -> list[StoreError]:
    """Make today's copy if it is due; return what the operator must know of: that there is none for want of room is not it."""
    try:
        keep_daily(store, kept, most=most)
    except maintenance.DamagedError as error:
        return [error]
    except (StoreError, OSError):
        return []  # the disk is full or may not be written: whatever needs it says so
    return []


def _rotate(folder: Path, kept: int) -> None:
    copies = sorted(path for path in folder.glob("store.????-??-??.db"))
    for path in copies[:-kept]:
        path.unlink(missing_ok=True)


def _today(state: Path) -> Path:
    return state / BACKUPS / f"store.{clock.now():%Y-%m-%d}.db"
