"""A repo's history as objects, read with GitPython; imported lazily, every ``Repo`` closed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from opsconsole.core.errors import NotFoundError
from opsconsole.core.git import ask, checked_rev, explained, git, library_environment
from opsconsole.core.process import MEBIBYTE

if TYPE_CHECKING:
    from git import Repo

_FIRST, _LAST = -62_135_596_800 + 86_400, 253_402_300_799 - 86_400
"""Seconds of the calendar's first and last days, a day within, so that every time zone can show them."""
DIFF_LIMIT = 8 * MEBIBYTE


@dataclass(frozen=True)
class HistoryEntry:
    """One commit in a list."""

    id: str
    subject: str
    author: str
    committed_at: datetime
    parents: tuple[str, ...]


@dataclass(frozen=True)
class Ref:
    """A branch or a tag."""

    name: str
    commit: str
    at: datetime


@dataclass(frozen=True)
class ChangedFile:
    """One file that differs between two commits."""

    path: str
    change: str
    """``A`` added, ``D`` deleted, ``M`` modified, ``R`` renamed, ``T`` its type."""


def moment(seconds: int) -> datetime:
    """Return a moment from what a commit says of it; one past what a calendar holds is the nearest that it holds."""
    return datetime.fromtimestamp(min(max(seconds, _FIRST), _LAST), UTC)


def commits(
    repo: Path, rev: str = "HEAD", *, since: str | None = None, limit: int = 50, skip: int = 0
) -> list[HistoryEntry]:
    """Return the commits reachable from ``rev`` and not from ``since``, newest first.

    NotFoundError for an unknown one.
    """
    from git.exc import BadName, GitCommandError

    checked_rev(rev)
    span = rev if since is None else f"{checked_rev(since)}..{rev}"
    if _is_sha256(repo):
        return _logged(repo, span, limit=limit, skip=skip)
    with _opened(repo) as opened:
        try:
            return [
                HistoryEntry(
                    id=commit.hexsha,
                    subject=_text(commit.summary),
                    author=_text(commit.author.name or ""),
                    committed_at=moment(commit.committed_date),
                    parents=tuple(parent.hexsha for parent in commit.parents),
                )
                for commit in opened.iter_commits(span, max_count=limit, skip=skip)
            ]
        except (BadName, GitCommandError) as error:
            raise NotFoundError(
                f"{repo}: there is no revision {rev!r}", hint="name a branch, a tag or a commit"
            ) from error
        except (ValueError, OverflowError, LookupError, OSError):  # a commit written as the library does not know it
            return _logged(repo, span, limit=limit, skip=skip)


def changed_files(repo: Path, old: str, new: str) -> list[ChangedFile]:
    """Return the files that differ between two commits (of the objects, so nothing of the repo's own runs).

    NotFoundError for an unknown one.
    """
    from git.exc import BadName

    if _is_sha256(repo):
        return _changed_by_name(repo, checked_rev(old), checked_rev(new))
    with _opened(repo) as opened:
        try:
            before, after = opened.commit(checked_rev(old)), opened.commit(checked_rev(new))
        except (BadName, ValueError) as error:
            raise NotFoundError(f"{repo}: there is no revision {old!r} or {new!r}") from error
        changes = before.diff(after, no_ext_diff=True, no_textconv=True)
        return sorted(
            (
                ChangedFile(path=entry.b_path or entry.a_path or "", change=entry.change_type or "M")
                for entry in changes
            ),
            key=lambda entry: entry.path,
        )


def refs(repo: Path, kind: str, *, limit: int = 500) -> list[Ref]:
    """Return branches (``heads``) or ``tags``, the newest first, with the commit that each is at."""
    form = "%(refname:short)%00%(objectname)%00%(*objectname)%00%(creatordate:unix)"
    answer = git(repo, "for-each-ref", f"--format={form}", "--sort=-creatordate", f"--count={limit}", f"refs/{kind}")
    listed = []
    for line in answer.decode("utf-8", "replace").split("\n")[:-1]:
        name, commit, peeled, at = line.split("\0")
        listed.append(Ref(name, peeled or commit, moment(int(at or 0))))
    return listed


def worktrees_of(repo: Path) -> list[str]:
    """Return the folders of the repo's other work trees."""
    lines = git(repo, "worktree", "list", "--porcelain", "-z").split(b"\0")
    return [os.fsdecode(line.removeprefix(b"worktree ")) for line in lines if line.startswith(b"worktree ")][1:]


def difference(repo: Path, old: str, new: str, *, limit: int = DIFF_LIMIT) -> bytes:
    """Return what changed between two commits as a patch, cut at ``limit`` bytes; nothing that the repo names is run."""
    words = ("diff", "--no-color", "--stat=120", "--patch", checked_rev(old), checked_rev(new), "--")
    answer = ask(repo, *words, limit=limit)
    if answer.exit_code not in {0, -9} and not answer.truncated:
        raise explained(repo, words[:1], answer, timeout=30)
    return answer.stdout


def _is_sha256(repo: Path) -> bool:
    """Whether the repo names its objects by SHA-256, which GitPython cannot read."""
    answer = ask(repo, "rev-parse", "--show-object-format")
    return answer.stdout.strip() == b"sha256"


def _changed_by_name(repo: Path, old: str, new: str) -> list[ChangedFile]:
    words = git(repo, "diff-tree", "-r", "-z", "--name-status", "--no-renames", old, new).split(b"\0")
    pairs = zip(words[::2], words[1::2], strict=False)
    return [ChangedFile(path=os.fsdecode(path), change=change.decode("ascii")) for change, path in pairs if path]


def _logged(repo: Path, span: str, *, limit: int, skip: int) -> list[HistoryEntry]:
    form = "%H%x00%s%x00%an%x00%ct%x00%P"
    words = ("log", f"--format={form}", "--encoding=UTF-8", f"--max-count={limit}", f"--skip={skip}", span, "--")
    entries = []
    for line in git(repo, *words).decode("utf-8", "replace").split("\n")[:-1]:
        commit, subject, author, at, parents = line.split("\0")
        entries.append(HistoryEntry(commit, subject, author, moment(int(at or 0)), tuple(parents.split())))
    return entries


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
