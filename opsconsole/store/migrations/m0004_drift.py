"""What lets drift be believed: estimates, slices and structure with each chunk; baselines in revisions; labels that came later."""

from __future__ import annotations

from sqlite_utils import Database

STATEMENTS = (
    """
    CREATE TABLE baselines_new (
      id INTEGER PRIMARY KEY,
      monitor TEXT NOT NULL,
      model TEXT NOT NULL,
      version INTEGER NOT NULL,
      revision INTEGER NOT NULL DEFAULT 1,
      active INTEGER NOT NULL DEFAULT 1,
      rows INTEGER NOT NULL,
      origin TEXT NOT NULL,
      sketch BLOB NOT NULL,
      fitted BLOB,
      realised TEXT NOT NULL DEFAULT 'null',
      used TEXT NOT NULL DEFAULT '[]',
      since TEXT,
      reason TEXT,
      actor TEXT,
      made_at TEXT NOT NULL,
      UNIQUE (monitor, version, revision)
    ) STRICT
    """,
    """
    INSERT INTO baselines_new (id, monitor, model, version, rows, origin, sketch, realised, used, since, made_at)
    SELECT id, monitor, model, version, rows, origin, sketch, realised, used, since, made_at FROM baselines
    """,
    "DROP TABLE baselines",
    "ALTER TABLE baselines_new RENAME TO baselines",
    "CREATE UNIQUE INDEX baselines_active ON baselines (monitor, version) WHERE active = 1",
    "ALTER TABLE chunks ADD COLUMN metrics TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE chunks ADD COLUMN estimated TEXT NOT NULL DEFAULT 'null'",
    "ALTER TABLE chunks ADD COLUMN structure TEXT NOT NULL DEFAULT 'null'",
    "ALTER TABLE chunks ADD COLUMN slices TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE chunks ADD COLUMN stream TEXT NOT NULL DEFAULT 'null'",
    "ALTER TABLE chunks ADD COLUMN stamp TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE chunks ADD COLUMN facts BLOB",
    "ALTER TABLE chunk_columns ADD COLUMN persistent INTEGER",
    "ALTER TABLE chunk_columns ADD COLUMN importance REAL",
    "ALTER TABLE chunk_columns ADD COLUMN gate REAL",
    "ALTER TABLE chunk_columns ADD COLUMN figures TEXT NOT NULL DEFAULT '{}'",
    """
    CREATE TABLE label_batches (
      id INTEGER PRIMARY KEY,
      monitor TEXT NOT NULL,
      path TEXT NOT NULL,
      file_digest TEXT NOT NULL,
      rows INTEGER NOT NULL,
      unknown INTEGER NOT NULL,
      changed INTEGER NOT NULL,
      actor TEXT NOT NULL,
      taken_at TEXT NOT NULL,
      UNIQUE (monitor, file_digest)
    ) STRICT
    """,
    """
    CREATE TABLE check_marks (
      monitor TEXT PRIMARY KEY,
      mark TEXT NOT NULL,
      chunks INTEGER NOT NULL,
      notes TEXT NOT NULL DEFAULT '[]'
    ) STRICT, WITHOUT ROWID
    """,
)


def apply(db: Database) -> None:
    """Change the tables; the caller holds the transaction."""
    for statement in STATEMENTS:
        db.execute(statement)
