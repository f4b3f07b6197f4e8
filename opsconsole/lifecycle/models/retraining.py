"""An alert becomes a retrain run: trained on what came before the newest labelled window, judged on that window."""

from __future__ import annotations

from datetime import datetime

from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import ConflictError, NotFoundError, RefusedError
from opsconsole.core.files import locked
from opsconsole.core.nouns import PipelineKind, RunCause
from opsconsole.lifecycle.software.building import start_run
from opsconsole.lifecycle.usecases import command
from opsconsole.store import alerts, chunks, events, runs
from opsconsole.store.alerts import Alert
from opsconsole.store.connection import Store
from opsconsole.store.runs import Cause

LABELLED = 0.5
"""The least share of labels that makes a window fit to be judged on."""


def retrain(workspace: Workspace, store: Store, alert_id: int) -> int:
    """Start the training that answers an alert; return the run's id. A live answer is a conflict, not a second run."""
    alert = alerts.alert(store, alert_id)
    with locked(workspace.state / "retraining.lock"):  # two who ask at once: the second sees the first one's run
        _require_unanswered(store, alert)
        target = training_of(workspace, alert.monitor)
        until = held_out_from(store, alert.monitor)
        why = f"alert {alert_id}: {alert.title}"
        cause = Cause(RunCause.ALERT, alert_id=alert_id)
        run_id = start_run(workspace, store, target, reason=why, cause=cause, until=until)
    with store.immediate() as connection:
        events.record(
            connection,
            "alert.answered",
            f"alert {alert_id}",
            command=command("alert.retrain", alert=alert_id),
            detail={"run": run_id, "until": until.isoformat()},
        )
    return run_id


def _require_unanswered(store: Store, alert: Alert) -> None:
    if not alert.live:
        raise ConflictError(f"alert {alert.id} is resolved", hint="opsconsole alert ls lists those that stand")
    for run in runs.page(store, alert_id=alert.id, limit=10):
        if not run.state.final:
            raise ConflictError(
                f"run {run.id} is answering alert {alert.id} already", hint=f"opsconsole log {run.id} -f follows it"
            )


def training_of(workspace: Workspace, monitor: str) -> str:
    """Return ``REPO/PIPELINE`` of the training that answers a monitor's alerts. NotFoundError when none does."""
    trainings = [
        f"{repo}/{name}"
        for repo, config in workspace.config.repos.items()
        for name, pipeline in config.pipelines.items()
        if pipeline.kind is PipelineKind.TRAIN and pipeline.on.alert == monitor
    ]
    if not trainings:
        raise NotFoundError(
            f"no training answers monitor `{monitor}`",
            hint=f'give a pipeline of kind "train" the line: on = {{ alert = "{monitor}" }}',
        )
    return trainings[0]


def held_out_from(store: Store, monitor: str) -> datetime:
    """Return the start of the newest labelled window that is whole: what comes before may be trained on, it judges.

    RefusedError without one.
    """
    labelled = [
        chunk for chunk in chunks.chunks(store, monitor) if chunk.label_coverage >= LABELLED and not chunk.partial
    ]
    if not labelled:
        raise RefusedError(
            f"monitor `{monitor}` has no whole window with labels to judge a candidate on",
            hint="bring labels, or wait for the window that is filling; then retrain",
        )
    return max(chunk.start for chunk in labelled)
