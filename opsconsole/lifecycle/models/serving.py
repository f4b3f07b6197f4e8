"""Whether a service answers for each model in production: from runs that serve, and from each model's ``probe``.

A service that ended, or that does not answer, does not vanish: it waits for the operator, and its version is marked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from opsconsole.config.workspace import Workspace
from opsconsole.core import clock, text
from opsconsole.core.nouns import Rung
from opsconsole.lifecycle.ladders import ladder_of
from opsconsole.store import events, promotions, serving
from opsconsole.store.connection import Store
from opsconsole.store.serving import Served


@dataclass(frozen=True)
class Unserved:
    """Nobody answers for what is at an alias."""

    model: str
    alias: str
    since: datetime
    why: str
    run_id: int | None
    """The run that served and ended; None when only the probe says so."""
    what: str = ""
    """The pipeline that served, as REPO/PIPELINE."""


def unserved(workspace: Workspace, store: Store) -> list[Unserved]:
    """Return which aliases nobody answers for, from the store alone: a service that ended, else a probe that says no."""
    by_alias = {(item.model, item.alias): item for item in _ended(workspace, store)}
    for served in serving.all_served(store).values():
        config = workspace.config.models.get(served.model)
        if served.problem is None or config is None or config.probe is None:
            continue
        alias = config.ladder[-1]
        known = by_alias.get((served.model, alias))
        if known is None:
            by_alias[served.model, alias] = Unserved(served.model, alias, served.since, served.problem, None)
        elif served.since < known.since:
            by_alias[served.model, alias] = replace(known, since=served.since)
    return list(by_alias.values())


def ask_all(workspace: Workspace, store: Store) -> list[Served]:
    """Ask the probe of every model that has one and that is in production; what changed is kept, with an event."""
    from opsconsole.lifecycle.models.serving_check import probe

    before, answered = serving.all_served(store), []
    for name, config in workspace.config.models.items():
        answer = probe(workspace, store, name, config.ladder[-1])
        if answer is None:
            continue
        problem = None if answer.agrees else text.clean(answer.sentence, limit=300)
        served = Served(name, answer.url, answer.version, problem, clock.now())
        known = before.get(name)
        if known is not None and replace(known, since=served.since) == served:
            answered.append(known)
            continue
        if known is not None and (known.problem is None) is (problem is None):
            served = replace(served, since=known.since)
        answered.append(served)
        if not store.readonly:
            _keep(store, served)
    return answered


def _keep(store: Store, served: Served) -> None:
    """Keep an answer; two who ask at once tell of a change once."""
    with store.immediate() as connection:
        before = serving.find(connection, served.model)
        if before is not None and before.since > served.since:
            return  # someone asked later, and was quicker
        serving.put(connection, served)
        was_good = before is None or before.problem is None
        if was_good is not (served.problem is None):
            kind = "model.served" if served.problem is None else "model.unserved"
            events.record(
                connection,
                kind,
                f"model {served.model}",
                reason=served.problem,
                detail={"url": served.url, "version": served.version},
            )


def _ended(workspace: Workspace, store: Store) -> list[Unserved]:
    """Return the aliases whose serving pipeline ran once and has no live run now."""
    ended = []
    for repo, config in workspace.config.repos.items():
        for name, pipeline in config.pipelines.items():
            if pipeline.serves is None:
                continue
            served = Rung.of(pipeline.serves)
            model, alias = served.model, served.alias or ladder_of(workspace, served.model)[-1]
            run = serving.newest_run(store, repo, name)
            if run is None or not run.state.final or promotions.alias(store, model, alias) is None:
                continue
            why = f"run {run.id} {run.state.replace('_', ' ')}"
            ended.append(Unserved(model, alias, run.ended_at or run.created_at, why, run.id, f"{repo}/{name}"))
    return ended
