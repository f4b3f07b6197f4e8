"""Reading a commit without checking it out: which one is meant, what files it holds, what is in them."""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from opsconsole.core.errors import NotFoundError, OpsconsoleError
from opsconsole.core.git import ask, checked_rev, explained, git
from opsconsole.core.process import MEBIBYTE
from opsconsole.repos.status import subject_of

FILE_LIMIT = 4 * MEBIBYTE
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


@dataclass(frozen=True)
class Commit:
    """One commit."""

    id: str
    subject: str


def resolve_rev(repo: Path, rev: str = "HEAD") -> Commit:
    """Return the commit that ``rev`` names; NotFoundError names the nearest branch or tag, or says the repo is empty."""
    checked_rev(rev)
    answer = ask(repo, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{rev}^{{commit}}")
    commit = answer.stdout.decode("ascii", "replace").strip()
    if answer.exit_code == 0 and _COMMIT.fullmatch(commit):
        return Commit(id=commit, subject=subject_of(repo, commit))
    if answer.stderr.strip() or answer.timed_out:
        raise explained(repo, ("rev-parse", rev), answer, timeout=30)
    if rev == "HEAD" or not _any_commit(repo):
        raise NotFoundError(f"{repo}: there is no commit yet", hint="commit something, then build it")
    near = difflib.get_close_matches(rev, _ref_names(repo), n=1, cutoff=0.5)
    raise NotFoundError(
        f"{repo}: there is no revision {rev!r}",
        hint=f"did you mean {near[0]!r}?" if near else "name a branch, a tag or a commit",
    )


def branch_named(repo: Path, rev: str) -> str | None:
    """Return the branch that ``rev`` names, as git resolves it: ``main`` for it, ``origin/main`` for the remote's.

    None for a tag, for a commit by its number, and for HEAD where it is detached: two branches at one commit are not the
    same branch, and a tag named like a branch is a tag.
    """
    answer = ask(repo, "rev-parse", "--verify", "--quiet", "--symbolic-full-name", "--end-of-options", checked_rev(rev))
    name = answer.stdout.decode("utf-8", "replace").strip()
    for prefix in ("refs/heads/", "refs/remotes/"):
        if answer.exit_code == 0 and name.startswith(prefix):
            return name.removeprefix(prefix)
    return None


def is_contained(repo: Path, commit: str, branch: str) -> bool:
    """Whether a local branch contains a commit."""
    ref = f"refs/heads/{checked_rev(branch)}"
    return ask(repo, "merge-base", "--is-ancestor", checked_rev(commit), ref).exit_code == 0


def author_of(repo: Path, commit: str) -> str:
    """Return who wrote a commit, as it was written: text from outside."""
    answer = git(repo, "show", "--no-patch", "--format=%an <%ae>", "--encoding=UTF-8", checked_rev(commit))
    return answer.decode("utf-8", "replace").strip("\n")


def list_files(repo: Path, commit: str) -> list[str]:
    """Return the paths of all files of a commit (bytes that are no UTF-8 as surrogate escapes)."""
    answer = git(repo, "ls-tree", "-r", "-z", "--name-only", "--full-tree", checked_rev(commit), limit=256 * MEBIBYTE)
    return [os.fsdecode(name) for name in answer.split(b"\0") if name]


def list_blobs(repo: Path, commit: str) -> dict[str, str]:
    """Return the object name of each file of a commit by its path: equal names, equal contents."""
    answer = git(repo, "ls-tree", "-r", "-z", "--full-tree", checked_rev(commit), limit=256 * MEBIBYTE)
    entries = (entry.partition(b"\t") for entry in answer.split(b"\0") if entry)
    return {os.fsdecode(path): head.split()[2].decode("ascii") for head, _, path in entries}


def changed_paths(repo: Path, base: str | None, commit: str) -> list[str]:
    """Return the paths that differ between two commits; without a base, or one that is gone, between parent and child."""
    words = ("diff-tree", "-r", "-z", "--root", "--name-only", "--no-commit-id", "--no-renames")
    if base is not None:
        answer = ask(repo, *words, checked_rev(base), checked_rev(commit), limit=256 * MEBIBYTE)
        if answer.exit_code == 0:
            return [os.fsdecode(name) for name in answer.stdout.split(b"\0") if name]
    answer_to_parent = git(repo, *words, "-m", "--first-parent", checked_rev(commit), limit=256 * MEBIBYTE)
    return [os.fsdecode(name) for name in answer_to_parent.split(b"\0") if name]


def read_files(repo: Path, commit: str, paths: list[str]) -> dict[str, bytes]:
    """Return the content of files at a commit, raw; what is absent, no file or past 4 MiB is left out."""
    usable = [path for path in paths if "\n" not in path]
    if not usable:
        return {}
    names = b"".join(checked_rev(commit).encode() + b":" + os.fsencode(path) + b"\n" for path in usable)
    sizes = git(repo, "cat-file", "--batch-check=%(objecttype) %(objectsize)", feed=names).splitlines()
    wanted = [
        path
        for path, size in zip(usable, sizes, strict=True)
        if size.startswith(b"blob ") and int(size.split()[1]) <= FILE_LIMIT
    ]
    if not wanted:
        return {}
    names = b"".join(commit.encode() + b":" + os.fsencode(path) + b"\n" for path in wanted)
    return dict(zip(wanted, _contents(git(repo, "cat-file", "--batch", feed=names, limit=256 * MEBIBYTE)), strict=True))


def read_file(repo: Path, commit: str, path: str) -> bytes | None:
    """Return one file's content at a commit, or None when it is not there."""
    return read_files(repo, commit, [path]).get(path)


def _contents(answer: bytes) -> list[bytes]:
    """Split what ``cat-file --batch`` says: a header line with the size, the content, a newline."""
    contents = []
    at = 0
    while at < len(answer):
        end = answer.index(b"\n", at)
        size = int(answer[at:end].split()[2])
        contents.append(answer[end + 1 : end + 1 + size])
        at = end + 1 + size + 1
    return contents


def _any_commit(repo: Path) -> bool:
    return bool(git(repo, "rev-list", "--all", "--max-count=1").strip())


def _ref_names(repo: Path) -> list[str]:
    try:
        answer = git(
            repo, "for-each-ref", "--format=%(refname:short)", "--count=5000", "refs/heads", "refs/tags", "refs/remotes"
        )
    except OpsconsoleError:
        return []
    return answer.decode("utf-8", "replace").splitlines()
