"""Versions and moves of models, from the records beside them; where an older program wrote none, from the files themselves."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from opsconsole.config.schema import ModelConfig
from opsconsole.config.workspace import Workspace
from opsconsole.core import clock
from opsconsole.core.actor import current_actor
from opsconsole.core.errors import OpsconsoleError, UsageError
from opsconsole.core.nouns import Contender, PromotionKind
from opsconsole.registry.places import version_folder
from opsconsole.registry.versions import ledger
from opsconsole.registry.versions.artifacts import verify
from opsconsole.store import evaluations, models, promotions
from opsconsole.store.beside import links, model_folders, version_numbers
from opsconsole.store.evaluations import Evaluation
from opsconsole.store.events import PastEvent
from opsconsole.store.models import Provenance, Version, VersionFile
from opsconsole.store.recovery import records

if TYPE_CHECKING:
    from opsconsole.lifecycle.recovery.refilled import Refilled

UNKNOWN_ACTOR = "unknown"
AS_SERVED = "as its link led when the store was made anew"
_MOVED = {
    PromotionKind.PROMOTE: "model.promoted",
    PromotionKind.ROLLBACK: "model.rolled_back",
    PromotionKind.INTAKE: "model.nominated",
}


def versions(workspace: Workspace, connection: sqlite3.Connection, done: Refilled) -> None:
    """Write every version that has a record or a folder, and no row; then the scores of all of them."""
    scores: list[records.Row] = []
    for folder in model_folders(workspace.state):
        recorded = dict(ledger.version_records(folder))
        for number in sorted({*recorded, *version_numbers(folder)}):
            if records.has_version(connection, folder.name, number):
                continue
            name = f"{folder.name}:{number}"
            try:
                record = recorded.get(number)
                if record is not None:
                    records.put_version(connection, record)
                    scores += record["evaluations"]
                elif not version_folder(workspace, folder.name, number).is_dir():
                    raise UsageError("its record cannot be read, and its folder is gone")
                else:
                    _from_files(workspace, connection, folder.name, number)
                    done.unknown.append(f"{name}: it has no record; it was taken as its files lie there")
            except OpsconsoleError as error:
                done.unknown.append(f"{name}: {error.message}")
                continue
            except OSError as error:
                done.unknown.append(f"{name}: it cannot be read: {(error.strerror or str(error)).lower()}")
                continue
            done.versions += 1
            _tell_version(workspace, connection, folder.name, number, done)
    for row in scores:
        try:
            records.put_evaluations(connection, [row])
        except OpsconsoleError as error:
            done.unknown.append(f"scores of {row.get('model')}:{row.get('version')}: {error.message}")


def _tell_version(
    workspace: Workspace, connection: sqlite3.Connection, model: str, number: int, done: Refilled
) -> None:
    version, manifest = records.version_inside(connection, model, number)
    wrong = verify(version_folder(workspace, model, number), manifest)
    if wrong:
        done.unknown.append(f"{model}:{number}: its files are not what was registered: {'; '.join(wrong[:3])}")
    detail: dict[str, object] = {"digest": version.digest, "run": version.provenance.run_id}
    done.past.append(
        PastEvent(
            version.created_at, version.provenance.actor, "version.registered", f"model {model}:{number}", detail=detail
        )
    )


def moves(workspace: Workspace, connection: sqlite3.Connection, done: Refilled) -> None:
    """Write every recorded move that has no row, stand the aliases where the last brought them, and hold them against links."""
    recorded: list[records.Row] = []
    for folder in model_folders(workspace.state):
        for move in ledger.move_records(folder):
            if isinstance(move, str):
                done.unknown.append(f"{folder.name}: the record {move} cannot be read")
            else:
                recorded.append(move)
    for row in sorted(recorded, key=lambda row: (row["id"], str(row.get("at")))):
        if not records.has_move(connection, row):
            _put_move(connection, row, done)
    records.point_aliases(connection)
    for folder in model_folders(workspace.state):
        for alias, served in links(folder):
            _hold_against_link(connection, folder.name, alias, served, done)


def _put_move(connection: sqlite3.Connection, row: records.Row, done: Refilled) -> None:
    try:
        records.put_move(connection, row)
    except OpsconsoleError as error:
        done.unknown.append(f"a move of {row['model']}@{row.get('alias')}: {error.message}")
        return
    done.moves += 1
    detail: dict[str, object] = {"from": row["from_version"], "to": row["to_version"], "promotion": row["id"]}
    done.past.append(
        PastEvent(
            clock.from_text(row["at"]),
            row["actor"],
            _MOVED[PromotionKind(row["kind"])],
            f"model {row['model']}@{row['alias']}",
            row["reason"],
            detail,
        )
    )


def _hold_against_link(connection: sqlite3.Connection, model: str, alias: str, served: int, done: Refilled) -> None:
    """Let an alias stand where its link leads: nothing that is served changes because a store was lost."""
    held = promotions.alias_inside(connection, model, alias)
    if held is not None and held.version == served:
        return
    if not records.has_version(connection, model, served):
        done.unknown.append(f"{model}@{alias}: its link leads to v{served}, which is not there")
        return
    promotions.move(
        connection,
        kind=PromotionKind.PROMOTE,
        model=model,
        name=alias,
        to_version=served,
        revision=held.revision if held is not None else 0,
        reason=AS_SERVED,
        actor=current_actor(),
        gates=[],
        forced=[],
    )
    done.moves += 1
    before = f"the records say v{held.version}" if held is not None else "no move of it is recorded"
    done.unknown.append(f"{model}@{alias}: its link leads to v{served}, and {before}; it stays where it leads")


# a version without a record


@dataclass(frozen=True)
class _Source:
    """The training whose model it is, byte for byte."""

    run_id: int
    out: Path
    repo: str
    commit: str
    champion: int | None


def _from_files(workspace: Workspace, connection: sqlite3.Connection, model: str, number: int) -> None:
    """Register what lies in a version's folder, with what the training that left it says of it; UsageError when it cannot be."""
    from opsconsole.registry.evidence import data_parts
    from opsconsole.registry.versions.artifacts import manifest_digest
    from opsconsole.registry.versions.audit import audit
    from opsconsole.registry.versions.declared import read_declared, read_lock, read_metrics, read_params

    folder = version_folder(workspace, model, number)
    files = _files_of(folder)
    config = workspace.config.models.get(model)
    version = Version(
        model=model,
        version=number,
        digest=manifest_digest(files),
        framework="",
        entry=files[0].path if len(files) == 1 else "",
        size=sum(file.size for file in files),
        signature=models.Signature(),
        metrics={},
        params={},
        data=(),
        audit=audit(folder),
        lock=read_lock(folder),
        provenance=Provenance(actor=UNKNOWN_ACTOR),
        created_at=datetime.fromtimestamp(folder.stat().st_mtime, UTC),
    )
    source = _source(workspace, connection, files)
    if source is not None:
        declared = read_declared(source.out / "model.toml")
        version = replace(
            version,
            framework=declared.framework,
            entry=declared.entry,
            signature=declared.signature,
            metrics=read_metrics(source.out / "metrics.json"),
            params=read_params(source.out / "params.json"),
            data=data_parts.read_parts(source.out),
            provenance=Provenance(
                UNKNOWN_ACTOR, source.repo, source.commit, run_id=source.run_id, champion=source.champion
            ),
        )
    models.insert_model(connection, model, (config or ModelConfig()).task)
    scored = _scored(workspace, connection, version)
    own = next((item.metrics for item in scored if item.version == number), {})
    models.insert_version(connection, replace(version, metrics={**version.metrics, **own}), list(files))
    for evaluation in scored:
        if records.has_version(connection, model, evaluation.version):
            evaluations.insert(connection, evaluation)


