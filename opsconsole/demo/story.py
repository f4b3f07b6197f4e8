"""The demo's story: the acts of an operator, each done only if it was not done before.

What was done is read from the store and the files, never from a state of its own: killed anywhere, it goes on there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from opsconsole.config.workspace import Workspace, open_workspace
from opsconsole.core.errors import NegativeError, NotFoundError
from opsconsole.core.nouns import LIVE_RUN_STATES, RunCause, RunState, Severity
from opsconsole.demo.material import REPOS, Commit, commit_ids, history, spread_months
from opsconsole.lifecycle.models.candidates import promote_candidate
from opsconsole.lifecycle.models.serving_check import probe
from opsconsole.lifecycle.monitors.monitor_check import check_monitor
from opsconsole.lifecycle.software.building import start_run
from opsconsole.repos import registration
from opsconsole.runs.execute.follow import wait, wait_until_released
from opsconsole.store import alerts, chunks, models, promotions, runs
from opsconsole.store.connection import Store
from opsconsole.store.models import Version
from opsconsole.store.runs import Cause, RunRecord

MODEL, MONITOR, PRODUCTION = "flights", "flights", "production"
TRAIN, SCORE, SERVE = "flights/train", "flights/score", "flights-api/serve"
BY_DEMO = Cause(RunCause.DEMO)
FIRST_MONTHS = 4
"""How many months arrive at once; the others come one by one until an alert is critical."""
WHY_FIRST = "first model: its gates pass, and nothing serves yet"
WITHOUT_VERDICT = frozenset({RunState.LOST, RunState.ERROR, RunState.CANCELLED})
"""Outcomes that say nothing of a commit: the run is done again."""
ANSWER_S = 20.0
"""How long the service may take to answer after its start."""

Tell = Callable[[str], None]


class Story:
    """The acts, in the order in which they can be done."""

    def __init__(self, root: Path, store: Store, tell: Tell) -> None:
        """Open the demo's workspace; NotFoundError when its configuration no longer names the demo's repos."""
        self.workspace: Workspace = open_workspace(root)
        for repo in REPOS:
            if repo not in self.workspace.config.repos:
                raise NotFoundError(
                    f"{self.workspace.file} no longer names the repo {repo}, which the demo is about",
                    hint="put [repos.flights] and [repos.flights-api] back, or make another: opsconsole demo NEW_FOLDER",
                )
        self.store = store
        self.tell = tell
        self.commits = {
            repo: list(zip(commit_ids(self.workspace.repo_path(repo)), history(repo), strict=False)) for repo in REPOS
        }
        """Each repo's commits by id, the oldest first; commits that the operator added have no part in it."""

    def go_on(self) -> None:
        """Do everything that was not done yet; NegativeError when something comes out otherwise than it must."""
        if written := spread_months(self.workspace.root / "data"):
            self.tell(f"months {written[0]} to {written[-1]} are on disk")
        for repo in self.commits:
            registration.add(self.workspace, self.store, self.workspace.repo_path(repo), name=repo, trust=True)
        good, simpler = self.marked("good"), self.marked("simpler")
        tested = self.build("flights", good)
        first = self.train(good)
        builds = self.build_all()
        self.wait_for(first)
        self.wait_for(tested)
        self.promote_first(good)
        service = self.serve()
        second = self.train(simpler)
        self.bring_months_until_critical()
        self.wait_for(second)
        self.version_at(simpler)
        for run, commit in builds:
            self.hold_to(run, commit)
        self.hold_service(service)

    def marked(self, mark: str) -> str:
        """Return the commit of ``flights`` that bears a mark."""
        return next(commit_id for commit_id, commit in self.commits["flights"] if commit.mark == mark)

    def build(self, repo: str, commit: str) -> int:
        """Start the build of a commit, unless there is one that says something of it; return the run."""
        known = self.newest(f"{repo}/build", commit, passing_over=WITHOUT_VERDICT)
        if known is not None:
            return known.id
        run = start_run(
            self.workspace,
            self.store,
            f"{repo}/build",
            rev=commit,
            branch="main",
            reason="demo: build the history",
            cause=BY_DEMO,
        )
        self.tell(f"run {run}: builds {repo} at {commit[:7]}")
        return run

    def build_all(self) -> list[tuple[int, Commit]]:
        """Start the builds of both histories in turn; they wait for their slots by themselves."""
        wanted = sorted(
            (place, repo, commit_id)
            for repo, commits in self.commits.items()
            for place, (commit_id, commit) in enumerate(commits)
            if commit.build
        )
        return [(self.build(repo, commit_id), self.commits[repo][place][1]) for place, repo, commit_id in wanted]

    def hold_to(self, run: int, commit: Commit) -> None:
        """Wait for a build; NegativeError when it differs from what the history says of its commit."""
        record = self.wait_for(run)
        if record.state is RunState.CANCELLED:
            self.tell(f"run {run} was cancelled; it stays so")
            return
        failed = None if record.tests is None else record.tests.failed + record.tests.errors
        if failed != len(commit.breaks) or (record.state is RunState.PASSED) != (not commit.breaks):
            raise NegativeError(
                f"run {run}, a build of {record.repo}, {record.state}: {failed} tests failed, not {len(commit.breaks)}",
                hint=f"opsconsole log {run}",
            )

    def train(self, commit: str) -> int:
        """Start the training of a commit, unless it made a version or is at work; return the run."""
        known = self.newest(TRAIN, commit, passing_over=WITHOUT_VERDICT | {RunState.FAILED, RunState.TIMED_OUT})
        if known is not None:
            return known.id
        run = start_run(
            self.workspace, self.store, TRAIN, rev=commit, branch="main", reason="demo: train a version", cause=BY_DEMO
        )
        self.tell(f"run {run}: trains flights at {commit[:7]}")
        return run

    def version_at(self, commit: str) -> Version:
        """Return the first version that a training of a commit made; NegativeError when it made none."""
        versions = [item for item in models.versions(self.store, MODEL) if item.provenance.commit == commit]
        if not versions:
            run = self.newest(TRAIN, commit)
            assert run is not None
            raise NegativeError(
                f"run {run.id}, the training at {commit[:7]}, {run.state} and made no version: {run.error or 'no reason'}",
                hint=f"opsconsole log {run.id}",
            )
        return versions[-1]

    def promote_first(self, commit: str) -> None:
        """Put the version of the good commit into production, through its gates."""
        if promotions.history(self.store, MODEL, PRODUCTION):
            return
        version = self.version_at(commit)
        promote_candidate(
            self.workspace, self.store, MODEL, version.version, PRODUCTION, reason=WHY_FIRST, expect="none"
        )
        self.tell(f"v{version.version} is in production, AUC {version.metrics['auc']:.3f}")

    def serve(self) -> int:
        """Start the service, unless it runs or the operator ended it; return the run."""
        known = self.newest(SERVE)
        if known is not None and known.state in LIVE_RUN_STATES | {RunState.CANCELLED}:
            return known.id
        run = start_run(self.workspace, self.store, SERVE, reason="demo: serve the production model", cause=BY_DEMO)
        self.tell(f"run {run}: serves models/flights/production")
        return run

    def hold_service(self, run: int) -> None:
        """Wait until the service answers with the version in production; NegativeError when it ends, or is late."""
        deadline = time.monotonic() + ANSWER_S
        while True:
            record = runs.get(self.store, run)
            assert record is not None
            if record.state is RunState.CANCELLED:
                return
            if record.state.final:
                raise NegativeError(
                    f"run {run}, which serves the model, {record.state}: {record.error or 'it ended'}",
                    hint=f"opsconsole log {run}; a port that is taken can be changed in opsconsole.toml",
                )
            serving = probe(self.workspace, self.store, MODEL, PRODUCTION)
            if serving is None or serving.agrees:
                return
            if time.monotonic() > deadline:
                raise NegativeError(serving.sentence, hint=f"opsconsole log {run}")
            time.sleep(0.1)

    def bring_months_until_critical(self) -> None:
        """Let months arrive until an alert has been critical; the others stay upstream for the operator's checks.

        NegativeError when no month raises one.
        """
        self.finish_scoring()
        while not self.alert_was_critical() and self.months("upstream"):
            count = 1 if self.months("production") else FIRST_MONTHS
            self.score({"ARRIVE": str(count)}, "demo: the next months arrive")
        if not self.alert_was_critical():
            raise NegativeError(
                "every month arrived, and no alert became critical", hint=f"opsconsole drift report {MONITOR}"
            )

    def finish_scoring(self) -> None:
        """End what a killed scoring left: months that arrived, but were not scored or not judged."""
        known = self.newest(SCORE)
        if known is not None and not known.state.final:
            self.wait_for(known.id)
        if self.unjudged() and not self.alert_was_critical():
            self.score({"ARRIVE": "0", "AGAIN": "1"}, "demo: score what a broken scoring left")

    def score(self, environment: dict[str, str], reason: str) -> None:
        """Run the scoring to its end; its intake checks the monitor, and if that failed it is done here, to say why.

        NegativeError when the run does not pass.
        """
        run = start_run(self.workspace, self.store, SCORE, environment=environment, reason=reason, cause=BY_DEMO)
        self.tell(f"run {run}: scores the months that arrive")
        record = self.wait_for(run)
        if record.state is not RunState.PASSED:
            raise NegativeError(
                f"run {run}, which scores the months, {record.state}: {record.error or 'a step failed'}",
                hint=f"opsconsole log {run}",
            )
        if self.unjudged():
            check_monitor(self.workspace, self.store, MONITOR)
        checked = chunks.chunks(self.store, MONITOR)
        if checked and checked[-1].realised is not None:
            self.tell(f"{checked[-1].label}: AUC {checked[-1].realised:.3f}, {checked[-1].severity}")

    def unjudged(self) -> bool:
        """Whether a month is in production that no check has judged."""
        return len({chunk.start for chunk in chunks.chunks(self.store, MONITOR)}) < len(self.months("production"))

    def alert_was_critical(self) -> bool:
        """Whether an alert of the monitor is or was critical, or the operator took the promotions over before."""
        if len(promotions.history(self.store, MODEL, PRODUCTION)) > 1:
            return True
        return any(item.severity is Severity.CRITICAL for item in alerts.alerts(self.store, monitor=MONITOR))

    def months(self, where: str) -> list[Path]:
        """Return the months that are ``upstream`` or in ``production``."""
        return sorted((self.workspace.root / "data" / where).glob("*.parquet"))

    def newest(
        self, target: str, commit: str | None = None, *, passing_over: frozenset[RunState] = frozenset()
    ) -> RunRecord | None:
        """Return the newest run of a pipeline (at a commit) whose state is not passed over."""
        repo, _, pipeline = target.partition("/")
        recent = runs.page(self.store, repo=repo, pipeline=pipeline, commit=commit, limit=50)
        return next((run for run in recent if run.state not in passing_over), None)

    def wait_for(self, run: int) -> RunRecord:
        """Wait until a run and all that follows from it is over; tell how it came out if it was not over before."""
        before = runs.get(self.store, run)
        record = wait(self.workspace, self.store, run)
        wait_until_released(self.workspace, run)
        if before is not None and not before.state.final:
            self.tell(f"run {run}: {record.repo}/{record.pipeline} {record.state}")
        return record
