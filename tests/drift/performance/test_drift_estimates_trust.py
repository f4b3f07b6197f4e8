"""When an estimate is relied on: its test on the reference, every labelled chunk since, and how it loses and wins trust."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

import opsconsole.demo.data
from opsconsole.core.nouns import ModelTask, Severity
from opsconsole.drift.performance.estimates.binary import Estimated, estimate
from opsconsole.drift.performance.estimates.calibrators import fit_calibrator
from opsconsole.drift.performance.estimates.loss_model import KINDS
from opsconsole.drift.performance.estimates.self_tests import self_test, self_test_classes, self_test_loss
from opsconsole.drift.performance.estimates.trust import Agreement, BackTest, Compared, TrackRecord, Trust, judge_trust
from opsconsole.drift.performance.realised.metrics import Probabilities, measure, metric_of
from opsconsole.drift.verdicts.history import Past, VersionHistory, past_of
from opsconsole.store.baselines import Realised
from opsconsole.store.chunk_records import ChunkRecord, Estimate
from tests.drift.performance.test_drift_estimates_loss import fitted

FLIGHTS = Path(opsconsole.demo.data.__file__).with_name("flights-2013.parquet")
AUC = metric_of("auc", ModelTask.BINARY, "here")
TEST = BackTest(AUC, reference=0.75, floor=0.70)


def chunk(
    estimated: float, realised: float, *, label: str = "Mar", half: float = 0.007, coverage: float = 0.9
) -> Compared:
    return TEST.compare(
        label,
        Estimated("auc", estimated, estimated - half, estimated + half, 9000),
        Realised("auc", realised, realised - half, realised + half, 8000),
        coverage,
    )


GOOD, BAD, MUTE = chunk(0.74, 0.735), chunk(0.74, 0.70), chunk(0.74, 0.70, coverage=0.4)


def test_a_difference_must_matter_and_be_more_than_chance_to_disprove() -> None:
    assert TEST.tolerance == pytest.approx(0.0125)
    assert chunk(0.74, 0.726).agreement is Agreement.DISPROVED
    assert chunk(0.726, 0.74).agreement is Agreement.DISPROVED
    assert chunk(0.74, 0.728).agreement is Agreement.AGREES
    assert chunk(0.74, 0.70, half=0.03).agreement is Agreement.AGREES
    assert chunk(0.74, 0.70, half=0.028).agreement is Agreement.DISPROVED


def test_too_few_labels_or_no_interval_test_nothing() -> None:
    assert MUTE.agreement is Agreement.UNTESTED
    bare = TEST.compare("Mar", Estimated("auc", 0.74, None, None, 9), Realised("auc", 0.5, 0.4, 0.6, 9), 1.0)
    assert bare.agreement is Agreement.UNTESTED
    bare = TEST.compare("Mar", Estimated("auc", 0.74, 0.7, 0.8, 9), Realised("auc", 0.5, None, None, 9), 1.0)
    assert bare.difference is None
    assert judge_trust([MUTE, bare]).tested == 0


def test_what_was_compared_survives_storing() -> None:
    for one in (GOOD, BAD, MUTE):
        assert msgspec.json.decode(msgspec.json.encode(one), type=Compared) == one


def test_the_tolerance_is_a_quarter_of_the_way_to_the_floor_and_never_petty() -> None:
    assert BackTest(AUC, 0.75, 0.745).tolerance == 0.005
    assert BackTest(AUC, 0.75, None).tolerance == 0.005
    mae = metric_of("mae", ModelTask.REGRESSION, "here")
    assert BackTest(mae, 40.0, 60.0).tolerance == 5.0
    assert BackTest(mae, 40.0, 41.0).tolerance == 2.0
    assert BackTest(mae, None, None).tolerance == 0.0


def test_before_any_labels_it_is_trusted_only_if_it_stood_its_test_on_the_reference() -> None:
    stood = judge_trust([], GOOD)
    assert stood == Trust(True, 0, None, None, "not yet tested by labels; on the reference itself off by .005")
    failed = judge_trust([], BAD)
    assert not failed.trusted
    assert failed.words == ("not yet tested by labels; failed on the reference itself, off by .040: do not rely on it")
    assert judge_trust([]).trusted is False
    assert judge_trust([]).words == "not yet tested by labels, nor could it be on the reference"


def test_the_first_chunk_that_disproves_it_costs_the_trust_and_three_that_agree_win_it_back() -> None:
    bad = chunk(0.74, 0.70, label="Apr")
    assert judge_trust([GOOD, GOOD], GOOD).trusted
    fallen = judge_trust([GOOD, bad, BAD], GOOD)
    assert (fallen.trusted, fallen.tested, fallen.disproved_since) == (False, 3, "Apr")
    assert fallen.error == pytest.approx((0.005 + 0.04 + 0.04) / 3)
    assert fallen.words == (
        "disproved by labels since Apr: off by .028 on average over 3 labelled chunks; do not rely on it"
    )
    rising = judge_trust([bad, GOOD, MUTE, GOOD], GOOD)
    assert not rising.trusted
    assert "; 2 of 3 that must agree in a row; do not rely on it" in rising.words
    assert not judge_trust([bad, GOOD, GOOD, BAD, GOOD], GOOD).trusted
    again = judge_trust([bad, GOOD, GOOD, MUTE, GOOD], GOOD)
    assert (again.trusted, again.disproved_since) == (True, None)
    assert again.words.startswith("borne out by labels: off by .014 on average over 4 labelled chunks")


def test_one_that_failed_on_the_reference_is_trusted_after_three_chunks_that_agree() -> None:
    two = judge_trust([GOOD, GOOD], BAD)
    assert not two.trusted
    assert two.words.startswith("failed on the reference, or not tested there; off by .005")
    assert judge_trust([GOOD, GOOD, GOOD]).trusted


@given(st.lists(st.sampled_from([GOOD, BAD, MUTE])))
def test_what_the_last_labelled_chunk_disproves_is_never_trusted(history: list[Compared]) -> None:
    trust = judge_trust(history, GOOD)
    tested = [one.agreement for one in history if one.agreement is not Agreement.UNTESTED]
    assert trust.tested == len(tested)
    if tested[-1:] == [Agreement.DISPROVED]:
        assert not trust.trusted
    if Agreement.DISPROVED not in tested or tested[-3:] == [Agreement.AGREES] * 3:
        assert trust.trusted
    assert (trust.disproved_since is None) == trust.trusted


def test_an_estimate_from_a_reference_that_is_one_piece_stands_its_own_test() -> None:
    random = np.random.default_rng(61)
    scores = random.random(4000)
    found = self_test(TEST, scores, (random.random(4000) < scores**2).astype(float))
    assert found.agreement is Agreement.AGREES
    values = random.dirichlet((2.0, 1.0, 0.7), 4000)
    labels = np.array(["a", "b", "c"], dtype=object)[(random.random((4000, 1)) > values.cumsum(axis=1)).sum(axis=1)]
    of_classes = BackTest(metric_of("accuracy", ModelTask.MULTICLASS, "here"), 0.6, 0.5)
    chances = Probabilities(("a", "b", "c"), values)
    assert self_test_classes(of_classes, chances, labels).agreement is Agreement.AGREES
    for name in ("mae", "rmse"):
        test = BackTest(metric_of(name, ModelTask.REGRESSION, "here"), 1.0, 1.5)
        assert self_test_loss(test, fitted(KINDS[name])).agreement is Agreement.AGREES


def test_where_only_which_rows_come_has_changed_the_estimate_follows_and_stays_trusted() -> None:
    random = np.random.default_rng(62)

    def month(a: float, b: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        scores = random.beta(a, b, 8000)
        return scores, (random.random(8000) < scores**1.4).astype(float)

    scores, labels = month(2, 3)
    calibrator, own = fit_calibrator(scores, labels), measure(AUC, labels, scores).value
    assert own is not None
    test, history = BackTest(AUC, own, own - 0.05), []
    for number, (a, b) in enumerate([(2, 3), (2, 4), (3, 4), (4, 4), (6, 6), (8, 8), (12, 12), (8, 6)]):
        shifted, seen = month(a, b)
        realised = measure(AUC, seen, shifted)
        history.append(test.compare(str(number), estimate("auc", calibrator, shifted), realised, 1.0))
    fell = [one.realised.value for one in history if one.realised.value is not None]
    assert min(fell) < own - 0.1
    trust = judge_trust(history, self_test(test, scores, labels))
    assert trust.trusted
    assert trust.error is not None
    assert trust.error < 0.02


def flights() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Every flight that arrived: its numbers, whether it was late, and its month."""
    table = parquet.read_table(FLIGHTS)
    table = table.filter(pc.is_valid(table.column("late")))
    texts = ("carrier", "origin", "dest")
    others = [
        name for name in table.column_names if name not in {*texts, "row_id", "sched_dep", "late", "manufacturer"}
    ]
    columns = [table.column(name).combine_chunks().dictionary_encode().indices for name in texts]
    columns += [table.column(name).combine_chunks() for name in others if name != "flight"]
    matrix = np.column_stack([one.cast("double").to_numpy(zero_copy_only=False) for one in columns])
    late = table.column("late").cast("double").to_numpy()
    return matrix, late, pc.month(table.column("sched_dep")).to_numpy()


