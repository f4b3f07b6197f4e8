"""What a training leaves: parts that do not overlap, a model that can be read back, scores of both on the same rows."""

from __future__ import annotations

import gzip
import json
import tomllib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from flights import artifact, features, train


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, flights: pa.Table) -> Path:
    root = tmp_path_factory.mktemp("workspace")
    for folder, name, rows in (
        ("training", "2013-01", flights.slice(0, 310)),
        ("training", "2013-02", flights.slice(310, 200)),
        ("production", "2013-03", flights.slice(510)),
    ):
        (root / "data" / folder).mkdir(parents=True, exist_ok=True)
        parquet.write_table(rows, root / "data" / folder / f"{name}.parquet")
    return root


def ids(table: pa.Table) -> set[int]:
    return set(table.column("row_id").to_pylist())


def test_the_parts_do_not_overlap_and_leave_nothing_out(workspace: Path) -> None:
    parted = train.split(workspace / "data", None)
    assert not ids(parted.training) & ids(parted.evaluation)
    assert parted.training.num_rows + parted.evaluation.num_rows == 500


def test_the_split_is_the_same_every_time(workspace: Path) -> None:
    first, second = (train.split(workspace / "data", None) for _ in range(2))
    assert ids(first.evaluation) == ids(second.evaluation)


def test_with_a_moment_the_newest_window_is_held_out(workspace: Path) -> None:
    parted = train.split(workspace / "data", "2013-02-01T00:00:00.000000Z")
    assert max(parted.training.column("sched_dep").to_pylist()) < min(parted.evaluation.column("sched_dep").to_pylist())
    assert [path.stem for path in parted.evaluation_files] == ["2013-02", "2013-03"]


def test_a_model_reads_back_and_scores_the_same(tmp_path: Path, flights: pa.Table, workspace: Path) -> None:
    made = train.fit(train.split(workspace / "data", None).training)
    artifact.save(tmp_path, made)
    assert np.array_equal(artifact.load(tmp_path).score(flights), made.score(flights))


def test_scores_are_probabilities_that_know_the_rain(flights: pa.Table, workspace: Path) -> None:
    scores = train.fit(train.split(workspace / "data", None).training).score(flights)
    wet = flights.column("precip").to_numpy() > 0.6
    assert ((scores >= 0) & (scores <= 1)).all()
    assert scores[wet].mean() > scores[~wet].mean()


def test_a_training_leaves_all_that_is_looked_for(
    tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPSCONSOLE_WORKSPACE", str(workspace))
    monkeypatch.setenv("OPSCONSOLE_OUT", str(tmp_path))
    monkeypatch.delenv("OPSCONSOLE_DATA_UNTIL", raising=False)
    monkeypatch.delenv("OPSCONSOLE_CHAMPION", raising=False)
    train.main()
    monkeypatch.setenv("OPSCONSOLE_CHAMPION", str(tmp_path / "model"))
    train.main()
    assert "done" in capsys.readouterr().out
    parts = json.loads((tmp_path / "data.json").read_text())["parts"]
    assert [part["name"] for part in parts] == ["training", "evaluation"]
    with gzip.open(tmp_path / "training.ids.gz", "rt") as file:
        assert len(file.read().split()) == parts[0]["rows"]
    evaluation = parquet.read_table(tmp_path / "evaluation.parquet")
    assert evaluation.num_rows == 2 * parts[1]["rows"]
    assert set(evaluation.column("contender").to_pylist()) == {"challenger", "champion"}
    described = tomllib.loads((tmp_path / "model.toml").read_text())
    columns = features.load(tmp_path / "model" / "columns.json")
    assert [c["name"] for c in described["signature"]["inputs"]] == [column.name for column in columns]
