"""Chunks summed to longer ones: the same as if they had been measured so, without their rows."""

from __future__ import annotations

import shutil
import zlib

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from opsconsole.core.errors import NotFoundError
from opsconsole.core.nouns import ModelTask
from opsconsole.drift.performance.estimates.binary import ESTIMATES, FINE, labelled_bins, realised_binned
from opsconsole.drift.performance.estimates.score_histogram import count_by_label
from opsconsole.drift.performance.realised.metrics import Options, measure_all
from opsconsole.drift.report.rollup import sums
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
    assert (summed.distances.psi, summed.distances.ks) == (column.distances.psi, column.distances.ks)
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


def test_metrics_that_bins_cannot_tell_are_left_out(world: World) -> None:
    """A threshold within a bin, and scores so close that a few bins hold them all."""
    world.configure(
        'metric = "auc", floor = "reference - 0.05", for = 2', 'metric = "auc", threshold = 0.3105, for = 2'
    )
    subject = world.version(1, world.month(1), at=1)
    for number in (4, 5):
        world.live(number)
    world.check(subject)
    [quarter] = sums(world.workspace, world.store, "m", "quarter").sums
    assert {"auc", "average_precision", "brier", "log_loss", "accuracy"} == set(quarter.metrics), "accuracy adds up"
    months = [chunk.metrics for chunk in chunk_store.chunks(world.store, "m")]
    accuracies = [next(one.value for one in month if one.metric == "accuracy") or 0.0 for month in months]
    assert quarter.metrics["accuracy"] == pytest.approx(sum(accuracies) / 2)


@given(st.floats(0.0001, 0.3), st.floats(0.1, 0.6), st.sampled_from([0.25, 0.5, 0.3105]), st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_what_bins_tell_is_within_a_thousandth_of_the_rows(
    spread: float, middle: float, threshold: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    scores = np.clip(middle + spread * random.standard_normal(3000), 0, 1)
    labels = (random.random(3000) < np.clip(middle + (scores - middle) / spread / 4, 0.02, 0.98)).astype(float)
    options = Options(threshold=threshold)
    parts = [count_by_label(*part) for part in zip(np.split(labels, 3), np.split(scores, 3), strict=True)]
    for part, mine, said in zip(parts, np.split(labels, 3), np.split(scores, 3), strict=True):
        told, exact = (
            realised_binned("auc", labelled_bins(part)),
            measure_all(ModelTask.BINARY, mine, said, options)["auc"].value,
        )
        assume(told is None or exact is None or abs(told - exact) <= FINE)  # such a chunk keeps no histogram
    whole = parts[0].merge(parts[1]).merge(parts[2])
    measured = {name: one.value for name, one in measure_all(ModelTask.BINARY, labels, scores, options).items()}
    for name in ESTIMATES:
        found = realised_binned(name, labelled_bins(whole), options)
        if found is not None:
            assert found == pytest.approx(measured[name], abs=1e-3), name
