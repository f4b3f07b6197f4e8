"""Each migration on a filled store of the schema before it."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlite_utils import Database

from opsconsole.core.nouns import Resolution, RunCause, TestOutcome
from opsconsole.store import alerts, baselines, chunks, events, maintenance, runs, steps, test_history, test_results
from opsconsole.store.baselines import Period
from opsconsole.store.connection import FILE_NAME, open_store
from opsconsole.store.migrations import step

RUN = "INSERT INTO runs (id, repo, pipeline, kind, state, commit_id, actor, created_at) VALUES (?,?,?,?,?,?,?,?)"
CASE = "INSERT INTO test_results (run_id, position, test_id, outcome, duration_s, message) VALUES (?,?,?,?,?,?)"


def schema(path: Path, version: int) -> sqlite3.Connection:
    connection = sqlite3.connect(path / FILE_NAME, isolation_level=None)
    for number in range(1, version + 1):
        step(number)(Database(connection))
    connection.execute(f"PRAGMA user_version={version}")
    return connection


def test_results_keep_every_case_and_tests_get_their_counts(tmp_path: Path) -> None:
    old = schema(tmp_path, 1)
    old.execute("BEGIN")
    for run in (1, 2, 3):
        old.execute(RUN, (run, "app", "build", "build", "failed", "c" * 40, "tess", f"2026-01-0{run}T00:00:00.000000Z"))
        old.execute("INSERT INTO steps VALUES (?, 0, 'test', 'pytest', 'failed', 1, NULL, NULL, NULL)", (run,))
        for position in range(500):
            bad = position == 7 and run > 1
            old.execute(
                CASE, (run, position, f"t{position}", "failed" if bad else "passed", 0.5, "no" if bad else None)
            )
    old.execute("COMMIT")
    old.close()
    with open_store(tmp_path) as store:
        assert maintenance.check(store).problems == []
        assert maintenance.check(store).rows["test_results"] == 1500
        assert [case.test_id for case in test_results.failed(store, 3)] == ["t7"]
        (first,) = test_results.of_run(store, 1, after=498)
        assert (first.test_id, first.outcome, first.duration_s) == ("t499", TestOutcome.PASSED, 0.5)
        test = test_history.find(store, "app", "t7")
        assert test is not None
        assert (test.runs, test.bad, test.last_run) == (3, 2, 3)
        assert [case.outcome for case in test_history.history(store, test.id)] == ["failed", "failed", "passed"]
        assert steps.of_run(store, 1)[0].tries == 1
        record = runs.get(store, 1)
        assert record is not None
        assert (record.pinned, record.seconds) == (False, None)
    assert list(tmp_path.glob("store.schema1.*.db"))


def test_runs_are_counted_and_placed_from_a_filled_store_on(tmp_path: Path) -> None:
    old = schema(tmp_path, 2)
    moment = "2026-01-01T00:00:00.000000Z"
    old.execute("BEGIN")
    for number in range(1, 3_600):
        repo = "app" if number % 3 else "web"
        old.execute(RUN, (number * 2, repo, "build", "build", "passed", f"{number:040x}", "tess", moment))
    old.execute("COMMIT")
    old.execute(
        "INSERT INTO events (at, actor, origin, kind, subject) VALUES (?, 'tess', 'cli', 'run.queued', 'run 2')",
        (moment,),
    )
    old.close()
    with open_store(tmp_path) as store:
        assert maintenance.check(store).problems == []
        for repo, count in (("app", 2_400), ("web", 1_199)):
            assert runs.count(store, repo=repo) == count
            whole = runs.page(store, repo=repo, limit=5_000)
            for start in (0, 777, 1_100, count - 3):
                assert runs.window(store, repo, start, 50) == whole[start : start + 50]
        places = [tuple(row) for row in store.rows("SELECT place, run_id FROM run_places WHERE repo = 'app'")]
        assert places == [(1_000, 2_998), (2_000, 5_998)]
        with store.immediate() as connection:
            connection.execute(RUN, (9_000, "new", "build", "build", "passed", "0" * 40, "tess", moment))
        assert runs.count(store, repo="new") == 1
        assert [event.subject for event in events.events(store, kind="run.")] == ["run 2"]
    assert list(tmp_path.glob("store.schema2.*.db"))


def test_baselines_become_first_revisions_and_chunks_keep_what_they_showed(tmp_path: Path) -> None:
    old = schema(tmp_path, 3)
    moment = "2026-01-01T00:00:00.000000Z"
    for version in (1, 2):
        old.execute(
            "INSERT INTO baselines (id, monitor, model, version, rows, origin, sketch, made_at) VALUES (?,?,?,?,?,?,?,?)",
            (version * 5, "watch", "m", version, 900, "evaluation", b"old", moment),
        )
    old.execute(
        "INSERT INTO chunks (id, monitor, model, version, label, start_at, end_at, rows, labels, metric, realised, low,"
        " high, floor, severity, findings, fingerprint, sketch, checked_at) VALUES (3, 'watch', 'm', 1, 'Jan 2026', ?, ?,"
        " 100, 90, 'auc', 0.7, 0.6, 0.8, 0.65, 'ok', '[]', 'sha256:x', x'00', ?)",
        (moment, "2026-02-01T00:00:00.000000Z", moment),
    )
    old.execute(
        "INSERT INTO chunk_columns (chunk_id, name, kind, psi, effect, severity) VALUES (3, 'a', 'numeric', .2, 'warn', 'info')"
    )
    old.close()
    with open_store(tmp_path) as store:
        assert maintenance.check(store).problems == []
        found = baselines.baselines(store, "watch")
        assert [(one.id, one.revision, one.fitted, one.reason) for one in found.values()] == [
            (5, 1, None, None),
            (10, 1, None, None),
        ]
        [chunk] = chunks.chunks(store, "watch")
        assert (chunk.realised, chunk.estimated, chunk.metrics, chunk.slices) == (0.7, None, (), ())
        [column] = chunks.columns(store, chunk.id)
        assert (column.distances.psi, column.persistent, column.importance) == (0.2, None, None)
        assert chunks.known(store, "watch", 1)[chunk.start].measured is False
        with pytest.raises(sqlite3.IntegrityError), store.immediate() as connection:
            connection.execute(
                "INSERT INTO baselines (monitor, model, version, revision, rows, origin, sketch, made_at)"
                " VALUES ('watch', 'm', 1, 2, 1, 'x', x'00', ?)",
                (moment,),
            )
    assert list(tmp_path.glob("store.schema3.*.db"))


def test_old_runs_get_the_purpose_that_they_told_in_words(tmp_path: Path) -> None:
    told = {
        1: ("build", "build", None, "full"),
        2: ("build", "build", "which commit broke test_x", "probe"),
        3: ("build", "build", "the failed tests of run 1", "partial"),
        4: ("bisect", "task", "which commit broke test_x", "search"),
        5: ("train", "train", "alert 3: AUC fell", "train"),
        6: ("serve", "task", None, "task"),
    }
    old = schema(tmp_path, 4)
    for run, (pipeline, kind, reason, _) in told.items():
        old.execute(RUN, (run, "app", pipeline, kind, "passed", "c" * 40, "tess", "2026-01-01T00:00:00.000000Z"))
        old.execute("UPDATE runs SET reason = ? WHERE id = ?", (reason, run))
    old.close()
    with open_store(tmp_path) as store:
        found = {run.id: str(run.purpose) for run in runs.page(store, limit=9)}
    assert found == {run: purpose for run, (*_, purpose) in told.items()}


def test_failing_tests_belong_to_the_branch_of_the_run_that_broke_them(tmp_path: Path) -> None:
    old = schema(tmp_path, 7)
    for run, branch in ((1, "main"), (2, "topic")):
        old.execute(RUN, (run, "app", "build", "build", "failed", "c" * 40, "tess", "2026-01-01T00:00:00.000000Z"))
        old.execute("UPDATE runs SET branch = ? WHERE id = ?", (branch, run))
    old.execute(
        "INSERT INTO tests (id, repo, pipeline, name, runs, bad, last_run, last_outcome, broken_since)"
        " VALUES (1, 'app', 'build', 'bad', 2, 2, 2, 'failed', 1), (2, 'app', 'build', 'odd', 2, 0, 2, 'passed', NULL)"
    )
    for position, (test, outcome, message) in enumerate(
        [(1, "failed", "flaky: no"), (2, "passed", "flaky: passed after 1 failed try"), (2, "passed", None)]
    ):
        old.execute(
            "INSERT INTO test_results (run_id, position, test, outcome, message) VALUES (1, ?, ?, ?, ?)",
            (position, test, outcome, message),
        )
    old.close()
    with open_store(tmp_path) as store:
        assert maintenance.check(store).problems == []
        first = runs.get(store, 1)
        assert first is not None
        assert {name: since.run for (_, name), since in test_history.failing_since(store, first).items()} == {"bad": 1}
        assert [case.flaky for case in test_results.of_run(store, 1)] == [False, True, False]


def test_what_was_told_in_words_alone_becomes_columns(tmp_path: Path) -> None:
    old = schema(tmp_path, 8)
    moment = "2026-01-01T00:00:00.000000Z"
    run = (
        "INSERT INTO runs (id, repo, pipeline, kind, purpose, state, commit_id, actor, reason, alert_id, rerun_of, created_at)"
        " VALUES (?, 'app', 'build', 'build', ?, 'passed', 'c', 'tess', ?, ?, ?, ?)"
    )
    for number, purpose, reason, answered, rerun in (
        (1, "full", "because", None, None),
        (2, "score", "new rows for monitor watch it", None, None),
        (3, "probe", "which commit broke app/build", None, None),
        (4, "full", "again: run 1", None, 1),
        (5, "train", "alert 1: AUC .6", 1, None),
        (6, "full", "demo: build the history", None, None),
    ):
        old.execute(run, (number, purpose, reason, answered, rerun, moment))
    stale = (
        '[{"kind":"quality","severity":"warn","text":"The newest row is of 2026-01-01 00:00 UTC, more than 1d ago."}]'
    )
    old.execute(
        "INSERT INTO chunks (id, monitor, model, version, label, start_at, end_at, rows, labels, severity, findings,"
        " fingerprint, sketch, checked_at) VALUES (3, 'watch', 'm', 1, 'Jan 2026', ?, ?, 1, 1, 'warn', ?, 'x', x'00', ?)",
        (moment, moment, stale, moment),
    )
    opened = (
        "INSERT INTO alerts (id, monitor, model, alias, version, severity, state, title, evidence, opened_at, changed_at,"
        " cured_by) VALUES (?, 'watch', 'm', 'production', ?, 'warn', ?, 't', ?, ?, ?, ?)"
    )
    event = "INSERT INTO events (at, actor, origin, kind, subject, reason, command, detail) VALUES (?, 'tess', 'cli', ?, ?, ?, ?, ?)"
    left = "v4 left production: v1 holds it again"
    resolved: tuple[tuple[int, str, int | None, str | None, str | None], ...] = (
        (1, "open", None, None, None),
        (2, "resolved", 3, "v3 was healthy in May", None),
        (3, "resolved", None, "Feb 2026 was judged anew: nothing of it is left", None),
        (4, "resolved", None, left, None),
        (5, "resolved", None, left.replace("v4", "v5"), "opsconsole alert resolve 5"),
        (6, "resolved", None, None, None),
    )
    for number, state, cured, why, line in resolved:
        old.execute(opened, (number, number, state, stale, moment, moment, cured))
        if why is not None:
            old.execute(event, (moment, "alert.resolved", f"alert {number}", why, line, "{}"))
    baseline = (
        "INSERT INTO baselines (monitor, model, version, revision, active, rows, origin, sketch, made_at)"
        " VALUES ('watch', 'm', 1, ?, ?, 900, ?, x'00', ?)"
    )
    origins = (
        "evaluation",
        "production 2026-01-01T00:00:00+00:00/2026-02-01T02:00:00+02:00",
        "data/x.csv",
        "data/x.csv",
    )
    for revision, origin in enumerate(origins, start=1):
        old.execute(baseline, (revision, int(revision == 4), origin, moment))
    for before, taken, what in ((1, 2, "production"), (1, 3, "data/x.csv"), (3, 4, "the same, made anew")):
        detail = f'{{"version": 1, "from_revision": {before}, "revision": {taken}, "baseline": "{what}"}}'
        old.execute(event, (moment, "monitor.rebaselined", "monitor watch", "why", None, detail))
    old.close()
    with open_store(tmp_path) as store:
        assert maintenance.check(store).problems == []
        found = reversed(runs.page(store))
        assert [(one.cause, one.monitor) for one in found] == [
            (RunCause.OPERATOR, None),
            (RunCause.CHECK, "watch it"),
            (RunCause.BISECT, None),
            (RunCause.RERUN, None),
            (RunCause.ALERT, None),
            (RunCause.DEMO, None),
        ]
        known = reversed(alerts.alerts(store))
        how = [None, Resolution.CURED, Resolution.REVISED, Resolution.LEFT, Resolution.OPERATOR, Resolution.OPERATOR]
        assert [one.resolution for one in known] == how
        assert all(one.evidence[0].stale for one in alerts.alerts(store))
        assert chunks.chunks(store, "watch")[0].findings[0].stale
        made = [one for one, _ in baselines.revisions(store, "watch", 1)]
        assert [one.follows for one in made] == [0, 1, 1, 1]
        until = datetime(2026, 2, 1, tzinfo=UTC)
        assert [one.period for one in made] == [None, Period(datetime(2026, 1, 1, tzinfo=UTC), until), None, None]
