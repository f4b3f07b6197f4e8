"""Rerunning a run: the same pipeline at the same commit, or only its failed tests."""

from __future__ import annotations

from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import ConflictError, NotFoundError
from opsconsole.runs.plan.planner import plan
from opsconsole.runs.record.folder import run_folder
from opsconsole.runs.record.spec import Plan, RunSpec
from opsconsole.store import runs, test_results
from opsconsole.store.connection import Store


def rerun_plan(workspace: Workspace, store: Store, run_id: int, *, only_failed: bool = False) -> Plan:
    """Return a plan of the same pipeline at the same commit; hand the old run's id to ``start`` as ``rerun_of``.

    ``only_failed`` narrows a detected test run to the tests that failed or broke; ConflictError when none did, or when
    the pipeline's runner cannot be narrowed. NotFoundError for an unknown run.
    """
    record = runs.get(store, run_id)
    if record is None:
        raise NotFoundError(f"there is no run {run_id}", hint="opsconsole runs lists them")
    target = f"{record.repo}/{record.pipeline}"
    old = RunSpec.read(run_folder(workspace.state, run_id).order)
    environment = dict(old.plan.environment)
    only: tuple[str, ...] = ()
    if only_failed:
        only = failed_ids(store, run_id)
        if not only:
            raise ConflictError(f"run {run_id} has no failed tests", hint=f"opsconsole rerun {run_id} runs all of it")
    planned = plan(
        workspace,
        store,
        target,
        rev=record.commit,
        environment=environment,
        only_tests=only,
        branch=record.branch,
    )
    if only_failed and not planned.only:
        raise ConflictError(
            f"{target} cannot be narrowed to single tests",
            hint=f"opsconsole rerun {run_id} runs all of it",
        )
    return planned


def failed_ids(store: Store, run_id: int) -> tuple[str, ...]:
    """Return the ids of a run's failed tests."""
    return tuple(dict.fromkeys(result.test_id for result in test_results.failed(store, run_id)))
