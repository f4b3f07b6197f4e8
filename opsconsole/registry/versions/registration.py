"""Registering a version: everything slow is staged first, then one transaction gives it its number."""

from __future__ import annotations

import gzip
import shutil
import sqlite3
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from opsconsole.config.workspace import Workspace
from opsconsole.core import clock
from opsconsole.core.errors import UsageError
from opsconsole.core.files import digest_file, digest_rows
from opsconsole.core.foreign_files import open_foreign
from opsconsole.core.nouns import Contender, Digest, ModelTask
from opsconsole.core.process import Identity, alive, own_identity
from opsconsole.registry.evidence import data_parts, measures
from opsconsole.registry.evidence.scored import Reading, Scored, read_columns, read_evaluation, reading_of
from opsconsole.registry.places import version_folder
from opsconsole.registry.versions import ledger
from opsconsole.registry.versions.artifacts import (
    STAGING,
    Staged,
    discard,
    publish,
    publish_folder,
    set_aside,
    stage,
    verify,
)
from opsconsole.registry.versions.audit import audit
from opsconsole.registry.versions.declared import (
    Declared,
    read_declared,
    read_lock,
    read_metrics,
    read_params,
    read_signature,
)
from opsconsole.registry.versions.inference import Task, TaskSource, require_task
from opsconsole.registry.versions.layout import Layout, layout_of_path, layout_of_run
from opsconsole.registry.versions.mlmodel import read_mlmodel
from opsconsole.store import evaluations, events, models
from opsconsole.store.beside import last_version, links
from opsconsole.store.connection import Store
from opsconsole.store.evaluations import Evaluation
from opsconsole.store.models import Audit, DataPart, Provenance, Signature, Version


@dataclass(frozen=True)
class Prepared:
    """A version that waits for its number: artifact and evidence are staged on the same disk."""

    declared: Declared
    task: Task
    artifact: Staged
    audit: Audit
    evidence: Path
    """Staging folder with the evaluation file and the row ids."""
    metrics: dict[str, float]
    params: dict[str, object]
    data: tuple[DataPart, ...]
    evaluations: tuple[Scores, ...] = ()
    lock: str | None = None


@dataclass(frozen=True)
class Scores:
    """One contender's standing on the evaluation rows."""

    contender: Contender
    rows: int
    rows_digest: Digest
    file: str
    file_digest: Digest
    metrics: dict[str, float]
    plots: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Given:
    """What the operator says of an artifact besides what lies with it; it goes before that."""

    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, object] = field(default_factory=dict)
    task: ModelTask | None = None
    evaluation: Path | None = None
    training_data: Path | None = None
    training_ids: Path | None = None
    signature: Path | None = None


def prepare_run(workspace: Workspace, out: Path, run_id: int) -> Prepared:
    """Stage what a training left in ``out/``: model/, model.toml, metrics, params, data parts, evaluation.

    The staging folders bear the run's number, so an intake that is repeated replaces what a killed one left.
    UsageError for a model that is not configured.
    """
    layout = layout_of_run(out)
    declared = read_declared(out / "model.toml")
    config = workspace.config.models.get(declared.name)
    if config is None:
        known = ", ".join(sorted(workspace.config.models)) or "none"
        raise UsageError(
            f"the model `{declared.name}` is not in {workspace.file}",
            hint=f"add [models.{declared.name}] with its task; known: {known}",
        )
    task = Task(config.task, TaskSource.CONFIG)
    reading = reading_of(config, config.task)
    return _prepare(workspace, declared, task, reading, layout, Given(), key=f"run-{run_id}")


def prepare_path(workspace: Workspace, store: Store, name: str, source: Path, given: Given) -> Prepared:
    """Stage an artifact of the operator's own: a file, a folder, or a folder laid out as a run's ``out/``."""
    layout = layout_of_path(source)
    declared = Declared(name=name, entry=source.name if source.is_file() else "", framework="", signature=Signature())
    declaration = layout.file("model.toml")
    if declaration is not None:
        declared = replace(read_declared(declaration), name=name)
    if layout.mlmodel is not None:
        described = read_mlmodel(layout.mlmodel)
        declared = replace(
            declared,
            entry=declared.entry or described.entry,
            framework=declared.framework or described.framework,
            signature=declared.signature if declared.signature.inputs else described.signature,
        )
        given = replace(given, params={**described.params, **given.params})
    if given.signature is not None:
        declared = replace(declared, signature=read_signature(given.signature))
    evaluation = given.evaluation or layout.evaluation
    columns = None if evaluation is None else read_columns(evaluation, follow=True)
    task = require_task(workspace.config.models.get(name), models.task(store, name), name, given.task, columns)
    reading = reading_of(workspace.config.models.get(name), task.task)
    sweep(workspace)
    key = f"by-{own_identity().to_text()}:{uuid.uuid4().hex}"
    return _prepare(workspace, declared, task, reading, layout, given, key=key)


