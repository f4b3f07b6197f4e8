"""A regression's error estimated without labels: it follows a change of inputs, streams, and outlives its process."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from sklearn.pipeline import Pipeline
from skops.io import dumps, get_untrusted_types

from opsconsole.core.nouns import ModelTask
from opsconsole.drift.matrix import MatrixColumn, columns_of
from opsconsole.drift.performance.estimates import loss_model
from opsconsole.drift.performance.estimates.loss_model import (
    KINDS,
    LossKind,
    LossModel,
    decode_loss_model,
    estimate_loss,
    fit_loss_model,
    loss_of,
)
from opsconsole.drift.performance.estimates.loss_tally import LossTally
from opsconsole.drift.performance.realised.metrics import Options, measure, metric_of

Floats = npt.NDArray[np.float64]
LOW = Options(quantile=0.2)
READ = """
import sys
import numpy as np, pyarrow as pa
from opsconsole.drift.performance.estimates.loss_model import decode_loss_model, estimate_loss
with open(sys.argv[1], "rb") as file:
    model = decode_loss_model(file.read())
batch = pa.record_batch({"size": [1.0, 8.0], "town": ["here", "nowhere"], "new": [True, None]})
print(*estimate_loss(model, batch, np.array([3.0, 17.0])), sep=chr(10))
"""


def houses(rows: int, seed: int, *, large: float = 0.2) -> tuple[pa.RecordBatch, Floats, Floats]:
    """Rows whose prediction errs the more the larger a house is, and twice as much out of town."""
    random = np.random.default_rng(seed)
    size = np.where(random.random(rows) < large, random.uniform(5, 10, rows), random.uniform(0, 5, rows))
    out = random.random(rows) < 0.3
    scores = 1 + 2 * size
    labels = scores + random.normal(0, 1, rows) * size / 5 * np.where(out, 2, 1)
    town = np.where(out, "out", np.where(random.random(rows) < 0.5, "here", "there"))
    batch = pa.record_batch({"size": size, "town": pa.array(town), "new": random.random(rows) < 0.5})
    return batch, labels, scores


@cache
def fitted(kind: LossKind) -> LossModel:
    batch, labels, scores = houses(12_000, 1)
    model = fit_loss_model(kind, [batch.slice(0, 5000), batch.slice(5000)], labels, scores, LOW)
    assert model is not None
    return model


@pytest.mark.parametrize("name", KINDS)
def test_the_estimate_follows_what_a_change_of_inputs_does_to_the_error(name: str) -> None:
    metric, model = metric_of(name, ModelTask.REGRESSION, "here"), fitted(KINDS[name])
    _, labels, scores = houses(12_000, 1)
    before = measure(metric, labels, scores, LOW)
    batch, labels, scores = houses(6_000, 2, large=0.7)
    after = measure(metric, labels, scores, LOW)
    tally = LossTally(model)
    tally.add(batch, scores)
    found = tally.result(name)
    assert before.value is not None
    assert after.value is not None
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert abs(after.value - before.value) > 5 * abs(after.value - found.value)
    assert found.low <= after.value <= found.high
    assert found.rows == 6_000


@pytest.mark.parametrize("kind", LossKind)
def test_the_model_is_checked_on_rows_it_did_not_learn_from(kind: LossKind) -> None:
    model = fitted(kind)
    assert (model.learned, model.checked_rows) == (6_000, 6_000)
    assert model.checked == model.expected - model.seen
    assert abs(model.checked) < 4 * model.seen_error
    assert 0.5 < model.noise < 3


def test_batches_sum_to_the_whole() -> None:
    model = fitted(LossKind.ABSOLUTE)
    batch, _, scores = houses(5_000, 3)
    whole, parts = LossTally(model), LossTally(model)
    whole.add(batch, scores)
    for start in range(0, 5_000, 700):
        parts.add(batch.slice(start, 700), scores[start : start + 700])
    parts.add(batch.slice(0, 0), scores[:0])
    one, other = whole.result("mae"), parts.result("mae")
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high), rel=1e-12)
    assert one.rows == other.rows


def test_a_stored_model_says_the_same_in_a_later_process(tmp_path: Path) -> None:
    model = fitted(LossKind.SQUARED)
    file = tmp_path / "loss.bin"
    file.write_bytes(model.encode())
    answer = subprocess.run([sys.executable, "-c", READ, file], check=True, capture_output=True, text=True)
    batch = pa.record_batch({"size": [1.0, 8.0], "town": ["here", "nowhere"], "new": [True, None]})
    expected = estimate_loss(model, batch, np.array([3.0, 17.0]))
    assert [float(line) for line in answer.stdout.split()] == expected.tolist()
    read = decode_loss_model(file.read_bytes())
    assert replace(read, estimator=None) == replace(model, estimator=None)


def test_only_the_listed_types_are_ever_built() -> None:
    model = fitted(LossKind.SQUARED)
    assert set(get_untrusted_types(data=dumps(model.estimator))) <= set(loss_model.TRUSTED)
    strange = replace(model, estimator=Pipeline([("own", _Stranger())]))
    with pytest.raises(ValueError, match=r"types that are not trusted: .*_Stranger"):
        decode_loss_model(strange.encode())


class _Stranger:
    pass


def test_anything_else_is_no_stored_model() -> None:
    with pytest.raises(ValueError, match="not a stored loss model"):
        decode_loss_model(b"nothing")
    document = msgspec.msgpack.decode(fitted(LossKind.SQUARED).encode())
    with pytest.raises(ValueError, match="not a stored loss model"):
        decode_loss_model(msgspec.msgpack.encode({**document, "skops": b"no archive"}))
    with pytest.raises(ValueError, match="a loss model of format 99"):
        decode_loss_model(msgspec.msgpack.encode({**document, "format": 99}))


def test_a_column_that_is_gone_or_of_another_type_and_a_category_never_seen_count_as_missing() -> None:
    model = fitted(LossKind.ABSOLUTE)
    scores = np.array([5.0, np.nan])
    missing = pa.record_batch({"size": [2.0, 2.0], "town": pa.array([None, None], pa.string()), "new": [True, True]})
    unseen = pa.record_batch({"size": [2.0, 2.0], "town": ["moon", "moon"], "new": [True, True]})
    gone = pa.record_batch({"new": [True, True], "size": [2.0, 2.0]})
    expected = estimate_loss(model, missing, scores)
    assert np.isfinite(expected[0])
    assert np.isnan(expected[1])
    assert estimate_loss(model, unseen, scores)[0] == expected[0]
    assert estimate_loss(model, gone, scores)[0] == expected[0]
    strange = pa.record_batch({"size": ["two", "two"], "town": ["here", "here"], "new": [True, True]})
    without = pa.record_batch({"town": ["here", "here"], "new": [True, True]})
    assert estimate_loss(model, strange, scores)[0] == estimate_loss(model, without, scores)[0]


def test_what_can_be_learned_from_is_numbers_and_texts_by_their_commonest() -> None:
    batch = pa.record_batch(
        {
            "text": pa.array(["b", "a", "a", None]).dictionary_encode(),
            "number": pa.array([1, 2, None, 4]),
            "when": pa.array([1, 2, 3, 4], pa.timestamp("s")),
            "empty": pa.array([None] * 4, pa.string()),
        }
    )
    assert columns_of([batch]) == (MatrixColumn("text", ("a", "b")), MatrixColumn("number"))


def test_of_many_rows_a_sample_is_learned_from_and_of_too_few_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    batch, labels, scores = houses(900, 4)
    monkeypatch.setattr(loss_model, "MOST_ROWS", 400)
    model = fit_loss_model(LossKind.ABSOLUTE, [batch], labels, scores)
    again = fit_loss_model(LossKind.ABSOLUTE, [batch], labels, scores)
    assert model is not None
    assert again is not None
    assert (model.learned, model.checked_rows) == (200, 200)
    assert replace(model, estimator=None) == replace(again, estimator=None)
    assert fit_loss_model(LossKind.ABSOLUTE, [batch], np.full(900, np.nan), scores) is None


def test_a_label_of_0_has_no_relative_loss() -> None:
    found = loss_of(LossKind.RELATIVE, np.array([0.0, 2.0, np.nan]), np.array([1.0, 1.0, 1.0]))
    assert found.tolist() == pytest.approx([np.nan, 0.5, np.nan], nan_ok=True)


def test_a_model_of_one_loss_does_not_estimate_another_and_no_rows_have_no_value() -> None:
    tally = LossTally(fitted(LossKind.SQUARED))
    assert tally.result("rmse").value is None
    with pytest.raises(ValueError, match="a model of the squared loss does not estimate `mae`"):
        tally.result("mae")
