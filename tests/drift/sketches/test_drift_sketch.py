"""Sketches: counted as numpy would, merged in any order, stored and read back."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.core.nouns import ColumnKind
from opsconsole.drift.sketches.cells import CellFinder, cuts_of, quantile_edges
from opsconsole.drift.sketches.layout import count, lay_out, layout_of
from opsconsole.drift.sketches.sketch import CategorySketch, NumericSketch, Sketch, TableSketch, decode

numbers = st.floats(allow_nan=True, allow_infinity=True, width=64)
finite = st.floats(allow_nan=False, allow_infinity=False, width=64)
words = st.one_of(st.none(), st.sampled_from(["a", "b", "c", "d", "é", "[/]", ""]), st.text(max_size=3))
KINDS: dict[str, ColumnKind | None] = {"n": ColumnKind.NUMERIC, "c": ColumnKind.CATEGORICAL, "b": ColumnKind.BOOLEAN}
Row = tuple[float | None, str | None, bool | None]
rows = st.lists(st.tuples(st.one_of(st.none(), numbers), words, st.one_of(st.none(), st.booleans())), max_size=40)


def batch(found: list[Row]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [
            pa.array([row[0] for row in found], pa.float64()),
            pa.array([row[1] for row in found], pa.string()),
            pa.array([row[2] for row in found], pa.bool_()),
        ],
        names=["n", "c", "b"],
    )


@given(st.lists(finite, min_size=1, max_size=400), st.lists(numbers, max_size=200))
def test_cells_are_bit_equal_to_searchsorted(sample: list[float], values: list[float]) -> None:
    edges = quantile_edges(np.array(sample), min(sample), max(sample))
    there = np.array([value for value in (*values, *sample, *edges) if value == value])
    cuts = cuts_of(edges)
    assert np.all(cuts[1:] > cuts[:-1])
    assert np.all(cuts[1:] > edges[:-1])
    expected = np.searchsorted(cuts, there, side="right")
    assert np.array_equal(CellFinder(edges).cells(there), expected)


@pytest.mark.parametrize("name", ["normal", "exponential", "lognormal", "integers", "huge", "tiny", "float32"])
def test_cells_are_bit_equal_to_searchsorted_on_real_shapes(name: str) -> None:
    random = np.random.default_rng(1)
    shapes = {
        "normal": random.normal(size=20_000),
        "exponential": random.exponential(size=20_000),
        "lognormal": random.lognormal(0, 6, 20_000),
        "integers": random.integers(-500, 500, 20_000).astype(float),
        "huge": random.normal(size=20_000) * 1e307,
        "tiny": random.normal(size=20_000) * 1e-310,
        "float32": random.normal(size=20_000).astype(np.float32).astype(float),
    }
    values = shapes[name]
    edges = quantile_edges(values, float(values.min()), float(values.max()))
    assert 2 <= len(edges) <= 256
    finder = CellFinder(edges)
    cuts = finder.cuts
    there = np.concatenate([values, values * 1.5, edges, cuts, np.nextafter(cuts, -np.inf), [np.inf, -np.inf]])
    expected = np.searchsorted(cuts, there, side="right")
    assert np.array_equal(finder.cells(there), expected)
    for some in (there, there[:100], values * 0.0, np.repeat(edges, 40), there + 1e300):
        found = np.bincount(np.searchsorted(cuts, some, side="right"), minlength=len(edges) + 1)
        assert np.array_equal(finder.count(some), found)


@given(rows, rows, rows, rows)
def test_merging_is_associative_and_equals_counting_at_once(
    reference: list[Row], one: list[Row], two: list[Row], three: list[Row]
) -> None:
    layouts = lay_out([batch(reference)], KINDS)
    a, b, c = (count([batch(part)], layouts) for part in (one, two, three))
    left, right, whole = a.merge(b).merge(c), a.merge(b.merge(c)), count([batch([*one, *two, *three])], layouts)
    for name in KINDS:
        for other in (right.columns[name], whole.columns[name]):
            assert counts(left.columns[name]) == counts(other)
    assert left.rows == whole.rows == len(one) + len(two) + len(three)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.integers(0, 60))
def test_merged_moments_are_those_of_all_values(values: list[float], split: int) -> None:
    found: list[Row] = [(value, None, None) for value in values]
    layouts = lay_out([batch(found)], KINDS)
    merged = count([batch(found[:split])], layouts).merge(count([batch(found[split:])], layouts)).columns["n"]
    assert isinstance(merged, NumericSketch)
    assert merged.mean == pytest.approx(np.mean(values), abs=1e-6)
    assert merged.deviation == pytest.approx(np.std(values), rel=1e-6, abs=1e-3)
    assert (merged.minimum, merged.maximum) == (min(values), max(values))


@given(rows, rows)
def test_a_stored_sketch_reads_back_the_same_and_its_bytes_are_stable(reference: list[Row], found: list[Row]) -> None:
    layouts = lay_out([batch(reference)], KINDS)
    sketch = count([batch(found)], layouts)
    again = decode(sketch.encode())
    assert again == sketch
    assert again.encode() == sketch.encode()
    recounted = count([batch(found)], {name: layout_of(one) for name, one in again.columns.items()})
    assert recounted.columns == sketch.columns


def test_bytes_that_are_no_sketch_are_refused() -> None:
    with pytest.raises(ValueError, match="not a stored sketch"):
        decode(b"nonsense")


def test_sketches_of_different_layouts_do_not_merge() -> None:
    parts: list[list[Row]] = [[(float(index), "x", True) for index in range(size)] for size in (5, 9)]
    mine, theirs = (count([batch(part)], lay_out([batch(part)], KINDS)) for part in parts)
    with pytest.raises(ValueError, match="different layouts"):
        mine.merge(theirs)


def test_infinite_missing_and_constant_values_are_counted_where_they_belong() -> None:
    layouts = lay_out([batch([(5.0, None, None)] * 3)], KINDS)
    found: list[Row] = [
        (value, None, None) for value in (5.0, float("inf"), float("-inf"), float("nan"), None, 4.9, 5.1)
    ]
    sketch = count([batch(found)], layouts).columns["n"]
    assert isinstance(sketch, NumericSketch)
    assert sketch.cells == (2, 1, 2)
    assert (sketch.missing, sketch.infinite, sketch.present) == (2, 2, 5)
    assert (sketch.minimum, sketch.maximum) == (4.9, 5.1)


def test_the_references_own_maximum_is_inside_its_range() -> None:
    found: list[Row] = [(float(index), None, None) for index in range(1000)]
    sketch = count([batch(found)], lay_out([batch(found)], KINDS)).columns["n"]
    assert isinstance(sketch, NumericSketch)
    assert sketch.cells[0] == sketch.cells[-1] == 0


def test_categories_past_what_can_be_remembered_are_never_called_unseen() -> None:
    found: list[Row] = [(None, f"id{index}", None) for index in range(6000)]
    layouts = lay_out([batch(found)], KINDS)
    sketch = count([batch([(None, "never", None)])], layouts).columns["c"]
    assert isinstance(sketch, CategorySketch)
    assert not sketch.complete
    assert (sketch.other, sketch.unseen) == (1, 0)


def test_rare_categories_are_known_and_new_ones_are_named() -> None:
    found: list[Row] = [(None, f"c{index}", None) for index in range(500)]
    sketch = count(
        [batch([(None, "c499", None), (None, "zz", None), (None, "aa", None)])], lay_out([batch(found)], KINDS)
    )
    column = sketch.columns["c"]
    assert isinstance(column, CategorySketch)
    assert (column.other, column.unseen, column.examples) == (1, 2, (("aa", 1), ("zz", 1)))


def test_edges_from_a_sample_leave_the_counts_exact() -> None:
    random = np.random.default_rng(5)
    values = random.normal(size=300_000)
    parts = [pa.RecordBatch.from_arrays([pa.array(part)], names=["n"]) for part in np.array_split(values, 5)]
    sketch = count(parts, lay_out(parts, {"n": ColumnKind.NUMERIC})).columns["n"]
    assert isinstance(sketch, NumericSketch)
    expected = np.bincount(
        np.searchsorted(cuts_of(np.array(sketch.edges)), values, side="right"), minlength=len(sketch.cells)
    )
    assert sketch.cells == tuple(expected.tolist())
    assert max(sketch.cells) < 3 * len(values) / len(sketch.cells)


def counts(sketch: Sketch) -> tuple[object, ...]:
    if isinstance(sketch, NumericSketch):
        return sketch.edges, sketch.cells, sketch.missing, sketch.infinite, sketch.minimum, sketch.maximum
    assert isinstance(sketch, CategorySketch)
    return sketch.categories, sketch.counts, sketch.other, sketch.unseen, sketch.examples, sketch.missing


def test_a_table_sketch_of_other_columns_does_not_merge() -> None:
    with pytest.raises(ValueError, match="different columns"):
        TableSketch(0, {}).merge(count([batch([])], lay_out([batch([])], KINDS)))


def test_a_chunks_sketch_is_stored_without_the_layout_of_its_reference() -> None:
    random = np.random.default_rng(2)

    def batch(rows: int, shift: float) -> pa.RecordBatch:
        names = [f"category {number}" for number in random.integers(0, 900, rows)]
        return pa.RecordBatch.from_pydict({"x": random.normal(shift, 1, rows), "c": names})

    rows = [batch(20_000, 0.0)]
    laid = lay_out(rows, {"x": ColumnKind.NUMERIC, "c": ColumnKind.CATEGORICAL})
    reference, current = count(rows, laid), count([batch(3000, 1.0)], laid)
    bare = current.encode(reference)
    assert len(bare) < 0.5 * len(current.encode())
    assert decode(bare, [reference]) == current
    other = count([batch(50, 0.0)], lay_out([batch(50, 5.0)], {"x": ColumnKind.NUMERIC, "c": ColumnKind.CATEGORICAL}))
    assert decode(bare, [other, reference]) == current
    with pytest.raises(ValueError, match="without the reference"):
        decode(bare, [other])
