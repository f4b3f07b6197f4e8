"""``monitor add``: what a section needs is read from the data, the model's version and its evaluation, and said."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from opsconsole.config.editing import Edit, Section, Setting, add_sections, require_name
from opsconsole.config.metrics import Use, spec_of, used
from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import NotFoundError, UsageError
from opsconsole.core.files import expanded, near
from opsconsole.core.nouns import Contender, ModelTask, Rung
from opsconsole.core.text import clean
from opsconsole.drift.data.formats.commands import COMMAND
from opsconsole.drift.data.formats.tables import SQLITE
from opsconsole.drift.monitors import EVALUATION
from opsconsole.drift.reference.reference_rows import brings_features
from opsconsole.lifecycle.adding.choices import Choice, ChosenBy, given, guessed, nothing
from opsconsole.lifecycle.adding.chunking import chunk_of, least_of
from opsconsole.lifecycle.adding.data_head import Head, id_of, label_of, read_head, score_of, time_of
from opsconsole.lifecycle.ladders import ladder_of, require_rung
from opsconsole.lifecycle.usecases import command
from opsconsole.registry.places import evaluation_path
from opsconsole.registry.tasks import task_of
from opsconsole.store import baselines, evaluations, events, models, promotions
from opsconsole.store.connection import Store
from opsconsole.store.models import Version

FLOOR = {ModelTask.BINARY: "reference - 0.05", ModelTask.MULTICLASS: "reference - 0.05"}
"""Where performance must stay; numbers have R², whose floor is as far from the reference's."""


@dataclass(frozen=True)
class MonitorRequest:
    """What the operator says of a monitor."""

    name: str
    data: str
    model: str | None = None
    """``MODEL@ALIAS``, or the model alone: its top rung."""
    reference: str | None = None
    time: str | None = None
    label: str | None = None
    id: str | None = None
    score: str | None = None
    chunk: str | None = None

    @property
    def rung(self) -> Rung:
        """The rung that is named; its parts are empty where they are not."""
        return Rung.of(self.model or "")

    @property
    def command(self) -> str:
        """The CLI line that says the same."""
        return command(
            "monitor.add",
            monitor=self.name,
            source=self.data,
            model=self.model,
            reference=self.reference,
            time=self.time,
            label=self.label,
            id=self.id,
            score=self.score,
            length=self.chunk,
        )


@dataclass(frozen=True)
class AddedMonitor:
    """What was written, and what the operator should know of it."""

    name: str
    edit: Edit
    choices: tuple[Choice, ...]
    notes: tuple[str, ...] = ()


@dataclass
class _Draft:
    choices: list[Choice] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def setting(self, key: str) -> object:
        """Return what was chosen for a key; None where nothing was."""
        return next((one.value for one in self.choices if one.key == key), None)


def add_monitor(
    workspace: Workspace, store: Store, request: MonitorRequest, *, base: Path, dry_run: bool = False
) -> AddedMonitor:
    """Write ``[monitors.NAME]``; paths are from ``base`` on. Raises what is wrong before anything is written."""
    require_name(request.name, "monitor")
    draft = _Draft()
    if request.model is None and request.reference is None and request.name in workspace.config.models:
        request = replace(request, model=f"{request.name}@{ladder_of(workspace, request.name)[-1]}")
        draft.notes.append(
            f"neither --model nor --reference was given, and there is a model `{request.name}`: it is watched"
        )
    sections: list[Section] = []
    if request.model is None:
        _of_data(workspace, request, base, draft)
    else:
        sections += _of_model(workspace, store, request, base, draft)
    settings = {one.key: one.setting for one in draft.choices if one.by is not ChosenBy.NOBODY}
    if request.model is None:
        why = "no model: a column that moved is all there is to tell of"
        tables = {"policy": {"input": Setting("warn", why)}}
        if "time" not in settings:
            tables["limits"] = {"persist": Setting(1, "a file is whole: what moved in it counts at once")}
        sections.append(Section("monitors", request.name, {**settings, **tables}))
    else:
        performance = _performance(workspace, store, request, draft)
        sections.append(Section("monitors", request.name, {**settings, **performance}))
    edit = add_sections(workspace.file, sections, dry_run=dry_run)
    if edit.changed and not dry_run:
        with store.immediate() as connection:
            subject = f"monitor {request.name}"
            chosen = {one.key: str(one.value) for one in draft.choices if one.by is ChosenBy.GUESSED}
            events.record(connection, "monitor.added", subject, command=request.command, detail={"guessed": chosen})
    return AddedMonitor(request.name, edit, tuple(draft.choices), tuple(draft.notes))


