"""What keeps every list quick on a million runs: an index for each narrowing, and the place of every thousandth run.

``run_counts`` and ``run_places`` are kept by triggers, so that no writer can forget them: counting the runs of a repo and
opening its list in the middle cost the same however long it is.
"""

from __future__ import annotations

from sqlite_utils import Database

STATEMENTS = (
    "CREATE INDEX runs_by_repo_state ON runs (repo, state, id)",
    "CREATE INDEX runs_by_repo_pipeline_state ON runs (repo, pipeline, state, id)",
    "CREATE INDEX runs_by_repo_kind ON runs (repo, kind, id)",
    "CREATE INDEX events_by_time ON events (at)",
    "CREATE INDEX alerts_by_monitor ON alerts (monitor, id)",
    "CREATE INDEX evaluations_by_run ON evaluations (run_id) WHERE run_id IS NOT NULL",
    "CREATE TABLE run_counts (repo TEXT PRIMARY KEY, runs INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    """
    CREATE TABLE run_places (
      repo TEXT NOT NULL,
      place INTEGER NOT NULL,
      run_id INTEGER NOT NULL,
      PRIMARY KEY (repo, place)
    ) STRICT, WITHOUT ROWID
    """,
    "INSERT INTO run_counts SELECT repo, count(*) FROM runs GROUP BY repo",
    """
    INSERT INTO run_places
    SELECT repo, place, id FROM (SELECT repo, id, row_number() OVER (PARTITION BY repo ORDER BY id) AS place FROM runs)
    WHERE place % 1000 = 0
    """,
    """
    CREATE TRIGGER runs_are_counted AFTER INSERT ON runs BEGIN
      INSERT INTO run_counts (repo, runs) VALUES (new.repo, 1) ON CONFLICT (repo) DO UPDATE SET runs = runs + 1;
      INSERT INTO run_places (repo, place, run_id)
      SELECT repo, runs, new.id FROM run_counts WHERE repo = new.repo AND runs % 1000 = 0;
    END
    """,
    """
    CREATE TRIGGER runs_are_counted_down AFTER DELETE ON runs BEGIN
      UPDATE run_counts SET runs = runs - 1 WHERE repo = old.repo;
      DELETE FROM run_places WHERE repo = old.repo AND run_id >= old.id;
    END
    """,
)


def apply(db: Database) -> None:
    """Change the tables; the caller holds the transaction."""
    for statement in STATEMENTS:
        db.execute(statement)
