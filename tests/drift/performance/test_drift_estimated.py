"""Estimates in a whole check: made before labels, held against them, never trusted again too soon."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opsconsole.config.workspace import open_workspace
from opsconsole.core.nouns import Severity
from opsconsole.drift.check.checker import CheckResult, check
from opsconsole.drift.monitors import Subject
from opsconsole.store import alerts
from opsconsole.store.connection import open_store
from tests.drift.drift_world import World

MONITOR = """
[models.m]
task = "{task}"
[monitors.m]
model = "m@production"
current = "live.parquet"
reference = "reference.parquet"
time = "at"
label = "truth"
chunk = "size:1000"
performance = {{ metric = "{metric}", floor = "{floor}" }}
"""
LEVELS = ("high", "low", "mid")


def moments(count: int) -> list[np.datetime64]:
    return [np.datetime64("2013-06-03T00:00:00", "us") + np.timedelta64(index, "m") for index in range(count)]


def checked(root: Path, task: str, metric: str, floor: str) -> CheckResult:
    (root / "opsconsole.toml").write_text(MONITOR.format(task=task, metric=metric, floor=floor))
    workspace = open_workspace(root)
    with open_store(workspace.state) as store:
        return check(workspace, store, "m", Subject("m", "production", 1))


def test_before_labels_a_score_that_says_so_warns_of_worse_performance(world: World) -> None:
    january = world.month(1)
    subject = world.version(1, january, at=1)
    for number in (2, 3):
        ids, scores, _ = world.month(number, labels=False)
        world.predict(1, ids, 0.5 + (scores - 0.5) * 0.3)
    found = world.check(subject)
    estimates = [chunk.estimated for chunk in found.chunks]
    assert all(one is not None and one.trusted and one.value < 0.75 for one in estimates)
    assert estimates[0] is not None
    assert estimates[0].words.startswith("not yet tested by labels; on the reference itself off by .0")
    told = [finding for finding in found.chunks[0].findings if finding.kind == "estimate"]
    assert [one.severity for one in told] == [Severity.WARN]
    assert told[0].text.startswith("Performance is expected to have fallen: AUC .")
    [alert] = alerts.alerts(world.store, monitor="m")
    assert any("estimated without labels" in sentence for sentence in alert.words)


def test_the_first_labels_that_disprove_an_estimate_end_its_trust_and_three_that_agree_restore_it(
    world: World, subject: Subject
) -> None:
    world.live(2)
    world.live(3, skill=0.3)
    for number in (4, 5, 6, 7):
        world.live(number)
    found = world.check(subject)
    trusted = [chunk.estimated.trusted for chunk in found.chunks if chunk.estimated is not None]
    assert trusted == [True, False, False, False, True, True]
    words = [chunk.estimated.words for chunk in found.chunks if chunk.estimated is not None]
    assert "disproved by labels since Mar 2013: off by ." in words[1]
    assert "do not rely on it" in words[2]
    march = found.chunks[1].estimated
    assert march is not None
    assert march.tested == 2
    assert march.error is not None
    assert march.error > 0.05


def test_labels_that_come_later_disprove_what_was_trusted(world: World, subject: Subject) -> None:
    late = world.month(2, labels=False, skill=0.3)
    world.predict(1, late[0], late[1])
    [before] = world.check(subject).chunks
    assert before.estimated is not None
    assert before.estimated.trusted
    path = world.root / "data/2013-02.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(table.schema.get_field_index("y"), "y", pa.array(late[2])), path)
    [after] = world.check(subject).chunks
    assert after.estimated is not None
    assert (after.estimated.trusted, after.estimated.value) == (False, before.estimated.value)


def test_a_regression_is_estimated_from_what_its_errors_depend_on(tmp_path: Path) -> None:
    random = np.random.default_rng(5)

    def write(path: Path, rows: int, wild: float, *, labels: bool) -> np.ndarray:
        noisy = random.random(rows) < wild
        x = random.normal(size=rows)
        error = random.normal(size=rows) * np.where(noisy, 3.0, 0.5)
        columns = {
            "x": x,
            "kind": np.where(noisy, "wild", "calm"),
            "at": moments(rows),
            "score": x,
            "truth": x + error if labels else pa.nulls(rows, pa.float64()),
        }
        pq.write_table(pa.table(columns), path)
        return np.abs(error)

    write(tmp_path / "reference.parquet", 4000, 0.2, labels=True)
    errors = write(tmp_path / "live.parquet", 1000, 0.8, labels=False)
    [chunk] = checked(tmp_path, "regression", "mae", "reference + 0.2").chunks
    assert chunk.estimated is not None
    assert chunk.estimated.trusted
    assert chunk.estimated.value == pytest.approx(errors.mean(), rel=0.1)
    assert chunk.severity is Severity.WARN


def test_a_multiclass_model_is_estimated_from_its_probabilities(tmp_path: Path) -> None:
    random = np.random.default_rng(6)

    def write(path: Path, rows: int, sharp: float, *, labels: bool) -> float:
        chances = random.dirichlet([sharp] * 3, rows)
        drawn = (random.random(rows)[:, None] < chances.cumsum(axis=1)).argmax(axis=1)
        named = chances.argmax(axis=1)
        truth = [LEVELS[one] for one in drawn]
        columns: dict[str, object] = {
            "x": random.normal(size=rows),
            "at": moments(rows),
            "score": [LEVELS[one] for one in named],
            "truth": truth if labels else pa.nulls(rows, pa.string()),
        }
        columns |= {f"probability_{name}": chances[:, place] for place, name in enumerate(LEVELS)}
        pq.write_table(pa.table(columns), path)
        return float((drawn == named).mean())

    write(tmp_path / "reference.parquet", 4000, 0.3, labels=True)
    truth = write(tmp_path / "live.parquet", 1000, 3.0, labels=False)
    [chunk] = checked(tmp_path, "multiclass", "accuracy", "reference - 0.1").chunks
    assert chunk.estimated is not None
    assert chunk.estimated.value == pytest.approx(truth, abs=0.05)
    assert chunk.estimated.trusted
    assert [finding.kind for finding in chunk.findings][:1] == ["estimate"]


def test_estimates_can_be_turned_off(world: World, subject: Subject) -> None:
    world.configure('chunk = "month"', 'chunk = "month"\nestimate = false')
    world.live(2)
    assert world.check(subject).chunks[0].estimated is None
