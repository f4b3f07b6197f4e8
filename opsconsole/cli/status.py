"""``opsconsole status``: the overview in plain text."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from opsconsole.cli.base import Session, emit, json_option, pass_session
from opsconsole.cli.shown import state_json, state_words
from opsconsole.core import clock, text
from opsconsole.lifecycle.inbox import waiting
from opsconsole.lifecycle.models.serving import ask_all
from opsconsole.lifecycle.software.repo_state import repo_state
from opsconsole.runs.analyse.description import waiting_of, waiting_words
from opsconsole.runs.execute.slots import QueueLook
from opsconsole.store import alerts, models, promotions, repos, runs
from opsconsole.store.alerts import Alert
from opsconsole.store.runs import RunRecord


@click.command("status")
@json_option
@pass_session
def status_command(session: Session, as_json: bool) -> None:
    """Say what waits, what runs, and how repos and models stand. Reads the store, asks the models' probes."""
    store, workspace = session.store, session.workspace
    names = sorted({*workspace.config.repos, *(repo.name for repo in repos.all_repos(store))})
    states = {name: repo_state(workspace, store, name) for name in names}
    ask_all(workspace, store)
    waits = waiting(workspace, store)
    live = runs.live(store)
    queue = QueueLook(workspace.state)
    standing = alerts.alerts(store, live=True)
    data: dict[str, Any] = {
        "workspace": workspace.name,
        "root": str(workspace.root),
        "repos": [{"name": name, "branch": state.branch, **state_json(state)} for name, state in states.items()],
        "models": [
            {
                "name": item.name,
                "versions": item.versions,
                "aliases": {row.alias: row.version for row in promotions.aliases(store, item.name)},
            }
            for item in models.models(store)
        ],
        "alerts": [_alert(item) for item in standing],
        "running": [_run(queue, run) for run in live],
        "waiting": [
            {
                "kind": item.kind,
                "target": str(item.target),
                "title": item.title,
                "text": item.text,
                "since": clock.to_text(item.since),
            }
            for item in waits
        ],
        "agent": {"running": False},
    }
    now = clock.now()
    lines = [
        f"{workspace.name}  {len(live)} running, {text.plural(len(standing), 'alert')}, {len(waits)} waiting for you"
    ]
    lines += [
        f"  {item.word:<9} {item.title}: {text.clean(item.text)}  ({text.age(item.since, now)})" for item in waits
    ]
    lines += [f"  running   #{run.id} {run.repo}/{run.pipeline} {_state_words(queue, run)}" for run in live]
    lines += [f"  repo      {name}: {state_words(state)}" for name, state in states.items()]
    for entry in data["models"]:
        rungs = ", ".join(f"{alias} v{number}" for alias, number in entry["aliases"].items())
        lines.append(f"  model     {entry['name']}: {rungs or 'no rung held'}")
    emit(data, lines, as_json=as_json)


def _state_words(queue: QueueLook, run: RunRecord) -> str:
    waits = waiting_of(queue, run)
    return str(run.state) if waits is None else f"{run.state}: {waiting_words(waits)}"


def _run(queue: QueueLook, run: RunRecord) -> dict[str, Any]:
    waits = waiting_of(queue, run)
    return {
        "id": run.id,
        "repo": run.repo,
        "pipeline": run.pipeline,
        "purpose": run.purpose,
        "outcome": run.state,
        "commit": run.commit,
        "duration_s": run.duration_s,
        "waits_for": None if waits is None else asdict(waits),
    }


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.id,
        "monitor": alert.monitor,
        "model": alert.model or None,
        "version": alert.version or None,
        "severity": alert.severity,
        "state": alert.state,
        "title": alert.title,
    }
