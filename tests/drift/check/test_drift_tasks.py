"""Other tasks, file formats and chunkings through a whole check."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from opsconsole.config.workspace import open_workspace
from opsconsole.core.nouns import Severity
from opsconsole.drift.check.checker import CheckResult, check
from opsconsole.drift.monitors import Subject
from opsconsole.drift.report.monitor_report import MonitorReport, monitors
from opsconsole.store import chunks as chunk_store
from opsconsole.store.connection import open_store

CONFIG = """
[models.m]
task = "{task}"
[monitors.m]
model = "m@production"
current = "live*"
reference = "{reference}"
time = "at"
label = "truth"
score = "said"
chunk = "{chunk}"
performance = {{ metric = "{metric}", floor = "{floor}", for = 1 }}
"""


def lines(values: list[dict[str, object]], path: Path) -> None:
    """Write rows as CSV or JSON lines, by the name."""
    import json

    if path.suffix == ".csv":
        head = list(values[0])
        path.write_text("\n".join([",".join(head), *(",".join(str(row[name]) for name in head) for row in values)]))
    else:
        path.write_text("\n".join(json.dumps(row) for row in values))


def checked(root: Path, *, task: str, chunk: str, metric: str, floor: str, suffix: str) -> CheckResult:
    (root / "opsconsole.toml").write_text(
        CONFIG.format(task=task, chunk=chunk, metric=metric, floor=floor, reference=f"reference{suffix}")
    )
    workspace = open_workspace(root)
    with open_store(workspace.state) as store:
        found = check(workspace, store, "m", Subject("m", "production", 1))
        assert all(chunk_store.columns(store, one.id) for one in found.chunks)
        return found


def standing(root: Path) -> MonitorReport:
    workspace = open_workspace(root)
    with open_store(workspace.state) as store:
        [found] = monitors(store, workspace.config)
    return found


def rows(task: str, count: int, error: float, seed: int, zone: str = "") -> list[dict[str, object]]:
    random = np.random.default_rng(seed)
    found: list[dict[str, object]] = []
    for index in range(count):
        truth: object = float(random.normal())
        said: object = truth + float(random.normal(0, error)) if isinstance(truth, float) else truth
        if task == "multiclass":
            truth = str(random.choice(["low", "mid", "high"]))
            said = truth if random.random() > error else "mid"
        at = np.datetime64("2013-06-03T00:00:00") + np.timedelta64(index * 10, "m")
        found.append({"x": float(random.normal()), "at": f"{at}{zone}", "truth": truth, "said": said})
    return found


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_multiclass_model_is_watched_by_its_accuracy(tmp_path: Path, suffix: str) -> None:
    lines(rows("multiclass", 1000, 0.1, 1), tmp_path / f"reference{suffix}")
    lines(rows("multiclass", 1008, 0.8, 2), tmp_path / f"live{suffix}")
    found = checked(
        tmp_path, task="multiclass", chunk="week", metric="accuracy", floor="reference - 0.1", suffix=suffix
    )
    [chunk] = found.chunks
    assert (chunk.label, chunk.severity) == ("2013-W23", Severity.CRITICAL)
    assert found.alerts[0].words[0].startswith("Performance fell: Accuracy .")


def test_a_regression_has_a_ceiling_on_its_error(tmp_path: Path) -> None:
    lines(rows("regression", 1000, 0.5, 1), tmp_path / "reference.csv")
    lines(rows("regression", 1000, 1.0, 2), tmp_path / "live.csv")
    found = checked(
        tmp_path, task="regression", chunk="size:500", metric="rmse", floor="reference + 0.2", suffix=".csv"
    )
    assert [(one.label, one.severity) for one in found.chunks] == [
        ("#1", Severity.CRITICAL),
        ("#2", Severity.CRITICAL),
    ]
    assert ", ceiling ." in found.alerts[0].words[0]
    assert standing(tmp_path).fell


def test_an_error_that_keeps_below_its_ceiling_did_not_fall(tmp_path: Path) -> None:
    lines(rows("regression", 1000, 0.5, 1), tmp_path / "reference.csv")
    lines(rows("regression", 1000, 0.5, 2), tmp_path / "live.csv")
    checked(tmp_path, task="regression", chunk="size:500", metric="rmse", floor="reference + 0.2", suffix=".csv")
    found = standing(tmp_path)
    assert (found.realised or 9) < (found.floor or 0)
    assert not found.fell


def test_times_with_a_zone_are_cut_in_it(tmp_path: Path) -> None:
    lines(rows("regression", 1000, 0.5, 1), tmp_path / "reference.csv")
    lines(rows("regression", 500, 0.5, 2, zone="Z"), tmp_path / "live.csv")
    found = checked(tmp_path, task="regression", chunk="day", metric="mae", floor="9", suffix=".csv")
    assert found.chunks[0].label == "2013-06-03 – 2013-06-06"  # too few rows a day are merged
    assert all(one.severity is Severity.OK for one in found.chunks)


def test_a_score_that_is_not_finite_counts_as_not_scored(tmp_path: Path) -> None:
    live = rows("regression", 1000, 0.5, 2)
    live[0]["said"] = "inf"
    live[1]["said"] = ""
    lines(rows("regression", 1000, 0.5, 1), tmp_path / "reference.csv")
    lines(live, tmp_path / "live.csv")
    found = checked(tmp_path, task="regression", chunk="month", metric="mae", floor="9", suffix=".csv")
    assert found.chunks[0].rows == 998


@pytest.mark.parametrize(
    ("words", "positive"),
    [((0, 1), None), ((1, 2), "2"), ((-1, 1), "1"), (("no", "yes"), '"yes"'), (("yes", "no"), '"no"'), ((1, 2), "1")],
)
@pytest.mark.parametrize("scores", ["probability", "logit"])
def test_labels_are_what_the_models_positive_label_says_and_logits_are_probabilities(
    tmp_path: Path, words: tuple[object, object], positive: str | None, scores: str
) -> None:
    flipped = positive == "1" and words == (1, 2)
    for name, seed in (("reference.csv", 1), ("live.csv", 2)):
        random = np.random.default_rng(seed)
        chance = 1 / (1 + np.exp(-random.normal(0, 2, 3000)))
        truth = random.random(3000) < chance
        said = chance if scores == "probability" else np.log(chance / (1 - chance))
        said = (1 - chance if scores == "probability" else -said) if flipped else said
        at = np.datetime64("2013-06-03T00:00:00") + np.timedelta64(10, "m") * np.arange(3000)
        found = [
            {"at": time, "truth": words[int(was)], "said": value, "row_id": index}
            for index, (time, was, value) in enumerate(zip(at, truth, said, strict=True))
        ]
        lines(found, tmp_path / name)
    plain = f"positive = {positive}\n" if positive is not None else ""
    config = CONFIG.format(
        task="binary", chunk="week", metric="auc", floor="reference - 0.05", reference="reference.csv"
    )
    told = f'{plain}scores = "{scores}"\n[monitors.m]'
    (tmp_path / "opsconsole.toml").write_text(config.replace("[monitors.m]", told))
    workspace = open_workspace(tmp_path)
    with open_store(workspace.state) as store:
        checked_ = check(workspace, store, "m", Subject("m", "production", 1))
    assert not [note for note in checked_.notes if "left out" in note]
    first = checked_.chunks[0]
    assert first.labels == first.rows
    assert first.realised is not None
    assert 0.8 < first.realised < 0.9
    assert first.severity is Severity.OK
    assert first.estimated is None or abs(first.estimated.value - first.realised) < 0.05
