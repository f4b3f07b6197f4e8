"""What is checked out, read from the repo's own files: no process, so that every frame may ask. Standard library only."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from opsconsole.core.errors import OpsconsoleError
from opsconsole.core.files import read_regular
from opsconsole.core.git import ask

_COMMIT = re.compile(r"[0-9a-f]{40,64}")
PACKED = 32 << 20
"""Bytes of packed refs that are read: some 400,000 refs."""
MOST = 4096
"""Bytes of a ``HEAD`` or ``.git`` file that are read; git's own are shorter."""


@dataclass(frozen=True)
class Head:
    """A branch by its name, or a commit by itself."""

    branch: str | None
    commit: str | None
    """What it points to; None where there is no commit yet, or where git keeps its refs in no file of their own."""


def head_of(repo: Path) -> Head | None:
    """Return what is checked out; None where the repo cannot be read."""
    try:
        folder = _git_folder(repo)
        content = _first_line(folder / "HEAD")
    except OSError:
        return None
    word, _, name = content.partition(": ")
    if word == "ref" and name.startswith("refs/heads/") and name != "refs/heads/.invalid":
        return Head(name.removeprefix("refs/heads/"), _tip(folder, name))
    if _COMMIT.fullmatch(content):
        return Head(None, content)
    return _asked(repo)


def _git_folder(repo: Path) -> Path:
    own = repo / ".git"
    if own.is_dir():
        return own
    if own.is_file():  # a linked work tree, a submodule
        return repo / _first_line(own).removeprefix("gitdir: ")
    return repo


def _first_line(path: Path) -> str:
    return read_regular(path, limit=MOST).partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r")


def _tip(folder: Path, ref: str) -> str | None:
    """Return the commit of a ref: of its own file, else of the file that git packs refs into."""
    shared = folder
    with suppress(OSError):
        shared = folder / _first_line(folder / "commondir")
    with suppress(OSError):
        content = _first_line(shared / ref)
        return content if _COMMIT.fullmatch(content) else None
    with suppress(OSError):
        packed = read_regular(shared / "packed-refs", limit=PACKED).decode("utf-8", "replace")
        entry = next((line for line in packed.splitlines() if line.endswith(f" {ref}")), "")
        return entry.partition(" ")[0] if _COMMIT.fullmatch(entry.partition(" ")[0]) else None
    return None


def _asked(repo: Path) -> Head | None:
    """Ask git, for ways to keep refs that have no such file."""
    try:
        branch = ask(repo, "symbolic-ref", "--quiet", "--short", "HEAD")
        if branch.exit_code == 0:
            return Head(branch.stdout.decode("utf-8", "replace").strip() or None, None)
        commit = ask(repo, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except OpsconsoleError:
        return None
    digest = commit.stdout.decode("ascii", "replace").strip()
    return Head(None, digest) if _COMMIT.fullmatch(digest) else None
