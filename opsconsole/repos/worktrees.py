"""A clean checkout of one commit for one run, removed completely afterwards."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from opsconsole.core.errors import OpsconsoleError
from opsconsole.core.files import locked, read_regular
from opsconsole.core.git import Setting, checked_rev, git
from opsconsole.repos.status import common_folder

CHECKOUT_S = 600.0
WHOLE: tuple[Setting, ...] = (
    ("core.sparseCheckout", "false"),
    ("core.sparseCheckoutCone", "false"),
    ("index.sparse", "false"),
)


def add(repo: Path, commit: str, target: Path, *, also: str = "") -> None:
    """Check ``commit`` out at ``target``, detached, in a work tree that git knows; ``also`` may name ``submodules``.

    git's own locks fail when several are made at once, so one at a time for each repo: an flock on its common folder,
    which git itself never takes. The repo must be trusted: its content filters run.
    """
    with locked(common_folder(repo)):
        git(
            repo,
            "worktree",
            "add",
            "--detach",
            "--force",
            str(target),
            checked_rev(commit),
            timeout=CHECKOUT_S,
            trusted=True,
            config=checkout_settings(),
        )
    _make_whole(target)
    fill_submodules(target, also)


def checkout_settings() -> tuple[Setting, ...]:
    """Return what a checkout of ours is made with: whole, though the operator's may be sparse, and with pointers in the
    place of large files where git-lfs is not here to bring them.
    """
    if shutil.which("git-lfs") is not None:
        return WHOLE
    return (
        *WHOLE,
        *((f"filter.lfs.{key}", "") for key in ("clean", "smudge", "process")),
        ("filter.lfs.required", "false"),
    )


def is_sparse(tree: Path) -> bool:
    """Whether a work tree of git's has patterns of its own that leave files out."""
    return (_own_folder(tree) / "info" / "sparse-checkout").exists()


def _make_whole(tree: Path) -> None:
    """Take away the patterns that git copies from a sparse repo into each new work tree of it."""
    if is_sparse(tree):
        folder = _own_folder(tree)
        (folder / "info" / "sparse-checkout").unlink()
        if (folder / "config.worktree").exists():
            for key, value in WHOLE:
                git(tree, "config", "--worktree", key, value)


def _own_folder(tree: Path) -> Path:
    """Return the folder that git keeps for a linked work tree; an unlikely path where it keeps none."""
    try:
        line = read_regular(tree / ".git", limit=4096).partition(b"\n")[0]
    except OSError:
        return tree / ".git"
    return tree / os.fsdecode(line.removeprefix(b"gitdir: "))


def fill_submodules(tree: Path, also: str) -> None:
    """Check the submodules of a tree out, when ``also`` asks for it; their content is the commit's, not the branch's."""
    if "submodules" in also.split():
        words = ("update", "--init", "--recursive", "--force")
        git(tree, "submodule", *words, timeout=CHECKOUT_S, trusted=True, config=checkout_settings())


def remove(repo: Path, target: Path) -> None:
    """Take the work tree away, whatever a run left in it, and let git forget it; the repo itself may be gone."""
    remove_tree(target)
    try:
        with locked(common_folder(repo)):
            git(repo, "worktree", "prune", "--expire=now")
    except OpsconsoleError:
        return  # the repo was moved or deleted: nobody is left who would remember the work tree


def remove_tree(folder: Path) -> None:
    """Delete a folder with all that is in it, also what was made read-only."""

    def force(remove_one: Callable[[str], object], path: str, _: object) -> None:
        try:
            parent = Path(path).parent
            parent.chmod(parent.stat().st_mode | stat.S_IRWXU)
            if not Path(path).is_symlink():
                Path(path).chmod(stat.S_IRWXU)
            if remove_one in {os.open, os.scandir, os.lstat}:
                shutil.rmtree(path, ignore_errors=True)
            else:
                remove_one(path)
        except OSError:
            return  # what cannot be deleted stays; `store check` finds it

    if folder.is_symlink() or not folder.exists():
        folder.unlink(missing_ok=True)
        return
    shutil.rmtree(folder, onerror=force)
