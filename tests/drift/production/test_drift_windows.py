"""Cutting rows into chunks by time, zone and size."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.drift.production.windows import Gap, cut, gaps, unit_of


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


def test_quarters_start_in_january_april_july_and_october() -> None:
    times = moments("2013-03-31T23:59:59", "2013-04-01", "2013-12-31", "2014-01-01")
    windows = cut("quarter", times, rows(times), None)
    assert [one.label for one in windows] == ["2013-Q1", "2013-Q2", "2013-Q4", "2014-Q1"]
    assert (windows[1].start, windows[1].end) == (datetime(2013, 4, 1, tzinfo=UTC), datetime(2013, 7, 1, tzinfo=UTC))
    assert windows[-1].partial


@pytest.mark.parametrize(("number", "sizes"), [(3, [3, 4, 4]), (1, [11]), (20, [1] * 11)])
def test_a_count_of_chunks_cuts_equal_ones_and_no_empty_ones(number: int, sizes: list[int]) -> None:
    times = np.arange("2013-01-01", "2013-01-12", dtype="datetime64[D]").astype("datetime64[us]")[::-1]
    windows = cut(f"count:{number}", times, rows(times), None)
    assert sorted(len(one.rows) for one in windows) == sizes
    assert not any(one.partial for one in windows)
    assert unit_of(f"count:{number}") == "chunk"


def test_small_chunks_are_merged_with_those_after_them_and_a_last_small_one_remains() -> None:
    times = moments("2013-03-01", "2013-04-01", "2013-04-02", "2013-06-01", "2013-07-01T00:00:01", "2013-08-01")
    windows = cut("month", times, rows(times), None, least=2)
    assert [(one.label, len(one.rows), one.partial) for one in windows] == [
        ("Mar 2013 – Apr 2013", 3, False),
        ("Jun 2013 – Jul 2013", 2, False),
        ("Aug 2013", 1, True),
    ]
    assert (windows[1].start, windows[1].end) == (datetime(2013, 6, 1, tzinfo=UTC), datetime(2013, 8, 1, tzinfo=UTC))
    days = moments("2013-03-01", "2013-03-03", "2013-03-03T12:00")
    assert [one.label for one in cut("day", days, rows(days), None, least=3)] == ["2013-03-01 – 2013-03-03"]
    assert [one.label for one in cut("size:1", days, rows(days), None, least=2)] == ["#1 – #2", "#3"]


def test_the_time_between_chunks_without_rows_is_a_gap() -> None:
    times = moments("2013-01-05", "2013-02-01", "2013-06-30", "2015-01-01")
    windows = cut("month", times, rows(times), None)
    assert gaps("month", windows) == [
        Gap(datetime(2013, 3, 1, tzinfo=UTC), datetime(2013, 6, 1, tzinfo=UTC), 3),
        Gap(datetime(2013, 7, 1, tzinfo=UTC), datetime(2015, 1, 1, tzinfo=UTC), 18),
    ]
    assert [one.units for one in gaps("quarter", cut("quarter", times, rows(times), None))] == [6]
    assert [one.units for one in gaps("day", cut("day", times, rows(times), "America/New_York"))] == [26, 148, 549]
    assert next(one.units for one in gaps("hour", cut("hour", times, rows(times), "America/New_York"))) == 647
    assert gaps("size:2", cut("size:2", times, rows(times), None)) == []
    assert gaps("month", []) == gaps("month", windows[:1]) == []


def test_the_hour_that_clocks_repeat_is_one_chunk_of_two_hours() -> None:
    times = moments("2013-11-03T00:30", "2013-11-03T01:10", "2013-11-03T01:20", "2013-11-03T02:10")
    windows = cut("hour", times, rows(times), "America/New_York")
    assert [(one.label[-5:], one.rows.tolist(), one.end - one.start) for one in windows] == [
        ("00:00", [0], timedelta(hours=1)),
        ("01:00", [1, 2], timedelta(hours=2)),
        ("02:00", [3], timedelta(hours=1)),
    ]
    assert all(one.end == after.start for one, after in pairwise(windows))
    [day] = cut("day", times, rows(times), "America/New_York")
    assert day.end - day.start == timedelta(hours=25)


def test_a_time_that_no_clock_showed_counts_at_the_end_of_the_jump() -> None:
    times = moments("2013-03-10T01:30", "2013-03-10T02:30", "2013-03-10T03:10")
    windows = cut("hour", times, rows(times), "America/New_York")
    assert [(one.label[-5:], one.rows.tolist()) for one in windows] == [("01:00", [0]), ("03:00", [1, 2])]
    assert windows[0].end == windows[1].start == datetime(2013, 3, 10, 7, tzinfo=UTC)


def test_a_day_without_a_midnight_starts_when_its_clocks_do() -> None:
    times = moments("2017-10-14T12:00", "2017-10-15T12:00", "2017-10-16T12:00")
    before, jump, after = cut("day", times, rows(times), "America/Sao_Paulo")
    assert jump.end - jump.start == timedelta(hours=23)
    assert before.end == jump.start
    assert jump.end == after.start


ZONES = ("UTC", "America/New_York", "America/Sao_Paulo", "America/Havana", "Australia/Lord_Howe", "Asia/Beirut")
CHUNKS = ("hour", "day", "week", "month", "quarter", "size:3", "count:4")


@given(
    st.lists(st.integers(1_380_000_000, 1_400_000_000) | st.integers(1_383_400_000, 1_383_500_000), max_size=40),
    st.sampled_from(CHUNKS),
    st.sampled_from(ZONES),
    st.integers(0, 9),
)
def test_in_every_zone_every_row_is_in_one_chunk_that_holds_its_moment_and_chunks_are_disjoint(
    seconds: list[int], chunk: str, zone: str, least: int
) -> None:
    instants = [datetime.fromtimestamp(second, UTC) for second in seconds]
    walls = [instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for instant in instants]
    times = np.array(walls, dtype="datetime64[us]")
    windows = cut(chunk, times, rows(times), zone, least)
    assert sorted(row for one in windows for row in one.rows.tolist()) == list(range(len(seconds)))
    assert all(len(one.rows) for one in windows)
    assert all(len(one.rows) >= least for one in windows[:-1])
    assert not any(one.partial for one in windows[:-1])
    for one, after in pairwise(windows):
        assert one.start < after.start
        assert times[one.rows].max() <= times[after.rows].min()
    if chunk in CHUNKS[:5]:
        assert all(one.start < one.end for one in windows)
        assert all(one.end <= after.start for one, after in pairwise(windows))
        assert all(one.start <= instants[row] < one.end for one in windows for row in one.rows.tolist())
        for gap in gaps(chunk, windows):
            assert gap.start < gap.end
            assert not any(gap.start <= instant < gap.end for instant in instants)


def test_no_rows_make_no_chunks() -> None:
    assert cut("month", moments(), np.empty(0, dtype=np.intp), None) == []


@pytest.mark.parametrize("chunk", ["hour", "week"])
def test_the_unit_is_the_word_for_one_chunk(chunk: str) -> None:
    assert unit_of(chunk) == chunk
