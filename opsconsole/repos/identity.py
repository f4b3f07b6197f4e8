"""A repo's identity, whatever its path or name: its first commit and its origin.

Trust binds to this. Another repo put at the path, or another URL under the name, is another repo.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from opsconsole.core.git import ask
from opsconsole.store.repos import RepoRecord

WALK_S = 60.0
"""Seconds to walk back to the first commit."""


@dataclass(frozen=True)
class RepoIdentity:
    """What a repo is known again by."""

    root: str | None
    """Its first commit (the oldest of several; of a shallow clone the last it has); None while there is none."""
    origin: str | None
    """The URL of its remote ``origin``."""


def identity_of(repo: Path) -> RepoIdentity:
    """Return who the repo at a path is."""
    roots = ask(repo, "rev-list", "--max-parents=0", "HEAD", timeout=WALK_S)
    commits = roots.stdout.decode("ascii", "replace").split() if roots.exit_code == 0 else []
    return RepoIdentity(commits[-1] if commits else None, _origin(repo))


def is_same(repo: Path, known: RepoIdentity) -> bool:
    """Whether the repo at a path is the one that is known; one that had no commit then is known by its origin alone."""
    if _origin(repo) != known.origin:
        return False
    if known.root is None:
        return True
    return ask(repo, "cat-file", "-e", f"{known.root}^{{commit}}").exit_code == 0


def is_still(record: RepoRecord, repo: Path) -> bool:
    """Whether the repo at a path is the one that trust was given to.

    Trust of an older program, or from before the first commit, is bound to none yet: that is done when it runs.
    """
    known = RepoIdentity(record.root, record.origin)
    return known == RepoIdentity(None, None) or is_same(repo, known)


def _origin(repo: Path) -> str | None:
    answer = ask(repo, "config", "--local", "--get", "remote.origin.url")
    return answer.stdout.decode("utf-8", "replace").strip() or None if answer.exit_code == 0 else None
