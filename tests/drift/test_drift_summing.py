"""Chunks summed to longer ones: the same as if they had been measured so, without their rows."""

from __future__ import annotations

import shutil
import zlib

import msgspec
import pytest

from opsconsole.drift.summing import sums
from opsconsole.ground.errors import NotFoundError
from opsconsole.store import chunks as chunk_store
from tests.drift.drift_world import World


def test_months_sum_to_the_quarter_that_a_check_would_have_measured(world: World) -> None:
    subject = world.version(1, world.month(1), at=1)
    for number in (4, 5, 6):
        world.live(number, shift=0.2 * number)
    world.check(subject)
    each = chunk_store.chunks(world.store, "m")
    shutil.rmtree(world.root / "data")
    [quarter] = sums(world.workspace, world.store, "m", "quarter").sums
    assert (quarter.label, quarter.chunks, quarter.rows) == ("2013-Q2", 3, 7500)
    assert quarter.drifted == ("a",)
    summed = {one.name: one for one in quarter.columns}["a"]

    twin = World(world.root, world.store, world.workspace)
    twin.month(1)
    for number in (4, 5, 6):
        twin.live(number, shift=0.2 * number)
    twin.configure('chunk = "month"', 'chunk = "quarter"')
    [measured] = twin.check(subject).chunks
    column = next(one for one in chunk_store.columns(world.store, measured.id) if one.name == "a")
    assert (summed.psi, summed.ks) == (column.psi, column.ks)
    realised = {one.metric: one.value for one in measured.metrics}
    assert next(iter(quarter.metrics)) == "auc"
    del realised["calibration"]
    assert quarter.metrics == pytest.approx(realised, abs=1e-3)
    assert quarter.estimated is not None
    assert quarter.trusted == all(chunk.estimated is not None and chunk.estimated.trusted for chunk in each)
    assert measured.estimated is not None
    for part in ("value", "low", "high"):
        assert getattr(quarter.estimated, part) == pytest.approx(getattr(measured.estimated, part), abs=1e-3)
    assert [chunk.label for chunk in chunk_store.chunks(world.store, "m")] == ["2013-Q2"]


def test_scores_that_are_no_probabilities_leave_means_over_rows(world: World) -> None:
    subject = world.version(1, world.month(1), at=1)
    for number in (4, 5):
        ids, scores, _ = world.month(number)
        world.predict(1, ids, 10 * scores - 5)
    world.check(subject)
    [quarter] = sums(world.workspace, world.store, "m", "quarter").sums
    months = [chunk.metrics for chunk in chunk_store.chunks(world.store, "m")]
    accuracies = [next(one.value for one in month if one.metric == "accuracy") or 0.0 for month in months]
    assert quarter.metrics["accuracy"] == pytest.approx(sum(accuracies) / 2)
    assert "auc" not in quarter.metrics
    assert quarter.estimated is None


def test_scores_that_bins_cannot_tell_apart_leave_means_over_rows(world: World) -> None:
    subject = world.version(1, world.month(1), at=1)
    ids, scores, _ = world.month(4)
    world.predict(1, ids, 0.5 + scores / 1e6)
    world.check(subject)
    [quarter] = sums(world.workspace, world.store, "m", "quarter").sums
    assert "auc" not in quarter.metrics


def test_a_monitor_without_chunks_has_no_sums(world: World) -> None:
    with pytest.raises(NotFoundError, match="has no chunks yet"):
        sums(world.workspace, world.store, "m", "month")


def test_chunks_of_a_baseline_that_an_older_program_made_are_told_and_not_summed(world: World) -> None:
    subject = world.version(1, world.month(1), at=1)
    world.live(4)
    world.check(subject)
    older = zlib.compress(msgspec.msgpack.encode({"format": 1}))
    with world.store.immediate() as connection:
        connection.execute("UPDATE baselines SET sketch = ?", (older,))
    found = sums(world.workspace, world.store, "m", "month")
    assert found.sums == ()
    assert found.notes == ("1 chunk held against an earlier baseline do not add up with the others",)
