"""Page-Hinkley and ADWIN against plain versions of themselves: silent on noise, quick after a shift, resumable."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsconsole.drift.performance.streams.adwin import BUCKETS, Adwin
from opsconsole.drift.performance.streams.detection import (
    MOST_VALUES,
    Detector,
    decode_stream,
    run_stream,
    start_stream,
)
from opsconsole.drift.performance.streams.page_hinkley import Direction, PageHinkley, quiet_threshold

Floats = npt.NDArray[np.float64]


def errors(*parts: tuple[int, float], seed: int = 1) -> Floats:
    """Errors of 0 and 1 at these rates, so many of each."""
    chance = np.concatenate([np.full(rows, rate) for rows, rate in parts])
    return (np.random.default_rng(seed).random(len(chance)) < chance).astype(float)


def moments(rows: int) -> npt.NDArray[np.datetime64]:
    return np.datetime64("2013-03-01", "s") + np.arange(rows)


def alarms(watch: PageHinkley | Adwin, values: Floats) -> list[int]:
    return [place for place, value in enumerate(values.tolist()) if watch.add(value)]


def plain_page_hinkley(values: list[float], threshold: float, direction: Direction) -> list[int]:
    """The definition: at each value all sums since the last alarm are made anew."""
    found, start = [], 0
    for end in range(len(values)):
        since = values[start : end + 1]
        means = [sum(since[: place + 1]) / (place + 1) for place in range(len(since))]
        alpha, sums_up, sums_down = 1 - 0.0001, [], []
        for place in range(len(since)):
            parts = [(since[one] - means[one], alpha ** (place - one)) for one in range(place + 1)]
            sums_up.append(sum((part - 0.005) * kept for part, kept in parts))
            sums_down.append(sum((part + 0.005) * kept for part, kept in parts))
        up = direction is not Direction.DOWN and sums_up[-1] - min(sums_up) > threshold
        down = direction is not Direction.UP and max(sums_down) - sums_down[-1] > threshold
        if len(since) >= 30 and (up or down):
            found.append(end)
            start = end + 1
    return found


class PlainAdwin:
    """The window as a list of buckets of raw values, newest last; every mean and variance made anew from them."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.buckets: list[list[float]] = []
        self.ticks = 0
        self.alarmed = False

    @property
    def values(self) -> list[float]:
        return [value for bucket in self.buckets for value in bucket]

    def add(self, value: float) -> bool:
        if self.alarmed:
            self.forget()
        self.buckets.append([value])
        size = 1
        while sum(len(bucket) == size for bucket in self.buckets) > 5:
            first = next(place for place, bucket in enumerate(self.buckets) if len(bucket) == size)
            self.buckets[first : first + 2] = [self.buckets[first] + self.buckets[first + 1]]
            size *= 2
        self.ticks += 1
        if self.ticks % 32 == 0 and len(self.values) > 10:
            while any(self.cut(place) for place in range(1, len(self.buckets))):
                del self.buckets[0]
                self.alarmed = True
        return self.alarmed

    def cut(self, place: int) -> bool:
        old = [value for bucket in self.buckets[:place] for value in bucket]
        new = [value for bucket in self.buckets[place:] for value in bucket]
        if min(len(old), len(new)) < 5:
            return False
        whole = len(old) + len(new)
        bound = math.log(2 * math.log(whole) / 0.002)
        share = 1 / (len(old) - 4) + 1 / (len(new) - 4)
        limit = math.sqrt(2 * share * float(np.var(old + new)) * bound) + 2 / 3 * bound * share
        return abs(float(np.mean(old) - np.mean(new))) > limit


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("seed", range(3))
def test_page_hinkley_is_its_definition(direction: Direction, seed: int) -> None:
    values = errors((60, 0.1), (60, 0.8), (60, 0.1), seed=seed)
    watch = PageHinkley(direction, threshold=5.0)
    expected = plain_page_hinkley(values.tolist(), 5.0, direction)
    assert alarms(watch, values) == expected
    assert expected or direction is Direction.DOWN


