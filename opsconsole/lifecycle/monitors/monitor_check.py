"""A monitor is checked: new rows are brought and scored if a pipeline does that, then judged against the version's baseline."""

from __future__ import annotations

from dataclasses import replace

from opsconsole.config.workspace import Workspace
from opsconsole.core import clock
from opsconsole.core.errors import NegativeError, NotFoundError
from opsconsole.core.nouns import DATA_ALONE, Contender, RunCause, RunState
from opsconsole.drift.check.checker import CheckResult, check
from opsconsole.drift.monitors import Subject
from opsconsole.lifecycle.software.building import start_run
from opsconsole.lifecycle.usecases import command
from opsconsole.registry.places import evaluation_path, evidence_folder
from opsconsole.runs.execute.follow import wait, wait_until_released
from opsconsole.store import chunks, evaluations, events, models, promotions
from opsconsole.store.connection import Store
from opsconsole.store.runs import Cause, RunRecord


def check_monitor(
    workspace: Workspace, store: Store, name: str, *, data: str | None = None, recorded: bool = True
) -> CheckResult:
    """Judge what lies there now for the version that holds the monitor's alias; ``recorded``: this is the whole check."""
    result = check(workspace, store, name, subject_of(workspace, store, name), data=data)
    if recorded:
        _record(store, name, result, data=data)
    return result


def check_with_new_rows(workspace: Workspace, store: Store, name: str) -> CheckResult:
    """Bring new rows, then judge; the chunks that the scoring's own intake judged on the way count as judged here."""
    began = clock.now()
    refresh_monitor(workspace, store, name)
    result = check_monitor(workspace, store, name, recorded=False)
    judged = tuple(chunk for chunk in chunks.chunks(store, name) if chunk.checked_at >= began)
    earlier = len(judged) - len(result.chunks)
    whole = replace(result, chunks=judged, unchanged=max(result.unchanged - earlier, 0))
    _record(store, name, whole, refreshed=True)
    return whole


def part_of_a_check(run: RunRecord, name: str) -> bool:
    """Whether a run was started by a check of this monitor, which records itself when it is done."""
    return run.cause is RunCause.CHECK and run.monitor == name


def _record(store: Store, name: str, result: CheckResult, *, data: str | None = None, refreshed: bool = False) -> None:
    as_is = "--no-refresh" if data is None and not refreshed else None
    with store.immediate() as connection:
        events.record(
            connection,
            "monitor.checked",
            f"monitor {name}",
            command=command("drift.check", monitor=name, data=data, no_refresh=as_is),
            detail={
                "chunks": [item.label for item in result.chunks],
                "unchanged": result.unchanged,
                "severity": result.severity,
                "alerts": [item.id for item in result.alerts],
            },
        )


def refresh_monitor(workspace: Workspace, store: Store, name: str) -> int | None:
    """Run the pipeline that brings and scores new rows, if the monitor names one; return the run's id.

    NegativeError when that run does not pass.
    """
    config = workspace.config.monitor(name)
    if config.refresh is None:
        return None
    cause = Cause(RunCause.CHECK, monitor=name)
    run_id = start_run(workspace, store, config.refresh, reason=f"new rows for monitor {name}", cause=cause)
    run = wait(workspace, store, run_id)
    wait_until_released(workspace, run_id)
    if run.state is not RunState.PASSED:
        raise NegativeError(
            f"run {run_id} of {config.refresh}, which brings the rows, {run.state}: {run.error or 'a step failed'}",
            hint=f"opsconsole log {run_id} shows why; opsconsole drift check {name} --no-refresh checks what is there",
        )
    return run_id


def subject_of(workspace: Workspace, store: Store, name: str) -> Subject:
    """Return the version that a monitor watches now, with its evaluation and the rows it has used.

    NotFoundError when the alias points nowhere.
    """
    config = workspace.config.monitor(name)
    if config.rung is None:
        return Subject(model="", alias="", version=DATA_ALONE)
    model, alias = config.rung.model, config.rung.alias
    held = promotions.alias(store, model, alias)
    if held is None:
        raise NotFoundError(
            f"monitor `{name}`: {config.model} points nowhere yet",
            hint="promote a version; then there is something to watch",
        )
    version = models.version(store, model, held.version)
    own = [
        item for item in evaluations.of_version(store, model, held.version) if item.contender is Contender.CHALLENGER
    ]
    folder = evidence_folder(workspace, version)
    part = version.part("evaluation")
    return Subject(
        model=model,
        alias=alias,
        version=held.version,
        evaluation=evaluation_path(workspace, own[-1]) if own else None,
        data=tuple((workspace.root / path) for path in part.paths) if part else (),
        used=tuple(folder / item.ids for item in version.data if item.ids is not None),
    )
