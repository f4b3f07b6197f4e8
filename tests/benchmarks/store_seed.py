"""A store of a million runs and ten million test results, by bulk insert: what years of a busy machine leave behind."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from opsconsole.store.connection import FILE_NAME, open_store

REPOS = ("monolith", "api", "web", "docs", "worker", "billing", "search", "mobile", "infra", "flights")
"""The first holds half of all runs."""
PIPELINES = ("build", "build", "build", "build", "lint", "nightly", "deploy", "train", "quarantine")
"""``build`` is the most frequent; ``quarantine`` never passed, ``retired`` ran in the first tenth alone."""
KINDS = {"build": "build", "train": "train", "deploy": "deploy"}
STATES = ("passed",) * 88 + ("failed",) * 8 + ("cancelled",) * 2 + ("timed_out", "error")
KEPT = 3_000
"""The newest runs that were not pruned."""
WORDS = ("cache", "parse", "retry", "merge", "faster", "typed", "quiet", "tests", "index", "queue", "store", "docs")
BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
FAST = ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000", "temp_store=MEMORY", "foreign_keys=OFF")
"""For the seeding alone: a store that is lost when the machine fails is seeded again."""
RUN = (
    "INSERT INTO runs (id, repo, pipeline, kind, state, commit_id, branch, subject, actor, created_at, started_at,"
    " ended_at, seconds, tests_passed, tests_failed, tests_skipped, tests_errors, pruned_at)"
    " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
STEP = "INSERT INTO steps (run_id, position, name, run, state, started_at, ended_at, seconds) VALUES (?,?,?,?,?,?,?,?)"
EVENT = "INSERT INTO events (at, actor, origin, kind, subject, reason, command) VALUES (?,?,?,?,?,?,?)"
RESULTS = """
    INSERT INTO test_results (run_id, position, test, outcome, duration_s, file, line, message, detail)
    SELECT run.id, test.id - suite.first, test.id,
           CASE WHEN (test.id * 7 + run.id) % 89 = 0 THEN 'failed' WHEN test.id % 50 = 7 THEN 'skipped' ELSE 'passed' END,
           (test.id * 31 + run.id * 17) % 1000 / 250.0, 'tests/test_' || test.id % 40 || '.py', test.id % 300,
           CASE WHEN (test.id * 7 + run.id) % 89 = 0 THEN 'AssertionError: assert 1 == 2' END,
           CASE WHEN (test.id * 7 + run.id) % 89 = 0 THEN :detail END
    FROM temp.tested AS run JOIN temp.suites AS suite ON suite.repo = run.repo
    JOIN tests AS test ON test.id BETWEEN suite.first AND suite.last
    ORDER BY run.id, test.id
"""
COUNTS = """
    UPDATE tests SET runs = r.runs, bad = r.bad, flips = 2 * r.bad, flaky = tests.id % 20 = 0, last_run = r.last,
      flaky_at = iif(tests.id % 20 = 0, '2025-01-01T00:00:00.000000Z', NULL)
    FROM (SELECT test, count(*) AS runs, sum(outcome = 'failed') AS bad, max(run_id) AS last FROM test_results
          GROUP BY test) AS r
    WHERE r.test = tests.id
