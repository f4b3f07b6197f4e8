"""A repo's history as objects, read with GitPython; imported lazily, every ``Repo`` closed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from opsconsole.ground.errors import NotFoundError
from opsconsole.ground.git import checked_rev, library_environment

if TYPE_CHECKING:
    from git import Repo


@dataclass(frozen=True)
class HistoryEntry:
    """One commit in a list."""

    id: str
    subject: str
    author: str
    committed_at: datetime
    parents: tuple[str, ...]


@dataclass(frozen=True)
class ChangedFile:
    """One file that differs between two commits."""

    path: str
    change: str
    """``A`` added, ``D`` deleted, ``M`` modified, ``R`` renamed, ``T`` its type."""


def commits(repo: Path, rev: str = "HEAD", *, limit: int = 50, skip: int = 0) -> list[HistoryEntry]:
    """Return the commits reachable from ``rev``, newest first."""
    from git.exc import BadName, GitCommandError

    checked_rev(rev)
    with _opened(repo) as opened:
        try:
            return [
                HistoryEntry(
                    id=commit.hexsha,
                    subject=_text(commit.summary),
                    author=_text(commit.author.name or ""),
                    committed_at=commit.committed_datetime,
                    parents=tuple(parent.hexsha for parent in commit.parents),
                )
                for commit in opened.iter_commits(rev, max_count=limit, skip=skip)
            ]
        except (BadName, GitCommandError, ValueError) as error:
            raise NotFoundError(
                f"{repo}: there is no revision {rev!r}", hint="name a branch, a tag or a commit"
            ) from error


def changed_files(repo: Path, old: str, new: str) -> list[ChangedFile]:
    """Return the files that differ between two commits (of the objects, so nothing of the repo's own runs)."""
    from git.exc import BadName

    with _opened(repo) as opened:
        try:
            before, after = opened.commit(checked_rev(old)), opened.commit(checked_rev(new))
        except (BadName, ValueError) as error:
            raise NotFoundError(f"{repo}: there is no revision {old!r} or {new!r}") from error
        found = before.diff(after, no_ext_diff=True, no_textconv=True)
        return sorted(
            (ChangedFile(path=entry.b_path or entry.a_path or "", change=entry.change_type or "M") for entry in found),
            key=lambda entry: entry.path,
        )


@contextmanager
def _opened(path: Path) -> Iterator[Repo]:
    from git import Repo
    from git.exc import InvalidGitRepositoryError, NoSuchPathError

    try:
        repo = Repo(path)
    except (InvalidGitRepositoryError, NoSuchPathError) as error:
        raise NotFoundError(f"{path}: not a git repository", hint="name a folder that `git status` works in") from error
    try:
        repo.git.update_environment(**library_environment())
        yield repo
    finally:
        repo.close()


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
