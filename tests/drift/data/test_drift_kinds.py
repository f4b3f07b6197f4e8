"""Datetimes by hour and weekday, texts by length, vectors by their mean and along a few directions."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.core.nouns import ColumnKind
from opsconsole.drift.compare.files import ColumnComparison, Comparison, compare
from opsconsole.drift.facts.column import Effect
from opsconsole.drift.measures.distances import distances, psi_vector
from opsconsole.drift.sketches.columns import DAY_US
from opsconsole.drift.sketches.layout import count, lay_out, layout_of
from opsconsole.drift.sketches.plots import histogram
from opsconsole.drift.sketches.rest import without
from opsconsole.drift.sketches.sketch import EmbeddingSketch, MomentSketch, NumericSketch, TableSketch, decode

START = datetime(2024, 1, 1)  # noqa: DTZ001 - a Monday; naive on purpose, such data is UTC
WORDS = ["the", "order", "arrived", "late", "and", "the", "box", "was", "broken", "please", "refund", "me"]


def table(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def compared(folder: Path, mine: Any, theirs: Any, *, exact: bool = False) -> ColumnComparison:
    [column] = comparison(folder, mine, theirs, exact=exact).columns
    return column


def comparison(folder: Path, mine: Any, theirs: Any, *, exact: bool = False) -> Comparison:
    return compare(table(folder / "a.parquet", x=mine), table(folder / "b.parquet", x=theirs), exact=exact)


def moments(days: int, hours: range, rows: int = 6000, start: datetime = START, seed: int = 1) -> list[datetime]:
    random = np.random.default_rng(seed)
    picked = random.choice(np.array(hours), rows)
    return [
        start + timedelta(days=int(day), hours=int(hour), minutes=int(minute))
        for day, hour, minute in zip(random.integers(0, days, rows), picked, random.integers(0, 60, rows), strict=True)
    ]


def texts(words: int, rows: int = 3000, seed: int = 1) -> list[str]:
    random = np.random.default_rng(seed)
    return [
        f"{' '.join(random.choice(WORDS, random.poisson(words) + 3))} {number}"
        for number in random.integers(0, 10**9, rows)
    ]


def vectors(rows: int, size: int = 12, shift: float = 0.0, seed: int = 1) -> pa.Array:
    random = np.random.default_rng(seed)
    values = random.normal(size=(rows, size)) * np.linspace(3, 0.5, size) + 1.0 + shift
    return pa.FixedSizeListArray.from_arrays(pa.array(values.astype(np.float32).ravel()), size)


def sketched(column: Any, kind: ColumnKind, reference: Any = None) -> TableSketch:
    own, laid = (
        pa.RecordBatch.from_arrays([pa.array(one)], names=["x"])
        for one in (column, column if reference is None else reference)
    )
    return count([own], lay_out([laid], {"x": kind}))


def test_a_datetime_of_the_next_month_is_calm_and_one_of_other_hours_is_not(tmp_path: Path) -> None:
    later = START + timedelta(days=280)
    calm = compared(tmp_path, moments(28, range(8, 20)), moments(28, range(8, 20), start=later, seed=2))
    night = compared(tmp_path, moments(28, range(8, 20)), moments(28, range(24), start=later, seed=2))
    assert calm.kind is night.kind is ColumnKind.DATETIME
    assert calm.drifted is False
    assert night.drifted
    assert night.effect is Effect.MAJOR


def test_a_few_hundred_rows_are_enough_for_hours_taken_together(tmp_path: Path) -> None:
    mine, later = moments(28, range(24)), START + timedelta(days=35)
    calm, night = (compared(tmp_path, mine, moments(28, hours, 400, later, 2)) for hours in (range(24), range(6)))
    assert calm.drifted is False
    assert night.drifted


def test_dates_alone_are_compared_by_their_weekdays(tmp_path: Path) -> None:
    days = [(START + timedelta(days=number % 28)).date() for number in range(2800)]
    work = [day for day in days if day.weekday() < 5]
    assert compared(tmp_path, days, days).drifted is False
    assert compared(tmp_path, days, work).drifted


def test_weekdays_are_looked_at_beside_hours_where_the_reference_is_long_enough(tmp_path: Path) -> None:
    def working(days: int) -> list[datetime]:
        return [moment for moment in moments(days, range(24), seed=4) if moment.weekday() < 5]

    assert compared(tmp_path, moments(28, range(24)), working(28)).drifted
    assert compared(tmp_path, moments(12, range(24)), working(12)).drifted is False


def test_a_few_hours_or_days_are_not_held_against_whole_weeks(tmp_path: Path) -> None:
    assert compared(tmp_path, moments(28, range(24)), moments(1, range(8, 11), seed=2)).distances.psi is None
    one_day = compared(tmp_path, moments(28, range(24)), moments(1, range(24), seed=2))
    assert one_day.distances.psi is not None
    assert one_day.drifted is False


@pytest.mark.parametrize("days", [7, 10, 17, 25, 31])
@pytest.mark.parametrize("clocked", [True, False])
def test_spans_of_no_whole_weeks_are_no_drift(tmp_path: Path, days: int, clocked: bool) -> None:
    mine = moments(28, range(24))
    theirs = moments(days, range(24), start=START + timedelta(days=38), rows=4000, seed=2)
    column = compared(tmp_path, *(side if clocked else [one.date() for one in side] for side in (mine, theirs)))
    assert column.drifted is False
    assert column.distances.psi is not None
    assert column.distances.psi < 0.02


def test_two_things_tried_make_chance_twice_as_likely() -> None:
    long = sketched(moments(28, range(24)), ColumnKind.DATETIME).columns["x"]
    other = sketched(moments(28, range(24), seed=3), ColumnKind.DATETIME).columns["x"]
    assert isinstance(long, MomentSketch)
    begin = (long.first or 0) // DAY_US * DAY_US
    alone, as_long = (distances(replace(long, first=begin, last=begin + days * DAY_US - 1), other) for days in (12, 28))
    assert alone.noise_p is not None
    assert as_long.noise_p is not None
    assert as_long.psi == pytest.approx(alone.psi)
    assert as_long.noise_p == pytest.approx(min(1.0, 2 * alone.noise_p))


def test_hours_are_those_of_the_columns_own_zone_and_weekdays_those_of_the_calendar() -> None:
    utc = pa.array([datetime(2024, 1, 7, 23, 30)], pa.timestamp("us", tz="UTC"))  # noqa: DTZ001 - the type has the zone
    before = pa.array([datetime(1969, 12, 31, 23, 59), None], pa.timestamp("ms"))  # noqa: DTZ001 - it has none
    paris, early = (
        sketched(column, ColumnKind.DATETIME).columns["x"]
        for column in (utc.cast(pa.timestamp("us", tz="Europe/Paris")), before)
    )
    assert isinstance(paris, MomentSketch)
    assert isinstance(early, MomentSketch)
    assert (paris.hours.index(1), paris.weekdays.index(1)) == (0, 0)
    assert (early.hours.index(1), early.weekdays.index(1), early.missing) == (23, 2, 1)


def test_moments_are_drawn_by_hour_or_weekday() -> None:
    hours = histogram(*[sketched(moments(28, range(24)), ColumnKind.DATETIME).columns["x"]] * 2)
    days = histogram(sketched([START.date()] * 3, ColumnKind.DATETIME).columns["x"], None)
    assert hours.labels[:2] == ("00", "01")
    assert sum(hours.current) == pytest.approx(1, abs=1e-3)
    assert days.labels[0] == "Mon"
    assert days.reference[0] == 1.0


def test_texts_are_compared_by_length(tmp_path: Path) -> None:
    calm, longer = (compared(tmp_path, texts(8), texts(words, seed=2)) for words in (8, 14))
    assert calm.kind is longer.kind is ColumnKind.TEXT
    assert calm.drifted is False
    assert longer.drifted
    assert longer.quantiles is not None
    assert longer.mean is not None
    assert longer.mean.current > longer.mean.reference + 10


def test_texts_of_more_rows_than_categories_are_remembered_read_as_text_all_the_same(tmp_path: Path) -> None:
    column = compared(tmp_path, texts(8, rows=90_000), texts(14, rows=5000, seed=2))
    assert column.kind is ColumnKind.TEXT
    assert column.drifted


@pytest.mark.parametrize(
    "made",
    [lambda number: f"id{number}", lambda number: f"{number:036x}", str],
    ids=["short", "one length", "numbers"],
)
@pytest.mark.parametrize("rows", [3000, 90_000])
def test_ids_stay_without_a_verdict(tmp_path: Path, made: Any, rows: int) -> None:
    column = compared(
        tmp_path, [made(number) for number in range(rows)], [made(number + rows) for number in range(3000)]
    )
    assert column.effect is Effect.IDENTIFIER
    assert column.drifted is None


@pytest.mark.parametrize("kind", ["fixed", "list", "large"])
def test_vectors_that_stay_are_calm_and_those_that_move_are_not(tmp_path: Path, kind: str) -> None:
    def as_kind(column: pa.Array) -> pa.Array:
        types = {"fixed": column.type, "list": pa.list_(pa.float64()), "large": pa.large_list(pa.float32())}
        return column.cast(types[kind])

    mine = as_kind(vectors(4000))
    calm, moved = (compared(tmp_path, mine, as_kind(vectors(3000, shift=shift, seed=2))) for shift in (0.0, 1.5))
    assert calm.kind is ColumnKind.EMBEDDING
    assert calm.drifted is False
    assert calm.vectors is not None
    assert (calm.vectors.size, calm.vectors.wrong.current) == (12, 0)
    assert calm.vectors.means is not None
    assert calm.vectors.means < 0.1
    assert moved.drifted
    assert moved.vectors is not None
    assert moved.vectors.means is not None
    assert moved.vectors.means > 0.5
    assert moved.vectors.cosine == pytest.approx(1.0, abs=1e-3)
    assert moved.distances.ks is not None
    assert moved.distances.ks > (calm.distances.ks or 0)


def test_the_distance_of_the_means_is_by_its_formula(tmp_path: Path) -> None:
    mine, theirs = vectors(2000), vectors(1500, shift=0.3, seed=5)
    a, b = (np.stack(one.to_numpy(zero_copy_only=False)).astype(float) for one in (mine, theirs))
    found = compared(tmp_path, mine, theirs).vectors
    assert found is not None
    expected = np.sqrt(np.mean(((b.mean(axis=0) - a.mean(axis=0)) / a.std(axis=0)) ** 2))
    assert found.means == pytest.approx(expected, rel=1e-6)
    one, two = a.mean(axis=0), b.mean(axis=0)
    assert found.cosine == pytest.approx(one @ two / np.linalg.norm(one) / np.linalg.norm(two), rel=1e-6)


def test_vectors_of_a_wrong_length_are_counted_and_told(tmp_path: Path) -> None:
    mine = [[float(value) for value in row] for row in np.random.default_rng(1).normal(size=(3000, 3))]
    theirs = [*mine[:2400], [1.0], [], [1.0, None, 2.0], [1.0, float("nan"), 2.0], [1.0, 2.0, 3.0, 4.0], None]
    for exact in (False, True):
        found = comparison(tmp_path, mine, theirs, exact=exact)
        [column] = found.columns
        assert column.vectors is not None
        assert (column.vectors.wrong.reference, column.vectors.wrong.current) == (0, 5)
        assert column.distances.missing_current == pytest.approx(1 / 2406)
        assert "5 rows of the current are no vectors of 3 finite numbers" in found.notes[0]
        assert column.drifted is False


def test_vectors_all_of_another_length_are_drift(tmp_path: Path) -> None:
    column = compared(
        tmp_path, vectors(800, size=8).cast(pa.list_(pa.float32())), vectors(800, size=9).cast(pa.list_(pa.float32()))
    )
    assert column.drifted
    assert column.distances.ks is None
    assert column.vectors is not None
    assert column.vectors.means is None


@pytest.mark.parametrize("column", [[[]] * 200, [[1.0]] * 200, [[0.5, 0.5]] * 200, [None, [1.0]] * 100])
def test_vectors_without_spread_or_length_never_break(tmp_path: Path, column: Any) -> None:
    typed = pa.array(column, pa.list_(pa.float64()))
    assert compared(tmp_path, typed, typed).drifted is False
    assert compared(tmp_path, typed, vectors(300).cast(pa.list_(pa.float64()))).kind is ColumnKind.EMBEDDING
    assert compared(tmp_path, vectors(300).cast(pa.list_(pa.float64())), typed).kind is ColumnKind.EMBEDDING


def test_vectors_in_json_lines_may_hold_whole_numbers(tmp_path: Path) -> None:
    rows = [[1, 2], [1.5, 2.5], [], [3, 4]] * 100
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"x": row, "many": [1, 2]}) + "\n" for row in rows))
    found = compare(tmp_path / "a.jsonl", tmp_path / "a.jsonl")
    assert found.left_out == ("many",)
    [column] = found.columns
    assert column.kind is ColumnKind.EMBEDDING
    assert column.vectors is not None
    assert column.vectors.wrong.reference == 100


@given(st.integers(0, 40), st.integers(0, 40))
def test_kinds_merge_subtract_and_are_stored(first: int, second: int) -> None:
    whole = pa.concat_arrays([vectors(60), pa.array([None, None], vectors(1).type)])
    days = moments(28, range(24), rows=62)
    batch = pa.RecordBatch.from_arrays([whole, pa.array(days), pa.array(texts(4, rows=62))], names=["e", "d", "t"])
    kinds = {"e": ColumnKind.EMBEDDING, "d": ColumnKind.DATETIME, "t": ColumnKind.TEXT}
    layouts = lay_out([batch], kinds)
    first, second = sorted((first, second))
    parts = [
        count([batch.slice(at, size)], layouts)
        for at, size in ((0, first), (first, second - first), (second, 62 - second))
    ]
    merged, at_once = parts[0].merge(parts[1]).merge(parts[2]), count([batch], layouts)
    for name, column in merged.columns.items():
        other = at_once.columns[name]
        assert (column.present, column.missing) == (other.present, other.missing)
        assert distances(column, other).psi == pytest.approx(0, abs=1e-12)
        rest = without(other, parts[0].columns[name])
        assert rest.rows == 62 - first
        assert psi_vector(rest) is not None
    again = decode(merged.encode())
    assert again == merged
    recounted = count([batch], {name: layout_of(one) for name, one in again.columns.items()})
    assert recounted.encode() == at_once.encode()


def test_equal_vectors_give_equal_bytes_and_are_drawn_along_the_first_direction() -> None:
    one, two = (sketched(vectors(2000), ColumnKind.EMBEDDING) for _ in range(2))
    assert one.encode() == two.encode()
    column = one.columns["x"]
    assert isinstance(column, EmbeddingSketch)
    assert isinstance(column.projections[0], NumericSketch)
    directions = np.array(column.directions)
    assert np.allclose(directions @ directions.T, np.eye(4), atol=1e-5)
    drawn = histogram(column, column)
    assert len(drawn.edges) == len(drawn.reference) + 1


@pytest.mark.parametrize(("rows", "size"), [(1000, 400), (3000, 64), (12_000, 4)])
def test_vectors_of_many_dimensions_and_few_rows_are_calm_too(rows: int, size: int) -> None:
    random = np.random.default_rng(rows)
    passed = 0
    for _ in range(12):
        mine, theirs = (random.normal(size=(rows, size)).tolist() for _ in range(2))
        reference = sketched(pa.array(mine), ColumnKind.EMBEDDING).columns["x"]
        current = sketched(pa.array(theirs), ColumnKind.EMBEDDING, pa.array(mine)).columns["x"]
        found = distances(reference, current)
        assert found.noise_p is not None
        passed += found.noise_p < 0.05
    assert passed <= 3


def test_moments_without_drift_pass_for_noise() -> None:
    random = np.random.default_rng(11)
    minutes = 60 * 24 * 28
    reference = [START + timedelta(minutes=int(one)) for one in random.integers(0, minutes, 5000)]
    mine, passed = sketched(reference, ColumnKind.DATETIME).columns["x"], 0
    for _ in range(60):
        current = [START + timedelta(minutes=int(one)) for one in random.integers(0, minutes, 3000)]
        probability = distances(mine, sketched(current, ColumnKind.DATETIME).columns["x"]).noise_p
        assert probability is not None
        passed += probability < 0.05
    assert passed <= 8
