"""``model add``: a model's table, with the task that its evaluation or its file tells; a file becomes its first version."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from opsconsole.config.editing import Edit, Section, Setting, add_sections, remove_section, require_name
from opsconsole.config.load import validated
from opsconsole.config.metrics import Use, used
from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import NotFoundError, OpsconsoleError
from opsconsole.core.nouns import ArtifactFormat, ModelTask
from opsconsole.core.text import clean
from opsconsole.lifecycle.adding.choices import Choice, given, guessed
from opsconsole.lifecycle.adding.estimator import estimator_in
from opsconsole.lifecycle.models.registering import Registered, register_path
from opsconsole.lifecycle.usecases import command
from opsconsole.registry.evidence.scored import read_columns
from opsconsole.registry.versions.inference import TaskSource, require_task
from opsconsole.registry.versions.layout import layout_of_path
from opsconsole.registry.versions.registration import Given
from opsconsole.store import events, models
from opsconsole.store.connection import Store
from opsconsole.store.models import Audit

WHY = {
    TaskSource.STORE: "as its first version was registered",
    TaskSource.ASSUMED: "assumed, since nothing tells: --task or --eval-data FILE does",
}


@dataclass(frozen=True)
class AddedModel:
    """What was written, the version that was registered, and what the operator should know."""

    name: str
    edit: Edit
    choices: tuple[Choice, ...]
    registered: Registered | None = None
    notes: tuple[str, ...] = ()


def add_model(
    workspace: Workspace, store: Store, name: str, path: Path | None, request: Given, *, dry_run: bool = False
) -> AddedModel:
    """Write ``[models.NAME]`` and, with a ``path``, register it. A table that is there stays as it is.

    The task is that of the option, else of the version on record, else what the evaluation looks like. NotFoundError for no file.
    """
    require_name(name, "model")
    if path is not None and not path.exists():
        raise NotFoundError(
            f"{clean(str(path), limit=200)}: there is no such file", hint="name the model's file or folder"
        )
    choices: tuple[Choice, ...] = ()
    if name in workspace.config.models:
        edit = _as_it_is(workspace)
        if request.task is not None:
            require_task(workspace.config.models[name], None, name, request.task, None)
    else:
        choice = _task(store, name, path, request)
        edit = add_sections(workspace.file, [_section(name, choice)], dry_run=dry_run)
        choices += (choice,)
    if dry_run:
        return AddedModel(name, edit, choices)
    made = None if path is None else _registered(workspace, store, name, path, request, edit)
    if edit.changed:
        with store.immediate() as connection:
            line, task = _command(name, path, request), str(choices[0].value)
            events.record(connection, "model.added", f"model {name}", command=line, detail={"task": task})
    return AddedModel(name, edit, choices, made, () if made is None else tuple(_of_audit(name, made.prepared.audit)))


def _registered(workspace: Workspace, store: Store, name: str, path: Path, request: Given, edit: Edit) -> Registered:
    """Register the file by the table that was just written; where that cannot be, the table goes again."""
    try:
        return register_path(replace(workspace, config=edit.config), store, name, path, replace(request, task=None))
    except OpsconsoleError:
        if edit.changed:
            remove_section(workspace.file, "models", name)
        raise


def _as_it_is(workspace: Workspace) -> Edit:
    text = workspace.file.read_text(encoding="utf-8")
    return Edit(workspace.file, text, text, validated(text, str(workspace.file)))


def _task(store: Store, name: str, path: Path | None, request: Given) -> Choice:
    if request.task is not None:
        return given("task", str(request.task))
    evaluation = request.evaluation or (None if path is None else layout_of_path(path).evaluation)
    columns = None if evaluation is None else read_columns(evaluation, follow=True)
    inferred = require_task(None, models.task(store, name), name, None, columns)
    if inferred.by is TaskSource.ASSUMED and path is not None:
        inside = estimator_in(path)
        if inside is not None:
            return guessed("task", str(inside.task), inside.why)
    why = WHY.get(inferred.by)
    if why is None and columns is not None and evaluation is not None:
        values = len({str(value) for value in columns.get("label", ())})
        many = f"label has {values:,} values" if "label" in columns else "probabilities of several classes"
        why = f"{clean(evaluation.name, limit=80)}: {many}"
    return guessed("task", str(inferred.task), why or "")


def _section(name: str, choice: Choice) -> Section:
    task = ModelTask(str(choice.value))
    compared = used(task, Use.COMPARED)
    if not compared:
        return Section("models", name, {"task": choice.setting})
    gate = Setting({"metric": compared[0].name}, "than the champion, on the same rows")
    return Section("models", name, {"task": choice.setting, "gates": {"production": {"not_worse": gate}}})


def _of_audit(name: str, audit: Audit) -> list[str]:
    """Say what the gates will ask of the artifact: nothing of it was loaded."""
    from opsconsole.registry.versions.audit import KNOWN_TYPES

    if audit.format is ArtifactFormat.PICKLE:
        return [
            f"a pickle runs code when it is loaded: its gates fail, unless [models.{name}] says allow_pickle = true"
        ]
    strangers = sorted(set(audit.untrusted) - KNOWN_TYPES)
    if strangers:
        return [f"to be trusted before it passes its gates: [models.{name}] trust = {strangers!r}".replace("'", '"')]
    return []


def _command(name: str, path: Path | None, request: Given) -> str:
    return command(
        "model.add",
        model=name,
        path=path,
        task=request.task,
        evaluation=request.evaluation,
        training=request.training_data,
    )
