"""Tests get a row of their own that results point to, so that a history is short to store and quick to read.

Besides: what a step took, how long a run was at work by a steady clock, pins, coverage.
"""

from __future__ import annotations

from sqlite_utils import Database

STATEMENTS = (
    "ALTER TABLE steps ADD COLUMN tries INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE steps ADD COLUMN seconds REAL",
    "ALTER TABLE steps ADD COLUMN cpu_s REAL",
    "ALTER TABLE steps ADD COLUMN peak_bytes INTEGER",
    "ALTER TABLE runs ADD COLUMN seconds REAL",
    "ALTER TABLE runs ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE runs ADD COLUMN pruned_at TEXT",
    "ALTER TABLE runs ADD COLUMN covered REAL",
    """
    CREATE TABLE tests (
      id INTEGER PRIMARY KEY,
      repo TEXT NOT NULL,
      pipeline TEXT NOT NULL,
      variant TEXT NOT NULL DEFAULT '',
      name TEXT NOT NULL,
      runs INTEGER NOT NULL DEFAULT 0,
      bad INTEGER NOT NULL DEFAULT 0,
      flips INTEGER NOT NULL DEFAULT 0,
      flaky INTEGER NOT NULL DEFAULT 0,
      flaky_at TEXT,
      last_run INTEGER,
      last_outcome TEXT,
      broken_since INTEGER,
      UNIQUE (repo, pipeline, variant, name)
    ) STRICT
    """,
    "CREATE INDEX tests_flaky ON tests (repo, flaky_at) WHERE flaky > 0 OR flips > 1",
    """
    INSERT INTO tests (repo, pipeline, name, runs, bad, last_run)
    SELECT runs.repo, runs.pipeline, test_results.test_id, count(*),
           sum(test_results.outcome IN ('error', 'failed')), max(runs.id)
    FROM test_results JOIN runs ON runs.id = test_results.run_id
    GROUP BY runs.repo, runs.pipeline, test_results.test_id
    """,
    """
    CREATE TABLE results (
      run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      position INTEGER NOT NULL,
      test INTEGER NOT NULL REFERENCES tests (id),
      outcome TEXT NOT NULL,
      duration_s REAL,
      file TEXT,
      line INTEGER,
      message TEXT,
      detail TEXT,
      PRIMARY KEY (run_id, position)
    ) STRICT, WITHOUT ROWID
    """,
    """
    INSERT INTO results
    SELECT test_results.run_id, test_results.position, tests.id, test_results.outcome, test_results.duration_s,
           test_results.file, test_results.line, test_results.message, test_results.detail
    FROM test_results
    JOIN runs ON runs.id = test_results.run_id
    JOIN tests ON tests.repo = runs.repo AND tests.pipeline = runs.pipeline AND tests.name = test_results.test_id
    """,
    "DROP TABLE test_results",
    "ALTER TABLE results RENAME TO test_results",
    "CREATE INDEX test_results_bad ON test_results (run_id, position) WHERE outcome IN ('error', 'failed')",
    "CREATE INDEX test_results_by_test ON test_results (test, run_id)",
    """
    UPDATE tests SET last_outcome = (
      SELECT outcome FROM test_results WHERE test = tests.id AND run_id = tests.last_run ORDER BY position DESC LIMIT 1
    )
    """,
)


def apply(db: Database) -> None:
    """Change the tables; the caller holds the transaction."""
    for statement in STATEMENTS:
        db.execute(statement)
