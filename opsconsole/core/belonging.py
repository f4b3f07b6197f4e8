"""Whether the operator owns a workspace's state: its files decide which commands run, so another user's is refused.

A clone, an archive or another user can bring ``opsconsole.toml`` and ``.opsconsole/`` with a store and runs of their
making. So each state folder that we make gets a secret of its own, kept a second time where nobody else writes: below the
user's XDG state folder, by the workspace's path. A folder without that secret, or of another owner, is refused, as git
does with ``safe.directory``, until ``opsconsole workspace trust PATH`` takes it on. Standard library only.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from opsconsole.core.errors import NotFoundError, RefusedError, StoreError
from opsconsole.core.files import locked, read_regular, write_atomically

TOML = "opsconsole.toml"
MARK = "owner"
"""The file of a state folder that holds its secret."""
MOST = 4096
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class _Known:
    """What we keep of a workspace, outside of it."""

    secret: str
    owner: int
    """The user it belongs to; another than ourselves only where the operator trusted it."""


def state_home() -> Path:
    """Return the user's folder for what no workspace may bring: ``$XDG_STATE_HOME/opsconsole``."""
    base = os.environ.get("XDG_STATE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state") / "opsconsole"


def is_ours(state: Path) -> bool:
    """Whether a state folder is there and is ours."""
    try:
        return _refusal(state) is None and state.is_dir()
    except OSError:
        return False


def make_ours(state: Path) -> None:
    """Make a workspace's state folder, mode 0700, or see that the one that is there is ours.

    RefusedError for a stranger's, StoreError when it cannot be made. Any number of processes may begin at once.
    """
    if _is_taken(state) and _refusal(state) is None:
        return
    try:
        record = _record_path(state)
        record.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(record.parent / "lock"):
            _require(state)
            if not _is_taken(state):
                state.mkdir(mode=0o700, parents=True, exist_ok=True)
                state.chmod(0o700)
                _take(state, record)
    except OSError as error:
        at = error.filename or state
        raise StoreError(
            f"{at}: {error.strerror}", hint="the workspace's folder and your home must be writable"
        ) from error
    _require(state)


def require_ours(state: Path) -> None:
    """RefusedError unless a state folder that is there is ours; nothing is written.

    StoreError where it cannot be read.
    """
    try:
        _require(state)
    except OSError as error:
        raise StoreError(f"{error.filename or state}: {error.strerror}", hint="it must be readable") from error


def trust(root: Path) -> None:
    """Take a workspace on as the operator's own, whoever made it; NotFoundError where there is none."""
    if not (root / TOML).is_file():
        raise NotFoundError(f"{root}: no {TOML}", hint="name the folder that holds it")
    trust_state(root / ".opsconsole")


def trust_state(state: Path) -> None:
    """Take a state folder on as the operator's own. StoreError where it may not be changed."""
    try:
        record = _record_path(state)
        record.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(record.parent / "lock"):
            state.mkdir(mode=0o700, exist_ok=True)
            if state.stat().st_uid == os.geteuid():
                state.chmod(0o700)
            _take(state, record)
    except OSError as error:
        raise StoreError(f"{error.filename or state}: {error.strerror}", hint="its state cannot be taken on") from error


def _take(state: Path, record: Path) -> None:
    import secrets

    owner = state.stat().st_uid
    secret = secrets.token_hex(16)
    try:
        (state / MARK).unlink(missing_ok=True)
        write_atomically(state / MARK, secret.encode())
    except PermissionError:
        if owner == os.geteuid():
            raise
        secret = _secret_of(state) or ""  # a stranger's folder that the operator trusts, and cannot write
    ownership = {"path": str(state), "secret": secret, "owner": owner}
    write_atomically(record, json.dumps(ownership).encode())


def _require(state: Path) -> None:
    why = _refusal(state)
    if why is not None:
        raise RefusedError(
            f"{state.parent}: {why}",
            hint=f"if you trust all that lies there: opsconsole workspace trust {state.parent}",
        )


def _refusal(state: Path) -> str | None:
    """Return why a workspace is not ours; None when it is, or when it has no state yet and its file is ours."""
    known = _known(state)
    return _refusal_of_file(state.parent / TOML, known) or _refusal_of_folder(state, known)


def _refusal_of_file(path: Path, known: _Known | None) -> str | None:
    file = _stat(path)
    if file is None:
        return None
    if file.st_uid not in {os.geteuid(), 0, *(() if known is None else (known.owner,))}:
        return f"its {TOML} belongs to another user (uid {file.st_uid})"
    return f"everybody may write its {TOML}" if file.st_mode & stat.S_IWOTH else None


def _refusal_of_folder(state: Path, known: _Known | None) -> str | None:
    folder = _stat(state)
    if folder is None:
        return None
    if not stat.S_ISDIR(folder.st_mode):
        return f"its {state.name} is no folder"
    if folder.st_uid != (os.geteuid() if known is None else known.owner):
        return f"its {state.name} belongs to another user (uid {folder.st_uid})"
    if folder.st_uid == os.geteuid() and folder.st_mode & OTHERS_WRITE:
        return f"others may write its {state.name} (chmod 700)"
    if _is_taken(state):
        return None
    if folder.st_uid == os.geteuid() and not any(state.iterdir()):
        return None
    return f"its {state.name} was not made here: a clone, a copy or a move brought it"


def _is_taken(state: Path) -> bool:
    """Whether a state folder holds the secret that we keep of it."""
    known = _known(state)
    return known is not None and state.is_dir() and (_secret_of(state) or "") == known.secret


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _record_path(state: Path) -> Path:
    import hashlib

    place = os.fsencode(state.parent.resolve() / state.name)
    return state_home() / "workspaces" / hashlib.sha256(place).hexdigest()[:32]


def _known(state: Path) -> _Known | None:
    try:
        document = json.loads(read_regular(_record_path(state), limit=MOST))
        return _Known(str(document["secret"]), int(document["owner"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _secret_of(state: Path) -> str | None:
    try:
        return read_regular(state / MARK, limit=MOST).decode("ascii", "replace")
    except OSError:
        return None
