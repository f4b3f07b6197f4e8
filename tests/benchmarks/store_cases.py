"""The questions that views, lists and verbs put to the store, each about another run, repo or test every time."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from opsconsole.config.workspace import open_workspace
from opsconsole.core.nouns import PipelineKind, RunState, TestOutcome
from opsconsole.lifecycle.inbox import waiting
from opsconsole.store import alerts, events, pruning, runs, steps, test_history, test_results, verdicts
from opsconsole.store.connection import Store
from opsconsole.store.runs import NewRun
from opsconsole.store.test_results import RunOfTests, TestResult
from tests.benchmarks.store_seed import REPOS, Sizes, moment, repo_of, tested

LARGE = 10_000
"""Tests of the one large run."""
LARGE_COMMIT = "1a" * 20


class Chooser:
    """What is asked for next."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self._chance = random.Random(5)

    def run(self) -> int:
        """Return any run."""
        return self._chance.randint(1, self.sizes.runs)

    def tested(self) -> int:
        """Return a run with results."""
        while not tested(found := self.run(), self.sizes):
            continue
        return found

    def repo(self) -> str:
        """Return any repo."""
        return self._chance.choice(REPOS)

    def test_number(self) -> int:
        """Return any test's number."""
        return self._chance.randint(1, self.sizes.tests)

    def test(self) -> tuple[str, str]:
        """Return repo and name of a test."""
        number = self.test_number() - 1
        return REPOS[number // self.sizes.suite], f"tests/test_{number % 40}.py::test_number_{number}"

    def since(self) -> str:
        """Return a time of the second half, or one after which little happened."""
        share = self._chance.choice([0.5, 0.9, 0.99999])
        return moment(int(self.sizes.runs * share), self.sizes)[:19] + "Z"

    def commit(self) -> tuple[str, str]:
        """Return repo and commit of a run."""
        number = self.run()
        return repo_of(number), f"{number // 6 * 2654435761 % (1 << 160):040x}"


def write_large_run(store: Store) -> int:
    """Take in a run of 10,000 tests, as the intake does; return its number."""
    where = NewRun("large", "build", PipelineKind.BUILD, LARGE_COMMIT, "main", "Large", dirty=False, actor="ops")
    with store.durable() as connection:
        run_id = runs.insert(connection, where)
        cases = [
            TestResult(
                run_id,
                place,
                f"tests/test_{place % 100}.py::test_{place}",
                TestOutcome.FAILED if (place + run_id) % 50 == 0 else TestOutcome.PASSED,
                place % 97 / 50,
                file=f"tests/test_{place % 100}.py",
                message="assert 1 == 2" if (place + run_id) % 50 == 0 else None,
            )
            for place in range(LARGE)
        ]
        test_results.take_in(connection, RunOfTests(run_id, "large", "build", LARGE_COMMIT), cases)
    return run_id


def _large(store: Store) -> int:
    found = runs.latest(store, "large")
    assert found is not None
    return found.id


def _tested(store: Store, chooser: Chooser) -> runs.RunRecord:
    record = runs.get(store, chooser.tested())
    assert record is not None
    return record


def _waiting(store: Store) -> object:
    return waiting(open_workspace(Path(store.path).parent.parent), store)


def _history(store: Store, chooser: Chooser, before: int | None = None) -> object:
    return test_history.history(store, chooser.test_number(), before=before)


def _past(chooser: Chooser) -> datetime:
    return datetime.fromisoformat(chooser.since())


Case = Callable[[Store, Chooser], object]
RUNS: dict[str, Case] = {
    "runs.get": lambda s, c: runs.get(s, c.run()),
    "runs.page": lambda s, c: runs.page(s),
    "runs.page before": lambda s, c: runs.page(s, before=c.run()),
    "runs.page repo, before": lambda s, c: runs.page(s, repo=c.repo(), before=c.run()),
    "runs.page repo, 1000": lambda s, c: runs.page(s, repo=c.repo(), limit=1000),
    "runs.page state frequent": lambda s, c: runs.page(s, state=RunState.PASSED),
    "runs.page state never": lambda s, c: runs.page(s, state=RunState.LOST),
    "runs.page repo, state frequent": lambda s, c: runs.page(s, repo=c.repo(), state=RunState.FAILED),
    "runs.page repo, state never": lambda s, c: runs.page(s, repo=REPOS[0], state=RunState.LOST),
    "runs.page repo, pipeline": lambda s, c: runs.page(s, repo=c.repo(), pipeline="nightly", before=c.run()),
    "runs.page repo, pipeline, state frequent": lambda s, c: runs.page(
        s, repo=c.repo(), pipeline="build", state=RunState.PASSED
    ),
    "runs.page repo, pipeline, state never": lambda s, c: runs.page(
        s, repo=REPOS[0], pipeline="quarantine", state=RunState.PASSED
    ),
    "runs.page repo, commit": lambda s, c: runs.page(
        s, repo=(found := c.commit())[0], commit=found[1], pipeline="build", limit=20
    ),
    "runs.page repo, commit, state": lambda s, c: runs.page(
        s, repo=(found := c.commit())[0], commit=found[1], state=RunState.PASSED
    ),
    "runs.page alert": lambda s, c: runs.page(s, alert_id=3, limit=10),
    "runs.latest": lambda s, c: runs.latest(s, c.repo()),
    "runs.latest repo, pipeline long ago": lambda s, c: runs.latest(s, c.repo(), pipeline="retired"),
    "runs.live": lambda s, c: runs.live(s),
    "verdicts.course": lambda s, c: verdicts.recent(s, c.repo(), "build", branch="main"),
    "runs.count largest repo": lambda s, c: runs.count(s, repo=REPOS[0]),
    "runs.window near": lambda s, c: runs.window(s, REPOS[0], 200, 200),
    "runs.window deep": lambda s, c: runs.window(s, REPOS[0], c.sizes.runs * 45 // 100, 200),
    "waiting": lambda s, c: _waiting(s),
    "steps.of_run": lambda s, c: steps.of_run(s, c.run()),
    "runs.page repo, kind": lambda s, c: runs.page(s, repo=c.repo(), kind=PipelineKind.BUILD, limit=20),
    "verdicts.of_branch": lambda s, c: verdicts.of_branch(s, c.repo(), "main"),
    "verdicts.of_other_pipelines": lambda s, c: verdicts.of_other_pipelines(s, c.repo()),
    "pruning.keepable, a page": lambda s, c: list(pruning.keepable(s, range(c.sizes.runs - 499, c.sizes.runs + 1))),
}
TESTS: dict[str, Case] = {
    "test_results.of_run, 500 tests": lambda s, c: test_results.of_run(s, c.tested()),
    "test_results.of_run, a page of 1,000 of 10,000": lambda s, c: test_results.of_run(s, _large(s), after=5000),
    "test_results.failed, 500 tests": lambda s, c: test_results.failed(s, c.tested()),
    "test_results.failed, 10,000 tests": lambda s, c: test_results.failed(s, _large(s)),
    "test_history.find": lambda s, c: test_history.find(s, *c.test()),
    "test_history.history": _history,
    "test_history.history before": lambda s, c: _history(s, c, c.run()),
    "test_history.history, 200": lambda s, c: test_history.history(s, c.test_number(), limit=200),
    "test_history.slowest, 500 tests": lambda s, c: test_history.slowest(s, c.tested()),
    "test_history.slowest, 10,000 tests": lambda s, c: test_history.slowest(s, _large(s)),
    "test_history.flaky": lambda s, c: test_history.flaky(s, c.repo()),
    "test_history.flaky_names": lambda s, c: test_history.flaky_names(s, c.tested()),
    "test_history.failing_since": lambda s, c: test_history.failing_since(s, _tested(s, c)),
    "test_history.outcomes, 500 tests": lambda s, c: test_history.outcomes(s, c.tested()),
    "test_history.outcomes, 10,000 tests": lambda s, c: test_history.outcomes(s, _large(s)),
}
TRAIL: dict[str, Case] = {
    "events": lambda s, c: events.events(s),
    "events before": lambda s, c: events.events(s, before=c.run()),
    "events of a frequent kind": lambda s, c: events.events(s, kind="run."),
    "events of a rare kind": lambda s, c: events.events(s, kind="model."),
    "events of an absent kind": lambda s, c: events.events(s, kind="environment."),
    "events of a subject": lambda s, c: events.events(s, subject=f"run {c.run()}"),
    "events of a frequent subject": lambda s, c: events.events(s, subject="model flights@production"),
    "events since": lambda s, c: events.events(s, since=_past(c)),
    "events since, of a rare kind": lambda s, c: events.events(s, since=_past(c), kind="model."),
    "events since, of a frequent kind": lambda s, c: events.events(s, since=_past(c), kind="run."),
    "events.count": lambda s, c: events.count(s),
    "events.window deep": lambda s, c: events.window(s, c.sizes.runs, 200),
    "alerts": lambda s, c: alerts.alerts(s),
    "alerts live": lambda s, c: alerts.alerts(s, live=True),
    "alerts of a monitor, paged": lambda s, c: alerts.alerts(s, monitor="flights", before=c.sizes.runs // 200 + 3),
}
CASES: dict[str, Case] = RUNS | TESTS | TRAIL
