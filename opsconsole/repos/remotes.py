"""Fetching: the one act on a repo that reaches out of the machine."""

from __future__ import annotations

from opsconsole.ground.files import locked
from opsconsole.ground.git import git
from opsconsole.repos.registration import KnownRepo, require_trust
from opsconsole.repos.status import RepoStatus, common_folder, look

FETCH_S = 300.0


def fetch(repo: KnownRepo) -> RepoStatus:
    """Bring the remotes' branches up to date, without touching the work tree, and return where the repo stands.

    RefusedError for a repo that was not trusted (its configuration names programs that a fetch runs);
    UnreachableError when the remote does not answer or wants a password.
    """
    require_trust(repo)
    with locked(common_folder(repo.path)):
        git(
            repo.path,
            "fetch",
            "--all",
            "--prune",
            "--no-recurse-submodules",
            "--no-auto-maintenance",
            timeout=FETCH_S,
            trusted=True,
        )
    return look(repo.path, trusted=True)
