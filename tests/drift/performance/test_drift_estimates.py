"""Performance estimated without labels: against expectations worked out the long way, and against what labels show."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from opsconsole.core.nouns import ModelTask
from opsconsole.drift.performance.estimates.binary import ESTIMATES, Estimated, estimate, estimate_binned
from opsconsole.drift.performance.estimates.calibrators import (
    IDENTITY,
    Calibrator,
    choose_calibrator,
    fit_calibrator,
    isotonic,
)
from opsconsole.drift.performance.estimates.score_histogram import ScoreHistogram, count_scores, decode_histogram, edges
from opsconsole.drift.performance.realised.metrics import Options, measure, metric_of

Floats = npt.NDArray[np.float64]
RANDOM = np.random.default_rng(41)
AT = Options(threshold=0.3)
SHAPES = {
    "even": RANDOM.random(20_000),
    "humped": RANDOM.beta(2, 5, 20_000),
    "rare": RANDOM.beta(0.5, 100, 50_000),
    "polar": RANDOM.beta(0.2, 0.2, 20_000),
    "two decimals": np.round(RANDOM.random(20_000), 2),
}
BENT = Calibrator((0.0, 0.2, 0.21, 0.6, 1.0), (0.01, 0.1, 0.25, 0.5, 0.97))


def drawn(scores: Floats, random: np.random.Generator) -> Floats:
    return (random.random(len(scores)) < scores).astype(float)


def test_a_calibrators_knots_are_scikit_learns_isotonic_regression() -> None:
    scores = np.round(RANDOM.random(3000), 3)
    labels = drawn(scores**2, RANDOM)
    expected = IsotonicRegression(out_of_bounds="clip").fit(scores, labels).predict(np.linspace(-0.5, 1.5, 999))
    assert isotonic(scores, labels).chances(np.linspace(-0.5, 1.5, 999)) == pytest.approx(expected, abs=1e-12)


def test_scores_that_are_probabilities_stay_as_they_are_and_others_are_bent() -> None:
    random = np.random.default_rng(44)
    scores = random.random(4000)
    assert choose_calibrator(scores, drawn(scores**2, random)) != IDENTITY
    kept = [choose_calibrator(scores, drawn(scores, np.random.default_rng(seed))) == IDENTITY for seed in range(10)]
    assert any(kept)
    assert fit_calibrator(scores[:12], np.ones(12)) == IDENTITY


def test_a_calibrator_is_fitted_the_same_way_twice_and_survives_storing() -> None:
    scores = RANDOM.random(2000)
    labels = drawn(scores**2, RANDOM)
    fitted = fit_calibrator(scores, labels)
    assert fitted == fit_calibrator(scores, labels)
    assert msgspec.json.decode(msgspec.json.encode(fitted), type=Calibrator) == fitted


@given(st.lists(st.sampled_from([0.05, 0.2, 0.3, 0.5, 0.8, 0.95]), min_size=1, max_size=25))
def test_estimated_auc_is_the_expected_share_of_pairs_in_the_right_order(scores: list[float]) -> None:
    """Every pair of rows, each with itself too, as the trapezoid of the expected curve has it."""
    values = np.array(scores)
    chances = BENT.chances(values)
    above = (values[:, None] > values[None, :]) + 0.5 * (values[:, None] == values[None, :])
    pairs = chances[:, None] * (1 - chances[None, :])
    found = estimate("auc", BENT, values)
    assert found.value == pytest.approx(float((pairs * above).sum() / pairs.sum()), abs=1e-12)


def test_estimated_auc_of_scores_without_ties_is_nannymls_sum() -> None:
    scores = RANDOM.random(5000)
    order = np.argsort(scores)[::-1]
    hits = np.cumsum(BENT.chances(scores)[order])
    false = 1 + np.arange(5000) - hits
    hits, false = np.r_[0, hits], np.r_[0, false]
    expected = np.trapezoid(hits / hits[-1], false / false[-1])
    assert estimate("auc", BENT, scores).value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ESTIMATES)
def test_an_estimate_is_what_labels_show_on_average_if_the_calibration_holds(name: str) -> None:
    random = np.random.default_rng(42)
    scores = random.beta(2, 3, 3000)
    metric = metric_of(name, ModelTask.BINARY, "here")
    found = estimate(name, BENT, scores, AT)
    seen = [measure(metric, drawn(BENT.chances(scores), random), scores, AT).value for _ in range(200)]
    values = np.array([value for value in seen if value is not None])
    assert len(values) == 200
    assert found.value == pytest.approx(values.mean(), abs=max(4 * values.std() / np.sqrt(200), 0.002))


@pytest.mark.parametrize("name", ESTIMATES)
def test_the_realised_value_falls_into_the_interval_about_as_often_as_it_says(name: str) -> None:
    random = np.random.default_rng(43)
    metric = metric_of(name, ModelTask.BINARY, "here")
    model = random.beta(2, 3, 100_000)
    centre = estimate(name, BENT, model, AT).value
    assert centre is not None
    hits = 0
    for _ in range(300):
        scores = random.beta(2, 3, 600)
        found = estimate(name, BENT, scores, AT)
        seen = measure(metric, drawn(BENT.chances(scores), random), scores, AT).value
        assert seen is not None
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= seen <= found.high
    assert hits / 300 >= 0.92


@lru_cache(maxsize=1)
def small_references() -> list[tuple[Calibrator, list[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]]]:
    """Forty fits to 2,000 rows each, and two later samples, scores and labels, of each: the same for every metric."""
    found = []
    for seed in range(40):
        random = np.random.default_rng(400 + seed)
        reference = random.beta(2, 3, 2000)
        calibrator = fit_calibrator(reference, drawn(reference**1.4, random))
        later = [random.beta(*shape, 8000) for shape in ((2, 4), (6, 6))]
        found.append((calibrator, [(scores, drawn(scores**1.4, random)) for scores in later]))
    return found


@pytest.mark.parametrize("name", ESTIMATES)
def test_a_small_reference_leaves_the_estimate_open_and_its_interval_says_so(name: str) -> None:
    metric, hits, bare = metric_of(name, ModelTask.BINARY, "here"), 0, 0
    for calibrator, later in small_references():
        for scores, labels in later:
            seen = measure(metric, labels, scores).value
            assert seen is not None
            found = estimate(name, calibrator, scores)
            without = estimate(name, replace(calibrator, resampled=()), scores)
            assert found.low is not None
            assert found.high is not None
            assert without.low is not None
            assert without.high is not None
            hits += found.low <= seen <= found.high
            bare += without.low <= seen <= without.high
    assert hits / 80 >= 0.82
    assert hits > bare


def test_what_the_reference_leaves_open_is_the_same_from_rows_and_from_a_histogram() -> None:
    random = np.random.default_rng(45)
    calibrator = fit_calibrator(SHAPES["humped"][:1500], drawn(SHAPES["humped"][:1500] ** 1.4, random))
    for name in ESTIMATES:
        of_rows = estimate(name, calibrator, SHAPES["humped"], AT)
        binned = estimate_binned(name, calibrator, count_scores(SHAPES["humped"]), AT)
        for part in ("value", "low", "high"):
            assert getattr(binned, part) == pytest.approx(getattr(of_rows, part), abs=1e-3), (name, part)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("calibrator", [IDENTITY, BENT], ids=["as they are", "bent"])
def test_an_estimate_from_a_histogram_is_that_from_its_rows(shape: str, calibrator: Calibrator) -> None:
    scores = SHAPES[shape]
    histogram = count_scores(scores)
    for name in ESTIMATES:
        of_rows, binned = estimate(name, calibrator, scores, AT), estimate_binned(name, calibrator, histogram, AT)
        assert binned.rows == of_rows.rows
        for part in ("value", "low", "high"):
            assert getattr(binned, part) == pytest.approx(getattr(of_rows, part), abs=1e-3), (name, part)


def test_histograms_of_days_sum_to_that_of_the_month() -> None:
    days = [count_scores(part) for part in np.array_split(SHAPES["even"], 7)]
    whole = days[0]
    for day in days[1:]:
        whole = whole.merge(day)
    month = count_scores(SHAPES["even"])
    assert whole.counts == month.counts
    assert whole.rows == 20_000
    assert whole.sums == pytest.approx(month.sums)


def test_a_histogram_survives_storing_and_a_month_of_scores_takes_little_room() -> None:
    histogram = count_scores(SHAPES["humped"])
    data = histogram.encode()
    assert decode_histogram(data) == histogram
    assert len(data) < 12_000
    for broken in (b"", b"nothing", data[:-9], ScoreHistogram((1,), (0.5,)).encode()):
        with pytest.raises(ValueError, match="score histogram"):
            decode_histogram(broken)


def test_every_threshold_of_three_decimals_is_an_edge_and_scores_beyond_count_at_the_ends() -> None:
    assert set(np.round(np.arange(10, 991) / 1000, 3)) <= set(edges())
    assert (np.diff(edges()) > 0).all()
    histogram = count_scores(np.array([-3.0, 0.0, 1.0, 7.0, np.nan]))
    assert (histogram.counts[0], histogram.counts[-1], histogram.rows) == (2, 2, 4)


def test_missing_scores_are_left_out_and_no_score_gives_no_value() -> None:
    assert estimate("brier", IDENTITY, np.array([0.5, np.nan])) == Estimated("brier", 0.25, None, None, 1)
    assert estimate("auc", IDENTITY, np.empty(0)) == Estimated("auc", None, None, None, 0)
    assert estimate_binned("auc", IDENTITY, count_scores(np.empty(0))).value is None
    assert estimate("auc", IDENTITY, np.zeros(50)).value is None
    assert estimate("precision", IDENTITY, np.full(50, 0.2)).value is None


def test_fewer_than_ten_expected_cases_give_no_interval() -> None:
    for name in ESTIMATES:
        assert estimate(name, IDENTITY, np.full(90, 0.1)).low is None, name


def test_a_metric_without_an_estimate_is_an_error() -> None:
    with pytest.raises(KeyError):
        estimate("mae", IDENTITY, np.ones(3))
