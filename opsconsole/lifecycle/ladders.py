"""A model's ladder, who stands where on it, and which pipelines are about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsconsole.config.schema import ModelConfig
from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import NotFoundError
from opsconsole.store import promotions
from opsconsole.store.connection import Store

if TYPE_CHECKING:
    from opsconsole.store.models import Version


def ladder_of(workspace: Workspace, model: str) -> list[str]:
    """Return a model's rungs, lowest first."""
    return workspace.config.models.get(model, ModelConfig()).ladder


def require_rung(workspace: Workspace, model: str, alias: str) -> list[str]:
    """Return the ladder that a rung is on; NotFoundError names the rungs there are."""
    ladder = ladder_of(workspace, model)
    if alias not in ladder:
        raise NotFoundError(f"the model `{model}` has no rung `{alias}`", hint=f"its ladder: {', '.join(ladder)}")
    return ladder


def champion_of(store: Store, model: str, ladder: list[str], alias: str | None = None) -> Version | None:
    """Return the version at ``alias``, else the one at the highest held rung above the lowest; None when there is none."""
    from opsconsole.store import models  # the console's start asks for ladders alone

    held = {row.alias: row.version for row in promotions.aliases(store, model)}
    wanted = [alias, *reversed(ladder[1:])]
    number = next((held[rung] for rung in wanted if rung is not None and rung in held), None)
    return models.version(store, model, number) if number is not None else None


def model_of(workspace: Workspace, target: str, named: str | None = None) -> str | None:
    """Return the model that a pipeline trains or scores: the one it names, its monitor's, else the workspace's only one."""
    repo, _, pipeline = target.partition("/")
    configured = workspace.config.repos.get(repo)
    pipeline_config = configured.pipelines.get(pipeline) if configured else None
    if named is not None or (pipeline_config is not None and pipeline_config.model is not None):
        return named or (pipeline_config.model if pipeline_config is not None else None)
    monitors = workspace.config.monitors
    if pipeline_config is not None and pipeline_config.on.alert in monitors:
        return monitors[pipeline_config.on.alert].watched or None
    served = {item.watched for item in monitors.values() if item.refresh == target}
    names = served or set(workspace.config.models)
    return next(iter(names)) if len(names) == 1 else None
