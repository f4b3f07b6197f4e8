"""Which tests fail on which branch, and since which run; and that a case passed only on a second try, as a column.

A row of ``failing`` is there as long as the test fails on that branch, so a branch that is red says nothing of another.
"""

from __future__ import annotations

from sqlite_utils import Database

STATEMENTS = (
    """
    CREATE TABLE failing (
      branch TEXT NOT NULL,
      test INTEGER NOT NULL REFERENCES tests (id) ON DELETE CASCADE,
      since INTEGER NOT NULL,
      PRIMARY KEY (branch, test)
    ) STRICT, WITHOUT ROWID
    """,
    """
    INSERT INTO failing SELECT coalesce(runs.branch, ''), tests.id, tests.broken_since
    FROM tests JOIN runs ON runs.id = tests.broken_since
    """,
    "CREATE INDEX failing_by_test ON failing (test)",
    "ALTER TABLE tests DROP COLUMN broken_since",
    "ALTER TABLE tests DROP COLUMN last_outcome",
    "ALTER TABLE test_results ADD COLUMN flaky INTEGER NOT NULL DEFAULT 0",
    # what older programs told in words alone
    "UPDATE test_results SET flaky = 1 WHERE outcome = 'passed' AND message GLOB 'flaky: *'",
)


def apply(db: Database) -> None:
    """Change the tables; the caller holds the transaction."""
    for statement in STATEMENTS:
        db.execute(statement)
