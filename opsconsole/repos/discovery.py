"""Finding the repos below a folder, and noticing cheaply that one of them moved."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from opsconsole.repos.status import is_bare

PASSED_OVER = frozenset({"node_modules", "site-packages", "__pycache__", "build", "dist", "target", "vendor"})
FOLDERS_LIMIT = 20_000
REFS_LIMIT = 4_096


def discover(folder: Path, *, depth: int = 4) -> list[Path]:
    """Return the repos at and below ``folder``, at most ``depth`` levels down, in order of their paths.

    Hidden folders, dependency folders and what lies inside a found repo are passed over; links are not followed.
    """
    repos: list[Path] = []
    waiting = [(folder, 0)]
    seen = 0
    while waiting and seen < FOLDERS_LIMIT:
        here, level = waiting.pop()
        seen += 1
        if (here / ".git").exists() or is_bare(here):
            repos.append(here)
        elif level < depth:
            waiting += [(child, level + 1) for child in _folders(here)]
    return sorted(repos)


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [
                Path(entry.path)
                for entry in entries
                if not entry.name.startswith(".")
                and entry.name not in PASSED_OVER
                and entry.is_dir(follow_symlinks=False)
            ]
    except OSError:
        return []


def fingerprint(path: Path) -> str:
    """Return a text that changes when HEAD, index or any ref of the repo changes; no git is run.

    For polling: about ten ``stat`` calls for a small repo. A file edited in the work tree does not show in it.
    """
    own = _git_folder(path)
    if own is None:
        return "none"
    shared = _shared_folder(own)
    hasher = hashlib.sha256()
    for name in (own / "HEAD", own / "index", shared / "packed-refs", shared / "FETCH_HEAD"):
        hasher.update(_stamp(name))
    for count, name in enumerate(_files_below(shared / "refs")):
        hasher.update(os.fsencode(name) + _stamp(name))
        if count >= REFS_LIMIT:
            break
    return hasher.hexdigest()[:32]


def _git_folder(path: Path) -> Path | None:
    dot_git = path / ".git"
    if is_bare(path):
        return path
    try:
        if dot_git.is_dir():
            return dot_git
        link = dot_git.read_text(encoding="utf-8", errors="surrogateescape").strip()
    except OSError:
        return None
    return path / link.removeprefix("gitdir:").strip() if link.startswith("gitdir:") else None


def _shared_folder(own: Path) -> Path:
    try:
        return own / (own / "commondir").read_text(encoding="utf-8", errors="surrogateescape").strip()
    except OSError:
        return own


def _files_below(folder: Path) -> list[Path]:
    relative = []
    for here, folders, files in os.walk(folder):
        folders.sort()
        relative += [Path(here, name) for name in sorted(files)]
        if len(relative) > REFS_LIMIT:
            break
    return relative


def _stamp(path: Path) -> bytes:
    try:
        stat = path.stat()
    except OSError:
        return b"-"
    return f"{stat.st_mtime_ns}:{stat.st_size}:{stat.st_ino}".encode()
