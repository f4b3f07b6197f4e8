"""Cutting rows into chunks by time, zone and size."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.drift.data.windows import cut, unit_of


def moments(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[us]")


def rows(times: np.ndarray) -> np.ndarray:
    return np.arange(len(times))


def test_months_weeks_days_and_hours_start_where_a_calendar_says() -> None:
    times = moments("2013-03-31T23:59:59", "2013-04-01T00:00:00", "2013-03-31T01:30:00")
    assert [(one.label, one.rows.tolist()) for one in cut("month", times, rows(times), None)] == [
        ("Mar 2013", [2, 0]),
        ("Apr 2013", [1]),
    ]
    weeks = cut("week", times, rows(times), None)
    assert [one.label for one in weeks] == ["2013-W13", "2013-W14"]
    assert weeks[0].start == datetime(2013, 3, 25, tzinfo=UTC)
    assert weeks[0].end == weeks[1].start == datetime(2013, 4, 1, tzinfo=UTC)
    assert [one.label for one in cut("day", times, rows(times), None)] == ["2013-03-31", "2013-04-01"]
    assert cut("hour", times, rows(times), None)[0].label == "2013-03-31 01:00"


def test_a_zone_moves_the_bounds_to_its_own_midnight() -> None:
    times = moments("2013-06-01T00:30:00")
    [window] = cut("day", times, rows(times), "America/New_York")
    assert window.start == datetime(2013, 6, 1, 4, tzinfo=UTC)
    assert window.end == datetime(2013, 6, 2, 4, tzinfo=UTC)


def test_a_last_chunk_that_stops_early_is_partial_and_earlier_ones_never_are() -> None:
    times = moments("2013-03-02", "2013-04-30T20:00:00")
    assert [one.partial for one in cut("month", times, rows(times), None)] == [False, False]
    times = moments("2013-03-02", "2013-04-12")
    assert [one.partial for one in cut("month", times, rows(times), None)] == [False, True]


def test_chunks_by_size_have_starts_of_their_own_even_when_times_are_equal() -> None:
    times = moments(*["2013-01-01"] * 5)
    windows = cut("size:2", times, rows(times), None)
    assert [len(one.rows) for one in windows] == [2, 2, 1]
    assert len({one.start for one in windows}) == 3
    assert [one.partial for one in windows] == [False, False, True]
    assert unit_of("size:2") == "chunk"


@given(
    st.lists(st.integers(1_300_000_000, 1_420_000_000), max_size=60),
    st.sampled_from(["hour", "day", "week", "month", "size:7"]),
)
def test_every_row_is_in_exactly_one_chunk_and_inside_it(seconds: list[int], chunk: str) -> None:
    times = np.array(seconds, dtype="datetime64[s]").astype("datetime64[us]")
    windows = cut(chunk, times, rows(times), None)
    assert sorted(row for one in windows for row in one.rows.tolist()) == list(range(len(seconds)))
    for one in windows:
        for row in one.rows.tolist():
            at = datetime.fromtimestamp(seconds[row], UTC)
            assert one.start <= at < one.end or chunk.startswith("size")
    assert [one.start for one in windows] == sorted({one.start for one in windows})


def test_no_rows_make_no_chunks() -> None:
    assert cut("month", moments(), np.empty(0, dtype=np.intp), None) == []


@pytest.mark.parametrize("chunk", ["hour", "week"])
def test_the_unit_is_the_word_for_one_chunk(chunk: str) -> None:
    assert unit_of(chunk) == chunk
