"""Fetching from remotes: the only access to a repo that uses the network."""

from __future__ import annotations

from opsconsole.core.files import locked
from opsconsole.core.git import git
from opsconsole.repos.cloning import clone
from opsconsole.repos.registration import KnownRepo, require_trust
from opsconsole.repos.status import RepoStatus, common_folder, look

FETCH_S = 300.0


def fetch(repo: KnownRepo) -> RepoStatus:
    """Bring the remotes' branches and tags up to date, without touching the work tree, and return where the repo stands.

    A repo that the configuration names by its URL and that is not here yet is cloned.

    RefusedError for a repo that was not trusted (its configuration names programs that a fetch runs);
    UnreachableError when the remote does not answer or wants a password.
    """
    if repo.source is not None and not repo.path.exists():
        clone(repo.source, repo.path)
        return look(repo.path)
    require_trust(repo)
    with locked(common_folder(repo.path)):
        git(
            repo.path,
            "fetch",
            "--all",
            "--prune",
            "--tags",
            "--force",
            "--no-recurse-submodules",
            "--no-auto-maintenance",
            timeout=FETCH_S,
            trusted=True,
        )
    return look(repo.path, trusted=True)
