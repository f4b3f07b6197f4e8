"""Runs and repos in the form that ``--json`` promises, shared by the verbs that print them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from opsconsole.config.workspace import Workspace
from opsconsole.core import clock, text
from opsconsole.core.errors import NotFoundError, OpsconsoleError
from opsconsole.core.nouns import PipelineKind, RunPurpose, RunState
from opsconsole.lifecycle.software.repo_state import RepoState, cause, repo_state
from opsconsole.repos.registration import KnownRepo
from opsconsole.repos.status import look
from opsconsole.runs.analyse.description import waiting_of
from opsconsole.runs.analyse.test_progress import ProgressReader
from opsconsole.runs.execute.cancel import supervisor
from opsconsole.runs.execute.slots import QueueLook
from opsconsole.runs.record.folder import run_folder
from opsconsole.store import bisections, models, runs, steps
from opsconsole.store.bisections import Bisection
from opsconsole.store.connection import Store
from opsconsole.store.runs import RunRecord
from opsconsole.store.steps import StepRecord


def the_run(store: Store, run_id: int) -> RunRecord:
    """Return a run; NotFoundError for an unknown one."""
    run = runs.get(store, run_id)
    if run is None:
        raise NotFoundError(f"there is no run {run_id}", hint="opsconsole runs lists them")
    return run


def run_json(workspace: Workspace, store: Store, run: RunRecord, look_at: QueueLook | None = None) -> dict[str, Any]:
    """Return a run with its steps, tests and supervisor."""
    tests = run.tests
    pid, alive = (None, False) if run.state.final else supervisor(workspace, run.id)
    made = models.version_of_run(store, run.id) if run.kind is PipelineKind.TRAIN else None
    waits = waiting_of(look_at or QueueLook(workspace.state), run) if run.state is RunState.QUEUED else None
    return {
        "id": run.id,
        "repo": run.repo,
        "pipeline": run.pipeline,
        "kind": run.kind,
        "purpose": run.purpose,
        "commit": run.commit,
        "branch": run.branch,
        "subject": text.clean(run.subject),
        "dirty": run.dirty,
        "outcome": run.state,
        "error": run.error,
        "note": run.note,
        "reason": run.reason,
        "actor": run.actor,
        "alert": run.alert_id,
        "rerun_of": run.rerun_of,
        "cause": run.cause,
        "monitor": run.monitor,
        "bisect": _bisect(store, run),
        "duration_s": run.duration_s,
        "created_at": clock.to_text(run.created_at),
        "started_at": clock.to_text(run.started_at) if run.started_at else None,
        "ended_at": clock.to_text(run.ended_at) if run.ended_at else None,
        "steps": [_step_json(step) for step in steps.of_run(store, run.id)],
        "tests": None
        if tests is None
        else {"passed": tests.passed, "failed": tests.failed, "skipped": tests.skipped, "errors": tests.errors},
        "covered": run.covered,
        "model": None if made is None else made.model,
        "version": None if made is None else made.version,
        "waits_for": None if waits is None else asdict(waits),
        "pinned": run.pinned,
        "pruned_at": clock.to_text(run.pruned_at) if run.pruned_at else None,
        "progress": None if run.state.final else _progress(workspace, run.id),
        "supervisor": {"pid": pid, "alive": alive},
    }


def _step_json(step: StepRecord) -> dict[str, Any]:
    return {
        "name": step.name,
        "outcome": step.state,
        "exit_code": step.exit_code,
        "duration_s": step.duration_s,
        "tries": step.tries,
        "cpu_s": step.cpu_s,
        "peak_bytes": step.peak_bytes,
        "note": step.note,
    }


def _bisect(store: Store, run: RunRecord) -> dict[str, Any] | None:
    """Return what the search that this run is has found, or which commit broke what this run found broken."""
    if run.purpose is RunPurpose.SEARCH:
        bisection = bisections.of_run(store, run.id)
    else:
        bisection = cause(store, run) if run.broken and run.purpose is RunPurpose.FULL else None
    return None if bisection is None else bisection_json(bisection)


def _progress(workspace: Workspace, run_id: int) -> dict[str, Any] | None:
    """Return how far the tests of a live run are; None while nothing is known."""
    progress = ProgressReader(run_folder(workspace.state, run_id).out).look()
    return None if progress is None else {"done": progress.done, "failed": progress.failed, "total": progress.total}


def run_line(run: RunRecord) -> str:
    """Return a run in one line."""
    tests = ""
    if run.tests is not None:
        tests = (
            f"  {run.tests.passed} passed, {run.tests.failed + run.tests.errors} failed, {run.tests.skipped} skipped"
        )
    error = f"  {text.clean(run.error)}" if run.error else ""
    return f"#{run.id} {run.repo}/{run.pipeline} {run.commit[:7]} {run.state}  {text.duration(run.duration_s)}{tests}{error}"


def state_json(state: RepoState) -> dict[str, Any]:
    """Return how a repo's branch stands, as its full builds say: the one that speaks for it, and what broke it."""
    last, bisection = state.verdict, state.cause
    return {
        "last_run": None
        if last is None
        else {
            "id": last.id,
            "pipeline": last.pipeline,
            "outcome": last.state,
            "commit": last.commit,
            "duration_s": last.duration_s,
        },
        "broken_since": None if bisection is None else bisection_json(bisection),
    }


def bisection_json(bisection: Bisection) -> dict[str, Any]:
    """Return what a bisect found."""
    return {
        "commit": bisection.first_bad,
        "subject": text.clean(bisection.subject),
        "author": text.clean(bisection.author),
        "test": None if bisection.test is None else text.clean(bisection.test),
        "run": bisection.run_id,
        "found_at": clock.to_text(bisection.found_at),
    }


def state_words(state: RepoState) -> str:
    """Return how a repo's branch stands in words: ``failed #28 since 3f9c2e1, found by bisect``."""
    if state.verdict is None:
        return "not built"
    since = f" since {state.cause.first_bad[:7]}, found by bisect" if state.cause is not None else ""
    return f"{state.verdict.state} #{state.verdict.id}{since}"


def repo_json(workspace: Workspace, store: Store, repo: KnownRepo) -> dict[str, Any]:
    """Return a repo as it stands; one that cannot be read says why in ``error``."""
    state = repo_state(workspace, store, repo.name)
    data: dict[str, Any] = {
        "name": repo.name,
        "path": str(repo.path),
        "trusted": repo.trusted,
        "branch": None,
        "commit": None,
        "subject": None,
        "dirty": None,
        "ahead": None,
        "behind": None,
        "runner": None,
        **state_json(state),
        "error": None,
    }
    try:
        status = look(repo.path, trusted=repo.trusted)
    except OpsconsoleError as error:
        return {**data, "error": error.message}
    from opsconsole.testrunners.detection import detect  # most verbs that show a repo or a run do not ask

    detected = detect(repo.path, status.commit) if status.commit else []
    return {
        **data,
        "branch": status.branch,
        "commit": status.commit,
        "subject": text.clean(status.subject),
        "dirty": status.dirty,
        "ahead": status.ahead,
        "behind": status.behind,
        "runner": detected[0].runner if detected else None,
        "reason": detected[0].reason if detected else None,
    }
