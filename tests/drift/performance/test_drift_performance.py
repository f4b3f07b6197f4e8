"""Realised metrics against scikit-learn, and what their intervals promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from opsconsole.core.errors import ConfigError
from opsconsole.core.nouns import ModelTask, Severity
from opsconsole.drift.monitors import parse_floor
from opsconsole.drift.performance.realised import metrics as performance
from opsconsole.drift.performance.realised.metrics import measure, metric_of
from opsconsole.drift.verdicts.decline import judge_performance
from opsconsole.drift.verdicts.phrases import ordinal, performance_sentence
from opsconsole.store.baselines import Realised

RANDOM = np.random.default_rng(11)
SCORES = np.round(RANDOM.random(4000), 2)
LABELS = (RANDOM.random(4000) < SCORES).astype(float)
AUC = metric_of("auc", ModelTask.BINARY, "here")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("auc", sk.roc_auc_score(LABELS, SCORES)),
        ("average_precision", sk.average_precision_score(LABELS, SCORES)),
        ("brier", sk.brier_score_loss(LABELS, SCORES)),
        ("log_loss", sk.log_loss(LABELS, SCORES)),
        ("accuracy", sk.accuracy_score(LABELS, SCORES >= 0.5)),
    ],
)
def test_binary_metrics_are_scikit_learns_and_inside_their_interval(name: str, expected: float) -> None:
    found = measure(metric_of(name, ModelTask.BINARY, "here"), LABELS, SCORES)
    assert found.value == pytest.approx(expected, abs=1e-9)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high


@pytest.mark.parametrize("name", ["mae", "mse", "rmse", "r2"])
def test_regression_metrics_are_scikit_learns(name: str) -> None:
    truth = RANDOM.normal(size=500)
    predicted = truth + RANDOM.normal(0, 0.5, 500)
    functions = {
        "mae": sk.mean_absolute_error,
        "mse": sk.mean_squared_error,
        "rmse": sk.root_mean_squared_error,
        "r2": sk.r2_score,
    }
    found = measure(metric_of(name, ModelTask.REGRESSION, "here"), truth, predicted)
    assert found.value == pytest.approx(functions[name](truth, predicted), abs=1e-9)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high


def test_multiclass_accuracy_takes_classes_by_name() -> None:
    labels, predicted = np.array(["a", "b", "c"] * 20, dtype=object), np.array(["a", "b", "b"] * 20, dtype=object)
    found = measure(metric_of("accuracy", ModelTask.MULTICLASS, "here"), labels, predicted)
    assert found.value == pytest.approx(2 / 3)


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=2, max_size=50), st.randoms(use_true_random=False))
def test_auc_with_ties_is_scikit_learns(scores: list[float], random: object) -> None:
    labels = np.arange(len(scores)) % 2
    value, interval = performance.auc(labels.astype(float), np.array(scores))
    assert value == pytest.approx(sk.roc_auc_score(labels, scores), abs=1e-12)
    assert (interval is None) == (len(scores) // 2 < performance.LEAST_CASES)


@pytest.mark.parametrize("name", ["auc", "average_precision", "brier", "log_loss", "accuracy"])
def test_the_interval_covers_the_truth_about_as_often_as_it_says(name: str) -> None:
    random = np.random.default_rng(12)
    metric = metric_of(name, ModelTask.BINARY, "here")

    def draw(rows: int) -> tuple[np.ndarray, np.ndarray]:
        scores = random.beta(2, 3, rows)
        return (random.random(rows) < scores).astype(float), scores

    truth = measure(metric, *draw(400_000)).value
    assert truth is not None
    hits = 0
    for _ in range(300):
        found = measure(metric, *draw(400))
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= truth <= found.high
    assert 0.90 <= hits / 300 <= 0.99


def test_fewer_than_ten_positives_give_a_value_but_no_interval_and_so_no_verdict() -> None:
    labels = np.array([1.0] * 9 + [0.0] * 5000)
    scores = np.linspace(0, 1, len(labels))
    for name in ("auc", "average_precision", "brier", "log_loss", "accuracy"):
        found = measure(metric_of(name, ModelTask.BINARY, "here"), labels, scores)
        assert found.value is not None
        assert found.low is None
    verdict = judge_performance(AUC, measure(AUC, labels, scores), 0.9, 0.85, 1, 2)
    assert verdict.breached is None
    assert verdict.breaches == 1
    assert verdict.severity is Severity.OK


def test_one_class_or_no_rows_have_no_value() -> None:
    assert measure(AUC, np.ones(50), np.linspace(0, 1, 50)).value is None
    assert measure(AUC, np.empty(0), np.empty(0)).value is None


def test_a_value_below_the_floor_whose_interval_reaches_it_is_no_breach() -> None:
    near = judge_performance(AUC, Realised("auc", 0.69, 0.67, 0.71, 999), 0.75, 0.70, 0, 1)
    assert near.breached is False
    under = judge_performance(AUC, Realised("auc", 0.69, 0.68, 0.699, 999), 0.75, 0.70, 0, 1)
    assert under.breached
    assert under.severity is Severity.CRITICAL


def test_it_is_critical_only_after_as_many_chunks_running_as_asked() -> None:
    low = Realised("auc", 0.6, 0.59, 0.61, 999)
    first = judge_performance(AUC, low, 0.75, 0.70, 0, 2)
    assert (first.severity, first.breaches) == (Severity.WARN, 1)
    second = judge_performance(AUC, low, 0.75, 0.70, first.breaches, 2)
    assert (second.severity, second.breaches) == (Severity.CRITICAL, 2)
    good = judge_performance(AUC, Realised("auc", 0.74, 0.73, 0.75, 999), 0.75, 0.70, second.breaches, 2)
    assert (good.severity, good.breaches) == (Severity.OK, 0)


def test_a_metric_of_which_less_is_better_has_a_ceiling() -> None:
    brier = metric_of("brier", ModelTask.BINARY, "here")
    high = judge_performance(brier, Realised("brier", 0.21, 0.205, 0.215, 999), 0.15, 0.2, 1, 2)
    assert high.severity is Severity.CRITICAL
    assert performance_sentence(brier, high, "week", 0.94) == (
        "Performance fell: Brier .150 → .210 (CI .205–.215, labels 94 %), ceiling .200, for the 2nd week."
    )
    assert judge_performance(brier, Realised("brier", 0.1, 0.09, 0.11, 999), 0.15, 0.2, 0, 1).breached is False


def test_floors_are_numbers_or_relative_to_the_reference() -> None:
    assert parse_floor(0.68, "x").at(None) == 0.68
    assert parse_floor("0.68", "x").at(None) == 0.68
    assert parse_floor("reference - 0.05", "x").at(0.757) == pytest.approx(0.707)
    assert parse_floor("reference+.02", "x").at(0.15) == pytest.approx(0.17)
    assert parse_floor("reference", "x").at(0.5) == 0.5
    assert parse_floor("reference - 0.05", "x").at(None) is None
    with pytest.raises(ConfigError, match=r"here: not a floor: 'refrence - 0\.05'"):
        parse_floor("refrence - 0.05", "here")


def test_a_metric_of_another_task_is_refused_with_those_that_fit() -> None:
    with pytest.raises(ConfigError, match="no metric `auc` for a regression model") as caught:
        metric_of("auc", ModelTask.REGRESSION, "opsconsole.toml")
    assert "rmse" in caught.value.hint


def test_ordinals_read_as_one_says_them() -> None:
    assert [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 13, 21, 22, 112)] == [
        "1st",
        "2nd",
        "3rd",
        "4th",
        "11th",
        "12th",
        "13th",
        "21st",
        "22nd",
        "112th",
    ]