@pytest.mark.parametrize("seed", range(4))
def test_adwin_is_its_definition(seed: int) -> None:
    values = errors((700, 0.1), (500, 0.4), (300, 0.1), seed=seed)
    plain, watch, raised = PlainAdwin(), Adwin(), 0
    for place, value in enumerate(values.tolist()):
        alarmed = watch.add(value)
        assert alarmed == plain.add(value)
        raised += alarmed
        assert watch.width == len(plain.values)
        assert watch.mean == pytest.approx(np.mean(plain.values), abs=1e-9)
        if alarmed:
            assert watch.changed_at == place
    assert raised >= 2


@settings(max_examples=25)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=300))
def test_adwins_mean_is_that_of_its_windows_values(values: list[float]) -> None:
    watch = Adwin()
    for place, value in enumerate(values):
        watch.add(value)
        window = values[place + 1 - watch.width : place + 1]
        assert watch.mean == pytest.approx(np.mean(window), abs=1e-9)
    *_, rows = watch.to_state()
    assert all(len(row) <= BUCKETS for row in rows)
    assert sum(len(row) * 2**place for place, row in enumerate(rows)) == watch.width


def test_noise_that_does_not_move_raises_almost_no_alarm() -> None:
    found = {"adwin": 0, "page_hinkley": 0}
    for seed in range(40):
        values = errors((3000, 0.2), seed=100 + seed)
        found["adwin"] += bool(alarms(Adwin(), values))
        found["page_hinkley"] += bool(alarms(PageHinkley(Direction.UP), values))
    assert found["adwin"] <= 2
    assert found["page_hinkley"] <= 2


@pytest.mark.parametrize("rate", [0.1, 0.35])
def test_a_quiet_threshold_holds_its_budget_of_false_alarms(rate: float) -> None:
    """Once in 40,000 values, so about five times in 200,000: Poisson, and the mean is not known from the start."""
    quiet = quiet_threshold(math.sqrt(rate * (1 - rate)), 40_000)
    found = alarms(PageHinkley(Direction.UP, threshold=quiet, alpha=1.0), errors((200_000, rate), seed=17))
    assert 1 <= len(found) <= 12
    assert quiet < quiet_threshold(math.sqrt(rate * (1 - rate)), 1_000_000)
    assert quiet_threshold(0.0) == 0.0


@pytest.mark.parametrize("seed", range(5))
def test_a_shift_raises_an_alarm_soon_after_it_came(seed: int) -> None:
    values = errors((3000, 0.1), (3000, 0.35), seed=200 + seed)
    for watch in (Adwin(), PageHinkley(Direction.UP)):
        first = alarms(watch, values[:3500])
        assert first
        assert 3000 < first[0] < 3400
    fewer = errors((3000, 0.35), (3000, 0.1), seed=300 + seed)
    quiet = quiet_threshold(math.sqrt(0.35 * 0.65))
    assert 3000 < alarms(PageHinkley(Direction.DOWN, threshold=quiet, alpha=1.0), fewer)[0] < 4500
    assert alarms(PageHinkley(Direction.UP, threshold=quiet, alpha=1.0), fewer) == []


def test_after_an_alarm_adwins_window_holds_what_came_since() -> None:
    values = errors((2000, 0.05), (2000, 0.6))
    watch = Adwin()
    first = next(place for place, value in enumerate(values.tolist()) if watch.add(value))
    assert watch.changed_at == first
    assert watch.width <= first - 1900
    assert watch.mean > 0.3
    watch.add(1.0)
    assert watch.width == 1


@pytest.mark.parametrize("stop", [1, 31, 500, 2103])
def test_a_watch_goes_on_from_its_state_as_if_it_had_never_stopped(stop: int) -> None:
    values = errors((2000, 0.1), (1000, 0.5), seed=7)
    for whole, part in ((Adwin(), Adwin()), (PageHinkley(), PageHinkley())):
        expected = alarms(whole, values)
        before = alarms(part, values[:stop])
        again = type(part).from_state(part.to_state())  # type: ignore[arg-type]
        assert before + [stop + place for place in alarms(again, values[stop:])] == expected
        assert again.to_state() == whole.to_state()


