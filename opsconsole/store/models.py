"""Models, versions and their files: records and the queries on them."""

from __future__ import annotations

import json
import math
import sqlite3
from dataclasses import dataclass
from datetime import datetime

from opsconsole.core import clock, text
from opsconsole.core.errors import NotFoundError
from opsconsole.core.nouns import ArtifactFormat, Digest, ModelTask
from opsconsole.store.connection import Store


@dataclass(frozen=True)
class Model:
    """A registered model."""

    name: str
    task: ModelTask
    created_at: datetime
    versions: int
    """How many versions it has."""


@dataclass(frozen=True)
class Column:
    """One column of a signature."""

    name: str
    type: str


@dataclass(frozen=True)
class Signature:
    """What a version takes and gives; without inputs nothing was declared."""

    inputs: tuple[Column, ...] = ()
    output: str = ""


@dataclass(frozen=True)
class DataPart:
    """A named part of the data a version came from: ``training`` or ``evaluation``."""

    name: str
    paths: tuple[str, ...]
    rows: int
    row_ids: Digest
    ids: str | None
    """The file with the row ids, one a line, inside the version's evidence folder; None when it was not left."""


@dataclass(frozen=True)
class Audit:
    """The audit of the artifact's bytes, without loading it."""

    format: ArtifactFormat
    untrusted: tuple[str, ...] = ()
    """Types that loading would need trust for."""
    types: int = 0


@dataclass(frozen=True)
class Provenance:
    """Where a version came from."""

    actor: str
    repo: str | None = None
    commit: str | None = None
    dirty: bool = False
    run_id: int | None = None
    alert_id: int | None = None
    champion: int | None = None
    """The version that held the highest rung when the training started."""


@dataclass(frozen=True)
class Version:
    """An immutable version of a model."""

    model: str
    version: int
    digest: Digest
    framework: str
    entry: str
    size: int
    signature: Signature
    metrics: dict[str, float]
    params: dict[str, object]
    data: tuple[DataPart, ...]
    audit: Audit
    lock: str | None
    provenance: Provenance
    created_at: datetime

    def part(self, name: str) -> DataPart | None:
        """Return the named part of its data."""
        return next((part for part in self.data if part.name == name), None)


@dataclass(frozen=True)
class VersionFile:
    """One file of a version's artifact."""

    path: str
    size: int
    digest: Digest
    executable: bool


def models(store: Store) -> list[Model]:
    """Return every model by name."""
    rows = store.rows(
        "SELECT m.*, (SELECT count(*) FROM versions v WHERE v.model = m.name) AS versions FROM models m ORDER BY m.name"
    )
    return [
        Model(
            name=row["name"],
            task=ModelTask(row["task"]),
            created_at=clock.from_text(row["created_at"]),
            versions=row["versions"],
        )
        for row in rows
    ]


def names(store: Store) -> list[str]:
    """Return the names of the models that have a version, without counting anything."""
    return [row["name"] for row in store.rows("SELECT name FROM models ORDER BY name")]


def model(store: Store, name: str) -> Model:
    """Return one model by its name; NotFoundError names those there are."""
    by_name = {item.name: item for item in models(store)}
    if name not in by_name:
        known = ", ".join(sorted(by_name)) or "none"
        raise NotFoundError(f"there is no model `{text.clean(name)}`", hint=f"known: {known}")
    return by_name[name]


def task(store: Store, model: str) -> ModelTask | None:
    """Return what a registered model predicts; None for one that has no version yet."""
    row = store.row("SELECT task FROM models WHERE name = ?", (model,))
    return None if row is None else ModelTask(row["task"])


def versions(store: Store, model: str, *, before: int | None = None, limit: int = 200) -> list[Version]:
    """Return a model's versions, newest first; ``before`` is the version to page on from."""
    rows = store.rows(
        "SELECT * FROM versions WHERE model = ? AND version < ? ORDER BY version DESC LIMIT ?",
        (model, before if before is not None else 1 << 62, limit),
    )
    return [record_of(row) for row in rows]


def version(store: Store, model: str, number: int) -> Version:
    """Return one version; NotFoundError names the newest there are."""
    row = store.row("SELECT * FROM versions WHERE model = ? AND version = ?", (model, number))
    if row is None:
        known = [item.version for item in versions(store, model, limit=5)]
        hint = f"it has {', '.join(f'v{item}' for item in known)}" if known else "opsconsole model ls lists the models"
        raise NotFoundError(f"there is no version {number} of the model `{model}`", hint=hint)
    return record_of(row)


def version_of_run(store: Store, run_id: int) -> Version | None:
    """Return the version that a run made."""
    row = store.row("SELECT * FROM versions WHERE run_id = ?", (run_id,))
    return None if row is None else record_of(row)


