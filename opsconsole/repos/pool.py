"""Work trees of large repos, reused: switching to another commit writes only the files that differ.

``trees/<repo>/<n>`` with a lock beside it that the run holds for its life. What a run left in a tree is cleaned away
before the next one sees it; a tree that cannot be made clean is made anew.
"""

from __future__ import annotations

import os
from pathlib import Path

from opsconsole.core.errors import OpsconsoleError
from opsconsole.core.files import try_lock
from opsconsole.core.git import git
from opsconsole.repos import worktrees
from opsconsole.repos.status import common_folder

LARGE = 2_000
"""Files from which on a tree is worth keeping."""
MOST = 64


def take(state: Path, repo: str, path: Path, commit: str, target: Path, *, also: str = "") -> int:
    """Make ``target`` a link to a clean tree at ``commit``; return the lock to hold as long as it is used.

    OpsconsoleError when all are in use.
    """
    home = state / "trees" / repo
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in range(MOST):
        lock = try_lock(home / f"{number}.lock")
        if lock is None:
            continue
        try:
            tree = home / str(number)
            if not _again(path, commit, tree, also):
                worktrees.remove(path, tree)
                worktrees.add(path, commit, tree, also=also)
            target.symlink_to(tree)
        except BaseException:
            os.close(lock)
            raise
        return lock
    raise OpsconsoleError(f"{home}: all {MOST} work trees are in use", hint="cancel a run, or lower the slots")


def _again(repo: Path, commit: str, tree: Path, also: str) -> bool:
    """Bring a tree that was used before to a commit, as clean as a new one; False when it has to be made anew."""
    if not (tree / ".git").exists():
        return False
    try:
        folder = Path(os.fsdecode(git(tree, "rev-parse", "--absolute-git-dir").rstrip(b"\n")))
        if not folder.is_relative_to(common_folder(repo)):
            return False  # the repo of this name was another one then
        if worktrees.is_sparse(tree):
            return False
        (folder / "index.lock").unlink(missing_ok=True)  # of a run that was killed: the lock of the tree is ours
        git(tree, "clean", "-ffdxq", timeout=worktrees.CHECKOUT_S)
        words = ("--detach", "--force", "--quiet", commit)
        git(tree, "checkout", *words, timeout=worktrees.CHECKOUT_S, trusted=True, config=worktrees.checkout_settings())
        git(tree, "clean", "-ffdxq", timeout=worktrees.CHECKOUT_S)  # what the other commit's rules ignored
        worktrees.fill_submodules(tree, also)
    except (OpsconsoleError, OSError):
        return False
    return True
