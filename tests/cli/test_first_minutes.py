"""The three-line ways of README, run as they are written, in a folder with data that are not ours."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skops.io import dump

README = Path(__file__).parents[2] / "README.md"
SETS: dict[str, Callable[[], Any]] = {
    "binary": load_breast_cancer,
    "multiclass": load_wine,
    "regression": load_diabetes,
}


def lines_below(heading: str) -> str:
    """The first block of commands below a heading of README."""
    text = README.read_text(encoding="utf-8")
    found = re.search(rf"^## {heading}\n\n(?:With [^\n]+\n\n)?```sh\n(.*?)```", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    assert len(found[1].splitlines()) == 3
    return found[1]


def shell(folder: Path, lines: str) -> subprocess.CompletedProcess[str]:
    """Run lines as one types them; the command is the one of this environment."""
    commands = folder.parent / "bin"
    commands.mkdir(exist_ok=True)
    (commands / "opsconsole").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m opsconsole "$@"\n', encoding="utf-8")
    (commands / "opsconsole").chmod(0o755)
    environment = {**os.environ, "PATH": f"{commands}:{os.environ['PATH']}"}
    return subprocess.run(
        ["sh", "-c", lines], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=100
    )


def write(path: Path, head: list[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])


def model_of_ones_own(folder: Path, task: str) -> None:
    """A trained model with the rows it learned from and those it is judged on."""
    data = SETS[task]()
    x, y, names = data.data, data.target, [str(name) for name in data.feature_names]
    order = np.random.default_rng(1).permutation(len(x))
    learned, held = order[: len(x) // 2], order[len(x) // 2 :]
    model = make_pipeline(StandardScaler(), Ridge() if task == "regression" else LogisticRegression(max_iter=1000))
    model.fit(x[learned], y[learned])
    dump(model, folder / "model.skops")
    write(folder / "train.csv", ["row_id", *names], [[f"r{row}", *x[row]] for row in learned])
    said = model.predict(x[held])[:, None] if task == "regression" else model.predict_proba(x[held])
    said = said[:, 1:] if task == "binary" else said
    scores = [f"probability_{number}" for number in range(said.shape[1])] if task == "multiclass" else ["score"]
    rows = [[f"r{row}", *x[row], y[row], *one] for row, one in zip(held, said, strict=True)]
    write(folder / "held_out.csv", ["row_id", *names, "label", *scores], rows)


def asked(folder: Path, *words: str) -> Any:
    answer = shell(folder, f"opsconsole {' '.join(words)} --json")
    return json.loads(answer.stdout)


@pytest.mark.parametrize("task", SETS)
def test_three_lines_take_an_own_model_from_nothing_to_a_promotion(tmp_path: Path, task: str) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    model_of_ones_own(folder, task)
    done = shell(folder, f"set -e\n{lines_below('A model of your own')}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"guessed: task = {task} (held_out.csv: label has " in done.stdout
    found = asked(folder, "model", "show", "churn")
    assert found["aliases"]["production"] == 1
    assert (folder / "models" / "churn" / "production" / "model.skops").is_file()


def test_the_held_out_rows_are_what_production_is_held_against(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    model_of_ones_own(folder, "multiclass")
    assert shell(folder, lines_below("A model of your own")).returncode == 0
    with (folder / "held_out.csv").open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    (folder / "scored").mkdir()
    today = [[f"new{number}", *row[1:], "1"] for number, row in enumerate(rows)]
    write(folder / "scored" / "today.csv", [*head, "prediction"], today)
    added = shell(
        folder, "opsconsole monitor add churn --model churn --data 'scored/*.csv' && opsconsole drift check churn"
    )
    assert added.returncode in {0, 1}, added.stderr
    assert "guessed: reference = evaluation (v1's own held-out rows)" in added.stdout
    assert "accuracy" in added.stdout


def test_three_lines_take_an_own_file_to_a_monitored_column(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    data = load_digits()
    names = [str(name) for name in data.feature_names]
    order = np.random.default_rng(1).permutation(len(data.data))
    moved = data.data.copy()
    moved[:, names.index("pixel_3_3")] += 4
    half = len(order) // 2
    write(folder / "reference.csv", names, data.data[order[:half]].tolist())
    write(folder / "today.csv", names, moved[order[half:]].tolist())
    done = shell(folder, lines_below("A data file of your own"))
    assert done.returncode == 1, "an alert stands"
    assert "1 of 64 columns moved: pixel_3_3 (PSI " in done.stdout
    (alert,) = asked(folder, "alert", "ls")
    assert (alert["monitor"], alert["model"], alert["version"], alert["severity"]) == ("intake", None, None, "warn")
    (chunk,) = asked(folder, "drift", "report", "intake")
    assert [column["name"] for column in chunk["columns"] if column["drifted"]] == ["pixel_3_3"]


def test_small_files_are_told_to_be_too_small(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    data = load_wine()
    names = [str(name) for name in data.feature_names]
    write(folder / "reference.csv", names, data.data[::2].tolist())
    write(folder / "today.csv", names, (data.data[1::2] * 2).tolist())
    done = shell(folder, lines_below("A data file of your own"))
    assert done.returncode == 0, done.stderr
    assert "guessed: least = 89 (there are no more; columns of many values need 450)" in done.stdout
    assert "too few rows to tell of any of 13 columns" in done.stdout
