"""The state of a repo's branch: one function for every screen, verb and gate.

Only full builds of the branch say so, each pipeline by its newest verdict on the commit that was built last, also where
its tip was built by the commit's number. Probes of a bisect, reruns of single tests, trainings and services say nothing
of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from opsconsole.config.workspace import Workspace
from opsconsole.core.nouns import PipelineKind
from opsconsole.repos.head import Head, head_of
from opsconsole.store import bisections, repos, runs, test_results, verdicts
from opsconsole.store.bisections import Bisection
from opsconsole.store.connection import Store
from opsconsole.store.runs import RunRecord


@dataclass(frozen=True)
class RepoState:
    """What the builds of a repo's branch say."""

    branch: str | None
    """The branch that is checked out; None when none is."""
    builds: tuple[RunRecord, ...]
    """The newest verdict of each pipeline, newest first; empty when the branch was never built."""
    cause: Bisection | None = None
    """Which commit broke it, when a bisect found that after it was last green."""

    @property
    def verdict(self) -> RunRecord | None:
        """The build that speaks for the branch: the newest broken one, else the newest; None when nothing was built."""
        broken = [run for run in self.builds if run.broken]
        return next(iter((*broken, *self.builds)), None)

    @property
    def broken(self) -> bool:
        """Whether a pipeline of the branch is red."""
        return any(run.broken for run in self.builds)

    def speaks_of(self, commit: str | None) -> bool:
        """Whether what was built is this commit."""
        return self.verdict is not None and self.verdict.commit == commit


def repo_state(workspace: Workspace, store: Store, name: str) -> RepoState:
    """Return how the branch that is checked out in a repo stands; with a detached HEAD, how that commit does."""
    path = repo_path(workspace, store, name)
    head = head_of(path) if path is not None else None
    if head is None:
        head = Head(verdicts.branch_built_last(store, name), None)
    if head.branch is None and head.commit is not None:
        builds = _newest_of_each(verdicts.of_commit(store, name, head.commit))
    else:
        builds = verdicts.of_branch(store, name, head.branch)
        if head.commit is not None:
            tip = [run for run in verdicts.of_commit(store, name, head.commit) if run.branch is None]
            builds = _newest_of_each(sorted([*builds, *tip], key=lambda run: -run.id))
    state = RepoState(head.branch, tuple(builds))
    verdict = state.verdict
    return state if verdict is None or not state.broken else RepoState(head.branch, state.builds, cause(store, verdict))


def recent_runs(
    workspace: Workspace, store: Store, name: str, pipeline: str, like: RunRecord | None
) -> list[RunRecord]:
    """Return the last runs that say how a pipeline goes, newest first: of builds the full ones of one branch.

    The branch is that of the run ``like``, else the one that is checked out.
    """
    if like is not None and like.kind is not PipelineKind.BUILD:
        return runs.page(store, repo=name, pipeline=pipeline, limit=20)
    branch = like.branch if like is not None else repo_state(workspace, store, name).branch
    return verdicts.recent(store, name, pipeline, branch=branch)


def repo_path(workspace: Workspace, store: Store, name: str) -> Path | None:
    """Return where a repo lies; None for one that nobody knows any more."""
    if name in workspace.config.repos:
        return workspace.repo_path(name)
    record = repos.get(store, name)
    return None if record is None else record.path


def cause(store: Store, red: RunRecord) -> Bisection | None:
    """Return which commit broke a red build: what a bisect found since its branch was last green, of all or of a test."""
    green = verdicts.green(store, red.repo, red.pipeline, branch=red.branch, before=red.id)
    bisects = bisections.since(store, red.repo, red.pipeline, green[0].ended_at if green else None)
    if not bisects:
        return None
    failing = {case.test_id for case in test_results.failed(store, red.id)}
    return next((item for item in bisects if item.test is None or item.test in failing), None)


def _newest_of_each(builds: list[RunRecord]) -> list[RunRecord]:
    newest: dict[str, RunRecord] = {}
    for run in builds:
        newest.setdefault(run.pipeline, run)
    return list(newest.values())