def test_on_new_yorks_flights_labels_disprove_the_estimate_in_march_and_in_every_month_after() -> None:
    """What becomes of the flights changes, not only which there are: CBPE cannot see that, and must not be believed."""
    matrix, late, month = flights()
    learned = (month <= 2) & (np.random.default_rng(2013).random(len(month)) < 0.7)
    reference = (month <= 2) & ~learned
    with threadpool_limits(1):
        model = HistGradientBoostingClassifier(
            max_iter=100, learning_rate=0.1, early_stopping=False, categorical_features=[0, 1, 2], random_state=7
        ).fit(matrix[learned], late[learned])
        scores = model.predict_proba(matrix)[:, 1]
    calibrator = fit_calibrator(scores[reference], late[reference])
    own = measure(AUC, late[reference], scores[reference]).value
    assert own is not None
    test = BackTest(AUC, own, own - 0.05)
    stood = self_test(test, scores[reference], late[reference])
    assert stood.agreement is Agreement.AGREES
    assert judge_trust([], stood).trusted
    history: list[Compared] = []
    for number in range(3, 13):
        rows = month == number
        estimated = estimate("auc", calibrator, scores[rows])
        history.append(test.compare(f"2013-{number:02}", estimated, measure(AUC, late[rows], scores[rows]), 0.97))
        trust = judge_trust(history, stood)
        assert (trust.trusted, trust.disproved_since) == (False, "2013-03")
    assert trust.tested == 10
    assert trust.error is not None
    assert 0.04 < trust.error < 0.1


