"""Quantiles from sketches: right within their bounds inside the reference's range and far outside of it."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.core.nouns import ColumnKind
from opsconsole.drift.compare.files import compare
from opsconsole.drift.sketches.layout import Layout, count, lay_out
from opsconsole.drift.sketches.quantiles import quantiles
from opsconsole.drift.sketches.sketch import NumericSketch
from opsconsole.drift.sketches.tails import NOTHING, Tail

SHARES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
TAIL_ERROR = 0.02
finite = st.floats(-1e9, 1e9)


def batch(values: object) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(values, pa.float64())], names=["n"])


def layout(values: object) -> dict[str, Layout]:
    return lay_out([batch(values)], {"n": ColumnKind.NUMERIC})


def sketched(reference: object, *parts: object) -> NumericSketch:
    found = count([batch(part) for part in parts], layout(reference)).columns["n"]
    assert isinstance(found, NumericSketch)
    return found


def rank_error(values: np.ndarray, found: float, share: float) -> float:
    """How far the wanted share is from what lies below and up to the value found."""
    ordered = np.sort(values)
    low, high = np.searchsorted(ordered, [found], "left")[0], np.searchsorted(ordered, [found], "right")[0]
    return float(max(low / len(values) - share, share - high / len(values), 0.0))


def tail_error(tail: Tail, values: np.ndarray) -> float:
    """The largest rank error over all values kept."""
    ordered = np.sort(values)
    reached = 0
    worst = 0.0
    for value, weight in tail.weighted():
        reached += weight
        high = int(np.searchsorted(ordered, value, "right"))
        low = int(np.searchsorted(ordered, value, "left"))
        worst = max(worst, low - reached, reached - high)
    return worst / len(values)


@pytest.mark.parametrize("shape", ["normal", "lognormal", "integers", "zeros", "float32"])
def test_inside_the_range_ranks_are_right_within_a_cell(shape: str) -> None:
    random = np.random.default_rng(1)
    shapes = {
        "normal": random.normal(size=30_000),
        "lognormal": random.lognormal(0, 4, 30_000),
        "integers": random.integers(0, 40, 30_000).astype(float),
        "zeros": np.where(random.random(30_000) < 0.6, 0.0, random.exponential(size=30_000)),
        "float32": random.normal(size=30_000).astype(np.float32).astype(float),
    }
    values = shapes[shape]
    for share, found in zip(SHARES, quantiles(sketched(values, values), SHARES), strict=True):
        assert rank_error(values, found, share) <= 1 / 253 + 1e-9


@given(st.lists(finite, min_size=1, max_size=300))
def test_of_few_values_quantiles_are_values(values: list[float]) -> None:
    found = quantiles(sketched(values, values), SHARES)
    for share, value in zip(SHARES, found, strict=True):
        assert value == np.quantile(values, share, method="inverted_cdf") or len(set(values)) >= 253


@pytest.mark.parametrize("shift", [-1e6, -20.0, 3.0, 20.0, 1e6])
def test_however_far_data_drifted_quantiles_hold(shift: float) -> None:
    random = np.random.default_rng(2)
    values = random.normal(size=200_000) + shift
    sketch = sketched(random.normal(size=20_000), *np.array_split(values, 7))
    inside = max(sketch.cells[1:-1]) / len(values)
    assert inside < 0.8 if shift == 3.0 else inside < 0.01
    for share, found in zip(SHARES, quantiles(sketch, SHARES), strict=True):
        assert rank_error(values, found, share) <= (0.1 * inside if shift == 3.0 else TAIL_ERROR)


def test_infinite_and_missing_values_have_no_place_among_quantiles() -> None:
    sketch = sketched([0.0, 1.0], [np.inf, -np.inf, np.nan, 7.0, None, -3.0, 5.0])
    assert quantiles(sketch, [0.0, 0.5, 1.0]) == (-3.0, 5.0, 7.0)
    assert quantiles(sketched([0.0, 1.0], [np.inf, None]), [0.5]) == ()
    assert quantiles(sketched([None], [4.0, 6.0]), [0.5, 1.0]) == (4.0, 6.0)


@given(st.lists(st.lists(finite, max_size=600), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_tails_merge_in_any_order_within_the_bound(parts: list[list[float]], random: object) -> None:
    values = np.array([value for part in parts for value in part])
    tails = [NOTHING.with_values(part) for part in parts]
    random.shuffle(tails)  # type: ignore[attr-defined]
    right = reduce(lambda whole, one: one.merge(whole), tails)
    left = reduce(lambda whole, one: whole.merge(one), tails)
    for merged in (left, right):
        assert merged.count == len(values) == sum(weight for _, weight in merged.weighted())
        assert not len(values) or tail_error(merged, values) <= TAIL_ERROR + 1 / len(values)


@pytest.mark.parametrize("order", ["random", "rising", "falling", "ties"])
def test_a_tail_of_many_values_is_small_and_within_the_bound(order: str) -> None:
    values = np.random.default_rng(3).gamma(2, size=300_000)
    if order == "ties":
        values = np.round(values, 1)
    elif order != "random":
        values = np.sort(values)[:: 1 if order == "rising" else -1]
    tails = [NOTHING.with_values(part.tolist()) for part in np.array_split(values, 60)]
    merged = reduce(lambda whole, one: whole.merge(one), tails)
    assert sum(map(len, merged.levels)) < 800
    assert tail_error(merged, values) <= TAIL_ERROR


def test_equal_data_gives_equal_bytes_however_it_was_cut_into_batches() -> None:
    random = np.random.default_rng(4)
    layouts = layout(random.normal(size=1000))
    values = random.normal(9, 3, 50_000)
    one, two = (
        count([batch(part) for part in np.array_split(values, parts)], layouts).columns["n"] for parts in (1, 13)
    )
    assert isinstance(one, NumericSketch)
    assert isinstance(two, NumericSketch)
    assert (one.below, one.above, one.cells) == (two.below, two.above, two.cells)


def test_compare_tells_quantiles_mean_and_deviation_of_both_sides(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    mine, theirs = random.normal(size=5000), random.normal(30, 2, 5000)
    pq.write_table(pa.table({"n": mine, "c": ["a", "b"] * 2500}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"n": theirs, "c": ["a", "b"] * 2500}), tmp_path / "b.parquet")
    number, category = compare(tmp_path / "a.parquet", tmp_path / "b.parquet").columns
    assert number.quantiles is not None
    assert number.quantiles.reference is not None
    assert number.quantiles.current is not None
    assert number.quantiles.reference.p50 == pytest.approx(np.median(mine), abs=0.03)
    assert number.quantiles.current.p05 == pytest.approx(np.quantile(theirs, 0.05), abs=0.2)
    assert number.quantiles.current.p95 == pytest.approx(np.quantile(theirs, 0.95), abs=0.2)
    assert number.mean is not None
    assert number.mean.current == pytest.approx(theirs.mean())
    assert number.deviation is not None
    assert number.deviation.reference == pytest.approx(mine.std())
    assert (category.quantiles, category.mean, category.deviation) == (None, None, None)