def insert(
    connection: sqlite3.Connection,
    workspace: Workspace,
    prepared: Prepared,
    provenance: Provenance,
    *,
    command: str | None,
) -> Version:
    """Give a prepared version its number, publish its folders and write its rows; the caller holds the transaction.

    The folders are renamed before the commit: after a crash in between, there is a folder without a row. The same
    artifact, registered again, takes that number; nothing else ever does.
    """
    name = prepared.declared.name
    new = models.insert_model(connection, name, prepared.task.task)
    if prepared.task.by is TaskSource.GIVEN:
        models.correct_task(connection, name, prepared.task.task)
    version = _version(prepared, _next_version(connection, workspace, prepared), provenance)
    publish(prepared.artifact, version_folder(workspace, name, version.version))
    publish_folder(prepared.evidence, workspace.evidence / name / f"v{version.version}")
    models.insert_version(connection, version, list(prepared.artifact.files))
    for scores in prepared.evaluations:
        contender = version.version if scores.contender is Contender.CHALLENGER else provenance.champion
        if contender is not None:
            evaluations.insert(connection, evaluation_of(version, contender, scores))
    if new:
        events.record(connection, "model.created", f"model {name}", command=command, actor=provenance.actor)
    events.record(
        connection,
        "version.registered",
        f"model {name}:{version.version}",
        command=command,
        actor=provenance.actor,
        detail={
            "digest": version.digest,
            "run": provenance.run_id,
            "alert": provenance.alert_id,
            "metrics": version.metrics,
        },
    )
    return version


def _next_version(connection: sqlite3.Connection, workspace: Workspace, prepared: Prepared) -> int:
    """Return a number that neither a row nor a folder, link or record bears, whatever the store says."""
    model = prepared.declared.name
    last, known = last_version(workspace.state, model), models.next_version(connection, model)
    if last >= known and _is_killed_attempt(workspace, prepared, last):
        discard(version_folder(workspace, model, last))
        set_aside(workspace.evidence / model / f"v{last}")
        return last
    return max(last + 1, known)


def _is_killed_attempt(workspace: Workspace, prepared: Prepared, number: int) -> bool:
    """Whether a folder without a row holds this artifact, and no link or record refers to it."""
    model = prepared.declared.name
    linked = any(leads == number for _, leads in links(workspace.models / model))
    folder = version_folder(workspace, model, number)
    return (
        not linked and not ledger.has_version(workspace, model, number) and not verify(folder, prepared.artifact.files)
    )


def _version(prepared: Prepared, number: int, provenance: Provenance) -> Version:
    return Version(
        model=prepared.declared.name,
        version=number,
        digest=prepared.artifact.digest,
        framework=prepared.declared.framework,
        entry=prepared.declared.entry,
        size=prepared.artifact.size,
        signature=prepared.declared.signature,
        metrics=prepared.metrics,
        params=prepared.params,
        data=prepared.data,
        audit=prepared.audit,
        lock=prepared.lock,
        provenance=provenance,
        created_at=clock.now(),
    )


def discard_prepared(prepared: Prepared) -> None:
    """Delete what waits for a number that it will not get."""
    discard(prepared.artifact.folder)
    discard(prepared.evidence)


def sweep(workspace: Workspace) -> None:
    """Delete what processes that are gone had staged from a path; a run's staging is replaced by its next intake."""
    for area in (workspace.models / STAGING, workspace.evidence / STAGING):
        for folder in area.glob("by-*:*:*:*"):
            if not alive(Identity.from_text(folder.name.removeprefix("by-").rpartition(":")[0])):
                discard(folder)


