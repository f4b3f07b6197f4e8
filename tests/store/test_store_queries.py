"""What a view asks is answered by an index, and pages by key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from opsconsole.core import clock
from opsconsole.core.errors import NotFoundError
from opsconsole.core.nouns import PipelineKind, RunState, TestOutcome
from opsconsole.store import (
    alerts,
    bisections,
    evaluations,
    events,
    judgements,
    models,
    promotions,
    pruning,
    runs,
    steps,
    test_history,
    test_results,
    verdicts,
)
from opsconsole.store.connection import Store
from opsconsole.store.runs import NewRun
from opsconsole.store.test_results import RunOfTests, TestResult
from tests.model_workspace import Left, Shop

VIEWS: dict[str, Callable[[Store], object]] = {
    "events": events.events,
    "events, paged": lambda store: events.events(store, before=9),
    "events of a kind": lambda store: events.events(store, kind="model."),
    "events of a subject": lambda store: events.events(store, subject="model m:1"),
    "models": models.models,
    "versions": lambda store: models.versions(store, "m", before=3),
    "a version": lambda store: models.version(store, "m", 1),
    "a run's version": lambda store: models.version_of_run(store, 1),
    "an alert's answers": lambda store: models.versions_of_alert(store, 1),
    "files": lambda store: models.files(store, "m", 1),
    "evaluations": lambda store: evaluations.of_version(store, "m", 1),
    "shared evaluation": lambda store: evaluations.shared(store, "m", 1, 2),
    "aliases": promotions.aliases,
    "a model's aliases": lambda store: promotions.aliases(store, "m"),
    "an alias": lambda store: promotions.alias(store, "m", "production"),
    "an alias's history": lambda store: promotions.history(store, "m", "production"),
    "judgement": lambda store: judgements.get(store, "m", 1, "production"),
    "judgements": lambda store: judgements.of_model(store, "m", "production"),
    "events since a time": lambda store: events.events(store, since=clock.now()),
    "events of a kind since a time": lambda store: events.events(store, kind="model.", since=clock.now(), before=9),
    "a run": lambda store: runs.get(store, 1),
    "live runs": runs.live,
    "a page of runs": runs.page,
    "a page of a repo": lambda store: runs.page(store, repo="a", before=9),
    "a page of a state": lambda store: runs.page(store, state=RunState.FAILED),
    "a page of a repo's state": lambda store: runs.page(store, repo="a", state=RunState.FAILED),
    "a page of a pipeline": lambda store: runs.page(store, repo="a", pipeline="b", before=9),
    "a page of a pipeline's state": lambda store: runs.page(store, repo="a", pipeline="b", state=RunState.PASSED),
    "a page of a kind": lambda store: runs.page(store, repo="a", kind=PipelineKind.BUILD),
    "a page of a commit": lambda store: runs.page(store, repo="a", commit="c", pipeline="b", state=RunState.PASSED),
    "a page of an alert": lambda store: runs.page(store, alert_id=1, state=RunState.PASSED),
    "a count": lambda store: runs.count(store, repo="a"),
    "the window into a repo": lambda store: runs.window(store, "a", 0, 9),
    "the verdicts of a branch": lambda store: verdicts.of_branch(store, "a", "main"),
    "the verdicts of no branch": lambda store: verdicts.of_branch(store, "a", None),
    "the verdicts of a commit": lambda store: verdicts.of_commit(store, "a", "c"),
    "the verdicts of other pipelines": lambda store: verdicts.of_other_pipelines(store, "a"),
    "the branch built last": lambda store: verdicts.branch_built_last(store, "a"),
    "green builds": lambda store: verdicts.green(store, "a", "b", branch="main", before=9),
    "the course of a pipeline": lambda store: verdicts.recent(store, "a", "b", branch="main"),
    "whole runs of a pipeline": lambda store: runs.page(
        store, repo="a", pipeline="b", state=RunState.PASSED, whole=True
    ),
    "what bisects found": lambda store: bisections.since(store, "a", "b", clock.now()),
    "what a search found": lambda store: bisections.of_run(store, 1),
    "names of tests": lambda store: test_history.names(store, "a", "b"),
    "steps": lambda store: steps.of_run(store, 1),
    "tests of a run": lambda store: test_results.of_run(store, 1, after=5),
    "failed tests": lambda store: test_results.failed(store, 1),
    "a test": lambda store: test_history.find(store, "a", "t"),
    "a test's history": lambda store: test_history.history(store, 1, before=9),
    "slowest tests": lambda store: test_history.slowest(store, _newest(store)),
    "flaky tests": lambda store: test_history.flaky(store, "a"),
    "failed tests that are flaky": lambda store: test_history.flaky_names(store, 1),
    "failed tests since when": lambda store: test_history.failing_since(store, runs.page(store)[0]),
    "outcomes": lambda store: test_history.outcomes(store, 1),
    "what may be pruned": lambda store: list(pruning.keepable(store, [1, 2])),
    "alerts of a monitor": lambda store: alerts.alerts(store, monitor="m", before=9),
    "live alerts": lambda store: alerts.alerts(store, live=True),
    "an alert": lambda store: _or_none(lambda: alerts.alert(store, 1)),
}


NAMES = {"kinds", "known"}
"""Names that a query found by one look-up for each, and walks."""
NEVER_SORTED = ("a page of", "the window", "a test's history", "failed tests")
"""Lists without a bound of their own: sorting one would read all of it."""


def _newest(store: Store) -> int:
    return runs.page(store, limit=1)[0].id


def _or_none(ask: Callable[[], object]) -> object:
    try:
        return ask()
    except NotFoundError:
        return None


def _a_run(store: Store, repo: str, *, number: int = 0, pipeline: str = "b") -> int:
    new = NewRun(repo, pipeline, PipelineKind.BUILD, f"{number:040x}", "main", "s", dirty=False, actor="ops")
    with store.immediate() as connection:
        return runs.insert(connection, new)


def _a_tested_run(store: Store) -> int:
    run_id = _a_run(store, "a")
    case = TestResult(run_id, 0, "t", TestOutcome.FAILED, 0.5)
    with store.immediate() as connection:
        test_results.take_in(connection, RunOfTests(run_id, "a", "b", "c" * 40), [case])
    return run_id


@pytest.mark.parametrize("view", VIEWS.keys())
def test_every_view_is_answered_by_an_index(shop: Shop, monkeypatch: pytest.MonkeyPatch, view: str) -> None:
    shop.version()
    _a_tested_run(shop.store)
    asked: list[tuple[str, object]] = []
    rows = Store.rows

    def noted(store: Store, sql: str, parameters: tuple[object, ...] = ()) -> object:
        asked.append((sql, parameters))
        return rows(store, sql, parameters)

    monkeypatch.setattr(Store, "rows", noted)
    VIEWS[view](shop.store)
    assert asked
    for sql, parameters in asked:
        plan = [row["detail"] for row in rows(shop.store, f"EXPLAIN QUERY PLAN {sql}", parameters)]  # type: ignore[arg-type]
        bare = [line for line in plan if line.startswith("SCAN") and "INDEX" not in line]
        bare = [line for line in bare if line.split()[1] not in NAMES]
        # a whole table in the order of its key is read no further than the page
        assert all(line.split()[1] in {"events", "aliases", "alerts", "runs"} for line in bare), plan
        if bare or view.startswith(NEVER_SORTED):
            assert not any("TEMP B-TREE" in line for line in plan), plan


def test_events_page_by_key_and_narrow_by_kind_subject_and_time(shop: Shop) -> None:
    for number in (1, 2, 3):
        shop.version(Left(seed=number))
    everything = events.events(shop.store)
    assert [event.id for event in everything] == sorted((event.id for event in everything), reverse=True)
    pages: list[events.Event] = []
    while page := events.events(shop.store, before=pages[-1].id if pages else None, limit=2):
        pages += page
    assert pages == everything
    assert {event.kind for event in events.events(shop.store, kind="version.")} == {"version.registered"}
    assert events.events(shop.store, kind="version") == events.events(shop.store, kind="version.")
    assert [event.kind for event in events.events(shop.store, subject="model m:2")] == ["version.registered"]
    assert events.events(shop.store, since=clock.now() + timedelta(hours=1)) == []
    assert events.events(shop.store, since=clock.now() - timedelta(hours=1)) == everything
    assert events.count(shop.store) == len(everything)


def test_an_unknown_version_is_told_with_those_there_are(shop: Shop) -> None:
    shop.version()
    with pytest.raises(NotFoundError) as unknown:
        models.version(shop.store, "m", 9)
    assert unknown.value.hint == "it has v1"
    with pytest.raises(NotFoundError, match="no version 1 of the model `n`"):
        models.version(shop.store, "n", 1)


def test_a_missing_model_and_a_rung_that_points_nowhere_are_told_alike_everywhere(shop: Shop) -> None:
    shop.version()
    for asked in (lambda: models.model(shop.store, "n"), lambda: promotions.holder(shop.store, "n", "production")):
        with pytest.raises(NotFoundError, match="there is no model `n`") as missing:
            asked()
        assert missing.value.hint == "known: m"
    assert models.model(shop.store, "m").versions == 1
    assert promotions.holder(shop.store, "m", "candidate").version == 1
    with pytest.raises(NotFoundError, match="m@production points nowhere") as nowhere:
        promotions.holder(shop.store, "m", "production")
    assert nowhere.value.hint == "opsconsole model show m lists its rungs"


def test_versions_page_by_key_newest_first(shop: Shop) -> None:
    for number in (1, 2, 3):
        shop.version(Left(seed=number, rows=30))
    first = models.versions(shop.store, "m", limit=2)
    rest = models.versions(shop.store, "m", before=first[-1].version, limit=2)
    assert [item.version for item in (*first, *rest)] == [3, 2, 1]
    (model,) = models.models(shop.store)
    assert (model.name, model.versions) == ("m", 3)


def test_a_window_shows_what_a_walk_through_the_list_would(shop: Shop) -> None:
    store, count = shop.store, 2_345
    values = [("a" if number % 3 else "z", number) for number in range(count * 3 // 2)]
    with store.immediate() as connection:
        connection.executemany(
            "INSERT INTO runs (repo, pipeline, kind, state, commit_id, actor, created_at)"
            " VALUES (?, 'b', 'build', 'passed', ?, 'ops', '2026-01-01T00:00:00.000000Z')",
            values,
        )
    whole = [run.id for run in runs.page(store, repo="a", limit=10_000)]
    assert len(whole) == runs.count(store, repo="a")
    for start in (0, 1, 199, 1_000, 1_344, 1_345, 1_346, 2_200, len(whole) - 1, len(whole), len(whole) + 9):
        assert [run.id for run in runs.window(store, "a", start, 200)] == whole[start : start + 200]
    with store.immediate() as connection:
        connection.execute("DELETE FROM runs WHERE id = ?", (whole.pop(1_500),))
    for start in (0, 600, 1_400, 2_200):
        assert [run.id for run in runs.window(store, "a", start, 200)] == whole[start : start + 200]
    assert runs.window(store, "nobody", 0, 9) == []


def test_the_last_run_of_each_pipeline_is_found_behind_any_number_of_others(shop: Shop) -> None:
    nightly = _a_run(shop.store, "a", pipeline="nightly")
    with shop.store.immediate() as connection:
        connection.execute("UPDATE runs SET state = 'failed' WHERE id = ?", (nightly,))
    for number in range(150):
        last = _a_run(shop.store, "a", number=number)
    with shop.store.immediate() as connection:
        connection.execute("UPDATE runs SET state = 'passed' WHERE pipeline = 'b' AND id < ?", (last,))
    found = {run.pipeline: run.id for run in verdicts.of_branch(shop.store, "a", "main")}
    assert found == {"b": last - 1, "nightly": nightly}
    assert verdicts.of_branch(shop.store, "nobody", "main") == verdicts.of_branch(shop.store, "a", "other") == []


def test_events_since_a_time_hold_past_a_clock_that_was_set(shop: Shop) -> None:
    store = shop.store
    stamps = ["10:00", "10:01", "23:00", "10:02", "03:00", "10:03"]
    with store.immediate() as connection:
        for stamp in stamps:
            made = events.record(connection, "clock.told", "clock", actor="ops")
            connection.execute("DROP TRIGGER IF EXISTS events_stand")
            connection.execute("UPDATE events SET at = ? WHERE id = ?", (f"2020-01-01T{stamp}:00.000000Z", made))
    since = clock.from_text("2020-01-01T10:02:00Z")
    for narrowed in ({"kind": "clock."}, {"subject": "clock"}, {"kind": "clock.told", "subject": "clock"}):
        found = [f"{event.at:%H:%M}" for event in events.events(store, since=since, **narrowed)]  # type: ignore[arg-type]
        assert found == ["10:03", "10:02", "23:00"]
    assert len(events.events(store, since=clock.from_text("2020-01-01T00:00:00Z"), kind="clock.")) == len(stamps)


def test_what_may_be_pruned_is_asked_in_pages_and_knows_lineage(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "PAGE", 2)
    version = shop.version()
    made = [_a_run(shop.store, "a", number=number) for number in range(5)]
    with shop.store.immediate() as connection:
        connection.execute(
            "UPDATE runs SET state = 'passed', ended_at = created_at WHERE id > ? AND repo = 'a'", (made[0],)
        )
        connection.execute("UPDATE runs SET pruned_at = created_at WHERE id = ?", (made[3],))
        connection.execute("UPDATE runs SET pinned = 1 WHERE id = ?", (made[2],))
    asked = [*made, *([version.provenance.run_id] if version.provenance.run_id else []), 99_999]
    found = {item.id: item.protected for item in pruning.keepable(shop.store, asked)}
    assert list(found) == sorted(found, reverse=True)
    assert found | {made[1]: False, made[2]: True, made[4]: False} == found
    assert not {made[0], made[3], 99_999} & set(found)
    assert all(protected for run_id, protected in found.items() if run_id == version.provenance.run_id)