def _files_of(folder: Path) -> tuple[VersionFile, ...]:
    import stat

    from opsconsole.core.files import digest_file
    from opsconsole.registry.versions.artifacts import entries

    files: list[VersionFile] = []
    for entry in entries(folder):
        if entry.folder:
            continue
        if not stat.S_ISREG(entry.mode):
            raise UsageError(f"{entry.path} is neither a file nor a folder")
        runs_itself = bool(entry.mode & stat.S_IXUSR)
        files.append(VersionFile(entry.path, entry.size, digest_file(folder / entry.path), runs_itself))
    if not files:
        raise UsageError("its folder is empty")
    return tuple(files)


def _source(workspace: Workspace, connection: sqlite3.Connection, files: tuple[VersionFile, ...]) -> _Source | None:
    """Return the run whose ``out/model`` holds the same files, and that no other version came from."""
    from opsconsole.core.nouns import PipelineKind
    from opsconsole.lifecycle.recovery.refilling_runs import ordered

    for folder, order in ordered(workspace):
        if order.plan.kind is not PipelineKind.TRAIN or not (folder.out / "model").is_dir():
            continue
        taken = records.made_a_version(connection, folder.run_id)
        if not taken and not verify(folder.out / "model", files):
            champion = dict(order.environment).get("OPSCONSOLE_CHAMPION_VERSION", "")
            number = int(champion) if champion.isdecimal() else None
            return _Source(folder.run_id, folder.out, order.plan.repo, order.plan.commit, number)
    return None


def _scored(workspace: Workspace, connection: sqlite3.Connection, version: Version) -> list[Evaluation]:
    """Return what a version's evaluation file says, measured anew; empty when there is none that can be read."""
    folder = workspace.evidence / version.model / f"v{version.version}"
    path = next((file for kind in ("parquet", "csv") if (file := folder / f"evaluation.{kind}").is_file()), None)
    if path is None:
        return []
    from opsconsole.registry.evidence.scored import read_evaluation, reading_of
    from opsconsole.registry.versions.registration import evaluation_of, scores_of

    reading = reading_of(workspace.config.models.get(version.model), records.task_of(connection, version.model))
    numbers = {Contender.CHALLENGER: version.version, Contender.CHAMPION: version.provenance.champion}
    return [
        evaluation_of(version, number, scores)
        for scores in scores_of(path, read_evaluation(path, reading), reading)
        if (number := numbers[scores.contender]) is not None
    ]