def _prepare(
    workspace: Workspace,
    declared: Declared,
    task: Task,
    reading: Reading,
    layout: Layout,
    given: Given,
    *,
    key: str,
) -> Prepared:
    parts = data_parts.read_parts(layout.beside) if layout.beside is not None else ()
    metrics = read_metrics(layout.beside / "metrics.json") if layout.beside is not None else {}
    params = read_params(layout.beside / "params.json") if layout.beside is not None else {}
    staged = stage(layout.artifact, workspace.models / STAGING / key, apart=layout.apart)
    kept = workspace.evidence / STAGING / key
    discard(kept)
    kept.mkdir(parents=True, mode=0o700)
    try:
        if declared.entry and declared.entry not in {file.path for file in staged.files}:
            raise UsageError(f"model.toml: entry: the artifact has no file {declared.entry!r}")
        scored = _keep_evaluation(reading, given.evaluation, layout, kept)
        parts = _keep_parts(parts, layout, given, scored, kept)
        scores = () if scored is None else scores_of(scored.path, scored.contenders, reading)
        own = next((item.metrics for item in scores if item.contender is Contender.CHALLENGER), {})
        return Prepared(
            declared=declared,
            task=task,
            artifact=staged,
            audit=audit(staged.folder),
            evidence=kept,
            metrics={**metrics, **given.metrics, **own},
            params={**params, **given.params},
            data=parts,
            evaluations=scores,
            lock=read_lock(layout.artifact),
        )
    except BaseException:
        discard(staged.folder)
        discard(kept)
        raise


@dataclass(frozen=True)
class _Kept:
    """An evaluation file that was copied, and what it says."""

    path: Path
    source: Path
    contenders: dict[Contender, Scored]


def _keep_evaluation(reading: Reading, given: Path | None, layout: Layout, kept: Path) -> _Kept | None:
    """Copy the file of per-row scores, and read the copy: nobody can change it between the two."""
    source = given or layout.evaluation
    if source is None:
        return None
    suffix = ".parquet" if source.suffix == ".parquet" else ".csv"
    target = kept / f"evaluation{suffix}"
    _copy(source, target, follow=given is not None)
    return _Kept(target, source, read_evaluation(target, reading, called=source.name))


def _keep_parts(
    parts: tuple[DataPart, ...], layout: Layout, given: Given, scored: _Kept | None, kept: Path
) -> tuple[DataPart, ...]:
    """Hold the data's parts against their files and keep these; what the operator names takes a part's place."""
    challenger = None if scored is None else scored.contenders.get(Contender.CHALLENGER)
    named = _given_parts(given, kept)
    replaced = {item.name for item in named} | ({data_parts.EVALUATION} if given.evaluation is not None else set())
    parts = tuple(part for part in parts if part.name not in replaced)
    if layout.beside is not None:
        data_parts.check_parts(parts, layout.beside, challenger)
        for part in parts:
            if part.ids is not None:
                _copy(layout.beside / part.ids, kept / part.ids)
    return (*parts, *named)


def _given_parts(given: Given, kept: Path) -> tuple[DataPart, ...]:
    """Return the part of the rows it was trained on, where the operator names them."""
    source = given.training_ids or given.training_data
    if source is None:
        return ()
    ids = data_parts.read_ids(source, follow=True) if given.training_ids else _ids_in(source)
    if not ids:
        raise UsageError(f"{source.name}: names no rows", hint="a training part of no rows tells nothing")
    with gzip.open(kept / "training.ids.gz", "wt", encoding="utf-8") as packed:
        packed.writelines(f"{row}\n" for row in ids)
    return (DataPart(data_parts.TRAINING, (str(source.resolve()),), len(ids), digest_rows(ids), "training.ids.gz"),)


def _ids_in(path: Path) -> list[str]:
    columns = read_columns(path, follow=True)
    if "row_id" not in columns:
        raise UsageError(
            f"{path.name}: has no column row_id, so that its rows have no names",
            hint="give rows their row_id, or name them with --training-ids FILE, one a line",
        )
    return [str(row) for row in columns["row_id"]]


def _copy(source: Path, target: Path, *, follow: bool = False) -> None:
    with open_foreign(source, follow=follow) as reader, target.open("wb") as writer:
        shutil.copyfileobj(reader, writer, 1 << 20)


def scores_of(path: Path, contenders: dict[Contender, Scored], reading: Reading) -> tuple[Scores, ...]:
    """Measure what each contender scored in an evaluation file."""
    digest = digest_file(path)
    return tuple(
        Scores(
            contender=name,
            rows=len(scored.row_ids),
            rows_digest=scored.digest,
            file=path.name,
            file_digest=digest,
            metrics=measures.metrics(reading.task, scored),
            plots=measures.plots(reading.task, scored),
        )
        for name, scored in contenders.items()
    )


def evaluation_of(version: Version, contender: int, scores: Scores) -> Evaluation:
    """Return what a version's evaluation file says of the version with number ``contender``, which may be the champion's."""
    return Evaluation(
        model=version.model,
        version=contender,
        run_id=version.provenance.run_id,
        rows_digest=scores.rows_digest,
        rows=scores.rows,
        path=f"{version.model}/v{version.version}/{scores.file}",
        file_digest=scores.file_digest,
        contender=scores.contender,
        metrics=scores.metrics,
        plots=scores.plots,
        created_at=version.created_at,
    )
