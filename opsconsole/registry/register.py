"""Registering a version: everything slow is staged first, then one transaction gives it its number."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import tomllib
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from opsconsole.config.workspace import Workspace
from opsconsole.ground import clock
from opsconsole.ground.errors import UsageError
from opsconsole.ground.nouns import Digest, ModelTask
from opsconsole.ground.process import Identity, alive, own_identity
from opsconsole.registry import evidence
from opsconsole.registry.artifacts import STAGING, Staged, discard, publish, publish_folder, stage
from opsconsole.registry.audit import audit
from opsconsole.registry.places import version_folder
from opsconsole.store import events, models
from opsconsole.store.models import Audit, Column, DataPart, Evaluation, Provenance, Signature, Version


@dataclass(frozen=True)
class Declared:
    """What ``model.toml`` (or the command line) says of an artifact."""

    name: str
    entry: str
    framework: str
    signature: Signature


@dataclass(frozen=True)
class Prepared:
    """A version that waits for its number: artifact and evidence are staged on the same disk."""

    declared: Declared
    task: ModelTask
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

    contender: str
    rows: int
    rows_digest: Digest
    file: str
    file_digest: Digest
    metrics: dict[str, float]
    plots: dict[str, Any] = field(default_factory=dict)


def prepare_run(workspace: Workspace, out: Path, run_id: int) -> Prepared:
    """Stage what a training left in ``out/``: model/, model.toml, metrics, params, data parts, evaluation.

    The staging folders bear the run's number, so an intake that is repeated replaces what a killed one left.
    """
    declared = _declared(out / "model.toml")
    task = _task(workspace, declared.name)
    evaluation = next((path for name in ("parquet", "csv") if (path := out / f"evaluation.{name}").is_file()), None)
    return _prepare(
        workspace,
        declared,
        task,
        key=f"run-{run_id}",
        source=out / "model",
        evaluation=evaluation,
        parts=evidence.read_parts(out),
        ids_from=out,
        metrics=_numbers(out / "metrics.json"),
        params=_json(out / "params.json"),
    )


def prepare_path(
    workspace: Workspace,
    name: str,
    source: Path,
    *,
    metrics: dict[str, float],
    params: dict[str, object],
    evaluation: Path | None,
) -> Prepared:
    """Stage an artifact of the operator's own: a file or a folder, with metrics and an evaluation file if there is one."""
    declared = Declared(name=name, entry=source.name if source.is_file() else "", framework="", signature=Signature())
    beside = source / "model.toml" if source.is_dir() else source.with_name("model.toml")
    if beside.is_file():
        declared = replace(_declared(beside), name=name)
    sweep(workspace)
    return _prepare(
        workspace,
        declared,
        _task(workspace, name),
        key=f"by-{own_identity().to_text()}:{uuid.uuid4().hex}",
        source=source,
        evaluation=evaluation,
        parts=(),
        ids_from=None,
        metrics=metrics,
        params=params,
    )


def insert(
    connection: sqlite3.Connection,
    workspace: Workspace,
    prepared: Prepared,
    provenance: Provenance,
    *,
    command: str | None,
) -> Version:
    """Give a prepared version its number, publish its folders and write its rows; the caller holds the transaction.

    The folders are renamed before the commit: after a crash in between, the next registration finds a folder without
    a row at its number and moves it out of the way.
    """
    name = prepared.declared.name
    new = models.insert_model(connection, name, prepared.task)
    version = _version(prepared, models.next_version(connection, name), provenance)
    publish(prepared.artifact, version_folder(workspace, name, version.version))
    publish_folder(prepared.evidence, workspace.evidence / name / f"v{version.version}")
    models.insert_version(connection, version, list(prepared.artifact.files))
    for scores in prepared.evaluations:
        contender = version.version if scores.contender == "challenger" else provenance.champion
        if contender is not None:
            models.insert_evaluation(connection, _evaluation(version, contender, scores))
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


def sweep(workspace: Workspace) -> None:
    """Delete what processes that are gone had staged from a path; a run's staging is replaced by its next intake."""
    for area in (workspace.models / STAGING, workspace.evidence / STAGING):
        for folder in area.glob("by-*:*:*:*"):
            if not alive(Identity.from_text(folder.name.removeprefix("by-").rpartition(":")[0])):
                discard(folder)


