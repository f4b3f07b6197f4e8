"""Cloning a repo from its URL: bare, because every run has a work tree of its own and nobody edits here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from opsconsole.core.errors import ConflictError, StoreError, UsageError
from opsconsole.core.git import ask, git
from opsconsole.repos.worktrees import remove_tree

CLONE_S = 3600.0
_URL = re.compile(r"(https?|ssh|git|file)://\S+|[\w.-]+@[\w.-]+:\S+")
_PASSWORD = re.compile(r"\w+://[^/@\s]*:[^/@\s]+@")
REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
"""A fetch makes our branches what theirs are: this is a mirror to build from."""


@dataclass(frozen=True)
class Source:
    """Where a repo comes from."""

    url: str
    depth: int | None = None
    """Commits of each branch that are fetched; None: all."""


def is_url(text: str) -> bool:
    """Whether a text names a repo on another machine, or a file URL, rather than a folder."""
    return _URL.fullmatch(text) is not None


def require_no_password(url: str) -> None:
    """Raise UsageError for a URL with a password, without repeating it."""
    if _PASSWORD.match(url):
        raise UsageError(
            f"{url.rpartition('@')[2]}: a password in a URL would stand in opsconsole.toml and in the audit trail",
            hint="leave it out: git asks its credential helper, or use ssh",
        )


def name_of(url: str) -> str:
    """Return the name that a repo's URL suggests."""
    last = re.split(r"[/:]", url.rstrip("/"))[-1].removesuffix(".git")
    return re.sub(r"[^A-Za-z0-9._-]+", "-", last).strip("-._") or "repo"


def clone(source: Source, target: Path) -> None:
    """Clone into a folder that is not there yet; a clone that is cut off leaves nothing.

    Nothing of the repo is checked out or run. UnreachableError when the other side does not answer or wants a password.
    UsageError for no URL, ConflictError for a folder that is there, StoreError for one that cannot be made.
    """
    if not is_url(source.url):
        raise UsageError(
            f"{source.url!r} is no URL of a repository", hint="https://…, ssh://…, git@host:path, file://…"
        )
    if target.exists():
        raise ConflictError(f"{target} is there already", hint="opsconsole repo fetch brings it up to date")
    partial = target.with_name(f".{target.name}.partial")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{target.parent}: {error.strerror}", hint="the workspace's folder must be writable"
        ) from error
    remove_tree(partial)
    words = ["--bare", "--no-hardlinks", "--template=", *([f"--depth={source.depth}"] if source.depth else [])]
    try:
        git(
            target.parent,
            "clone",
            *words,
            "--no-single-branch",
            "--",
            source.url,
            str(partial),
            timeout=CLONE_S,
            trusted=True,
        )
        ask(partial, "config", "--unset-all", "remote.origin.fetch")
        for refspec in REFSPECS:
            git(partial, "config", "--add", "remote.origin.fetch", refspec)
        partial.rename(target)
    finally:
        remove_tree(partial)
