"""``drift compare --exact`` against scipy: ties, infinities, missing values, one row, constants."""

from __future__ import annotations

import math
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from opsconsole.drift.compare.files import ColumnComparison, compare
from opsconsole.drift.sketches.vectors import fits

CLOSE = 1e-9
anything = st.floats(allow_nan=True, allow_infinity=True, width=64)
moderate = st.floats(-1e6, 1e6)
tied = st.integers(-3, 3).map(float)
columns = st.lists(
    st.one_of(st.none(), st.just(math.inf), st.just(-math.inf), st.just(math.nan), tied, moderate), max_size=60
)
named = st.lists(st.one_of(st.none(), st.sampled_from("abcdefg")), max_size=60)


def compared(mine: Any, theirs: Any, kind: pa.DataType, *, exact: bool = True) -> ColumnComparison:
    with tempfile.TemporaryDirectory() as folder:
        a, b = Path(folder, "a.parquet"), Path(folder, "b.parquet")
        for path, values in ((a, mine), (b, theirs)):
            pq.write_table(pa.table({"x": pa.array(values, kind)}), path)
        [column] = compare(a, b, exact=exact).columns
    return column


def same(found: float | None, expected: float) -> None:
    assert found is not None
    assert found == pytest.approx(expected, rel=CLOSE, abs=CLOSE)


def there(values: list[float | None]) -> np.ndarray:
    return np.array([value for value in values if value is not None and not math.isnan(value)])


def holds_as_scipy(mine: list[float | None], theirs: list[float | None]) -> None:
    column = compared(mine, theirs, pa.float64())
    a, b = there(mine), there(theirs)
    if not len(a) or not len(b):
        assert column.distances.ks is column.distances.ks_p is column.distances.wasserstein is None
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ks = stats.ks_2samp(a, b)
    same(column.distances.ks, ks.statistic)
    same(column.distances.ks_p, ks.pvalue)
    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    if len(a) and len(b):
        same(column.distances.wasserstein, stats.wasserstein_distance(a, b))
        with np.errstate(over="ignore"):
            deviation = a.std()
        if 0 < deviation < math.inf:
            same(column.distances.wasserstein_normed, stats.wasserstein_distance(a, b) / deviation)


@settings(deadline=None)
@given(columns.filter(bool), columns.filter(bool))
def test_numbers_are_scipys_with_ties_infinities_and_missing_values(
    mine: list[float | None], theirs: list[float | None]
) -> None:
    holds_as_scipy(mine, theirs)


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ([1.0], [2.0]),
        ([1.0], [1.0]),
        ([5.0] * 80, [5.0] * 40),
        ([5.0] * 80, [6.0] * 40),
        ([math.inf, -math.inf], [math.inf]),
        ([math.inf, 1.0, 2.0], [1.0, 2.0, 3.0, -math.inf]),
        ([None, math.nan], [1.0, 2.0]),
        ([1.0, 2.0], [None, math.nan]),
        ([1e300, 0.0], [-1e300, 2.0]),
        ([5e-324, 0.0], [0.0, 0.0]),
    ],
)
def test_at_the_ends_of_what_numbers_are(mine: list[float | None], theirs: list[float | None]) -> None:
    holds_as_scipy(mine, theirs)


@pytest.mark.parametrize("rows", [9_000, 30_000])
def test_long_columns_are_scipys_too(rows: int) -> None:
    random = np.random.default_rng(7)
    holds_as_scipy(random.normal(size=rows).tolist(), np.round(random.normal(0.02, 1, rows // 2), 1).tolist())


@pytest.mark.parametrize("kind", [pa.float32(), pa.int16()])
def test_narrow_types_are_taken_as_they_are(kind: pa.DataType) -> None:
    random = np.random.default_rng(8)
    mine, theirs = (pa.array(random.normal(shift, 9, 2000)).cast(kind, safe=False) for shift in (0, 1))
    column = compared(mine, theirs, kind)
    a, b = mine.to_numpy().astype(float), theirs.to_numpy().astype(float)
    same(column.distances.ks, stats.ks_2samp(a, b).statistic)
    same(column.distances.wasserstein, stats.wasserstein_distance(a, b))


def test_the_switch_really_switches() -> None:
    random = np.random.default_rng(9)
    mine, theirs = random.lognormal(0, 2, 20_000).tolist(), random.lognormal(0.1, 2, 20_000).tolist()
    binned, exact = (compared(mine, theirs, pa.float64(), exact=one) for one in (False, True))
    truth = stats.ks_2samp(mine, theirs)
    assert binned.distances.ks != exact.distances.ks
    assert binned.distances.wasserstein != exact.distances.wasserstein
    same(exact.distances.ks, truth.statistic)
    assert abs((binned.distances.ks or 0) - truth.statistic) < 0.004


@settings(deadline=None)
@given(named.filter(bool), named.filter(bool))
def test_categories_are_scipys_and_hellinger_is_its_formula(mine: list[str | None], theirs: list[str | None]) -> None:
    column = compared(mine, theirs, pa.string())
    a, b = [one for one in mine if one], [one for one in theirs if one]
    if not a or not b:
        assert column.distances.js is column.distances.chi2 is column.distances.l_infinity is None
        return
    names = sorted({*a, *b})
    table = np.array([[side.count(name) for name in names] for side in (a, b)], dtype=float)
    p, q = table / table.sum(axis=1, keepdims=True)
    same(column.distances.js, float(jensenshannon(p, q, base=2)))
    same(column.distances.l_infinity, float(np.abs(p - q).max()))
    same(column.distances.hellinger, float(np.linalg.norm(np.sqrt(p) - np.sqrt(q))) / math.sqrt(2))
    if len(names) > 1:
        expected = stats.chi2_contingency(table)
        same(column.distances.chi2, expected.statistic)
        same(column.distances.chi2_p, expected.pvalue)
    else:
        assert (column.distances.chi2, column.distances.chi2_p) == (0.0, 1.0)


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.booleans()), min_size=1), st.lists(st.booleans(), min_size=1))
def test_booleans_are_categories_of_two(mine: list[bool | None], theirs: list[bool]) -> None:
    column = compared(mine, theirs, pa.bool_())
    a = [one for one in mine if one is not None]
    if a:
        same(column.distances.l_infinity, abs(sum(a) / len(a) - sum(theirs) / len(theirs)))


def test_lengths_of_texts_and_places_of_vectors_are_scipys_too() -> None:
    random = np.random.default_rng(10)
    mine, theirs = (
        [f"{'ab ' * int(size)}{row}" for row, size in enumerate(random.poisson(mean, 900))] for mean in (6, 7)
    )
    column = compared(mine, theirs, pa.string())
    lengths = [[len(one) for one in side] for side in (mine, theirs)]
    same(column.distances.ks, stats.ks_2samp(*lengths).statistic)
    same(column.distances.wasserstein, stats.wasserstein_distance(*lengths))
    a, b = random.normal(size=(900, 1)), random.normal(0.2, 1, size=(900, 1))
    vectors = compared(a.tolist(), b.tolist(), pa.list_(pa.float64()))
    truth = stats.ks_2samp(a[~fits(a)].ravel(), b[~fits(b)].ravel())
    same(vectors.distances.ks, truth.statistic)
    same(vectors.distances.ks_p, truth.pvalue)