class Unread(list[Past]):
    """A past that may be asked for its last chunks, and not be gone through."""

    def __iter__(self) -> Iterator[Past]:
        raise AssertionError("the whole past was gone through")


def stored(compared: Compared) -> Past:
    """Return the chunk that was stored of a comparison."""
    estimated, realised = compared.estimated, compared.realised
    assert estimated.value is not None
    assert estimated.low is not None
    assert estimated.high is not None
    day = datetime(2013, 3, 1, tzinfo=UTC)
    record = ChunkRecord(
        monitor="m",
        model="m",
        version=1,
        label=compared.label,
        start=day,
        end=day,
        rows=estimated.rows,
        labels=round(compared.coverage * estimated.rows),
        metric=realised.metric,
        realised=realised.value,
        low=realised.low,
        high=realised.high,
        floor=0.7,
        breaches=0,
        partial=False,
        severity=Severity.OK,
        findings=(),
        fingerprint="",
        estimated=Estimate("auc", estimated.value, estimated.low, estimated.high, True, 0, None, ""),
    )
    return past_of(record, [], None)


def test_a_long_course_is_not_gone_through_for_the_verdict_on_its_next_chunk() -> None:
    history = [*[GOOD] * 1_000, BAD, MUTE, *[GOOD] * 2]
    course = VersionHistory(back_test=TEST, record=TrackRecord(GOOD), past=Unread())
    for one in history:
        course.add(stored(one))
    assert course.record.trust() == judge_trust(history, GOOD)
    assert len(course.history(window=3).drifted) == 2
    assert course.running(lambda past: past.breaches == 0, persist=3, window=3)
    assert not course.running(lambda past: past.structure, persist=2, window=3)
    assert VersionHistory().running(lambda past: past.structure, persist=1, window=3)
