"""Data and model files below a folder: what is found, what is passed over, and in bounded time."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from opsconsole.config.load import load
from opsconsole.config.workspace import open_workspace
from opsconsole.core.errors import NotFoundError
from opsconsole.lifecycle.adding import found_files
from opsconsole.lifecycle.adding.found_files import find_files
from opsconsole.lifecycle.workspace_init import add_files, look_around, write_workspace
from opsconsole.store.connection import open_store


def data(path: Path, columns: str, rows: int = 3) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    names = columns.split(",")
    with path.open("w", encoding="utf-8", newline="") as file:
        made = [["2026-01-01T00:00:00" if name == "at" else str(row % 2) for name in names] for row in range(rows)]
        csv.writer(file).writerows([names, *made])
    return path


def test_data_are_told_with_what_was_guessed_and_what_they_could_be_held_against(tmp_path: Path) -> None:
    data(tmp_path / "reference.csv", "a,b,c,at")
    data(tmp_path / "in" / "today.csv", "a,b,c,at,label")
    data(tmp_path / "else.csv", "x,y")
    found = {one.path: one for one in find_files(tmp_path).data}
    assert set(found) == {"reference.csv", "in/today.csv", "else.csv"}
    today = found["in/today.csv"]
    assert (today.time, today.label, today.against, today.columns) == ("at", "label", "reference.csv", 5)
    assert found["reference.csv"].against is None
    assert found["else.csv"].against is None


def test_models_are_told_by_their_names_and_an_mlflow_folder_is_one(tmp_path: Path) -> None:
    for name in ("churn.skops", "a.pkl", "b.joblib", "net.onnx", "served/model.pkl", "flow/MLmodel", "flow/model.pkl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\x80\x04cexit\n")
    found = {one.path: (one.name, one.kind) for one in find_files(tmp_path).models}
    assert found == {
        "churn.skops": ("churn", "skops"),
        "a.pkl": ("a", "pickle"),
        "b.joblib": ("b", "joblib"),
        "net.onnx": ("net", "ONNX"),
        "served/model.pkl": ("served", "pickle"),
        "flow": ("flow", "MLflow"),
    }


def test_hidden_and_dependency_folders_repos_links_and_the_far_below_are_passed_over(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    root = tmp_path / "root"
    data(outside / "far.csv", "a")
    for place in (".cache", "node_modules", "repo", "a/b/c/d"):
        data(root / place / "x.csv", "a")
    (root / "repo" / ".git").mkdir()
    (root / "link").symlink_to(outside)
    (root / "link.csv").symlink_to(outside / "far.csv")
    data(root / "near.csv", "a")
    assert [one.path for one in find_files(root).data] == ["near.csv"]


def test_so_many_names_are_looked_at_and_that_there_is_more_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        data(tmp_path / f"{number:03}.csv", "a")
    found = find_files(tmp_path)
    assert (len(found.data), found.more) == (found_files.MOST_DATA, True)
    monkeypatch.setattr(found_files, "ENTRIES", 10)
    assert len(find_files(tmp_path).data) <= 10


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 cut")
    found = {one.path: one.problem for one in find_files(tmp_path).data}
    assert found["empty.csv"] == "the file is empty"
    assert found["cut.parquet"]


def test_only_what_was_chosen_is_added_and_what_could_not_be_says_why(tmp_path: Path) -> None:
    data(tmp_path / "reference.csv", "a,b", 600)
    data(tmp_path / "today.csv", "a,b", 600)
    (tmp_path / "churn.onnx").write_bytes(b"weights")
    found = look_around(tmp_path)
    with pytest.raises(NotFoundError, match="there is no such thing here"):
        found.taking(["none.csv"])
    taken = found.taking(["today.csv", "churn.onnx"])
    write_workspace(tmp_path, taken.repos)
    workspace = open_workspace(tmp_path)
    with open_store(workspace.state) as store:
        left_out = add_files(workspace, store, taken.files)
    config = load(tmp_path / "opsconsole.toml")
    assert list(config.monitors) == ["today"]
    assert config.monitors["today"].reference == "reference.csv"
    assert (list(config.models), left_out) == (["churn"], [])


def test_a_file_that_cannot_be_added_leaves_the_others_to_be(tmp_path: Path) -> None:
    for name in ("reference.csv", "today.csv", "other.csv"):
        data(tmp_path / name, "a,b", 600)
    found = look_around(tmp_path)
    write_workspace(tmp_path, [])
    (tmp_path / "today.csv").unlink()
    workspace = open_workspace(tmp_path)
    with open_store(workspace.state) as store:
        (said,) = add_files(workspace, store, found.taking(["today.csv", "other.csv"]).files)
    assert said.startswith("today.csv: not added: ")
    assert list(load(tmp_path / "opsconsole.toml").monitors) == ["other"]
