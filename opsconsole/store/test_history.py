"""A test over many runs: its history, flakiness, when it broke, and which tests grew slow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from opsconsole.core import clock
from opsconsole.core.nouns import TestOutcome
from opsconsole.store.connection import Store
from opsconsole.store.runs import RunRecord
from opsconsole.store.test_results import TestResult, record_of

LAST = 20
"""Runs before a failure that are looked at."""


@dataclass(frozen=True)
class TestRecord:
    """One test of a repo, over all its runs."""

    __test__ = False

    id: int
    repo: str
    pipeline: str
    variant: str
    name: str
    runs: int
    """Runs in which it passed or failed."""
    bad: int
    flips: int
    """How often its outcome changed from one run to the next."""
    flaky: int
    """How often it both passed and failed at one commit."""
    flaky_at: datetime | None
    last_run: int | None

    @property
    def rate(self) -> float:
        """Share of its runs in which it contradicted itself."""
        return min(max(self.flaky, self.flips / 2) / self.runs, 1.0) if self.runs else 0.0


@dataclass(frozen=True)
class FailingSince:
    """Since when a test fails on a branch."""

    run: int
    """The first of the whole runs running in which it failed."""
    passed: int
    """In how many of the ``before`` it passed."""
    before: int
    """The whole runs of the branch before that one, at most ``LAST``; 0 when it is not the run that was asked about."""


@dataclass(frozen=True)
class SlowTest:
    """A test that takes long, and how long it took before."""

    name: str
    variant: str
    seconds: float
    before: float | None
    """The median of the runs before; None when there are none."""


def names(store: Store, repo: str, pipeline: str) -> list[str]:
    """Return the names of all tests that runs of a pipeline ever reported."""
    rows = store.rows("SELECT DISTINCT name FROM tests WHERE repo = ? AND pipeline = ?", (repo, pipeline))
    return [row["name"] for row in rows]


def find(store: Store, repo: str, name: str, *, pipeline: str = "build", variant: str = "") -> TestRecord | None:
    """Return one test; None when it never ran."""
    row = store.row(
        "SELECT * FROM tests WHERE repo = ? AND pipeline = ? AND variant = ? AND name = ?",
        (repo, pipeline, variant, name),
    )
    return None if row is None else _record(row)


def flaky(store: Store, repo: str, *, limit: int = 200) -> list[TestRecord]:
    """Return the tests of a repo that contradicted themselves, the most unsteady first."""
    rows = store.rows(
        "SELECT * FROM tests INDEXED BY tests_flaky WHERE repo = ? AND (flaky > 0 OR flips > 1)"
        " AND (flaky > 0 OR flips > 2) ORDER BY min(max(flaky, flips / 2.0) / runs, 1.0) DESC, id LIMIT ?",
        (repo, limit),
    )
    return [_record(row) for row in rows]


def flaky_names(store: Store, run_id: int) -> set[tuple[str, str]]:
    """Return variant and name of a run's failed tests that are known as flaky."""
    rows = store.rows(
        "SELECT tests.variant, tests.name FROM test_results INDEXED BY test_results_bad"
        " JOIN tests ON tests.id = test_results.test WHERE test_results.run_id = ?"
        " AND test_results.outcome IN ('error', 'failed') AND tests.flaky > 0 LIMIT 1000",
        (run_id,),
    )
    return {(row["variant"], row["name"]) for row in rows}


def failing_since(store: Store, run: RunRecord) -> dict[tuple[str, str], FailingSince]:
    """Return, for a run's failed tests by variant and name, since which run each fails on the run's branch.

    A test that passed there in the meantime is left out: the run is no longer what the branch is.
    """
    rows = store.rows(
        "SELECT tests.variant, tests.name, tests.id, failing.since FROM test_results INDEXED BY test_results_bad"
        " JOIN tests ON tests.id = test_results.test"
        " JOIN failing ON failing.branch = ? AND failing.test = test_results.test"
        " WHERE test_results.run_id = ? AND test_results.outcome IN ('error', 'failed')"
        " AND failing.since <= test_results.run_id LIMIT 1000",
        (run.branch or "", run.id),
    )
    return {
        (row["variant"], row["name"]): FailingSince(
            row["since"], *(_before(store, row["id"], run) if row["since"] == run.id else (0, 0))
        )
        for row in rows
    }


