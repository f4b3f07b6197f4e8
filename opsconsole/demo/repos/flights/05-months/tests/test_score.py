"""Months arrive one by one and in order, and each is scored once."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from flights import arrive, artifact, data, score, train


@pytest.fixture
def root(tmp_path: Path, flights: pa.Table) -> Path:
    (tmp_path / "data" / "upstream").mkdir(parents=True)
    for place, name in enumerate(("2013-03", "2013-04", "2013-05")):
        parquet.write_table(flights.slice(place * 200, 200), tmp_path / "data" / "upstream" / f"{name}.parquet")
    return tmp_path


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory, flights: pa.Table) -> Path:
    folder = tmp_path_factory.mktemp("champion")
    artifact.save(folder, train.fit(data.labelled(flights)))
    return folder


def names(folder: Path) -> list[str]:
    return [path.stem for path in data.months(folder)]


def test_one_month_at_a_time_the_earliest_first(root: Path) -> None:
    assert [path.stem for path in arrive.arrive(root / "data", 1)] == ["2013-03"]
    assert names(root / "data" / "upstream") == ["2013-04", "2013-05"]


def test_several_at_once(root: Path) -> None:
    arrive.arrive(root / "data", 2)
    assert names(root / "data" / "production") == ["2013-03", "2013-04"]


def test_nothing_left_is_said_and_no_failure(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPSCONSOLE_WORKSPACE", str(root))
    monkeypatch.setenv("ARRIVE", "9")
    arrive.main()
    assert capsys.readouterr().out.count("arrived") == 3
    arrive.main()
    assert "nothing left" in capsys.readouterr().out


def test_each_month_is_scored_once(root: Path, champion: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = root / "out"
    out.mkdir()
    for name, value in (
        ("OPSCONSOLE_WORKSPACE", root),
        ("OPSCONSOLE_OUT", out),
        ("OPSCONSOLE_CHAMPION", champion),
        ("OPSCONSOLE_CHAMPION_VERSION", 3),
    ):
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("AGAIN", raising=False)
    arrive.arrive(root / "data", 2)
    score.main()
    first = parquet.read_table(out / "predictions.parquet")
    assert (first.num_rows, set(first.column("version").to_pylist())) == (400, {3})
    (out / "predictions.parquet").unlink()
    score.main()
    assert not (out / "predictions.parquet").exists()
    arrive.arrive(root / "data", 1)
    score.main()
    assert parquet.read_table(out / "predictions.parquet").num_rows == 200
    assert len(score.unscored(root / "data", again=True)) == 3


def test_without_a_production_model_it_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSCONSOLE_WORKSPACE", str(root))
    monkeypatch.setenv("OPSCONSOLE_OUT", str(root))
    monkeypatch.delenv("OPSCONSOLE_CHAMPION", raising=False)
    with pytest.raises(SystemExit, match="no version"):
        score.main()