"""
VERSION = (
    "INSERT INTO versions (model, version, digest, framework, entry, size, signature, metrics, params, data, run_id, actor,"
    " created_at) VALUES ('flights', ?, 'sha256:0', 'skops', 'm', 1, '{}', '{}', '{}', '{}', ?, 'ops', ?)"
)
ALERT = (
    "INSERT INTO alerts (monitor, model, alias, version, severity, state, title, evidence, opened_at, changed_at)"
    " VALUES ('flights', 'flights', 'production', ?, 'warn', ?, 'AUC below the floor', '[]', ?, ?)"
)


@dataclass(frozen=True)
class Sizes:
    """How much there is."""

    runs: int = 1_000_000
    results: int = 10_000_000
    tests: int = 5_000

    @property
    def suite(self) -> int:
        """Tests of one repo."""
        return self.tests // len(REPOS)

    @property
    def every(self) -> int:
        """Of so many runs, one has results."""
        return max((self.runs * self.suite // self.results - 1) | 1, 1)  # odd, so that every repo has its share


def fill(state: Path, sizes: Sizes) -> None:
    """Make the store of a state folder and fill it; its indexes are dropped meanwhile and made again at the end."""
    open_store(state).close()
    connection = sqlite3.connect(state / FILE_NAME, isolation_level=None)
    try:
        for pragma in FAST:
            connection.execute(f"PRAGMA {pragma}")
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql NOT NULL"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        connection.execute("BEGIN")
        connection.executemany(RUN, _runs(sizes))
        connection.executemany(STEP, _steps(sizes))
        connection.executemany(EVENT, _events(sizes))
        _fill_models(connection, sizes)
        _fill_tests(connection, sizes)
        connection.execute("COMMIT")
        for _, sql in indexes:
            connection.execute(sql)
        connection.execute(COUNTS)
    finally:
        connection.close()
    open_store(state).close()


def repo_of(number: int) -> str:
    """Return the repo of a run."""
    return REPOS[0] if number % 2 else REPOS[1 + number // 2 % (len(REPOS) - 1)]


def tested(number: int, sizes: Sizes) -> bool:
    """Whether a run has test results."""
    return number % sizes.every == 0


def pipeline_of(number: int, sizes: Sizes) -> str:
    """Return the pipeline of a run."""
    if number < sizes.runs // 10 and number % 50 < 2:
        return "retired"
    return "build" if tested(number, sizes) else PIPELINES[number // 7 % len(PIPELINES)]


def moment(number: int, sizes: Sizes, seconds: float = 0) -> str:
    """Return when a run began, or so many seconds later."""
    found = BEGIN + timedelta(days=2000) * (number / sizes.runs) + timedelta(seconds=seconds)
    return f"{found:%Y-%m-%dT%H:%M:%S.%f}Z"


def state_of(number: int, sizes: Sizes) -> str:
    """Return the state of a run: the very last are live."""
    if number > sizes.runs - 4:
        return "running" if number > sizes.runs - 2 else "queued"
    if pipeline_of(number, sizes) == "quarantine":
        return "failed"
    return STATES[number * 7919 % len(STATES)]


def _runs(sizes: Sizes) -> Iterator[tuple[object, ...]]:
    chance = random.Random(1)
    for number in range(1, sizes.runs + 1):
        state, pipeline = state_of(number, sizes), pipeline_of(number, sizes)
        live = state in {"running", "queued"}
        counts = (sizes.suite - 20, 10, 10, 0) if tested(number, sizes) else (None,) * 4
        yield (
            number,
            repo_of(number),
            pipeline,
            KINDS.get(pipeline, "task"),
            state,
            f"{number // 6 * 2654435761 % (1 << 160):040x}",  # about three runs of one repo for each commit
            "main",
            f"Change number {number}: {chance.choice(WORDS)} {chance.choice(WORDS)}",
            "ops",
            moment(number, sizes),
            None if state == "queued" else moment(number, sizes, 1),
            None if live else moment(number, sizes, 31),
            None if live else 30.0,
            *counts,
            None if number > sizes.runs - KEPT else moment(number, sizes, 86400),
        )


def _steps(sizes: Sizes) -> Iterator[tuple[object, ...]]:
    for number in range(1, sizes.runs + 1):
        begun, ended = moment(number, sizes, 1), moment(number, sizes, 31)
        yield (number, 0, "install", "pip install -e .", "passed", begun, begun, 1.0)
        yield (number, 1, "test", "pytest -q", "passed", begun, ended, 29.0)


def _events(sizes: Sizes) -> Iterator[tuple[object, ...]]:
    for number in range(1, sizes.runs + 1):
        subject = f"run {number}"
        yield (moment(number, sizes), "ops", "cli", "run.queued", subject, "a commit", "opsconsole run app")
        yield (moment(number, sizes, 31), "ops", "intake", f"run.{state_of(number, sizes)}", subject, None, None)
        if number % 1000 == 0:
            yield (
                moment(number, sizes, 32),
                "ops",
                "cli",
                "model.promoted",
                "model flights@production",
                "better",
                None,
            )


def _fill_models(connection: sqlite3.Connection, sizes: Sizes) -> None:
    connection.execute("INSERT INTO models VALUES ('flights', 'binary', ?)", (moment(0, sizes),))
    count = max(sizes.runs // 100, 10)
    connection.executemany(
        VERSION, ((number, number * 100, moment(number * 100, sizes)) for number in range(1, count + 1))
    )
    connection.executemany(
        ALERT,
        (
            (
                number,
                "open" if number > count - 3 else "resolved",
                moment(number * 100, sizes),
                moment(number * 100, sizes),
            )
            for number in range(1, count + 1)
        ),
    )


def _fill_tests(connection: sqlite3.Connection, sizes: Sizes) -> None:
    connection.executemany(
        "INSERT INTO tests (id, repo, pipeline, name) VALUES (?, ?, 'build', ?)",
        (
            (
                number + 1,
                REPOS[number // sizes.suite % len(REPOS)],
                f"tests/test_{number % 40}.py::test_number_{number}",
            )
            for number in range(sizes.tests)
        ),
    )
    connection.execute("CREATE TEMP TABLE tested AS SELECT id, repo FROM runs WHERE tests_passed NOT NULL ORDER BY id")
    connection.execute(
        "CREATE TEMP TABLE suites AS SELECT repo, min(id) AS first, max(id) AS last FROM tests GROUP BY repo"
    )
    connection.execute(RESULTS, {"detail": "Traceback (most recent call last):\n" + "  File app.py, line 3\n" * 20})