def _before(store: Store, test: int, run: RunRecord) -> tuple[int, int]:
    """Return in how many of the last whole runs of a run's branch before it a test passed, and how many those were."""
    row = store.row(
        "SELECT count(*) FILTER (WHERE outcome = 'passed') AS passed, count(*) AS runs FROM ("
        " SELECT test_results.outcome FROM test_results INDEXED BY test_results_by_test"
        " CROSS JOIN runs ON runs.id = test_results.run_id AND runs.branch IS ? AND runs.purpose = 'full'"
        " WHERE test_results.test = ? AND test_results.run_id < ? AND test_results.outcome <> 'skipped'"
        " ORDER BY test_results.run_id DESC LIMIT ?)",
        (run.branch, test, run.id, LAST),
    )
    assert row is not None
    return row["passed"], row["runs"]


def history(store: Store, test: int, *, before: int | None = None, limit: int = 50) -> list[TestResult]:
    """Return what a test came to in the last runs, newest first; ``before`` is the run to page on from."""
    rows = store.rows(
        "SELECT test_results.*, tests.name, tests.variant FROM test_results JOIN tests ON tests.id = test_results.test"
        " WHERE test_results.test = ? AND test_results.run_id < ? ORDER BY test_results.run_id DESC LIMIT ?",
        (test, before if before is not None else 1 << 62, limit),
    )
    return [record_of(row) for row in rows]


def slowest(store: Store, run_id: int, *, limit: int = 10, runs_before: int = 5) -> list[SlowTest]:
    """Return the slowest tests of a run, each with the median of what it took in the runs before."""
    rows = store.rows(
        "SELECT test, max(duration_s) AS seconds FROM test_results WHERE run_id = ? AND duration_s IS NOT NULL"
        " GROUP BY test ORDER BY seconds DESC LIMIT ?",
        (run_id, limit),
    )
    tests = []
    for row in rows:
        name = store.row("SELECT name, variant FROM tests WHERE id = ?", (row["test"],))
        past = store.rows(
            "SELECT duration_s FROM test_results WHERE test = ? AND run_id < ? AND duration_s IS NOT NULL"
            " ORDER BY run_id DESC LIMIT ?",
            (row["test"], run_id, runs_before),
        )
        seconds = sorted(float(item["duration_s"]) for item in past)
        assert name is not None
        before = seconds[len(seconds) // 2] if seconds else None
        tests.append(SlowTest(name["name"], name["variant"], float(row["seconds"]), before))
    return tests


def outcomes(store: Store, run_id: int) -> dict[tuple[str, str], tuple[TestOutcome, float | None]]:
    """Return outcome and seconds of every test of a run, by variant and name; the worst case of a name counts."""
    rows = store.rows(
        "SELECT tests.variant, tests.name, test_results.outcome, test_results.duration_s FROM test_results"
        " JOIN tests ON tests.id = test_results.test WHERE test_results.run_id = ? ORDER BY test_results.position",
        (run_id,),
    )
    known = {str(outcome): outcome for outcome in TestOutcome}
    worst = {TestOutcome.ERROR: 3, TestOutcome.FAILED: 2, TestOutcome.PASSED: 1, TestOutcome.SKIPPED: 0}
    by_test: dict[tuple[str, str], tuple[TestOutcome, float | None]] = {}
    for variant, name, word, seconds in rows:
        outcome = known[word]
        before = by_test.get((variant, name))
        if before is None or worst[outcome] > worst[before[0]]:
            by_test[variant, name] = (outcome, seconds)
    return by_test


def _record(row: object) -> TestRecord:
    record = dict(row)  # type: ignore[call-overload]
    return TestRecord(
        id=record["id"],
        repo=record["repo"],
        pipeline=record["pipeline"],
        variant=record["variant"],
        name=record["name"],
        runs=record["runs"],
        bad=record["bad"],
        flips=record["flips"],
        flaky=record["flaky"],
        flaky_at=clock.from_text_or_none(record["flaky_at"]),
        last_run=record["last_run"],
    )
