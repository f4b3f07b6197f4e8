"""Aliases and the promotions that moved them: records, queries, and the compare-and-swap on the alias row."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opsconsole.core import clock
from opsconsole.core.errors import NotFoundError
from opsconsole.core.nouns import PromotionKind
from opsconsole.store import models
from opsconsole.store.connection import Store


@dataclass(frozen=True)
class Alias:
    """A rung of a model's ladder and the version at it."""

    model: str
    alias: str
    version: int
    revision: int
    """Counts the moves; a promotion must name the revision it saw."""
    moved_at: datetime


@dataclass(frozen=True)
class Promotion:
    """One move of an alias, with the evidence it rested on; a rollback is one too."""

    id: int
    at: datetime
    kind: PromotionKind
    model: str
    alias: str
    from_version: int | None
    to_version: int
    revision: int
    reason: str
    actor: str
    gates: list[dict[str, Any]]
    """As JSON; ``registry.gates.stored`` reads them."""
    forced: list[str]
    undoes: int | None
    """The promotion that a rollback took back."""


def aliases(store: Store, model: str | None = None) -> list[Alias]:
    """Return the aliases of a model, or of all."""
    if model is None:
        rows = store.rows("SELECT * FROM aliases ORDER BY model, alias")
    else:
        rows = store.rows("SELECT * FROM aliases WHERE model = ? ORDER BY alias", (model,))
    return [_alias(row) for row in rows]


def alias(store: Store, model: str, name: str) -> Alias | None:
    """Return one alias, or None while it points nowhere."""
    row = store.row("SELECT * FROM aliases WHERE model = ? AND alias = ?", (model, name))
    return None if row is None else _alias(row)


def holder(store: Store, model: str, name: str) -> Alias:
    """Return one alias; NotFoundError while it points nowhere, or where there is no such model."""
    held = alias(store, model, name)
    if held is None:
        models.model(store, model)
        raise NotFoundError(f"{model}@{name} points nowhere", hint=f"opsconsole model show {model} lists its rungs")
    return held


def alias_inside(connection: sqlite3.Connection, model: str, name: str) -> Alias | None:
    """Return one alias as the caller's transaction sees it."""
    row = connection.execute("SELECT * FROM aliases WHERE model = ? AND alias = ?", (model, name)).fetchone()
    return None if row is None else _alias(row)


def history(store: Store, model: str, name: str | None = None, *, limit: int | None = 500) -> list[Promotion]:
    """Return a model's promotions, newest first; of one alias when it is named. ``limit`` None: all of them."""
    limit = -1 if limit is None else limit
    if name is None:
        rows = store.rows("SELECT * FROM promotions WHERE model = ? ORDER BY id DESC LIMIT ?", (model, limit))
    else:
        rows = store.rows(
            "SELECT * FROM promotions WHERE model = ? AND alias = ? ORDER BY revision DESC LIMIT ?",
            (model, name, limit),
        )
    return [record_of(row) for row in rows]


def of_version(store: Store, model: str, version: int) -> list[Promotion]:
    """Return the moves that brought a version to a rung, newest first."""
    rows = store.rows(
        "SELECT * FROM promotions WHERE model = ? AND to_version = ? ORDER BY id DESC LIMIT 100", (model, version)
    )
    return [record_of(row) for row in rows]


def chain(store: Store, model: str, name: str) -> list[Promotion]:
    """Return every move of one alias, newest first, without the gates: all that tells what was live before."""
    rows = store.rows(
        "SELECT id, at, kind, model, alias, from_version, to_version, revision, reason, actor, '[]' AS gates,"
        " '[]' AS forced, undoes FROM promotions WHERE model = ? AND alias = ? ORDER BY revision DESC",
        (model, name),
    )
    return [record_of(row) for row in rows]


def move(
    connection: sqlite3.Connection,
    *,
    kind: PromotionKind,
    model: str,
    name: str,
    to_version: int,
    revision: int,
    reason: str,
    actor: str,
    gates: list[dict[str, Any]],
    forced: list[str],
    undoes: int | None = None,
) -> int | None:
    """Move an alias if it still has the ``revision`` that the caller saw (0: it pointed nowhere).

    Returns the promotion's id, or None when someone moved it first. The caller holds the transaction.
    """
    now = clock.to_text(clock.now())
    before = alias_inside(connection, model, name)
    if (before.revision if before else 0) != revision:
        return None
    _point(connection, before, model, name, to_version, now)
    cursor = connection.execute(
        "INSERT INTO promotions (at, kind, model, alias, from_version, to_version, revision, reason, actor, gates,"
        " forced, undoes) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            now,
            kind,
            model,
            name,
            before.version if before else None,
            to_version,
            revision + 1,
            reason,
            actor,
            json.dumps(gates, ensure_ascii=False),
            json.dumps(forced),
            undoes,
        ),
    )
    return int(cursor.lastrowid or 0)


def _point(connection: sqlite3.Connection, before: Alias | None, model: str, name: str, version: int, now: str) -> None:
    """Write the alias row itself."""
    if before is None:
        connection.execute(
            "INSERT INTO aliases (model, alias, version, revision, moved_at) VALUES (?,?,?,1,?)",
            (model, name, version, now),
        )
    else:
        connection.execute(
            "UPDATE aliases SET version = ?, revision = revision + 1, moved_at = ?"
            " WHERE model = ? AND alias = ? AND revision = ?",
            (version, now, model, name, before.revision),
        )


def _alias(row: sqlite3.Row) -> Alias:
    return Alias(
        model=row["model"],
        alias=row["alias"],
        version=row["version"],
        revision=row["revision"],
        moved_at=clock.from_text(row["moved_at"]),
    )


def record_of(row: sqlite3.Row) -> Promotion:
    """Return a promotion's row as a record."""
    return Promotion(
        id=row["id"],
        at=clock.from_text(row["at"]),
        kind=PromotionKind(row["kind"]),
        model=row["model"],
        alias=row["alias"],
        from_version=row["from_version"],
        to_version=row["to_version"],
        revision=row["revision"],
        reason=row["reason"],
        actor=row["actor"],
        gates=json.loads(row["gates"]),
        forced=json.loads(row["forced"]),
        undoes=row["undoes"],
    )