def _prepare(
    workspace: Workspace,
    declared: Declared,
    task: ModelTask,
    *,
    key: str,
    source: Path,
    evaluation: Path | None,
    parts: tuple[DataPart, ...],
    ids_from: Path | None,
    metrics: dict[str, float],
    params: dict[str, object],
) -> Prepared:
    staged = stage(source, workspace.models / STAGING / key)
    kept = workspace.evidence / STAGING / key
    discard(kept)
    kept.mkdir(parents=True, mode=0o700)
    try:
        if declared.entry and declared.entry not in {file.path for file in staged.files}:
            raise UsageError(f"model.toml: entry: the artifact has no file {declared.entry!r}")
        scores = _evaluate(task, evaluation, kept, parts, ids_from)
        own = next((item.metrics for item in scores if item.contender == "challenger"), {})
        return Prepared(
            declared=declared,
            task=task,
            artifact=staged,
            audit=audit(staged.folder),
            evidence=kept,
            metrics={**metrics, **own},
            params=params,
            data=parts,
            evaluations=scores,
            lock=_lock(source),
        )
    except BaseException:
        discard(staged.folder)
        discard(kept)
        raise


def _evaluate(
    task: ModelTask, evaluation: Path | None, kept: Path, parts: tuple[DataPart, ...], ids_from: Path | None
) -> tuple[Scores, ...]:
    contenders = {} if evaluation is None else evidence.read_evaluation(evaluation)
    if ids_from is not None:
        evidence.check_parts(parts, ids_from, contenders.get("challenger"))
        for part in parts:
            if part.ids is not None:
                shutil.copyfile(ids_from / part.ids, kept / part.ids)
    if evaluation is None:
        return ()
    copied = kept / evaluation.name
    shutil.copyfile(evaluation, copied)
    digest = evidence.file_digest(copied)
    return tuple(
        Scores(
            contender=name,
            rows=len(scored.row_ids),
            rows_digest=scored.digest,
            file=evaluation.name,
            file_digest=digest,
            metrics=evidence.metrics(task, scored),
            plots=evidence.plots(task, scored),
        )
        for name, scored in contenders.items()
    )


def _evaluation(version: Version, contender: int, scores: Scores) -> Evaluation:
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


def _task(workspace: Workspace, name: str) -> ModelTask:
    found = workspace.config.models.get(name)
    if found is None:
        known = ", ".join(sorted(workspace.config.models)) or "none"
        raise UsageError(
            f"the model `{name}` is not in {workspace.file}",
            hint=f"add [models.{name}] with its task; known: {known}",
        )
    return found.task


def _declared(path: Path) -> Declared:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        signature = found.get("signature", {})
        return Declared(
            name=str(found["name"]),
            entry=str(found["entry"]),
            framework=str(found.get("framework", "")),
            signature=Signature(
                inputs=tuple(Column(str(item["name"]), str(item["type"])) for item in signature.get("inputs", [])),
                output=str(signature.get("output", "")),
            ),
        )
    except FileNotFoundError as error:
        raise UsageError(
            "the training left model/ but no model.toml", hint="it names the model and its entry file"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"model.toml: {type(error).__name__}: {error}",
            hint="it holds name, entry, framework and [signature] with inputs = [{name, type}]",
        ) from error


def _json(path: Path) -> dict[str, object]:
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path.name}: not JSON: {error}") from error
    if not isinstance(found, dict):
        raise UsageError(f"{path.name}: not a JSON object")
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{path.name}: holds half a character: {error}") from error
    return {str(key): value for key, value in found.items()}


def _numbers(path: Path) -> dict[str, float]:
    found = _json(path)
    for key, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > sys.float_info.max:
            raise UsageError(f"{path.name}: {key} is no number: {str(value)[:60]!r}")
    return {key: float(value) for key, value in found.items() if isinstance(value, int | float)}


def _lock(source: Path) -> str | None:
    """Return the packages the artifact was made with, where it brings a requirements file."""
    path = source / "requirements.txt" if source.is_dir() else None
    return path.read_text(encoding="utf-8", errors="replace")[:65536] if path is not None and path.is_file() else None
