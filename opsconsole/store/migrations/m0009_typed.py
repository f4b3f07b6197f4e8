"""What was told in words alone, as columns: what a run was started by, how an alert was resolved, what a baseline is of.

Besides: which findings say that rows stopped coming, and which baseline another one followed.
"""

from __future__ import annotations

import json
from datetime import datetime

from sqlite_utils import Database

from opsconsole.core import clock

STATEMENTS = (
    "ALTER TABLE runs ADD COLUMN cause TEXT NOT NULL DEFAULT 'operator'",
    "ALTER TABLE runs ADD COLUMN monitor TEXT",
    "ALTER TABLE alerts ADD COLUMN resolution TEXT",
    "ALTER TABLE baselines ADD COLUMN follows INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE baselines ADD COLUMN period_since TEXT",
    "ALTER TABLE baselines ADD COLUMN period_until TEXT",
    "UPDATE runs SET cause = 'demo' WHERE reason GLOB 'demo: *'",
    """
    UPDATE runs SET cause = 'check', monitor = substr(reason, length('new rows for monitor ') + 1)
    WHERE reason GLOB 'new rows for monitor ?*'
    """,
    "UPDATE runs SET cause = 'bisect' WHERE purpose = 'probe'",
    "UPDATE runs SET cause = 'rerun' WHERE rerun_of IS NOT NULL",
    "UPDATE runs SET cause = 'alert' WHERE alert_id IS NOT NULL",
    """
    UPDATE alerts SET resolution = CASE
      WHEN cured_by IS NOT NULL THEN 'cured'
      WHEN last.command IS NOT NULL THEN 'operator'
      WHEN last.reason GLOB 'v[0-9]* left *: v[0-9]* holds it again' THEN 'left'
      WHEN last.reason GLOB '* was judged anew: nothing of it is left' THEN 'revised'
      WHEN last.reason = 'no row is left of the chunk that it tells of' THEN 'revised'
      ELSE 'operator' END
    FROM (SELECT subject, reason, command, max(id) FROM events WHERE kind = 'alert.resolved' GROUP BY subject) AS last
    WHERE alerts.state = 'resolved' AND last.subject = 'alert ' || alerts.id
    """,
    "UPDATE alerts SET resolution = 'operator' WHERE state = 'resolved' AND resolution IS NULL",
)
PRODUCTION = "production "
REFITTED = "the same, made anew"
STALE = "The newest row is of "


def apply(db: Database) -> None:
    """Change the tables; the caller holds the transaction."""
    for statement in STATEMENTS:
        db.execute(statement)
    _periods(db)
    _followers(db)
    for table, column in (("chunks", "findings"), ("alerts", "evidence")):
        _stale(db, table, column)


def _periods(db: Database) -> None:
    """Read the time that a baseline of production rows is of from its origin."""
    for number, origin in db.execute("SELECT id, origin FROM baselines WHERE origin GLOB 'production *'").fetchall():
        try:
            since, until = (datetime.fromisoformat(one) for one in origin.removeprefix(PRODUCTION).split("/"))
            period = (clock.to_text(since), clock.to_text(until))
        except ValueError:
            continue
        db.execute("UPDATE baselines SET period_since = ?, period_until = ? WHERE id = ?", (*period, number))


def _followers(db: Database) -> None:
    """Write down which revision held before each one, as the audit trail tells it: else the one before it."""
    db.execute("UPDATE baselines SET follows = revision - 1")
    told = db.execute("SELECT subject, detail FROM events WHERE kind = 'monitor.rebaselined' ORDER BY id").fetchall()
    found: dict[tuple[str, int, int], int] = {}
    for subject, text in told:
        detail = json.loads(text)
        if "revision" not in detail:
            continue
        monitor, version, before = subject.removeprefix("monitor "), detail["version"], detail["from_revision"]
        refitted = detail["baseline"] == REFITTED  # it stands in the place of the one that it was made from
        follows = found.get((monitor, version, before), before - 1) if refitted else before
        found[monitor, version, detail["revision"]] = follows
    db.conn.executemany(
        "UPDATE baselines SET follows = ? WHERE monitor = ? AND version = ? AND revision = ?",
        [(follows, *key) for key, follows in found.items()],
    )


def _stale(db: Database, table: str, column: str) -> None:
    """Mark the findings that say that no row has come for longer than is allowed."""
    rows = db.execute(f"SELECT id, {column} FROM {table} WHERE instr({column}, ?) > 0", (STALE,)).fetchall()  # noqa: S608 - fixed names
    for number, text in rows:
        findings = json.loads(text)
        marked = [one | {"stale": True} if one["text"].startswith(STALE) else one for one in findings]
        db.execute(
            f"UPDATE {table} SET {column} = ? WHERE id = ?",  # noqa: S608 - fixed names
            (json.dumps(marked, ensure_ascii=False), number),
        )
