"""Inferring a model's task where none is configured: from an option, the record, or its evaluation's columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from opsconsole.config.schema import ModelConfig
from opsconsole.core import text
from opsconsole.core.errors import UsageError
from opsconsole.core.nouns import ModelTask
from opsconsole.registry.evidence.classes import spelled
from opsconsole.registry.evidence.scored import PREFIX, Columns

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MANY = 20
"""Numbers of more values than this are no classes."""


class TaskSource(StrEnum):
    """Who says what a model predicts."""

    CONFIG = "config"
    STORE = "store"
    GIVEN = "given"
    INFERRED = "inferred"
    ASSUMED = "assumed"


@dataclass(frozen=True)
class Task:
    """What a model predicts, and who says so."""

    task: ModelTask
    by: TaskSource


def require_task(
    config: ModelConfig | None, stored: ModelTask | None, name: str, given: ModelTask | None, columns: Columns | None
) -> Task:
    """Return the task of a model that is registered; UsageError for one that contradicts, or a name no model can have."""
    if config is not None:
        if given is not None and given is not config.task:
            raise UsageError(
                f"--task {given}: the model `{name}` is {config.task} by its table",
                hint=f"change task in [models.{name}], or leave --task out",
            )
        return Task(config.task, TaskSource.CONFIG)
    if _NAME.fullmatch(name) is None:
        raise UsageError(
            f"{text.clean(name, limit=80)!r} is no name of a model",
            hint="letters, digits, `.`, `_` and `-`, a letter or digit first, 64 at most",
        )
    if given is not None:
        return Task(given, TaskSource.GIVEN)
    if stored is not None:
        return Task(stored, TaskSource.STORE)
    return (
        Task(ModelTask.BINARY, TaskSource.ASSUMED) if columns is None else Task(_inferred(columns), TaskSource.INFERRED)
    )


def _inferred(columns: Columns) -> ModelTask:
    """Tell by what an evaluation looks like; UsageError where it could be either."""
    if sum(name.startswith(PREFIX) for name in columns) > 1:
        return ModelTask.MULTICLASS
    labels = {spelled(value) for value in columns.get("label", ())}
    numbers = [_number(word) for word in labels]
    if len(labels) == 2:
        return ModelTask.BINARY
    if all(value is not None for value in numbers):
        whole = all(value is not None and value.is_integer() for value in numbers)
        if len(labels) > _MANY or not whole:
            return ModelTask.REGRESSION
        scores = {spelled(value) for value in columns.get("score", ())}
        if labels and labels <= {"0", "1"}:
            return ModelTask.BINARY
        if scores and scores <= labels:
            return ModelTask.MULTICLASS
    elif len(labels) > 2:
        return ModelTask.MULTICLASS
    raise UsageError(
        f"what the model predicts cannot be told from labels such as {', '.join(sorted(labels)[:3]) or 'none'}",
        hint="--task binary, multiclass, regression or ranking",
    )


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None
