"""A workspace that does everything: a repo with tests, trainings that leave versions, a monitor whose alert opens."""

from __future__ import annotations

import calendar
import csv
import json
import random
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from tests.model_workspace import opsconsole
from tests.runs.bench import PYTEST_INI

PROJECT = Path(__file__).parent.parent
HOSTILE = "\x1b]52;c;aGFja2Vk\x07\x1b[31m[/] 日本語\x1b[0m"
CONFIG = """
[workspace]
name = "mill"
slots = 2
[repos.app]
path = "repos/app"
[repos.app.pipelines.train]
kind = "train"
run = "python train.py"
env = {{ PYTHONPATH = {project} }}
on = {{ alert = "watch" }}
artifacts = ["train.py"]
[repos.app.pipelines.wait]
kind = "task"
run = "echo up; while [ ! -e $OPSCONSOLE_WORKSPACE/go ]; do sleep 0.01; done"
[models.m]
task = "binary"
ladder = ["candidate", "production"]
[models.m.gates.production]
not_worse = {{ metric = "auc", margin = 0.05 }}
floor = {{ metric = "auc", at_least = 0.6 }}
tests = true
[monitors.watch]
model = "m@production"
current = "data/now/*.csv"
time = "at"
label = "late"
chunk = "month"
least = 100
performance = {{ metric = "auc", floor = "reference - 0.05", for = 2 }}
"""
TESTS = """
import pytest
@pytest.mark.parametrize("x", ["[/]", "plain"])
def test_names(x): assert x
def test_shaky():
    import os, pathlib
    assert not pathlib.Path(os.environ["OPSCONSOLE_WORKSPACE"], "shaky").exists()
"""
BROKEN = (
    TESTS
    + """
def test_broken():
    print("\\x1b]52;c;aGFja2Vk\\x07")
    assert "[/]" == "[bold]"
"""
)
TRAIN = """
import os
from pathlib import Path
from tests.model_workspace import Left
champion = os.environ.get("OPSCONSOLE_CHAMPION_VERSION")
alert = os.environ.get("OPSCONSOLE_ALERT")
print("champion", champion, "alert", alert, "until", os.environ.get("OPSCONSOLE_DATA_UNTIL"))
left = Left() if champion is None else Left(skill=2.5, champion_skill=1.5, seed=int(os.environ["OPSCONSOLE_RUN_ID"]))
left.write(Path(os.environ["OPSCONSOLE_OUT"]))
"""


def make(root: Path) -> None:
    """Make the workspace and its repo; nothing has run yet."""
    repo = root / "repos" / "app"
    (repo / "tests").mkdir(parents=True)
    (repo / "train.py").write_text(TRAIN, encoding="utf-8")
    (repo / "pytest.ini").write_text(PYTEST_INI, encoding="utf-8")
    git = ["git", "-C", str(repo)]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    for name, content in (("good", TESTS), ("broken", BROKEN), ("mended", TESTS)):
        (repo / "tests" / "test_app.py").write_text(content, encoding="utf-8")
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-q", "-m", f"{name} {HOSTILE}"], check=True)
        subprocess.run([*git, "tag", name], check=True)
    subprocess.run(["git", "clone", "-q", str(repo), str(root / "more")], check=True)
    text = CONFIG.format(project=json.dumps(str(PROJECT)))
    (root / "opsconsole.toml").write_text(text, encoding="utf-8")


def reference(root: Path) -> None:
    """Write the rows that the versions are evaluated on, with their column."""
    chance = random.Random(0)
    (root / "data").mkdir(exist_ok=True)
    with (root / "data" / "evaluation.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row_id", "a"])
        writer.writerows([f"r{row}", chance.gauss(0, 1)] for row in range(600))


def month(root: Path, number: int, *, skill: float) -> None:
    """Write a month of scored and labelled production rows."""
    chance = random.Random(number)
    folder = root / "data" / "now"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"2013-{number:02d}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row_id", "at", "a", "score", "late"])
        start = datetime(2013, number, 1, tzinfo=UTC)
        step = timedelta(days=calendar.monthrange(2013, number)[1]) / 500
        for row in range(500):
            late = row % 3 == 0
            score = 1 / (1 + 2.718281828 ** -(skill * late + chance.gauss(-skill / 2, 1)))
            at = (start + row * step).isoformat()
            writer.writerow([f"p{number}-{row}", at, chance.gauss(0, 1), score, int(late)])


def fill(root: Path) -> None:
    """Build twice, train, promote, train again, check until an alert stands: all by the command line."""
    make(root)
    assert opsconsole(root, "repo", "trust", "app").code == 0
    assert opsconsole(root, "run", "app/build").code == 0
    assert opsconsole(root, "run", "app/build", "--rev", "broken").code == 1
    assert opsconsole(root, "run", "app/train").code == 0
    promoted = opsconsole(
        root, "model", "promote", "m:1", "--to", "production", "--reason", "first", "--expect", "none", "--yes"
    )
    assert promoted.code == 0, promoted
    assert opsconsole(root, "run", "app/train").code == 0
    (root / "shaky").touch()
    assert opsconsole(root, "run", "app/build", "--rev", "broken").code == 1
    (root / "shaky").unlink()
    reference(root)
    for number in (2, 3, 4):
        month(root, number, skill=1.5 if number == 2 else 0.2)
    lines = "".join(f"p4-{row},{int(row % 3 == 0)}\n" for row in range(100))
    (root / "data" / "labels.csv").write_text(f"row_id,late\n{lines}", encoding="utf-8")
    checked = opsconsole(root, "drift", "check", "watch")
    assert checked.code == 1, checked
    leave_alone(root)


def leave_alone(root: Path) -> None:
    """Wait until nobody is at work there: an intake still tidies and copies when its run is over."""
    deadline = time.monotonic() + 60
    while any(str(root) in " ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])):
        assert time.monotonic() < deadline
        time.sleep(0.05)