def _of_data(workspace: Workspace, request: MonitorRequest, base: Path, draft: _Draft) -> None:
    """Choose for rows that no model scores."""
    for option, value in (("--label", request.label), ("--score", request.score)):
        if value is not None:
            raise UsageError(
                f"{option} is for a monitor of a model: without one every column is watched alike",
                hint="--model MODEL@RUNG, or leave it out",
            )
    if request.reference is None:
        raise UsageError(
            "what are the rows to be held against? neither --model nor --reference was given",
            hint="--reference FILE: rows as they should be; --model MODEL@RUNG: what its version was evaluated on",
        )
    if located(request.reference, base) == located(request.data, base):
        raise UsageError("the data and the reference are the same rows", hint="name others as --reference")
    head = _head(workspace, request, base, draft)
    reference = _rows_of(request.reference, base)
    draft.choices.append(given("reference", placed(workspace, request.reference, base)))
    if head is None:
        return
    if reference is None:
        _dated(request, head, draft)
        return
    shared = [name for name in head.columns if name in reference.columns]
    if not shared:
        raise UsageError(
            f"{head.name} and {reference.name} have no column in common",
            hint=f"one has {', '.join(head.columns[:5])}, the other {', '.join(reference.columns[:5])}",
        )
    _dated(request, head, draft)
    identity = id_of(head, request.id)
    draft.choices += [identity] if identity.by is not ChosenBy.NOBODY else []
    _sized(draft, head, reference)
    only = [name for name in head.columns if name not in reference.columns]
    if only:
        draft.notes.append(f"only {head.name} has {', '.join(clean(one, limit=40) for one in only[:5])}: not watched")


def _of_model(workspace: Workspace, store: Store, request: MonitorRequest, base: Path, draft: _Draft) -> list[Section]:
    """Choose for rows that a model scores; return the section of a model that the file does not name yet."""
    name, rung = request.rung.model, request.rung.alias
    sections = _model_section(workspace, store, name)
    ladder = ladder_of(workspace, name)
    rung = rung or ladder[-1]
    require_rung(workspace, name, rung)
    whole = f"{name}@{rung}"
    draft.choices.append(
        given("model", whole) if request.model == whole else guessed("model", whole, "the top rung of its ladder")
    )
    held = promotions.alias(store, name, rung)
    version = None if held is None else models.version(store, name, held.version)
    if version is None:
        newest = next(iter(models.versions(store, name, limit=1)), None)
        number = "VERSION" if newest is None else newest.version
        draft.notes.append(
            f"{whole} points nowhere yet: drift check {request.name} works once a version stands there:"
            f" opsconsole model promote {name}:{number} --to {rung} --reason …"
        )
    head = _head(workspace, request, base, draft)
    if head is not None:
        _dated(request, head, draft)
        _outcomes(workspace, store, request, head, draft)
    reference = _reference(workspace, store, request, base, version, draft)
    _sized(draft, head, reference)
    return sections


def _model_section(workspace: Workspace, store: Store, name: str) -> list[Section]:
    if name in workspace.config.models:
        return []
    task = models.task(store, name)
    if task is None:
        known = sorted({*workspace.config.models, *(one.name for one in models.models(store))})
        raise NotFoundError(
            f"there is no model `{clean(name, limit=80)}`",
            hint=f"known: {', '.join(known) or 'none'}; opsconsole model add NAME FILE adds one",
        )
    return [Section("models", name, {"task": Setting(str(task), "as its first version was registered")})]


def _head(workspace: Workspace, request: MonitorRequest, base: Path, draft: _Draft) -> Head | None:
    """Read the data's head; None of data that are to come, where the operator says which column dates a row."""
    draft.choices.append(given("current", placed(workspace, request.data, base)))
    if request.data.startswith(COMMAND):
        _take_as_given(request, draft, "a command is not run to ask")
        return None
    try:
        head = read_head(located(request.data, base), base)
    except NotFoundError as error:
        if request.time is None:
            hint = "name data that are there; of data to come say what dates a row: --time COLUMN"
            raise NotFoundError(error.message, hint=hint) from error
        _take_as_given(request, draft, "nothing is there yet")
        return None
    if not head.rows:
        raise UsageError(f"{head.name} has a header and no rows", hint="nothing can be told of it; name data with rows")
    return head


def _take_as_given(request: MonitorRequest, draft: _Draft, why: str) -> None:
    draft.notes.append(f"{why}: nothing was guessed of the data, its columns are not checked")
    for key in ("time", "id", "label", "score", "chunk"):
        value = getattr(request, key)
        if value is not None:
            draft.choices.append(given(key, value))


def _dated(request: MonitorRequest, head: Head, draft: _Draft) -> None:
    time = time_of(head, request.time)
    if time.by is ChosenBy.NOBODY and request.data.startswith(SQLITE):
        raise UsageError(f"{head.name} has no datetime column, and a table has no other date", hint="--time COLUMN")
    chosen = None if time.value is None else str(time.value)
    draft.choices += [time, chunk_of(head, chosen, request.chunk)]


