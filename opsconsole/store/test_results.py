"""Test cases as rows, from the runners' own reports; every text in them is from outside. Standard library only."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from opsconsole.ground.nouns import TestOutcome
from opsconsole.store.connection import Store

FAILED_QUERY = (
    "SELECT * FROM test_results INDEXED BY test_results_bad"
    " WHERE run_id = ? AND outcome IN ('error', 'failed') ORDER BY position LIMIT ?"
)
"""In the very words of the index ``test_results_bad``, so that ten failures among 100,000 cases are found at once."""


@dataclass(frozen=True)
class TestResult:
    """One test case of one run."""

    __test__ = False

    run_id: int
    position: int
    """Its place in the reports, from 0."""
    test_id: str
    outcome: TestOutcome
    duration_s: float | None = None
    file: str | None = None
    line: int | None = None
    """Counted from 1."""
    message: str | None = None
    """The first line of what went wrong."""
    detail: str | None = None
    """The traceback, cut to a sane length."""


def replace(connection: sqlite3.Connection, run_id: int, results: Sequence[TestResult]) -> None:
    """Write a run's test cases in place of what stood there."""
    connection.execute("DELETE FROM test_results WHERE run_id = ?", (run_id,))
    connection.executemany(
        "INSERT INTO test_results (run_id, position, test_id, outcome, duration_s, file, line, message, detail)"
        " VALUES (?,?,?,?,?,?,?,?,?)",
        [
            (
                run_id,
                result.position,
                result.test_id,
                result.outcome,
                result.duration_s,
                result.file,
                result.line,
                result.message,
                result.detail,
            )
            for result in results
        ],
    )


def of_run(store: Store, run_id: int, *, after: int = -1, limit: int = 1000) -> list[TestResult]:
    """Return a run's test cases in report order; ``after`` is the position to page on from."""
    rows = store.rows(
        "SELECT * FROM test_results WHERE run_id = ? AND position > ? ORDER BY position LIMIT ?", (run_id, after, limit)
    )
    return [_record(row) for row in rows]


def failed(store: Store, run_id: int, *, limit: int = 1000) -> list[TestResult]:
    """Return the cases of a run that failed or broke, in report order."""
    rows = store.rows(FAILED_QUERY, (run_id, limit))
    return [_record(row) for row in rows]


def history(store: Store, repo: str, test_id: str, *, limit: int = 50) -> list[TestResult]:
    """Return what one test came to in the last runs of a repo, newest run first."""
    rows = store.rows(
        "SELECT test_results.* FROM test_results JOIN runs ON runs.id = test_results.run_id"
        " WHERE test_results.test_id = ? AND runs.repo = ? ORDER BY test_results.run_id DESC LIMIT ?",
        (test_id, repo, limit),
    )
    return [_record(row) for row in rows]


def _record(row: sqlite3.Row) -> TestResult:
    return TestResult(
        run_id=row["run_id"],
        position=row["position"],
        test_id=row["test_id"],
        outcome=TestOutcome(row["outcome"]),
        duration_s=row["duration_s"],
        file=row["file"],
        line=row["line"],
        message=row["message"],
        detail=row["detail"],
    )
