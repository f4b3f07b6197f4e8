"""What each model's service answered when it was last asked: a row is written only when the answer changes."""

from __future__ import annotations

from sqlite_utils import Database

STATEMENTS = (
    """
    CREATE TABLE serving (
      model TEXT PRIMARY KEY,
      url TEXT NOT NULL,
      version INTEGER,
      problem TEXT,
      since TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)


def apply(db: Database) -> None:
    """Change the tables; the caller holds the transaction."""
    for statement in STATEMENTS:
        db.execute(statement)
