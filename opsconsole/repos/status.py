"""A repo's status (branch, commit, changes, distance to its upstream), read without running anything of the repo."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from opsconsole.core.errors import OpsconsoleError
from opsconsole.core.git import GitError, Setting, ask, explained, git

UNTRACKED_LIMIT = 16 << 20


@dataclass(frozen=True)
class RepoStatus:
    """One look at a repo."""

    path: Path
    branch: str | None
    """None when HEAD is detached."""
    commit: str | None
    """None when the repo has no commit yet."""
    subject: str
    """As written by whoever committed: text from outside."""
    dirty: bool
    """Something differs from the commit: changed, staged or untracked (not ignored) files."""
    ahead: int | None
    """Commits that the upstream lacks; None without an upstream."""
    behind: int | None
    bare: bool = False
    """It has no work tree: a mirror that runs build from."""


def look(path: Path, *, trusted: bool = False) -> RepoStatus:
    """Return where the repo at ``path`` stands.

    In a repo that was not trusted, its content filters stay off: they are programs its own configuration names.
    NotFoundError when it is no repo, RefusedError when it belongs to another user.
    """
    if is_bare(path):
        return _look_at_bare(path)
    try:
        answer = _status(path, () if trusted else filters_off(path))
    except GitError as error:
        if not trusted:
            raise
        try:
            answer = _status(path, filters_off(path))  # a filter's program may not be here, such as git-lfs
        except OpsconsoleError:
            raise error from None
    heads: dict[str, str] = {}
    dirty = False
    for entry in answer.split(b"\0"):
        if entry.startswith(b"# "):
            key, _, value = entry[2:].decode("utf-8", "replace").partition(" ")
            heads[key] = value
        elif entry:
            dirty = True
    branch, commit = heads.get("branch.head", "(detached)"), heads.get("branch.oid", "(initial)")
    ahead, behind = _distance(heads.get("branch.ab"))
    known = None if commit == "(initial)" else commit
    return RepoStatus(
        path=path,
        branch=None if branch == "(detached)" else branch,
        commit=known,
        subject=subject_of(path, known) if known else "",
        dirty=dirty,
        ahead=ahead,
        behind=behind,
    )


def _status(path: Path, config: tuple[Setting, ...]) -> bytes:
    words = ("--porcelain=v2", "--branch", "-z", "--untracked-files=normal", "--ignore-submodules=dirty")
    return git(path, "status", *words, config=config, limit=UNTRACKED_LIMIT, timeout=60)


def _look_at_bare(path: Path) -> RepoStatus:
    """Return where a repo without a work tree stands: its HEAD is the branch that its origin builds on."""
    head = ask(path, "symbolic-ref", "--quiet", "--short", "HEAD")
    commit = ask(path, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    known = commit.stdout.decode("ascii", "replace").strip() if commit.exit_code == 0 else None
    return RepoStatus(
        path=path,
        branch=head.stdout.decode("utf-8", "replace").strip() or None,
        commit=known,
        subject=subject_of(path, known) if known else "",
        dirty=False,
        ahead=None,
        behind=None,
        bare=True,
    )


def is_bare(path: Path) -> bool:
    """Whether the folder is itself a repo without a work tree; two looks at the disk, no git."""
    return not (path / ".git").exists() and (path / "HEAD").is_file() and (path / "objects").is_dir()


@lru_cache(maxsize=64)
def subject_of(path: Path, commit: str) -> str:
    """Return the first line of a commit's message, as it was written; a commit never changes, so it is asked for once."""
    return (
        git(path, "show", "--no-patch", "--format=%s", "--encoding=UTF-8", commit)
        .decode("utf-8", "replace")
        .strip("\n")
    )


def filters_off(path: Path) -> tuple[Setting, ...]:
    """Return the settings that switch off every content filter the repo's configuration names."""
    answer = ask(
        path, "config", "--null", "--name-only", "--get-regexp", r"^filter\..*\.(clean|smudge|process|required)$"
    )
    if answer.exit_code == 1:
        return ()
    if answer.exit_code != 0:
        raise explained(path, ("config",), answer, timeout=30)
    named = {key.rpartition(".")[0] for key in os.fsdecode(answer.stdout).split("\0") if key}
    off = (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false"))
    return tuple((f"{driver}.{key}", value) for driver in sorted(named) for key, value in off)


def is_repo(path: Path) -> bool:
    """Whether ``path`` is the top of a work tree, or a bare repo, that git can read."""
    if not (path / ".git").exists() and not is_bare(path):
        return False
    try:
        return ask(path, "rev-parse", "--git-dir").exit_code == 0
    except OpsconsoleError:
        return False


def top_level(path: Path) -> Path:
    """Return the top folder of the work tree that holds ``path``; a bare repo is its own top."""
    if is_bare(path):
        return path
    return Path(os.fsdecode(git(path, "rev-parse", "--show-toplevel").rstrip(b"\n")))


def common_folder(path: Path) -> Path:
    """Return the folder that all work trees of the repo share (``.git`` of the first one)."""
    folder = Path(os.fsdecode(git(path, "rev-parse", "--git-common-dir").rstrip(b"\n")))
    return (path / folder).resolve()


def _distance(text: str | None) -> tuple[int | None, int | None]:
    match = re.fullmatch(r"\+(\d+) -(\d+)", text or "")
    return (int(match[1]), int(match[2])) if match else (None, None)
