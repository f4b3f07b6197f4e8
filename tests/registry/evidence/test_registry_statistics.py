"""The paired DeLong test against R's pROC 1.18.0, and the three verdicts of a non-inferiority margin."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.naive_bayes import GaussianNB

from opsconsole.core.ranking import placements
from opsconsole.registry.evidence.statistics import LEAST_CASES, auc_difference, mean_loss_difference, row_losses

Floats = npt.NDArray[np.float64]
DATA, TARGET = load_breast_cancer(return_X_y=True)
ODD, EVEN = slice(1, None, 2), slice(0, None, 2)
LABELS: Floats = TARGET[ODD].astype(float)


def bayes(columns: slice) -> Floats:
    fitted = GaussianNB().fit(DATA[EVEN, columns], TARGET[EVEN])
    found: Floats = fitted.predict_proba(DATA[ODD, columns])[:, 1]
    return found


RAW = (-DATA[ODD, 0], -DATA[ODD, 1])
FITTED = (bayes(slice(0, 10)), bayes(slice(10, 20)))


@pytest.mark.parametrize(
    ("scores", "aucs", "z", "p", "variances", "covariance"),
    [
        (
            RAW,
            (0.910527690700104, 0.748955067920585),
            4.79459962803539,
            1.63000042320535e-06,
            (0.000334229061927389, 0.0008168098288257),
            7.7122923051924e-06,
        ),
        (
            FITTED,
            (0.973458725182863, 0.903970741901776),
            3.75394492744637,
            0.000174073124873554,
            (7.61137488251152e-05, 0.000374890933154409),
            5.41801477896314e-05,
        ),
    ],
    ids=["columns as they are", "two models"],
)
def test_delong_is_r_s_proc(
    scores: tuple[Floats, Floats],
    aucs: tuple[float, float],
    z: float,
    p: float,
    variances: tuple[float, float],
    covariance: float,
) -> None:
    found = auc_difference(LABELS, scores[1], scores[0])
    assert found is not None
    assert (found.challenger, found.champion) == pytest.approx(aucs, abs=1e-12)
    assert found.difference / found.error == pytest.approx(z, rel=1e-9)
    assert found.p == pytest.approx(p, rel=1e-9)
    assert found.error**2 == pytest.approx(sum(variances) - 2 * covariance, rel=1e-9)
    for one, expected in zip(scores, variances, strict=True):
        placed = placements(one, LABELS > 0.5)
        variance = sum(part.var(ddof=1) / len(part) for part in (placed.of_cases, placed.of_controls))
        assert variance == pytest.approx(expected, rel=1e-9)


def test_the_interval_is_r_s_too() -> None:
    found = auc_difference(LABELS, FITTED[1], FITTED[0])
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.03320776, 0.10576820), abs=1e-8)


@pytest.mark.parametrize(
    ("margin", "z", "p", "verdict"),
    [
        (0.10, 1.648348750, 0.049640563, True),
        (0.05, -1.052798089, 0.853783229, None),
        (0.12, 2.728807486, 0.003178190, True),
        (0.03, None, None, False),
    ],
)
def test_non_inferiority_has_three_verdicts(
    margin: float, z: float | None, p: float | None, verdict: bool | None
) -> None:
    found = auc_difference(LABELS, *FITTED)
    assert found is not None
    assert (found.difference, found.error) == pytest.approx((-0.069487983, 0.018510656), abs=1e-9)
    assert found.not_worse(margin) is verdict
    if z is not None and p is not None:
        shown = (found.difference + margin) / found.error
        assert shown == pytest.approx(z, abs=1e-8)
        assert 0.5 * math.erfc(shown / math.sqrt(2)) == pytest.approx(p, abs=1e-9)
        assert (p < 0.05) is bool(verdict)


def test_rows_needed_is_what_would_decide_at_80_percent_power() -> None:
    found = auc_difference(LABELS, *FITTED)
    assert found is not None
    expected = len(LABELS) * (found.error * (stats.norm.ppf(0.95) + stats.norm.ppf(0.8)) / 0.05) ** 2
    assert found.rows_needed(0.05) == math.ceil(expected)


def test_two_that_rank_alike_differ_by_nothing_and_no_p_is_told() -> None:
    found = auc_difference(LABELS, RAW[0], RAW[0] * 3)
    assert found is not None
    assert (found.difference, found.error, found.p) == (0.0, 0.0, None)
    assert (found.not_worse(0.0), found.rows_needed(0.0)) == (None, 0), "no number of rows proves that nothing differs"
    pairs = min(int(LABELS.sum()), int((LABELS == 0).sum()))
    assert found.exact is not None
    assert found.exact.low == pytest.approx(0.05 ** (1 / pairs) - 1)
    assert (found.not_worse(0.02), found.not_worse(0.03)) == (None, True)


def test_too_few_cases_give_no_difference() -> None:
    labels = np.array([1.0] * (LEAST_CASES - 1) + [0.0] * 500)
    scores = np.linspace(0, 1, len(labels))
    assert auc_difference(labels, scores, scores) is None
    labels[LEAST_CASES - 1] = 1.0
    assert auc_difference(labels, scores, scores) is not None


def test_paired_losses_are_the_paired_t_test_s() -> None:
    data, target = load_diabetes(return_X_y=True)
    losses = []
    for columns in (list(range(10)), [2, 8]):
        fitted = LinearRegression().fit(data[EVEN][:, columns], target[EVEN])
        found = row_losses("mae", target[ODD], fitted.predict(data[ODD][:, columns]))
        assert found is not None
        losses.append(found[0])
    difference = mean_loss_difference(losses[1], losses[0])
    assert difference is not None
    assert (difference.challenger, difference.champion) == pytest.approx((44.25041842, 45.84362474), abs=1e-7)
    assert difference.difference / difference.error == pytest.approx(1.149565322475479, rel=1e-9)
    assert mean_loss_difference(losses[0][:29], losses[1][:29]) is None


@pytest.mark.parametrize("metric", ["brier", "log_loss", "accuracy"])
def test_row_losses_have_scikit_learn_s_means(metric: str) -> None:
    from sklearn import metrics

    found = row_losses(metric, LABELS, FITTED[0])
    assert found is not None
    expected = {
        "brier": 0.078612426,
        "log_loss": metrics.log_loss(LABELS, FITTED[0]),
        "accuracy": 0.911971831,
    }[metric]
    assert found[0].mean() == pytest.approx(expected, abs=1e-9)
    assert found[1] is (metric == "accuracy"), "more of it is better"


def test_a_metric_that_is_no_mean_over_rows_has_no_row_losses() -> None:
    assert row_losses("f1", LABELS, FITTED[0]) is None
