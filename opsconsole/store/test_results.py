"""Test cases as rows, from the runners' own reports; every text in them is from outside. Standard library only."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from opsconsole.core import clock
from opsconsole.core.nouns import RunPurpose, TestOutcome
from opsconsole.store.connection import Store
from opsconsole.store.verdicts import FULL

FAILED_QUERY = (
    "SELECT test_results.*, tests.name, tests.variant FROM test_results INDEXED BY test_results_bad"
    " JOIN tests ON tests.id = test_results.test"
    " WHERE test_results.run_id = ? AND test_results.outcome IN ('error', 'failed')"
    " ORDER BY test_results.position LIMIT ?"
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
    variant: str = ""
    """The variant of a matrix it ran in."""
    flaky: bool = False
    """It passed only when it was tried again, in this very run."""


@dataclass(frozen=True)
class RunOfTests:
    """Whose results they are."""

    __test__ = False

    run_id: int
    repo: str
    pipeline: str
    commit: str
    branch: str | None = None
    purpose: RunPurpose = RunPurpose.FULL


def take_in(connection: sqlite3.Connection, run: RunOfTests, results: Sequence[TestResult]) -> None:
    """Write a run's test cases, once, and bring the history of each test up to date; a probe's say nothing of now."""
    if not results:
        return
    _number(connection, run, results)
    if run.purpose is not RunPurpose.PROBE:
        _remember(connection, run)
    numbers = {(row[0], row[1]): row[2] for row in connection.execute("SELECT variant, name, test FROM temp.incoming")}
    connection.executemany(
        "INSERT INTO test_results (run_id, position, test, outcome, duration_s, file, line, message, detail, flaky)"
        " VALUES (?,?,?,?,?,?,?,?,?,?)",
        [
            (
                run.run_id,
                result.position,
                numbers[result.variant, result.test_id],
                result.outcome,
                result.duration_s,
                result.file,
                result.line,
                result.message,
                result.detail,
                int(result.flaky),
            )
            for result in results
        ],
    )
    connection.execute("DROP TABLE temp.incoming")


def _number(connection: sqlite3.Connection, run: RunOfTests, results: Sequence[TestResult]) -> None:
    """Gather the results by test in a temporary table, each with the number of its test, new or known."""
    connection.execute("DROP TABLE IF EXISTS temp.incoming")
    connection.execute(
        "CREATE TEMP TABLE incoming (variant TEXT, name TEXT, bad INTEGER, good INTEGER, flaky INTEGER, test INTEGER,"
        " PRIMARY KEY (variant, name)) WITHOUT ROWID"
    )
    connection.executemany(
        "INSERT INTO temp.incoming (variant, name, bad, good, flaky) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET bad = bad + excluded.bad, good = good + excluded.good, flaky = flaky + excluded.flaky",
        [
            (
                result.variant,
                result.test_id,
                int(result.outcome in {TestOutcome.FAILED, TestOutcome.ERROR}),
                int(result.outcome is TestOutcome.PASSED),
                int(result.flaky),
            )
            for result in results
        ],
    )
    place = (run.repo, run.pipeline)
    connection.execute(
        "INSERT OR IGNORE INTO tests (repo, pipeline, variant, name) SELECT ?, ?, variant, name FROM temp.incoming",
        place,
    )
    connection.execute(
        "UPDATE temp.incoming SET test = (SELECT id FROM tests WHERE repo = ? AND pipeline = ?"
        " AND tests.variant = incoming.variant AND tests.name = incoming.name)",
        place,
    )


def _remember(connection: sqlite3.Connection, run: RunOfTests) -> None:
    """Count what the run says of each test; a skipped one says nothing.

    Flaky is who passed and failed at one commit, in two runs or in two tries of one. A flip is a change of outcome from
    one whole run of a branch to the next, whatever the commit; a rerun of single tests mends nothing.
    """
    now = clock.to_text(clock.now())
    same_commit = [
        row[0]
        for row in connection.execute(
            "SELECT id FROM runs WHERE repo = ? AND commit_id = ? AND pipeline = ? AND id <> ? ORDER BY id DESC LIMIT 20",
            (run.repo, run.commit, run.pipeline, run.run_id),
        )
    ]
    if same_commit:
        marks = ",".join("?" * len(same_commit))
        connection.execute(
            "UPDATE temp.incoming SET flaky = flaky + 1 WHERE bad + good > 0 AND EXISTS ("  # noqa: S608 - marks
            f" SELECT 1 FROM test_results INDEXED BY test_results_by_test WHERE test = incoming.test AND run_id IN ({marks})"
            " AND ((incoming.bad > 0 AND outcome = 'passed')"
            " OR (incoming.bad = 0 AND outcome IN ('error', 'failed'))))",
            same_commit,
        )
    if run.purpose is RunPurpose.PARTIAL:
        connection.execute(
            "UPDATE tests SET flaky = tests.flaky + 1, flaky_at = ? FROM temp.incoming i"
            " WHERE tests.id = i.test AND i.flaky > 0",
            (now,),
        )
        return
    branch = run.branch or ""
    connection.execute(
        "UPDATE tests SET runs = tests.runs + 1, bad = tests.bad + (i.bad > 0),"
        " flips = tests.flips + iif(i.bad > 0, :built AND tests.runs > 0, TRUE) * ((i.bad > 0) <> EXISTS"
        " (SELECT 1 FROM failing WHERE failing.branch = :branch AND failing.test = tests.id)),"
        " flaky = tests.flaky + (i.flaky > 0), flaky_at = iif(i.flaky > 0, :now, flaky_at), last_run = :run"
        " FROM temp.incoming i WHERE tests.id = i.test AND i.bad + i.good > 0",
        {"built": _was_built(connection, run), "branch": branch, "now": now, "run": run.run_id},
    )
    connection.execute(
        "DELETE FROM failing WHERE branch = ? AND test IN (SELECT test FROM temp.incoming WHERE bad = 0 AND good > 0)",
        (branch,),
    )
    connection.execute(
        "INSERT OR IGNORE INTO failing SELECT ?, test, ? FROM temp.incoming WHERE bad > 0", (branch, run.run_id)
    )


def _was_built(connection: sqlite3.Connection, run: RunOfTests) -> bool:
    """Say whether the branch had a whole run of this pipeline before, so that a test that fails there has changed."""
    row = connection.execute(
        f"SELECT 1 FROM runs WHERE repo = ? AND branch IS ? AND pipeline = ? AND id <> ? AND {FULL} LIMIT 1",  # noqa: S608
        (run.repo, run.branch, run.pipeline, run.run_id),
    )
    return row.fetchone() is not None


def of_run(store: Store, run_id: int, *, after: int = -1, limit: int = 1000) -> list[TestResult]:
    """Return a run's test cases in report order; ``after`` is the position to page on from."""
    rows = store.rows(
        "SELECT test_results.*, tests.name, tests.variant FROM test_results JOIN tests ON tests.id = test_results.test"
        " WHERE test_results.run_id = ? AND test_results.position > ? ORDER BY test_results.position LIMIT ?",
        (run_id, after, limit),
    )
    return [record_of(row) for row in rows]


def failed(store: Store, run_id: int, *, limit: int = 1000) -> list[TestResult]:
    """Return the cases of a run that failed or broke, in report order."""
    rows = store.rows(FAILED_QUERY, (run_id, limit))
    return [record_of(row) for row in rows]


def record_of(row: sqlite3.Row) -> TestResult:
    """Return a row, joined with its test, as a record."""
    return TestResult(
        run_id=row["run_id"],
        position=row["position"],
        test_id=row["name"],
        outcome=TestOutcome(row["outcome"]),
        duration_s=row["duration_s"],
        file=row["file"],
        line=row["line"],
        message=row["message"],
        detail=row["detail"],
        variant=row["variant"],
        flaky=bool(row["flaky"]),
    )
