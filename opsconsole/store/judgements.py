"""The last gate evaluation of a version for a rung: shown at once while the gates are evaluated again."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from opsconsole.core import clock
from opsconsole.store.connection import Store


@dataclass(frozen=True)
class Changes:
    """The predictions that change sides between champion and challenger, of all that both made."""

    rows: int
    changed: int
    to_right: int
    to_wrong: int


@dataclass(frozen=True)
class StoredJudgement:
    """The gates of one version for one alias, as they were last evaluated."""

    model: str
    version: int
    alias: str
    champion: int | None
    """Whom it was compared with; another champion now makes it stale."""
    passed: bool
    gates: list[dict[str, Any]]
    """As JSON; ``registry.gates.stored`` reads them."""
    changes: Changes | None
    at: datetime


def put(connection: sqlite3.Connection, item: StoredJudgement) -> None:
    """Keep the newest judgement."""
    connection.execute(
        "INSERT INTO judgements (model, version, alias, champion, passed, gates, changes, at) VALUES (?,?,?,?,?,?,?,?)"
        " ON CONFLICT (model, version, alias) DO UPDATE SET champion = excluded.champion, passed = excluded.passed,"
        " gates = excluded.gates, changes = excluded.changes, at = excluded.at",
        (
            item.model,
            item.version,
            item.alias,
            item.champion,
            int(item.passed),
            json.dumps(item.gates, ensure_ascii=False),
            json.dumps(asdict(item.changes)) if item.changes is not None else None,
            clock.to_text(item.at),
        ),
    )


def get(store: Store, model: str, version: int, alias: str) -> StoredJudgement | None:
    """Return the last judgement of a version for an alias."""
    row = store.row("SELECT * FROM judgements WHERE model = ? AND version = ? AND alias = ?", (model, version, alias))
    return None if row is None else _judgement(row)


def of_model(store: Store, model: str, alias: str) -> dict[int, StoredJudgement]:
    """Return the last judgements of a model's versions for an alias, by version."""
    rows = store.rows("SELECT * FROM judgements WHERE model = ? AND alias = ?", (model, alias))
    return {row["version"]: _judgement(row) for row in rows}


def _judgement(row: sqlite3.Row) -> StoredJudgement:
    return StoredJudgement(
        model=row["model"],
        version=row["version"],
        alias=row["alias"],
        champion=row["champion"],
        passed=bool(row["passed"]),
        gates=json.loads(row["gates"]),
        changes=Changes(**json.loads(row["changes"])) if row["changes"] else None,
        at=clock.from_text(row["at"]),
    )
