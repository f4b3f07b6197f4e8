"""The commits and files that changed since a pipeline was last green."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from opsconsole.core.git import ask
from opsconsole.core.nouns import RunState
from opsconsole.repos.commits import resolve_rev
from opsconsole.repos.history import ChangedFile, HistoryEntry, changed_files, commits, difference
from opsconsole.repos.registration import KnownRepo
from opsconsole.store import runs
from opsconsole.store.connection import Store
from opsconsole.store.runs import RunRecord

MOST = 200


@dataclass(frozen=True)
class Changes:
    """The commits and files between a green commit and another."""

    green: int | None
    """The last run that passed; None when none did, or when its commit is not part of this history."""
    base: str | None
    head: str
    commits: tuple[HistoryEntry, ...]
    """Newest first, at most 200."""
    files: tuple[ChangedFile, ...]

    def patch(self, repo: Path) -> bytes:
        """Return the patch from base to head; without a base, that of the head alone."""
        base = self.base or f"{self.head}^"
        return difference(repo, base, self.head) if _exists(repo, base) else b""


def since_green(store: Store, repo: KnownRepo, *, pipeline: str, rev: str) -> Changes:
    """Return what changed up to ``rev`` since the pipeline last passed on a commit before it."""
    head = resolve_rev(repo.path, rev).id
    green = last_green(store, repo.name, repo.path, pipeline, head, itself=False)
    if green is None:
        return Changes(None, None, head, tuple(commits(repo.path, head, limit=20)), ())
    return Changes(
        green=green.id,
        base=green.commit,
        head=head,
        commits=tuple(commits(repo.path, head, since=green.commit, limit=MOST)),
        files=tuple(changed_files(repo.path, green.commit, head)),
    )


def last_green(
    store: Store, name: str, path: Path, pipeline: str, commit: str, *, itself: bool = True
) -> RunRecord | None:
    """Return the newest whole run of a pipeline that passed at a commit before this one, or (``itself``) at it."""
    for run in runs.page(store, repo=name, pipeline=pipeline, state=RunState.PASSED, whole=True, limit=50):
        if run.commit == commit:
            if itself:
                return run
        elif ask(path, "merge-base", "--is-ancestor", run.commit, commit).exit_code == 0:
            return run
    return None


def _exists(repo: Path, rev: str) -> bool:
    return ask(repo, "rev-parse", "--verify", "--quiet", f"{rev}^{{commit}}").exit_code == 0
