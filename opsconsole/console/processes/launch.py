"""A run is started from any screen, and then watched live."""

from __future__ import annotations

from typing import Any

from opsconsole.console.host.host import Host
from opsconsole.store import runs


def start_run(app: Host, use_case: str = "run.start", **values: object) -> None:
    """Start a run and go to it, to watch it live; where its repo is not trusted, say how that is given."""
    again = values.get("run")
    run = runs.get(app.store, again) if isinstance(again, int) else None
    repo = run.repo if run is not None else str(values.get("target", "")).partition("/")[0]
    if repo and not app.repo_trusted(repo):
        app.say(f"{repo} is not trusted: :trust {repo} lets its pipelines run", "warn")
        return
    app.carry_out(use_case, "run #{id} started", then=lambda data: show_started(app, data), **values)


def show_started(app: Host, data: dict[str, Any]) -> None:
    """Go to a run that was started, unless the operator has begun something else meanwhile."""
    if app.idle:
        app.jump("run", str(data["id"]))
