"""A model's task: as configured, else as its first version was registered."""

from __future__ import annotations

from opsconsole.config.workspace import Workspace
from opsconsole.core.nouns import ModelTask
from opsconsole.store import models
from opsconsole.store.connection import Store


def task_of(workspace: Workspace, store: Store, model: str) -> ModelTask:
    """Return what a model predicts: the configuration says so, else the store does."""
    config = workspace.config.models.get(model)
    if config is not None:
        return config.task
    return models.task(store, model) or ModelTask.BINARY
