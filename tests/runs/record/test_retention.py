"""What retention keeps, and that taking the rest away hurts nobody who reads, writes or dies over it."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.config.quantities import Duration, Size
from opsconsole.config.schema import RetentionConfig
from opsconsole.core import clock
from opsconsole.core.errors import ConflictError, NotFoundError
from opsconsole.core.files import locked
from opsconsole.core.nouns import RunState
from opsconsole.runs.record import retention
from opsconsole.runs.record.retention import condemned, prune
from opsconsole.store import events, pruning, runs
from opsconsole.store.pruning import Keepable
from tests.runs.bench import Bench

NOW = clock.now()
KEEP_ALL = RetentionConfig(runs=None, age=None, size=None, cache=None)


def kept(
    number: int, *, passed: bool = True, protected: bool = False, pipeline: str = "build", days: float = 1
) -> Keepable:
    return Keepable(number, "app", pipeline, passed, NOW - timedelta(days=days), protected)


@st.composite
def histories(draw: st.DrawFn) -> list[Keepable]:
    count = draw(st.integers(0, 30))
    return [
        kept(
            number,
            passed=draw(st.booleans()),
            protected=draw(st.integers(0, 5)) == 0,
            pipeline=draw(st.sampled_from("ab")),
            days=draw(st.floats(0, 100)),
        )
        for number in range(count, 0, -1)
    ]


@given(
    histories(),
    st.one_of(st.none(), st.integers(1, 10)),
    st.one_of(st.none(), st.floats(3600, 86400 * 50)),
    st.one_of(st.none(), st.integers(0, 3000)),
)
def test_what_is_pinned_newest_last_green_or_young_is_never_taken(
    history: list[Keepable], count: int | None, age: float | None, size: int | None
) -> None:
    rules = RetentionConfig(
        runs=count, age=None if age is None else Duration(age), size=None if size is None else Size(size), cache=None
    )
    sizes = {run.id: 100 for run in history}
    gone = {item.run_id for item in condemned(history, sizes, rules, NOW)}
    for pipeline in "ab":
        own = [run for run in history if run.pipeline == pipeline]
        assert not gone & {run.id for run in own[:1]}
        assert not gone & {run.id for run in [run for run in own if run.passed][:1]}
        if count is not None:
            assert sum(run.id not in gone and not run.protected for run in own) <= count + 1 + sum(
                NOW - run.ended_at < retention.YOUNG for run in own
            ) + sum(run.protected for run in own[:count])
    assert not gone & {run.id for run in history if run.protected or NOW - run.ended_at < retention.YOUNG}
    if count is None and age is None and size is None:
        assert gone == set()


def test_size_takes_the_oldest_until_the_rest_fits() -> None:
    history = [kept(number) for number in range(6, 0, -1)]
    gone = condemned(
        history, dict.fromkeys(range(1, 7), 100), RetentionConfig(runs=None, size=Size(350), cache=None), NOW
    )
    assert [item.run_id for item in gone] == [1, 2, 3]


@pytest.fixture
def three(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> tuple[Bench, list[int]]:
    monkeypatch.setattr(retention, "YOUNG", timedelta(0))
    bench.task("echo hello; mkdir -p $OPSCONSOLE_OUT/artifacts; touch $OPSCONSOLE_OUT/artifacts/a")
    found = [bench.run().id for _ in range(3)]
    text = (bench.root / "opsconsole.toml").read_text(encoding="utf-8")
    (bench.root / "opsconsole.toml").write_text(
        text.replace("slots = 2", "slots = 2\nretention = { runs = 1 }"), encoding="utf-8"
    )
    from opsconsole.config.workspace import open_workspace

    bench.workspace = open_workspace(bench.root)
    return bench, found


def folders(bench: Bench) -> set[int]:
    return {int(path.name) for path in bench.workspace.runs.iterdir() if path.name.isdigit()}


def test_old_folders_go_and_rows_stay_with_the_reason_on_record(three: tuple[Bench, list[int]]) -> None:
    bench, (first, second, third) = three
    would = prune(bench.workspace, bench.store, dry_run=True)
    assert [item.run_id for item in would.runs] == [first, second]
    assert folders(bench) == {first, second, third}
    done = prune(bench.workspace, bench.store)
    assert done.runs == would.runs
    assert done.size > 0
    assert folders(bench) == {third}
    record = runs.get(bench.store, first)
    assert record is not None
    assert record.state is RunState.PASSED
    assert record.pruned_at is not None
    (event,) = events.events(bench.store, kind="run.pruned", subject=f"run {first}")
    assert event.reason == "2 newer runs of app/job"
    assert prune(bench.workspace, bench.store).runs == ()
    with pytest.raises(ConflictError, match="was pruned"):
        pruning.pin(bench.store, first, pinned=True, command="x")


def test_a_pinned_run_and_one_that_is_read_stay(three: tuple[Bench, list[int]]) -> None:
    bench, (first, second, third) = three
    pruning.pin(bench.store, first, pinned=True, command="opsconsole pin 1")
    with locked(bench.folder(second).lock, shared=True):
        assert prune(bench.workspace, bench.store).runs == ()
    assert folders(bench) == {first, second, third}
    pruning.pin(bench.store, first, pinned=False, command="opsconsole unpin 1")
    assert len(prune(bench.workspace, bench.store).runs) == 2
    with pytest.raises(NotFoundError):
        pruning.pin(bench.store, 99, pinned=True, command="x")


def test_one_who_died_over_deleting_is_finished_by_the_next(three: tuple[Bench, list[int]]) -> None:
    bench, (first, *_) = three
    folder = bench.folder(first).path
    with bench.store.immediate() as connection:
        assert pruning.mark(connection, first, "test")
    folder.rename(folder.with_name(f"{folder.name}{retention.GONE}"))
    prune(bench.workspace, bench.store)
    assert not list(bench.workspace.runs.glob(f"*{retention.GONE}"))


def test_kept_results_past_their_limit_go_least_recently_used_first(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "YOUNG", timedelta(0))
    home = bench.workspace.state / "cache"
    for number in range(3):
        (home / f"k{number}").mkdir(parents=True)
        (home / f"k{number}" / "0").write_bytes(b"x" * 50_000)
        mark: Path = home / f"k{number}.json"
        mark.write_text("{}", encoding="utf-8")
        os.utime(mark, (1000 + number, 1000 + number))
    text = (bench.root / "opsconsole.toml").read_text(encoding="utf-8")
    (bench.root / "opsconsole.toml").write_text(
        '[workspace]\nretention = { cache = "80kB" }\n' + text, encoding="utf-8"
    )
    from opsconsole.config.workspace import open_workspace

    workspace = open_workspace(bench.root)
    with locked(home / "k0.lock", shared=True):
        assert [name for name, _ in prune(workspace, bench.store).kept_results] == ["k1.json"]
    assert sorted(path.name for path in home.glob("k?")) == ["k0", "k2"]
