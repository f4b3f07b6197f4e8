"""Where the repos stand, for the screens: git is asked only when a repo's files say that something changed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import OpsconsoleError
from opsconsole.store import repos
from opsconsole.store.connection import Store
from opsconsole.store.repos import RepoRecord

if TYPE_CHECKING:
    from opsconsole.repos.status import RepoStatus

STALE = 60.0
"""Seconds after which git is asked all the same: a changed file shows in no fingerprint."""


def trusted(workspace: Workspace, store: Store, name: str) -> bool:
    """Return whether the operator lets a repo's pipelines run, from where it lies now."""
    known = next((repo for repo in repos.all_repos(store) if repo.name == name), None)
    if known is None or not known.trusted:
        return False
    return name not in workspace.config.repos or known.path == workspace.repo_path(name)


class RepoWatch:
    """The last look at each repo; ``look`` runs in a thread."""

    def __init__(self) -> None:
        self._statuses: dict[str, RepoStatus] = {}
        self._marks: dict[str, tuple[str, float]] = {}
        self._replaced: set[str] = set()

    def status(self, name: str) -> RepoStatus | None:
        """Return a repo's last status."""
        return self._statuses.get(name)

    def replaced(self, name: str) -> bool:
        """Return whether another repo lies where the one that was trusted did, when last looked at."""
        return name in self._replaced

    def look(self, paths: dict[str, Path], trusted: dict[str, RepoRecord]) -> bool:
        """Look at every repo, by name, whose fingerprint changed; return whether anything is new.

        ``trusted`` are those that trust was given to, as they were then.
        """
        from opsconsole.repos.discovery import fingerprint
        from opsconsole.repos.identity import is_still
        from opsconsole.repos.status import look

        changed = False
        for name, path in paths.items():
            try:
                mark = fingerprint(path)
                known, at = self._marks.get(name, ("", 0.0))
                if mark == known and time.monotonic() - at < STALE:
                    continue
                status = look(path)
            except (OpsconsoleError, OSError):
                continue
            self._marks[name] = (mark, time.monotonic())
            record = trusted.get(name)
            same = record is None or is_still(record, path)
            changed |= same is (name in self._replaced)
            self._replaced = self._replaced - {name} if same else self._replaced | {name}
            changed |= self._statuses.get(name) != status
            self._statuses[name] = status
        return changed
