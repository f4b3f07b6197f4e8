"""Distances against scipy, and against what they must say of known changes."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from opsconsole.core.nouns import ColumnKind
from opsconsole.drift.compare.files import ColumnComparison, compare
from opsconsole.drift.measures.distances import distances, psi_of
from opsconsole.drift.measures.formulas import chi_squared, hellinger, jensen_shannon
from opsconsole.drift.measures.special import chi2_sf, kolmogorov_sf
from opsconsole.drift.sketches.layout import count, lay_out

counts = st.lists(st.integers(0, 5000), min_size=2, max_size=20)


def compared(tmp_path: Path, mine: object, theirs: object, *, exact: bool = False) -> ColumnComparison:
    pq.write_table(pa.table({"x": mine}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"x": theirs}), tmp_path / "b.parquet")
    [column] = compare(tmp_path / "a.parquet", tmp_path / "b.parquet", exact=exact).columns
    return column


@given(st.floats(1e-3, 8))
def test_the_kolmogorov_tail_is_scipys(value: float) -> None:
    assert kolmogorov_sf(value) == pytest.approx(float(stats.kstwobign.sf(value)), abs=1e-9)


@given(st.floats(0, 3000), st.integers(1, 400))
def test_the_chi_squared_tail_is_scipys(value: float, degrees: int) -> None:
    assert chi2_sf(value, degrees) == pytest.approx(float(stats.chi2.sf(value, degrees)), abs=1e-9)


def test_tails_at_their_ends() -> None:
    assert chi2_sf(math.inf, 3) == 0.0
    assert chi2_sf(5.0, 0) == 1.0
    assert kolmogorov_sf(0.0) == 1.0
    assert 0.0 <= kolmogorov_sf(1e-9) <= 1.0 + 1e-12


@given(counts, st.randoms())
def test_js_and_chi_squared_of_counts_are_scipys(mine: list[int], shuffled: object) -> None:
    theirs = mine[::-1]
    p, q = np.array(mine, dtype=float), np.array(theirs, dtype=float)
    if not p.sum():
        return
    assert jensen_shannon(p, q) == pytest.approx(float(jensenshannon(p, q, base=2)), abs=1e-7)
    filled = (p + q) > 0
    if filled.sum() > 1:
        expected = stats.chi2_contingency(np.stack([p[filled], q[filled]]))
        found, degrees = chi_squared(p, q)
        assert found == pytest.approx(float(expected.statistic), rel=1e-9, abs=1e-9)
        assert chi2_sf(found, degrees) == pytest.approx(float(expected.pvalue), abs=1e-9)


@given(counts)
def test_distances_of_a_thing_to_itself_are_nothing(mine: list[int]) -> None:
    p = np.array(mine, dtype=float)
    if p.sum():
        assert psi_of(p, p)[0] == pytest.approx(0.0, abs=1e-12)
        assert hellinger(p, p) == 0.0
        assert jensen_shannon(p, p) == pytest.approx(0.0, abs=1e-7)


@given(counts, counts)
def test_psi_is_symmetric_for_as_many_rows_and_never_negative(mine: list[int], theirs: list[int]) -> None:
    size = min(len(mine), len(theirs))
    p, q = np.array(mine[:size], dtype=float), np.array(theirs[:size], dtype=float)
    psi, _ = psi_of(p, q)
    back, _ = psi_of(q, p)
    if psi is not None and back is not None:
        assert psi >= 0
        assert psi == pytest.approx(back)


def test_binned_ks_is_near_the_exact_one_and_wasserstein_of_a_shift_is_the_shift(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    mine, theirs = random.normal(size=50_000), random.normal(0.4, 1, 50_000)
    column = compared(tmp_path, mine, theirs)
    exact = stats.ks_2samp(mine, theirs)
    assert column.distances.ks == pytest.approx(exact.statistic, abs=0.004)
    assert column.distances.wasserstein == pytest.approx(stats.wasserstein_distance(mine, theirs), rel=0.02)
    assert column.distances.wasserstein_normed == pytest.approx(
        (column.distances.wasserstein or 0) / mine.std(), rel=1e-9
    )


@pytest.mark.parametrize("rows", [400, 20_000])
def test_exact_numeric_distances_equal_scipys(tmp_path: Path, rows: int) -> None:
    random = np.random.default_rng(3)
    mine, theirs = random.gamma(2, 1, rows), np.round(random.gamma(2.1, 1, rows // 2), 2)
    column = compared(tmp_path, mine, theirs, exact=True)
    ks = stats.ks_2samp(mine, theirs)
    assert column.distances.ks == pytest.approx(ks.statistic, abs=1e-9)
    assert column.distances.ks_p == pytest.approx(ks.pvalue, abs=1e-9)
    assert column.distances.wasserstein == pytest.approx(stats.wasserstein_distance(mine, theirs), abs=1e-9)


def test_exact_ignores_missing_values_and_infinite_ones_only_where_they_have_no_meaning(tmp_path: Path) -> None:
    mine = [1.0, 2.0, None, 3.0, float("nan")] * 100
    theirs = [1.0, float("inf"), 3.0] * 100
    column = compared(tmp_path, mine, theirs, exact=True)
    there = [value for value in mine if value is not None and value == value]
    assert column.distances.ks == pytest.approx(stats.ks_2samp(there, theirs).statistic, abs=1e-9)
    assert column.distances.wasserstein == pytest.approx(stats.wasserstein_distance(there, [1.0, 3.0] * 100), abs=1e-9)


def test_categorical_distances_equal_scipys_over_all_categories(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    names = np.array([f"k{index}" for index in range(300)])
    mine = random.choice(names, 5000, p=np.arange(1, 301) / 45150)
    theirs = random.choice(np.append(names, "new"), 4000)
    column = compared(tmp_path, mine, theirs, exact=True)
    both = sorted({*mine, *theirs})
    table = np.array([[np.sum(values == name) for name in both] for values in (mine, theirs)])
    expected = stats.chi2_contingency(table)
    p, q = table[0] / table[0].sum(), table[1] / table[1].sum()
    assert column.distances.chi2 == pytest.approx(expected.statistic, rel=1e-9)
    assert column.distances.chi2_p == pytest.approx(expected.pvalue, abs=1e-9)
    assert column.distances.js == pytest.approx(jensenshannon(p, q, base=2), abs=1e-9)
    assert column.distances.l_infinity == pytest.approx(np.abs(p - q).max(), abs=1e-9)


def test_sketched_categorical_distances_are_exact_too_when_there_are_few_categories(tmp_path: Path) -> None:
    mine, theirs = ["a"] * 300 + ["b"] * 200 + ["c"] * 100, ["a"] * 200 + ["b"] * 250 + ["c"] * 150
    column, exact = (compared(tmp_path, mine, theirs, exact=exact) for exact in (False, True))
    for name in ("chi2", "chi2_p", "js", "hellinger", "l_infinity"):
        assert getattr(column.distances, name) == pytest.approx(getattr(exact.distances, name), abs=1e-9)
    assert column.distances.ks is column.distances.wasserstein is None


def test_one_wild_value_neither_blinds_psi_nor_raises_the_distance(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    mine = random.lognormal(size=10_000)
    calm = compared(tmp_path, mine, np.append(random.lognormal(size=10_000), 1e6))
    moved = compared(tmp_path, mine, np.append(random.lognormal(size=10_000) * 1.65, 1e6))
    assert calm.drifted is False
    assert calm.distances.wasserstein_normed is not None
    assert calm.distances.wasserstein_normed < 0.1
    assert moved.drifted
    assert moved.distances.psi is not None
    assert moved.distances.psi > 0.2


def test_values_that_left_the_reference_s_range_have_a_bin_and_a_share(tmp_path: Path) -> None:
    column = compared(tmp_path, np.linspace(0, 1, 1000), np.linspace(0.5, 1.5, 1000))
    assert column.distances.outside == pytest.approx(0.5, abs=0.01)
    assert column.drifted


def test_missing_values_alone_are_drift(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 2000)
    column = compared(tmp_path, values, np.where(np.arange(2000) % 3 == 0, np.nan, values))
    assert column.distances.missing_current == pytest.approx(1 / 3, abs=0.001)
    assert column.drifted
    assert column.distances.ks == pytest.approx(0, abs=0.01)


def test_a_constant_column_that_stays_is_calm_and_one_that_moves_is_not(tmp_path: Path) -> None:
    still = compared(tmp_path, [5.0] * 500, [5.0] * 500)
    moved = compared(tmp_path, [5.0] * 500, [6.0] * 500)
    assert still.distances.psi == pytest.approx(0)
    assert (still.distances.ks, still.distances.wasserstein, still.drifted) == (0, 0, False)
    assert moved.drifted
    assert moved.distances.ks == 1.0
    assert moved.distances.outside == 1.0


def test_without_drift_few_columns_pass_for_noise_past_the_one_in_a_hundred_asked_for() -> None:
    random = np.random.default_rng(6)
    passed = tried = 0
    for _ in range(120):
        reference = pa.RecordBatch.from_arrays([pa.array(random.normal(size=2000))], names=["n"])
        layouts = lay_out([reference], {"n": ColumnKind.NUMERIC})
        mine = count([reference], layouts).columns["n"]
        for _ in range(20):
            current = pa.RecordBatch.from_arrays([pa.array(random.normal(size=2000))], names=["n"])
            probability = distances(mine, count([current], layouts).columns["n"]).noise_p
            assert probability is not None
            passed += probability < 0.01
            tried += 1
    assert passed <= 0.015 * tried
