"""All realised metrics against scikit-learn, with the options they take, and how often their intervals hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from opsconsole.core.nouns import ModelTask
from opsconsole.drift.performance.realised.metrics import (
    METRICS,
    Options,
    Probabilities,
    measure,
    measure_all,
    metric_of,
    metrics_of,
)
from opsconsole.store.baselines import Realised

Array = npt.NDArray[np.generic]
RANDOM = np.random.default_rng(21)
SCORES = np.round(RANDOM.random(3000), 2)
LABELS = (RANDOM.random(3000) < SCORES**1.3).astype(float)
AT = Options(threshold=0.3)
CLASSES = ("apple", "fig", "pear")


def binary(name: str, options: Options = AT) -> Realised:
    return measure(metric_of(name, ModelTask.BINARY, "here"), LABELS, SCORES, options)


def fruit(rows: int, random: np.random.Generator) -> tuple[npt.NDArray[np.object_], Probabilities]:
    """Rows whose probabilities say how the labels fall."""
    values = random.dirichlet((2.0, 1.0, 0.7), rows)
    places = (random.random((rows, 1)) > values.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    return np.array(CLASSES, dtype=object)[places], Probabilities(CLASSES, values)


def inside(found: Realised) -> None:
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.value <= found.high
    assert found.low < found.high


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", sk.accuracy_score(LABELS, SCORES >= 0.3)),
        ("f1", sk.f1_score(LABELS, SCORES >= 0.3)),
        ("precision", sk.precision_score(LABELS, SCORES >= 0.3)),
        ("recall", sk.recall_score(LABELS, SCORES >= 0.3)),
    ],
)
def test_metrics_at_a_threshold_are_scikit_learns(name: str, expected: float) -> None:
    found = binary(name)
    assert found.value == pytest.approx(expected, abs=1e-9)
    inside(found)


@pytest.mark.parametrize("scores", [SCORES, RANDOM.random(3000), np.round(SCORES, 1)], ids=["ties", "none", "many"])
def test_calibration_error_is_that_of_scikit_learns_curve(scores: npt.NDArray[np.float64]) -> None:
    seen, expected = calibration_curve(LABELS, scores, n_bins=10, strategy="quantile")
    edges = np.percentile(scores, np.linspace(0, 1, 11) * 100)
    rows = np.bincount(np.searchsorted(edges[1:-1], scores), minlength=11)
    value = np.sum(rows[rows > 0] * np.abs(seen - expected)) / 3000
    found = measure(metric_of("calibration", ModelTask.BINARY, "here"), LABELS, scores)
    assert found.value == pytest.approx(value, abs=1e-9)
    inside(found)


def test_calibration_of_a_calibrated_model_reaches_down_to_0_and_of_a_bad_one_does_not() -> None:
    random = np.random.default_rng(5)
    metric = metric_of("calibration", ModelTask.BINARY, "here")
    zero = clear = 0
    for _ in range(100):
        scores = random.random(1000)
        zero += measure(metric, (random.random(1000) < scores).astype(float), scores).low == 0
        found = measure(metric, (random.random(1000) < scores**2).astype(float), scores)
        assert found.low is not None
        assert found.high is not None
        clear += 0 < found.low <= 1 / 6 <= found.high
    assert zero >= 90
    assert clear >= 88


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mape", sk.mean_absolute_percentage_error),
        ("quantile_loss", lambda truth, told: sk.mean_pinball_loss(truth, told, alpha=0.8)),
        ("r2", sk.r2_score),
        ("mae", sk.mean_absolute_error),
    ],
)
def test_regression_metrics_are_scikit_learns(name: str, expected: Callable[[Array, Array], float]) -> None:
    truth = RANDOM.normal(5, 2, 700)
    told = truth + RANDOM.normal(0, 1, 700)
    found = measure(metric_of(name, ModelTask.REGRESSION, "here"), truth, told, Options(quantile=0.8))
    assert found.value == pytest.approx(expected(truth, told), abs=1e-9)
    inside(found)


def test_mape_leaves_labels_of_0_out_and_counts_the_others() -> None:
    metric = metric_of("mape", ModelTask.REGRESSION, "here")
    found = measure(metric, np.array([0.0, 2.0, 4.0, 0.0]), np.array([1.0, 3.0, 3.0, 0.0]))
    assert found.value == pytest.approx((0.5 + 0.25) / 2)
    assert found.labels == 2
    assert measure(metric, np.zeros(3), np.ones(3)) == Realised("mape", None, None, None, 0)


def test_multiclass_metrics_are_scikit_learns() -> None:
    labels, chances = fruit(900, RANDOM)
    told, truth = chances.predicted(), labels.astype(str)
    found = measure_all(ModelTask.MULTICLASS, labels, told, probabilities=chances)
    expected = {
        "accuracy": sk.accuracy_score(truth, told.astype(str)),
        "f1_macro": sk.f1_score(truth, told.astype(str), average="macro"),
        "log_loss": sk.log_loss(truth, chances.values, labels=list(CLASSES)),
        "auc": sk.roc_auc_score(truth, chances.values, multi_class="ovr", average="macro", labels=list(CLASSES)),
    }
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, abs=1e-9), name
        inside(found[name])


def test_multiclass_without_probabilities_has_what_the_class_alone_gives() -> None:
    labels, chances = fruit(200, RANDOM)
    found = measure_all(ModelTask.MULTICLASS, labels, chances.predicted())
    assert set(found) == {"accuracy", "f1_macro"}
    loss = measure(metric_of("log_loss", ModelTask.MULTICLASS, "here"), labels, chances.predicted())
    assert loss == Realised("log_loss", None, None, None, 200)


def test_macro_auc_has_no_value_where_a_class_has_no_row() -> None:
    labels, chances = fruit(300, RANDOM)
    there = labels != "fig"
    part = Probabilities(CLASSES, chances.values[there])
    metric = metric_of("auc", ModelTask.MULTICLASS, "here")
    assert measure(metric, labels[there], part.predicted(), probabilities=part).value is None


def test_a_class_the_model_does_not_know_costs_as_much_as_a_probability_of_0() -> None:
    chances = Probabilities(("a", "b"), np.array([[0.5, 0.5], [1.0, 0.0]]))
    metric = metric_of("log_loss", ModelTask.MULTICLASS, "here")
    found = measure(metric, np.array(["a", "z"], dtype=object), chances.predicted(), probabilities=chances)
    assert found.value == pytest.approx((np.log(2) - np.log(np.finfo(float).eps)) / 2)


def test_probabilities_have_a_column_for_each_class() -> None:
    with pytest.raises(ValueError, match=r"3 classes, but probabilities of shape \(4, 2\)"):
        Probabilities(CLASSES, np.zeros((4, 2)))


@pytest.mark.parametrize("name", ["f1", "precision", "recall"])
def test_intervals_at_a_threshold_cover_the_truth_about_as_often_as_they_say(name: str) -> None:
    random = np.random.default_rng(31)
    metric = metric_of(name, ModelTask.BINARY, "here")

    def draw(rows: int) -> Realised:
        scores = random.beta(2, 3, rows)
        return measure(metric, (random.random(rows) < scores).astype(float), scores, AT)

    covers(draw)


@pytest.mark.parametrize("name", ["accuracy", "f1_macro", "log_loss", "auc"])
def test_intervals_of_multiclass_metrics_cover_the_truth_about_as_often_as_they_say(name: str) -> None:
    random = np.random.default_rng(32)
    metric = metric_of(name, ModelTask.MULTICLASS, "here")

    def draw(rows: int) -> Realised:
        labels, chances = fruit(rows, random)
        return measure(metric, labels, chances.predicted(), probabilities=chances)

    covers(draw)


def covers(draw: Callable[[int], Realised]) -> None:
    truth = draw(200_000).value
    assert truth is not None
    hits = 0
    for _ in range(300):
        found = draw(400)
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= truth <= found.high
    assert 0.90 <= hits / 300 <= 0.99


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.2, 0.5, 0.7, 1.0])), min_size=1, max_size=40))
def test_every_value_lies_in_its_range_whatever_the_rows(rows: list[tuple[bool, float]]) -> None:
    labels, scores = np.array([float(label) for label, _ in rows]), np.array([score for _, score in rows])
    for name, found in measure_all(ModelTask.BINARY, labels, scores).items():
        if found.value is not None:
            assert found.value >= 0
            assert found.value <= 1 or not metric_of(name, ModelTask.BINARY, "here").bounded
        assert (found.low is None) == (found.high is None)


def test_no_called_row_means_no_precision_and_no_row_no_value_at_all() -> None:
    labels, scores = np.array([1.0, 0.0]), np.array([0.1, 0.2])
    assert measure(metric_of("precision", ModelTask.BINARY, "here"), labels, scores).value is None
    assert measure(metric_of("recall", ModelTask.BINARY, "here"), np.zeros(2), scores).value is None
    assert measure(metric_of("f1", ModelTask.BINARY, "here"), np.zeros(2), scores).value is None
    for task in ModelTask:
        empty = np.empty(0)
        assert all(found.value is None for found in measure_all(task, empty, empty).values())


def test_each_task_has_its_metrics_once() -> None:
    for task in ModelTask:
        names = [metric.name for metric in metrics_of(task)]
        assert len(names) == len(set(names))
    assert {metric.name for metric in METRICS if not metric.bounded} == {
        "log_loss", "brier", "mae", "mse", "rmse", "mape", "quantile_loss",
    }  # fmt: skip


def test_a_quantile_outside_0_to_1_is_refused() -> None:
    with pytest.raises(ValueError, match="a quantile lies between 0 and 1"):
        Options(quantile=1.0)


def test_numbers_too_large_to_be_summed_give_no_value_and_no_warning() -> None:
    labels = np.where(np.arange(600) % 2, 1.7e308, -1.7e308)
    for found in measure_all(ModelTask.REGRESSION, labels, np.zeros(600)).values():
        assert found.value is None or np.isfinite(found.value)
        assert found.low is None or np.isfinite(found.low)
