"""What a run was for, as a column; and what a bisect found, so that it stands wherever the repo does.

Two partial indexes find the newest verdict of each pipeline, however many probes and reruns of single tests came after it.
"""

from __future__ import annotations

from sqlite_utils import Database

STATEMENTS = (
    "ALTER TABLE runs ADD COLUMN purpose TEXT NOT NULL DEFAULT 'full'",
    # what older programs told in words alone
    """
    UPDATE runs SET purpose = CASE
      WHEN pipeline = 'bisect' AND kind = 'task' THEN 'search'
      WHEN kind <> 'build' THEN kind
      WHEN reason GLOB 'which commit broke *' THEN 'probe'
      WHEN reason GLOB 'the failed tests of run *' THEN 'partial'
      ELSE 'full' END
    """,
    """
    CREATE INDEX runs_full_verdicts ON runs (repo, branch, pipeline, id)
    WHERE purpose = 'full' AND state IN ('error', 'failed', 'lost', 'passed', 'timed_out')
    """,
    """
    CREATE INDEX runs_other_verdicts ON runs (repo, pipeline, id)
    WHERE purpose IN ('deploy', 'evaluate', 'score', 'task', 'train')
      AND state IN ('error', 'failed', 'lost', 'passed', 'timed_out')
    """,
    "CREATE INDEX runs_serving ON runs (repo, pipeline, id) WHERE purpose = 'serve'",
    """
    CREATE TABLE bisections (
      id INTEGER PRIMARY KEY,
      repo TEXT NOT NULL,
      pipeline TEXT NOT NULL,
      test TEXT,
      good TEXT NOT NULL,
      bad TEXT NOT NULL,
      first_bad TEXT NOT NULL,
      subject TEXT NOT NULL,
      author TEXT NOT NULL,
      run_id INTEGER,
      found_at TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX bisections_by_repo ON bisections (repo, pipeline, id)",
    "CREATE INDEX bisections_by_run ON bisections (run_id) WHERE run_id IS NOT NULL",
)


def apply(db: Database) -> None:
    """Change the tables; the caller holds the transaction."""
    for statement in STATEMENTS:
        db.execute(statement)
