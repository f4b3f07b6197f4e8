"""Models, versions, their files and evaluations: records and the queries on them."""

from __future__ import annotations

import json
import math
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opsconsole.ground import clock
from opsconsole.ground.errors import NotFoundError
from opsconsole.ground.nouns import Digest, ModelTask
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
    """What a look at the artifact's bytes said, without loading it."""

    format: str
    """``skops``, ``pickle`` or ``other``."""
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


@dataclass(frozen=True)
class Evaluation:
    """A version's scores on one set of held-out rows, kept row by row in ``path``."""

    model: str
    version: int
    run_id: int | None
    rows_digest: Digest
    rows: int
    path: str
    """Relative to the workspace's evidence folder."""
    file_digest: Digest
    contender: str
    """Which rows of the file are this version's: ``challenger`` or ``champion``."""
    metrics: dict[str, float]
    plots: dict[str, Any]
    """Points for the console, computed once: ``roc`` as ``[[fpr, tpr], …]``, ``calibration`` as ``[[p, share], …]``."""
    created_at: datetime


def models(store: Store) -> list[Model]:
    """Return every model by name."""
    found = store.rows(
        "SELECT m.*, (SELECT count(*) FROM versions v WHERE v.model = m.name) AS versions FROM models m ORDER BY m.name"
    )
    return [
        Model(
            name=row["name"],
            task=ModelTask(row["task"]),
            created_at=clock.from_text(row["created_at"]),
            versions=row["versions"],
        )
        for row in found
    ]


def task(store: Store, model: str) -> ModelTask | None:
    """Return what a registered model predicts; None for one that has no version yet."""
    row = store.row("SELECT task FROM models WHERE name = ?", (model,))
    return None if row is None else ModelTask(row["task"])


def versions(store: Store, model: str, *, before: int | None = None, limit: int = 200) -> list[Version]:
    """Return a model's versions, newest first; ``before`` is the version to page on from."""
    found = store.rows(
        "SELECT * FROM versions WHERE model = ? AND version < ? ORDER BY version DESC LIMIT ?",
        (model, before if before is not None else 1 << 62, limit),
    )
    return [record_of(row) for row in found]


def version(store: Store, model: str, number: int) -> Version:
    """Return one version, or say that there is none."""
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
    found = store.rows("SELECT * FROM versions WHERE alert_id = ? ORDER BY id DESC LIMIT 20", (alert_id,))
    return [record_of(row) for row in found]


def files(store: Store, model: str, number: int) -> list[VersionFile]:
    """Return the files of a version's artifact."""
    sql = "SELECT * FROM version_files WHERE model = ? AND version = ? ORDER BY path"
    return [file_of(row) for row in store.rows(sql, (model, number))]


def evaluations(store: Store, model: str, number: int) -> list[Evaluation]:
    """Return a version's evaluations, newest first."""
    sql = "SELECT * FROM evaluations WHERE model = ? AND version = ? ORDER BY id DESC"
    return [evaluation_of(row) for row in store.rows(sql, (model, number))]


def own_rows(store: Store, model: str) -> dict[int, tuple[int, Digest]]:
    """Return of each version that was evaluated how many rows it was first judged on, and their digest."""
    found = store.rows(
        "SELECT version, rows, rows_digest FROM evaluations WHERE model = ? AND contender = 'challenger' ORDER BY id DESC",
        (model,),
    )
    return {row["version"]: (row["rows"], Digest(row["rows_digest"])) for row in found}


@dataclass(frozen=True)
class Beside:
    """Two versions' metrics on the same rows."""

    rows: int
    own: dict[str, float]
    other: dict[str, float]


def beside(store: Store, model: str, champion: int) -> dict[int, Beside]:
    """Return, of each version that scored rows which the champion scored too, both their metrics on the newest such rows."""
    found = store.rows(
        "SELECT a.version, a.rows, a.metrics AS own, b.metrics AS other FROM evaluations a JOIN evaluations b"
        " ON b.model = a.model AND b.version = ? AND b.rows_digest = a.rows_digest"
        " WHERE a.model = ? AND a.version <> ? ORDER BY max(a.id, b.id)",
        (champion, model, champion),
    )
    return {row["version"]: Beside(row["rows"], _numbers(row["own"]), _numbers(row["other"])) for row in found}


def shared_evaluation(store: Store, model: str, first: int, second: int) -> tuple[Evaluation, Evaluation] | None:
    """Return the newest pair of evaluations in which two versions scored the same rows."""
    row = store.row(
        "SELECT a.id AS a, b.id AS b FROM evaluations a JOIN evaluations b"
        " ON b.model = a.model AND b.version = ? AND b.rows_digest = a.rows_digest"
        " WHERE a.model = ? AND a.version = ? ORDER BY max(a.id, b.id) DESC LIMIT 1",
        (second, model, first),
    )
    if row is None:
        return None
    one, other = (store.rows("SELECT * FROM evaluations WHERE id = ?", (row[key],))[0] for key in ("a", "b"))
    return evaluation_of(one), evaluation_of(other)


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
            _dump(
                {
                    "inputs": [[column.name, column.type] for column in item.signature.inputs],
                    "output": item.signature.output,
                }
            ),
            _dump(item.metrics),
            _dump(item.params),
            _dump([[part.name, list(part.paths), part.rows, part.row_ids, part.ids] for part in item.data]),
            _dump({"format": item.audit.format, "untrusted": list(item.audit.untrusted), "types": item.audit.types}),
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


def insert_evaluation(connection: sqlite3.Connection, item: Evaluation) -> None:
    """Write an evaluation; the same version on the same rows is kept once."""
    connection.execute(
        "INSERT INTO evaluations (model, version, run_id, rows_digest, rows, path, file_digest, contender, metrics,"
        " plots, created_at) VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (model, version, rows_digest) DO NOTHING",
        (
            item.model,
            item.version,
            item.run_id,
            item.rows_digest,
            item.rows,
            item.path,
            item.file_digest,
            item.contender,
            _dump(item.metrics),
            _dump(item.plots),
            clock.to_text(item.created_at),
        ),
    )


def _dump(value: object) -> str:
    """Return strict JSON; a number that is not finite is null."""
    return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def _numbers(text: str) -> dict[str, float]:
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
        metrics=_numbers(row["metrics"]),
        params=json.loads(row["params"]),
        data=tuple(
            DataPart(name, tuple(paths), rows, Digest(row_ids), ids)
            for name, paths, rows, row_ids, ids in json.loads(row["data"])
        ),
        audit=Audit(format=audit["format"], untrusted=tuple(audit["untrusted"]), types=audit["types"]),
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


def evaluation_of(row: sqlite3.Row) -> Evaluation:
    """Return an evaluation's row as a record."""
    return Evaluation(
        model=row["model"],
        version=row["version"],
        run_id=row["run_id"],
        rows_digest=Digest(row["rows_digest"]),
        rows=row["rows"],
        path=row["path"],
        file_digest=Digest(row["file_digest"]),
        contender=row["contender"],
        metrics=_numbers(row["metrics"]),
        plots=json.loads(row["plots"]),
        created_at=clock.from_text(row["created_at"]),
    )
