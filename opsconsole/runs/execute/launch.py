"""Starting a run: its row, its folder and its lock are made in one transaction, then it runs detached."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence

from opsconsole.config.workspace import Workspace
from opsconsole.core import umask
from opsconsole.core.actor import current_actor
from opsconsole.core.errors import ConfirmationError, ConflictError, RefusedError, StoreError
from opsconsole.core.files import try_lock, write_atomically
from opsconsole.core.nouns import PipelineKind, RunPurpose, RunState, StepState
from opsconsole.core.process import own_python, with_room
from opsconsole.repos import registration
from opsconsole.runs.execute import finalize
from opsconsole.runs.execute.slots import wake
from opsconsole.runs.process.privacy import scrubbed
from opsconsole.runs.record import run_row, secrets
from opsconsole.runs.record.folder import RunFolder, run_folder
from opsconsole.runs.record.spec import Plan, RunSpec
from opsconsole.store import events, runs, steps
from opsconsole.store.beside import last_run
from opsconsole.store.connection import Store
from opsconsole.store.recovery import records
from opsconsole.store.recovery.records import Row
from opsconsole.store.runs import ASKED, Cause, NewRun
from opsconsole.store.steps import StepRecord


def start(
    workspace: Workspace,
    store: Store,
    plan: Plan,
    *,
    intake: list[str],
    environment: Mapping[str, str] | None = None,
    reason: str | None = None,
    actor: str | None = None,
    cause: Cause = ASKED,
    purpose: RunPurpose | None = None,
    asked: bool = False,
    command: str | None = None,
) -> int:
    """Start a run of ``plan``, detached; return its id.

    ``intake`` is the command line that takes the run in (the run's id is appended); ``environment`` holds this run's
    ``OPSCONSOLE_*``; ``purpose`` says what it is for where its plan does not; ``command`` is what the audit trail shows.
    RefusedError, with the command that trusts it, for a repo that was not trusted, and for a plan that needs what this
    machine does not have; ConfirmationError for a ref that is asked about, unless that was done (``asked``).
    """
    _refuse(workspace, store, plan, asked=asked)
    with store.immediate() as connection:
        new = _new_run(plan, actor, reason, cause, purpose)
        run_id = runs.insert(connection, new, past=last_run(workspace.state))
        steps.put(
            connection,
            [StepRecord(run_id, at, step.name, step.run, StepState.QUEUED) for at, step in enumerate(plan.steps)],
        )
        events.record(
            connection,
            "run.queued",
            f"run {run_id}",
            reason=reason,
            command=command or command_line(plan, reason),
            detail={"repo": plan.repo, "pipeline": plan.pipeline, "commit": plan.commit, "dirty": plan.dirty},
            actor=actor,
        )
        order = _order(workspace, plan, run_id, environment or {})
        folder = run_folder(workspace.state, run_id)
        lock = _born_locked(folder, order, records.row_of(connection, run_id))
    try:
        launch(folder, lock, intake, plan)
    finally:
        os.close(lock)
    if plan.supersede:
        _supersede(workspace, store, plan, run_id)
    return run_id


def _order(workspace: Workspace, plan: Plan, run_id: int, environment: Mapping[str, str]) -> RunSpec:
    return RunSpec(
        run_id=run_id,
        workspace=workspace.root,
        plan=plan,
        environment=tuple(sorted(environment.items())),
        slots=None if plan.kind is PipelineKind.TASK else workspace.config.workspace.slots,
    )


def _refuse(workspace: Workspace, store: Store, plan: Plan, *, asked: bool) -> None:
    """Refuse what may not or cannot run, before anything is written."""
    repo = registration.named(workspace, store, plan.repo)
    registration.require_trust(repo)
    registration.bind(store, repo)
    if plan.asks and not asked:
        first, *others = plan.asks
        asks = (f"{plan.repo}/{plan.pipeline}: {first}", *others)
        raise ConfirmationError(
            "; ".join(asks),
            asks=asks,
            hint=f"--yes runs it without secrets; opsconsole repo trust {plan.repo} --ref NAME lets it have them",
        )
    if plan.absent:
        raise RefusedError(
            f"{plan.repo}/{plan.pipeline} cannot run here: {'; '.join(plan.absent)}",
            hint="nothing was started; `opsconsole plan` shows what it needs",
        )


def _supersede(workspace: Workspace, store: Store, plan: Plan, run_id: int) -> None:
    """Tell older runs of the same branch that still wait that they need not run any more; one at work goes on."""
    for older in runs.live(store):
        same = (older.repo, older.pipeline, older.branch) == (plan.repo, plan.pipeline, plan.branch)
        if same and older.id < run_id and older.state is RunState.QUEUED and older.commit != plan.commit:
            write_atomically(run_folder(workspace.state, older.id).superseded, f"{run_id}\n".encode())
            wake(workspace.state, older.id)


def command_line(plan: Plan, reason: str | None, also: Sequence[str] = ()) -> str:
    """Return the command that does the same; ``also`` are options that the plan does not tell."""
    words = ["opsconsole", "run", f"{plan.repo}/{plan.pipeline}", "--rev", plan.commit[:12], *also]
    return shlex.join([*words, *(["--reason", reason] if reason else [])])


def launch(folder: RunFolder, lock: int, intake: list[str], plan: Plan) -> None:
    """Start the keeper of a run, detached, and hand it the locked descriptor and the command that takes the run in.

    That command goes from process to process: a file of the run's folder could be written by the run itself. So do the
    secrets of our environment, each in a file in memory that only the runner of a step that names it reads.
    """
    named = [] if intake == finalize.intake_command(folder.state.parent) else intake  # they know ours by themselves
    handed = secrets.collected(plan.secrets, os.environ)
    descriptors = ",".join(f"{name}={descriptor}" for name, descriptor in handed.items()) or "-"
    try:
        with folder.diary.open("ab") as diary:
            keeper = with_room(
                lambda: subprocess.Popen(
                    own_python("opsconsole.runs.execute.keeper", str(folder.path), str(lock), descriptors, *named),
                    cwd="/",
                    env=scrubbed(os.environ, plan.passed_on),
                    stdin=subprocess.DEVNULL,
                    stdout=diary,
                    stderr=diary,
                    pass_fds=(lock, *handed.values()),
                    start_new_session=True,
                    umask=umask.operators(),
                )
            )
    finally:
        for descriptor in handed.values():
            os.close(descriptor)
    keeper.returncode = 0  # detached on purpose: whoever starts a run does not wait for it


def _born_locked(folder: RunFolder, order: RunSpec, row: Row) -> int:
    """Make the folder with ``run.json``, the run's record and the lock taken: a row without a live lock is a dead run.

    It is the last act before the commit. A commit that fails leaves a folder whose number nobody gets again.
    """
    try:
        folder.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.path.mkdir(mode=0o700)
        write_atomically(folder.order, order.to_json())
        run_row.write(folder, row)
        lock = try_lock(folder.lock)
    except OSError as error:
        raise StoreError(f"{folder.path}: {error.strerror}", hint="the workspace's folder must be writable") from error
    if lock is None:
        raise ConflictError(f"{folder.lock}: someone holds the lock of a run that was not yet born")
    return lock


def purpose_of(plan: Plan) -> RunPurpose:
    """Return what a plan is for: a build narrowed to some tests is partial, a task that serves a model is no task that ends."""
    if plan.kind is PipelineKind.BUILD:
        return RunPurpose.PARTIAL if plan.only else RunPurpose.FULL
    if plan.kind is PipelineKind.TASK and plan.serves is not None:
        return RunPurpose.SERVE
    return RunPurpose(plan.kind)


def _new_run(
    plan: Plan,
    actor: str | None,
    reason: str | None,
    cause: Cause,
    purpose: RunPurpose | None,
) -> NewRun:
    return NewRun(
        repo=plan.repo,
        pipeline=plan.pipeline,
        kind=plan.kind,
        commit=plan.commit,
        branch=plan.branch,
        subject=plan.subject,
        dirty=plan.dirty,
        actor=actor or current_actor(),
        reason=reason,
        note="; ".join(plan.notes) or None,
        cause=cause,
        purpose=purpose or purpose_of(plan),
    )
