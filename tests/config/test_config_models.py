"""A configuration that would fool a gate, or leave a training without its champion, is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsconsole.config.load import load
from opsconsole.core.errors import ConfigError

TWO = "[models.a]\n[models.b]\n[repos.r]\npath = 'r'\n[repos.r.pipelines.train]\nkind = 'train'\nrun = 'x'\n"
WATCHED = "[monitors.a]\nmodel = 'a@production'\ncurrent = 'x.csv'\ntime = 't'\n"


def loads(folder: Path, text: str) -> None:
    path = folder / "opsconsole.toml"
    path.write_text(text, encoding="utf-8")
    load(path)


@pytest.mark.parametrize(
    ("task", "rule", "line"),
    [
        ("binary", 'not_worse = { metric = "f1" }', 4),
        ("binary", 'not_worse = { metric = "ece" }', 4),
        ("binary", 'floor = { metric = "acu", at_least = 1 }', 4),
        ("regression", "not_worse = { margin = 1 }", 4),
        ("regression", 'floor = { metric = "auc", at_least = 1 }', 4),
        ("multiclass", 'floor = { metric = "brier", at_least = 1 }', 4),
        ("ranking", 'floor = { metric = "auc", at_least = 1 }', 4),
    ],
)
def test_a_metric_that_does_not_fit_the_task_is_refused_with_its_line(
    tmp_path: Path, task: str, rule: str, line: int
) -> None:
    with pytest.raises(ConfigError, match=rf"opsconsole\.toml:{line}: .*of a {task} model this cannot be"):
        loads(tmp_path, f"[models.m]\ntask = '{task}'\n[models.m.gates.production]\n{rule}\n")


@pytest.mark.parametrize(
    ("task", "rule"),
    [
        ("binary", 'floor = { metric = "f1", at_least = 0.5 }'),
        ("multiclass", 'not_worse = { metric = "recall_bee" }'),
        ("multiclass", 'floor = { metric = "f1_macro", at_least = 0.5 }'),
        ("regression", 'not_worse = { metric = "mae", margin = 2 }'),
    ],
)
def test_a_metric_that_fits_is_taken(tmp_path: Path, task: str, rule: str) -> None:
    loads(tmp_path, f"[models.m]\ntask = '{task}'\n[models.m.gates.production]\n{rule}\n")


def test_a_positive_class_is_a_binary_model_s(tmp_path: Path) -> None:
    loads(tmp_path, "[models.m]\npositive = 'yes'\n")
    with pytest.raises(ConfigError, match="`positive` is for a binary model"):
        loads(tmp_path, "[models.m]\ntask = 'regression'\npositive = 1\n")


def test_of_several_models_a_training_says_which(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"opsconsole\.toml:\d+: repos\.r\.pipelines\.train\.model: .*which of the models"
    ):
        loads(tmp_path, TWO)
    loads(tmp_path, TWO + "model = 'b'\n")
    loads(tmp_path, TWO + "on = { alert = 'a' }\n" + WATCHED)
    with pytest.raises(ConfigError, match="there is no model `c`"):
        loads(tmp_path, TWO + "model = 'c'\n")