def _outcomes(workspace: Workspace, store: Store, request: MonitorRequest, head: Head, draft: _Draft) -> None:
    """Choose id, score and label; refuse rows that nothing says a score of."""
    model = request.rung.model
    joined = bool(baselines.predictions(store, model)) or any(
        one.kind == "score" for repo in workspace.config.repos.values() for one in repo.pipelines.values()
    )
    identity, score = id_of(head, request.id), score_of(head, request.score)
    if joined:
        if identity.by is ChosenBy.NOBODY:
            raise UsageError(
                f"{head.name}: scores are joined by an id, and {identity.why}", hint="--id COLUMN names it"
            )
        score = nothing("score", "a pipeline of kind score brings them, joined by id")
    elif score.by is ChosenBy.NOBODY:
        raise UsageError(
            f"{head.name}: what did {model} say of these rows? {score.why}",
            hint="--score COLUMN; or without --model, with --reference FILE, to watch the columns alone",
        )
    draft.choices += [identity, score, label_of(head, request.label)]


def _reference(
    workspace: Workspace,
    store: Store,
    request: MonitorRequest,
    base: Path,
    version: Version | None,
    draft: _Draft,
) -> Head | None:
    """Choose what is compared with: what the operator names, the version's evaluated rows, or those it learned from."""
    if request.reference is not None:
        draft.choices.append(given("reference", placed(workspace, request.reference, base)))
        return _rows_of(request.reference, base)
    if version is None:
        draft.choices.append(nothing("reference", "the rows that its version is evaluated on"))
        return None
    own = [
        one
        for one in evaluations.of_version(store, version.model, version.version)
        if one.contender is Contender.CHALLENGER
    ]
    if own and (version.part("evaluation") is not None or brings_features(evaluation_path(workspace, own[-1]))):
        draft.choices.append(guessed("reference", EVALUATION, f"v{version.version}'s own held-out rows"))
        return None
    trained = version.part("training")
    for path in () if trained is None else trained.paths:
        file = workspace.root / path
        if file.is_file():
            why = f"v{version.version} learned from it, and left no evaluated rows with their columns"
            draft.choices.append(guessed("reference", near(file, workspace.root), why))
            return read_head(str(file), workspace.root)
    raise UsageError(
        f"{version.model} v{version.version} left no evaluated rows with their columns to compare with",
        hint="--reference FILE: rows as they should be, such as those it was trained on",
    )


def _rows_of(source: str, base: Path) -> Head | None:
    """Read the head of a reference; None of a command, which is not run to ask."""
    return None if source.startswith(COMMAND) else read_head(located(source, base), base)


def _sized(draft: _Draft, *heads: Head | None) -> None:
    there = [head for head in heads if head is not None and head.whole]
    least = least_of(*there) if there else None
    draft.choices += [least] if least is not None else []


def _performance(
    workspace: Workspace, store: Store, request: MonitorRequest, draft: _Draft
) -> dict[str, dict[str, Setting]]:
    """Watch performance where labels come and the reference has some, so that a floor can be told from it."""
    label, reference = draft.setting("label"), draft.setting("reference")
    if label is None:
        draft.notes.append("performance is not watched: no label is named")
        return {}
    if reference not in {None, EVALUATION}:
        head = _rows_of(str(reference), workspace.root)
        if head is None:
            draft.notes.append("performance is not watched: a command is not run to ask for labels")
            return {}
        lacking = [str(one) for one in (label, draft.setting("score")) if one is not None and one not in head.columns]
        if lacking:
            draft.notes.append(
                f"performance is not watched: {head.name} has no {' and no '.join(lacking)} to set a floor by"
            )
            return {}
    task = task_of(workspace, store, request.rung.model)
    metric = "r2" if spec_of("r2", task) is not None else used(task, Use.WATCHED)[0].name
    floor = FLOOR.get(task, "reference - 0.1")
    settings = {"metric": Setting(metric, f"of a {task} model"), "floor": Setting(floor, "a change worth telling of")}
    return {"performance": settings}


def located(source: str, base: Path) -> str:
    """Return a source as it is found from the folder that it was named in."""
    if source.startswith(COMMAND):
        return source
    prefix = SQLITE if source.startswith(SQLITE) else ""
    return f"{prefix}{(base / expanded(source.removeprefix(prefix)))}"


def placed(workspace: Workspace, source: str, base: Path) -> str:
    """Return a source as the file has it: from the workspace's folder on, where it lies inside."""
    place = located(source, base)
    prefix = SQLITE if place.startswith(SQLITE) else ""
    path = Path(place.removeprefix(prefix))
    if place.startswith(COMMAND) or not path.is_relative_to(workspace.root):
        return place
    inside = str(path.relative_to(workspace.root))
    return f"{prefix}./{inside}" if inside.startswith("~") else f"{prefix}{inside}"
