"""Starting runs: a plan, the champion and the data a training needs to know of, and the intake at its end."""

from __future__ import annotations

import shlex
from datetime import datetime

from opsconsole.config.load import MODEL_KINDS
from opsconsole.config.workspace import Workspace
from opsconsole.core import clock
from opsconsole.core.errors import ConfigError
from opsconsole.core.nouns import RunCause, RunPurpose
from opsconsole.lifecycle.ladders import champion_of, ladder_of, model_of
from opsconsole.registry.places import version_folder
from opsconsole.runs.execute.finalize import intake_command
from opsconsole.runs.execute.launch import command_line, start
from opsconsole.runs.plan.planner import plan
from opsconsole.runs.plan.rerun import rerun_plan
from opsconsole.runs.record.spec import Plan
from opsconsole.store.connection import Store
from opsconsole.store.runs import ASKED, Cause


def start_run(
    workspace: Workspace,
    store: Store,
    target: str,
    *,
    rev: str | None = None,
    branch: str | None = None,
    environment: dict[str, str] | None = None,
    only_tests: tuple[str, ...] = (),
    reason: str | None = None,
    cause: Cause = ASKED,
    until: datetime | None = None,
    purpose: RunPurpose | None = None,
    asked: bool = False,
    failed_of: int | None = None,
) -> int:
    """Start a run of ``REPO`` or ``REPO/PIPELINE``; return its id.

    ``branch`` is the one that a commit is built as; ``until`` is the time the training data end before; ``failed_of`` the
    run whose failed tests ``only_tests`` are.
    """
    planned = plan(workspace, store, target, rev=rev, environment=environment, only_tests=only_tests, branch=branch)
    also = [
        *(["--branch", branch] if branch is not None else []),
        *(word for key, value in (environment or {}).items() for word in ("--env", f"{key}={value}")),
        *(["--only-failed", str(failed_of)] if failed_of is not None else []),
        *(["--yes"] if planned.asks else []),
    ]
    return _start(
        workspace,
        store,
        planned,
        reason=reason,
        cause=cause,
        until=until,
        purpose=purpose,
        asked=asked,
        command=command_line(planned, reason, also),
    )


def start_rerun(
    workspace: Workspace, store: Store, run_id: int, *, only_failed: bool = False, asked: bool = False
) -> int:
    """Start a run again at its commit, or only its failed tests; return the new run's id."""
    planned = rerun_plan(workspace, store, run_id, only_failed=only_failed)
    word = "the failed tests of" if only_failed else "again:"
    words = ["opsconsole", "rerun", str(run_id), *(["--only-failed"] if only_failed else [])]
    line = shlex.join([*words, *(["--yes"] if planned.asks else [])])
    cause = Cause(RunCause.RERUN, rerun_of=run_id)
    return _start(workspace, store, planned, reason=f"{word} run {run_id}", cause=cause, asked=asked, command=line)


def require_model(workspace: Workspace, planned: Plan) -> str | None:
    """Return the model of a training or scoring; ConfigError where there are several, and nothing says which.

    A training that does not know its champion could not be judged against it.
    """
    target, known = f"{planned.repo}/{planned.pipeline}", sorted(workspace.config.models)
    model = model_of(workspace, target, planned.model)
    if model is None and len(known) > 1:
        raise ConfigError(
            f"{target} is of kind {planned.kind}, and there are {len(known)} models: {', '.join(known)}",
            hint=f'say which it is about, in the pipeline: model = "{known[0]}"',
        )
    if planned.model is not None and planned.model not in known:
        raise ConfigError(
            f"{target}: model: there is no model `{planned.model}`", hint=f"known: {', '.join(known) or 'none'}"
        )
    return model


def _start(
    workspace: Workspace,
    store: Store,
    planned: Plan,
    *,
    reason: str | None,
    cause: Cause,
    until: datetime | None = None,
    purpose: RunPurpose | None = None,
    asked: bool = False,
    command: str | None = None,
) -> int:
    known: dict[str, str] = {}
    if planned.kind in MODEL_KINDS:
        known = _model_environment(workspace, store, require_model(workspace, planned))
    if cause.alert_id is not None:
        known["OPSCONSOLE_ALERT"] = str(cause.alert_id)
    if until is not None:
        known["OPSCONSOLE_DATA_UNTIL"] = clock.to_text(until)
    return start(
        workspace,
        store,
        planned,
        intake=intake_command(workspace.root),
        environment=known,
        reason=reason,
        cause=cause,
        purpose=purpose,
        asked=asked,
        command=command,
    )


def _model_environment(workspace: Workspace, store: Store, model: str | None) -> dict[str, str]:
    """Return the variables of a training or scoring: its model, and the champion it is held against."""
    if model is None:
        return {}
    variables = {"OPSCONSOLE_MODEL": model}
    champion = champion_of(store, model, ladder_of(workspace, model))
    if champion is not None:
        variables["OPSCONSOLE_CHAMPION"] = str(version_folder(workspace, model, champion.version).resolve())
        variables["OPSCONSOLE_CHAMPION_DIGEST"] = champion.digest
        variables["OPSCONSOLE_CHAMPION_VERSION"] = str(champion.version)
    return variables