def versions_of_alert(store: Store, alert_id: int) -> list[Version]:
    """Return the versions that answer an alert, newest first."""
    rows = store.rows("SELECT * FROM versions WHERE alert_id = ? ORDER BY id DESC LIMIT 20", (alert_id,))
    return [record_of(row) for row in rows]


def files(store: Store, model: str, number: int) -> list[VersionFile]:
    """Return the files of a version's artifact."""
    sql = "SELECT * FROM version_files WHERE model = ? AND version = ? ORDER BY path"
    return [file_of(row) for row in store.rows(sql, (model, number))]


def next_version(connection: sqlite3.Connection, model: str, *, past: int = 0) -> int:
    """Return the number the model's next version gets, beyond ``past``; the caller holds the write transaction."""
    row = connection.execute("SELECT coalesce(max(version), 0) FROM versions WHERE model = ?", (model,)).fetchone()
    return max(past, int(row[0])) + 1


def insert_model(connection: sqlite3.Connection, name: str, task: ModelTask) -> bool:
    """Make sure that the model has its row; return whether it is new."""
    cursor = connection.execute(
        "INSERT INTO models (name, task, created_at) VALUES (?,?,?) ON CONFLICT (name) DO NOTHING",
        (name, task, clock.to_text(clock.now())),
    )
    return cursor.rowcount == 1


def correct_task(connection: sqlite3.Connection, name: str, task: ModelTask) -> None:
    """Say what a model predicts, while nothing of it was measured yet: until then it was but assumed."""
    connection.execute(
        "UPDATE models SET task = ? WHERE name = ? AND NOT EXISTS (SELECT 1 FROM evaluations WHERE model = ?)",
        (task, name, name),
    )


def insert_version(connection: sqlite3.Connection, item: Version, manifest: list[VersionFile]) -> None:
    """Write a version with its files."""
    origin = item.provenance
    connection.execute(
        "INSERT INTO versions (model, version, digest, framework, entry, size, signature, metrics, params, data, audit,"
        " repo, commit_id, dirty, run_id, alert_id, champion, lock, actor, created_at)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            item.model,
            item.version,
            item.digest,
            item.framework,
            item.entry,
            item.size,
            dump(
                {
                    "inputs": [[column.name, column.type] for column in item.signature.inputs],
                    "output": item.signature.output,
                }
            ),
            dump(item.metrics),
            dump(item.params),
            dump([[part.name, list(part.paths), part.rows, part.row_ids, part.ids] for part in item.data]),
            dump({"format": item.audit.format, "untrusted": list(item.audit.untrusted), "types": item.audit.types}),
            origin.repo,
            origin.commit,
            int(origin.dirty),
            origin.run_id,
            origin.alert_id,
            origin.champion,
            item.lock,
            origin.actor,
            clock.to_text(item.created_at),
        ),
    )
    connection.executemany(
        "INSERT INTO version_files (model, version, path, size, digest, executable) VALUES (?,?,?,?,?,?)",
        [(item.model, item.version, file.path, file.size, file.digest, int(file.executable)) for file in manifest],
    )


def dump(value: object) -> str:
    """Return strict JSON; a number that is not finite is null."""
    return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def numbers(text: str) -> dict[str, float]:
    """Return metrics by name; null is one that was not finite."""
    return {name: math.nan if value is None else value for name, value in json.loads(text).items()}


def record_of(row: sqlite3.Row) -> Version:
    """Return a version's row as a record."""
    signature, audit = json.loads(row["signature"]), json.loads(row["audit"])
    return Version(
        model=row["model"],
        version=row["version"],
        digest=Digest(row["digest"]),
        framework=row["framework"],
        entry=row["entry"],
        size=row["size"],
        signature=Signature(
            inputs=tuple(Column(name, kind) for name, kind in signature["inputs"]), output=signature["output"]
        ),
        metrics=numbers(row["metrics"]),
        params=json.loads(row["params"]),
        data=tuple(
            DataPart(name, tuple(paths), rows, Digest(row_ids), ids)
            for name, paths, rows, row_ids, ids in json.loads(row["data"])
        ),
        audit=Audit(format=ArtifactFormat(audit["format"]), untrusted=tuple(audit["untrusted"]), types=audit["types"]),
        lock=row["lock"],
        provenance=Provenance(
            actor=row["actor"],
            repo=row["repo"],
            commit=row["commit_id"],
            dirty=bool(row["dirty"]),
            run_id=row["run_id"],
            alert_id=row["alert_id"],
            champion=row["champion"],
        ),
        created_at=clock.from_text(row["created_at"]),
    )


def file_of(row: sqlite3.Row) -> VersionFile:
    """Return a file's row as a record."""
    return VersionFile(row["path"], row["size"], Digest(row["digest"]), bool(row["executable"]))
