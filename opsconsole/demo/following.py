"""Watching the driver from outside: its progress, whether it came to the end, and what there is then."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from opsconsole.config.workspace import open_workspace
from opsconsole.demo.driver import Outcome, at_work, log_path, outcome_of
from opsconsole.store import alerts, events, models, promotions, runs
from opsconsole.store.connection import open_store

LOOK_S = 0.1


@dataclass(frozen=True)
class AlertSummary:
    """An alert in short."""

    id: int
    severity: str
    state: str
    title: str


@dataclass(frozen=True)
class Summary:
    """What the demo holds."""

    workspace: Path
    repos: tuple[str, ...]
    runs: int
    versions: int
    production: int | None
    alerts: tuple[AlertSummary, ...]
    events: int
    upstream: tuple[str, ...]
    """The months that are held back; each check brings one."""


def follow(root: Path, on_line: Callable[[str], None]) -> Outcome:
    """Yield the driver's messages, past and coming, until it ends."""
    log = log_path(root)
    log.touch(mode=0o600)
    last = ""
    with log.open(encoding="utf-8", errors="replace") as file:
        pending = ""
        while True:
            working = at_work(root)
            pending += file.read()
            *lines, pending = pending.split("\n")
            for line in filter(None, lines):
                on_line(line)
                last = line
            if not working:
                break
            time.sleep(LOOK_S)
    known = outcome_of(root)
    return known or Outcome(done=False, reason=f"its driver was ended; its last word was: {last or 'none'}")


def summary(root: Path) -> Summary:
    """Count what is there."""
    workspace = open_workspace(root)
    with open_store(workspace.state, readonly=True) as store:
        held = promotions.alias(store, "flights", "production")
        return Summary(
            workspace=workspace.root,
            repos=tuple(workspace.config.repos),
            runs=sum(runs.count(store, repo=name) for name in workspace.config.repos),
            versions=len(models.versions(store, "flights")),
            production=None if held is None else held.version,
            alerts=tuple(
                AlertSummary(item.id, str(item.severity), str(item.state), item.title) for item in alerts.alerts(store)
            ),
            events=events.count(store),
            upstream=tuple(path.stem for path in sorted((root / "data" / "upstream").glob("*.parquet"))),
        )
