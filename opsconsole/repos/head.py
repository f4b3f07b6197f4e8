"""What is checked out, read from the repo's own files: no process, so that every frame may ask. Standard library only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from opsconsole.ground.errors import OpsconsoleError
from opsconsole.ground.files import read_regular
from opsconsole.ground.git import ask

_COMMIT = re.compile(r"[0-9a-f]{40,64}")
MOST = 4096
"""Bytes of a ``HEAD`` or ``.git`` file that are read; git's own are shorter."""


@dataclass(frozen=True)
class Head:
    """A branch by its name, or a commit by itself."""

    branch: str | None
    commit: str | None
    """Known only where HEAD is detached."""


def head_of(repo: Path) -> Head | None:
    """Return what is checked out; None where the repo cannot be read."""
    try:
        said = _first_line(_git_folder(repo) / "HEAD")
    except OSError:
        return None
    word, _, name = said.partition(": ")
    if word == "ref" and name.startswith("refs/heads/") and name != "refs/heads/.invalid":
        return Head(name.removeprefix("refs/heads/"), None)
    if _COMMIT.fullmatch(said):
        return Head(None, said)
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


def _asked(repo: Path) -> Head | None:
    """Ask git, for ways to keep refs that have no such file."""
    try:
        branch = ask(repo, "symbolic-ref", "--quiet", "--short", "HEAD")
        if branch.exit_code == 0:
            return Head(branch.stdout.decode("utf-8", "replace").strip() or None, None)
        commit = ask(repo, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except OpsconsoleError:
        return None
    said = commit.stdout.decode("ascii", "replace").strip()
    return Head(None, said) if _COMMIT.fullmatch(said) else None