def test_a_mean_of_many_values_weighs_as_many() -> None:
    values = errors((10_000, 0.1), (10_000, 0.3), seed=8)
    single = alarms(PageHinkley(Direction.UP), values)[0]
    watch = PageHinkley(Direction.UP)
    blocks = values.reshape(-1, 20).mean(axis=1).tolist()
    block = next(place for place, mean in enumerate(blocks) if watch.add(mean, 20))
    assert abs((block + 1) * 20 - single) <= 60


@pytest.mark.parametrize("detector", Detector)
def test_a_stream_is_read_in_the_order_of_time_and_alarms_are_places_in_what_was_handed_over(
    detector: Detector,
) -> None:
    values = errors((3000, 0.1), (2000, 0.5), seed=9)
    plain = run_stream(values, moments(5000), start_stream(detector))
    assert plain.alarms
    assert 3000 < plain.alarms[0] < 3500
    mixed = np.random.default_rng(3).permutation(5000)
    found = run_stream(values[mixed], moments(5000)[mixed], start_stream(detector))
    assert mixed[list(found.alarms)].tolist() == list(plain.alarms)
    assert found.state == plain.state
    assert found.state.seen == 5000
    assert found.state.mean == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("detector", Detector)
def test_a_stream_that_comes_in_parts_and_is_stored_between_raises_the_same_alarms(detector: Detector) -> None:
    values, times = errors((30_000, 0.1), (35_000, 0.3), seed=10), moments(65_000)
    whole = run_stream(values, times, start_stream(detector, threshold=90.0))
    state, found = replace(start_stream(detector, threshold=90.0), block=4), []
    for first, end in ((0, 1), (1, 3), (3, 41_237), (41_237, 41_238), (41_238, 65_000)):
        part = run_stream(values[first:end], times[first:end], decode_stream(state.encode()))
        state = part.state
        found += [first + place for place in part.alarms]
    assert whole.state.block == 4
    assert found == list(whole.alarms)
    assert any(30_000 < place < 31_000 for place in found)
    assert (state.seen, state.waiting) == (65_000, 0)


def test_a_million_errors_are_fed_as_20_000_means() -> None:
    values = errors((500_000, 0.1), (500_000, 0.13), seed=11)
    for detector in Detector:
        found = run_stream(values, moments(1_000_000), start_stream(detector, threshold=100.0))
        assert found.state.block == 50
        assert len(values) // 50 == MOST_VALUES
        assert any(500_000 < place < 530_000 for place in found.alarms)
        assert not any(place < 500_000 for place in found.alarms)
        assert all(place % 50 == 49 for place in found.alarms)


def test_errors_in_a_unit_of_their_own_are_divided_by_their_scale() -> None:
    random = np.random.default_rng(12)
    minutes = np.abs(random.normal(0, np.where(np.arange(4000) < 2000, 20, 40)))
    found = run_stream(minutes, moments(4000), start_stream(Detector.PAGE_HINKLEY, scale=20.0))
    assert 2000 < found.alarms[0] < 2300
    assert found.state.mean == pytest.approx(32, abs=4)
    with pytest.raises(ValueError, match="errors cannot be divided by 0"):
        start_stream(Detector.ADWIN, scale=0)


def test_rows_without_error_or_time_are_left_out_and_no_row_changes_nothing() -> None:
    state = start_stream(Detector.ADWIN)
    assert state.mean is None
    times = np.array(["2013-03-01", "NaT", "2013-03-02"], dtype="datetime64[s]")
    found = run_stream(np.array([1.0, 1.0, np.nan]), times, state)
    assert (found.state.seen, found.state.mean, found.alarms) == (1, 1.0, ())
    assert run_stream(np.empty(0), times[:0], state).state is state


def test_anything_else_is_no_stored_stream() -> None:
    with pytest.raises(ValueError, match="not a stored stream"):
        decode_stream(b"nothing")
