"""A multiclass model's performance without labels, against what labels show on average."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from opsconsole.core.nouns import ModelTask
from opsconsole.drift.performance.estimates.calibrators import (
    IDENTITY,
    Calibrator,
    ClassCalibrators,
    fit_class_calibrators,
)
from opsconsole.drift.performance.estimates.multiclass import CLASS_ESTIMATES, estimate_classes
from opsconsole.drift.performance.realised.metrics import Probabilities, measure, metric_of

CLASSES = ("apple", "fig", "pear")
BENT = ClassCalibrators(CLASSES, (IDENTITY, Calibrator((0.0, 0.5, 1.0), (0.05, 0.3, 0.9)), IDENTITY))


def named(chances: npt.NDArray[np.float64], random: np.random.Generator) -> npt.NDArray[np.object_]:
    places = (random.random((len(chances), 1)) > chances.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    labels: npt.NDArray[np.object_] = np.array(CLASSES, dtype=object)[places]
    return labels


@pytest.mark.parametrize("name", CLASS_ESTIMATES)
def test_an_estimate_is_what_labels_show_on_average_and_its_interval_holds(name: str) -> None:
    random = np.random.default_rng(51)
    model = Probabilities(CLASSES, random.dirichlet((2.0, 1.0, 0.7), 1500))
    metric = metric_of(name, ModelTask.MULTICLASS, "here")
    found = estimate_classes(name, BENT, model)
    seen = np.array(
        [
            measure(metric, named(BENT.chances(model), random), model.predicted(), probabilities=model).value
            for _ in range(200)
        ],
        dtype=float,
    )
    assert found.value == pytest.approx(seen.mean(), abs=max(4 * seen.std() / np.sqrt(200), 0.002))
    assert found.low is not None
    assert found.high is not None
    assert ((found.low <= seen) & (seen <= found.high)).mean() >= 0.93


def test_each_class_is_calibrated_against_the_rest_and_rows_sum_to_1() -> None:
    random = np.random.default_rng(52)
    truth = random.dirichlet((2.0, 1.0, 0.7), 6000)
    told = truth**2 / (truth**2).sum(axis=1, keepdims=True)
    labels = named(truth, random)
    model = Probabilities(CLASSES, told)
    calibrators = fit_class_calibrators(model, labels)
    chances = calibrators.chances(model)
    assert chances.sum(axis=1) == pytest.approx(np.ones(6000))
    assert np.abs(chances - truth).mean() < np.abs(told - truth).mean() / 3
    claimed = estimate_classes("accuracy", ClassCalibrators(CLASSES, (IDENTITY,) * 3), model).value
    seen = measure(metric_of("accuracy", ModelTask.MULTICLASS, "here"), labels, model.predicted()).value
    found = estimate_classes("accuracy", calibrators, model).value
    assert found is not None
    assert claimed is not None
    assert seen is not None
    assert abs(found - seen) < 0.01 < abs(claimed - seen)
    assert msgspec.json.decode(msgspec.json.encode(calibrators), type=ClassCalibrators) == calibrators


@lru_cache(maxsize=1)
def small_references() -> list[tuple[ClassCalibrators, Probabilities, npt.NDArray[np.object_]]]:
    """Twenty fits to 1,000 rows each, and 2,000 later rows with their labels: the same for every metric."""
    found = []
    for seed in range(20):
        random = np.random.default_rng(600 + seed)
        truth = random.dirichlet((2.0, 1.0, 0.7), 3000)
        told = Probabilities(CLASSES, truth**1.3 / (truth**1.3).sum(axis=1, keepdims=True))
        labels = named(truth, random)
        calibrators = fit_class_calibrators(Probabilities(CLASSES, told.values[:1000]), labels[:1000])
        found.append((calibrators, Probabilities(CLASSES, told.values[1000:]), labels[1000:]))
    return found


@pytest.mark.parametrize("name", CLASS_ESTIMATES)
def test_a_small_reference_leaves_the_estimate_open_and_its_interval_says_so(name: str) -> None:
    metric, hits, bare = metric_of(name, ModelTask.MULTICLASS, "here"), 0, 0
    for calibrators, later, labels in small_references():
        seen = measure(metric, labels, later.predicted(), probabilities=later).value
        found = estimate_classes(name, calibrators, later)
        plain = tuple(replace(one, resampled=()) for one in calibrators.of)
        without = estimate_classes(name, ClassCalibrators(CLASSES, plain), later)
        assert seen is not None
        assert found.low is not None
        assert found.high is not None
        assert without.low is not None
        assert without.high is not None
        hits += found.low <= seen <= found.high
        bare += without.low <= seen <= without.high
    assert hits / 20 >= 0.65
    assert hits > bare


def test_two_classes_estimate_the_accuracy_and_auc_of_the_binary_model() -> None:
    random = np.random.default_rng(53)
    scores = random.beta(2, 3, 800)
    model = Probabilities(("no", "yes"), np.column_stack([1 - scores, scores]))
    both = ClassCalibrators(("no", "yes"), (IDENTITY, IDENTITY))
    accuracy = float(np.maximum(scores, 1 - scores).mean())
    assert estimate_classes("accuracy", both, model).value == pytest.approx(accuracy)
    assert estimate_classes("log_loss", both, model).value == pytest.approx(
        float(-(scores * np.log(scores) + (1 - scores) * np.log(1 - scores)).mean())
    )


def test_a_class_that_the_model_names_but_does_not_know_is_never_right() -> None:
    model = Probabilities(("a", "b"), np.array([[1.0, 0.0], [0.0, 1.0]]))
    both = ClassCalibrators(("a", "b"), (IDENTITY, IDENTITY))
    named_so = np.array(["a", "z"], dtype=object)
    assert estimate_classes("accuracy", both, model, named_so).value == 0.5


def test_rows_with_a_missing_probability_are_left_out() -> None:
    model = Probabilities(("a", "b"), np.array([[0.3, 0.7], [np.nan, 0.2]]))
    both = ClassCalibrators(("a", "b"), (IDENTITY, IDENTITY))
    found = estimate_classes("accuracy", both, model, np.array(["a", "b"], dtype=object))
    assert found.value == pytest.approx(0.3)
    assert found.rows == 1


def test_rows_that_no_class_wants_keep_their_probabilities() -> None:
    none = Calibrator((0.0, 1.0), (0.0, 0.0))
    model = Probabilities(("a", "b"), np.array([[0.3, 0.7]]))
    assert ClassCalibrators(("a", "b"), (none, none)).chances(model).tolist() == [[0.3, 0.7]]


def test_other_classes_no_rows_and_other_metrics() -> None:
    model = Probabilities(("a", "b"), np.empty((0, 2)))
    with pytest.raises(ValueError, match="calibrated for apple, fig, pear, not a, b"):
        BENT.chances(model)
    both = ClassCalibrators(("a", "b"), (IDENTITY, IDENTITY))
    assert estimate_classes("auc", both, model).value is None
    with pytest.raises(KeyError):
        estimate_classes("brier", both, model)
