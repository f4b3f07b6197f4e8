"""What trust was given to: the repo by its first commit and its origin, and refs of others by name or pattern."""

from __future__ import annotations

from sqlite_utils import Database

STATEMENTS = (
    "ALTER TABLE repos ADD COLUMN root TEXT",
    "ALTER TABLE repos ADD COLUMN origin TEXT",
    """
    CREATE TABLE trusted_refs (
      repo TEXT NOT NULL,
      pattern TEXT NOT NULL,
      actor TEXT NOT NULL,
      at TEXT NOT NULL,
      PRIMARY KEY (repo, pattern)
    ) STRICT, WITHOUT ROWID
    """,
)


def apply(db: Database) -> None:
    """Change the tables; the caller holds the transaction."""
    for statement in STATEMENTS:
        db.execute(statement)
