from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.core import clock
from opsconsole.core.nouns import PipelineKind, RunCause, RunState, StepState, TestOutcome
from opsconsole.store import runs, steps, test_history, test_results, verdicts
from opsconsole.store.connection import Store, open_store
from opsconsole.store.runs import ASKED, Cause, NewRun, TestCounts
from opsconsole.store.steps import StepRecord
from opsconsole.store.test_results import RunOfTests, TestResult


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "state") as opened:
        yield opened


def new_run(repo: str = "app", pipeline: str = "build", commit: str = "c1", alert_id: int | None = None) -> NewRun:
    cause = Cause(RunCause.ALERT, alert_id=alert_id) if alert_id is not None else ASKED
    return NewRun(repo, pipeline, PipelineKind.BUILD, commit, "main", "[/] 日本", dirty=False, actor="me", cause=cause)


def finish(store: Store, run_id: int, state: RunState) -> bool:
    with store.immediate() as connection:
        return runs.finish(
            connection,
            run_id,
            state,
            started_at=None,
            ended_at=clock.now(),
            error=None,
            note=None,
            tests=TestCounts(passed=1),
        )


def test_pages_go_on_where_the_last_one_ended(store: Store) -> None:
    with store.immediate() as connection:
        ids = [runs.insert(connection, new_run(repo=f"r{number % 2}")) for number in range(10)]
    first = runs.page(store, limit=4)
    assert [run.id for run in first] == ids[:5:-1]
    assert [run.id for run in runs.page(store, before=first[-1].id, limit=4)] == ids[5:1:-1]
    assert [run.id for run in runs.page(store, repo="r0", before=9)] == [7, 5, 3, 1]
    latest = runs.latest(store, "r1")
    assert latest is not None
    assert (latest.id, latest.subject, latest.tests) == (10, "[/] 日本", None)


def test_a_final_outcome_is_written_once_and_nothing_moves_after_it(store: Store) -> None:
    with store.immediate() as connection:
        run_id = runs.insert(connection, new_run())
    assert finish(store, run_id, RunState.PASSED)
    assert not finish(store, run_id, RunState.LOST)
    with store.immediate() as connection:
        assert not runs.advance(connection, run_id, RunState.RUNNING, started_at=clock.now())
        assert not runs.advance(connection, run_id, RunState.ENDING, started_at=None)
    assert runs.live(store) == []
    assert [run.id for run in verdicts.recent(store, "app", "build", branch="main")] == [run_id]


@pytest.mark.parametrize(
    "narrowing",
    [
        {"repo": "app"},
        {"repo": "app", "pipeline": "build"},
        {"repo": "app", "commit": "c1"},
        {"state": RunState.PASSED},
        {"alert_id": 3},
        {},
    ],
)
@pytest.mark.parametrize("before", [None, 100])
def test_every_list_of_runs_reads_an_index_in_order(
    store: Store, narrowing: dict[str, object], before: int | None
) -> None:
    sql, parameters = runs.page_query(**narrowing, before=before)  # type: ignore[arg-type]
    steps_of_plan = " | ".join(row["detail"] for row in store.rows(f"EXPLAIN QUERY PLAN {sql}", parameters))
    assert "TEMP B-TREE" not in steps_of_plan
    if narrowing:
        assert "USING INDEX" in steps_of_plan


def test_cases_are_paged_and_the_bad_ones_found_by_index(store: Store) -> None:
    with store.immediate() as connection:
        run_id = runs.insert(connection, new_run())
        made = [
            TestResult(run_id, number, f"t{number}", TestOutcome.FAILED if number % 3 == 0 else TestOutcome.PASSED, 0.1)
            for number in range(9)
        ]
        test_results.take_in(connection, RunOfTests(run_id, "app", "build", "c"), made)
    assert test_results.of_run(store, run_id, after=6) == made[7:]
    assert [case.position for case in test_results.failed(store, run_id)] == [0, 3, 6]
    known = test_history.find(store, "app", "t3")
    assert known is not None
    assert [case.test_id for case in test_history.history(store, known.id)] == ["t3"]
    first, second = store.rows(f"EXPLAIN QUERY PLAN {test_results.FAILED_QUERY}", (run_id, 10))
    assert "test_results_bad" in first["detail"]
    assert "INTEGER PRIMARY KEY" in second["detail"]


def test_steps_are_written_over_by_position(store: Store) -> None:
    with store.immediate() as connection:
        run_id = runs.insert(connection, new_run())
        steps.put(connection, [StepRecord(run_id, at, name, "x", StepState.QUEUED) for at, name in enumerate("ab")])
        steps.put(connection, [StepRecord(run_id, 0, "a", "x", StepState.RUNNING)])
        steps.close_open(connection, run_id)
    assert [step.state for step in steps.of_run(store, run_id)] == [StepState.LOST, StepState.NOT_REACHED]
