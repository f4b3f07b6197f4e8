"""A small real workspace for the console's tests: a repo with two runs, a model with two versions, an alert."""

from __future__ import annotations

import csv
import os
import random
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from opsconsole.config.workspace import Workspace, open_workspace
from opsconsole.core import belonging
from opsconsole.core.nouns import Severity
from opsconsole.lifecycle.models.candidates import judge, promote_candidate, remember
from opsconsole.lifecycle.models.registering import register_path
from opsconsole.registry.versions.registration import Given
from opsconsole.repos import registration
from opsconsole.store import alerts, chunks
from opsconsole.store.alerts import News
from opsconsole.store.chunk_records import ChunkRecord, Kept, Stamp
from opsconsole.store.connection import Store, open_store
from opsconsole.store.findings import Finding
from tests.runs.bench import PLAIN_PYTEST

CONFIG = """
[workspace]
name = "small"
[repos.app]
path = "repos/app"
[models.flights]
task = "binary"
[models.flights.gates.production]
floor = { metric = "auc", at_least = 0.6 }
[monitors.flights]
model = "flights@production"
current = "data/*.parquet"
time = "at"
label = "late"
performance = { metric = "auc", floor = 0.7, for = 2 }
"""
HOSTILE = "\x1b]52;c;aGFja2Vk\x07\x1b[31m[/] [bold]日本語\x1b[0m\u202e"
TEST = """
import pytest
@pytest.mark.parametrize("x", ["[/]", "plain"])
def test_names(x): assert x
def test_broken():
    print("\\x1b]52;c;aGFja2Vk\\x07 [/] \\x1b[31mred\\x1b[0m")
    assert "[/]" == "[bold]"
"""


def environment(home: Path) -> dict[str, str]:
    """Return an environment that cannot read the developer's machine."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "COVERAGE_PROCESS_START") if name in os.environ}
    return kept | {
        "HOME": str(home),
        "XDG_STATE_HOME": os.environ.get(
            "XDG_STATE_HOME", str(Path.home() / ".local/state")
        ),  # where it is kept whose a workspace is
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "OPSCONSOLE_ACTOR": "ops",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }


def make_world(root: Path) -> Workspace:
    """Make the workspace by real acts."""
    repo = root / "repos" / "app"
    (repo / "tests").mkdir(parents=True)
    (repo / "pyproject.toml").write_text(
        f'[tool.pytest.ini_options]\ntestpaths = ["tests"]\naddopts = "{PLAIN_PYTEST}"\n', encoding="utf-8"
    )
    (repo / "tests" / "test_app.py").write_text(TEST, encoding="utf-8")
    git = ["git", "-C", str(repo), "-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", HOSTILE], check=True)
    (root / "opsconsole.toml").write_text(CONFIG, encoding="utf-8")
    workspace = open_workspace(root)
    with open_store(workspace.state) as store:
        registration.trust(workspace, store, "app")
        _models(workspace, store)
        _alert(store)
    opsconsole(root, "run", "app")
    return workspace


def opsconsole(root: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command line on a workspace."""
    return subprocess.run(
        [sys.executable, "-m", "opsconsole", "-C", str(root), *words], capture_output=True, check=False, timeout=60
    )


def copy_world(made: Path, target: Path) -> Workspace:
    """Return a workspace of one's own, copied from a made one."""
    shutil.copytree(made, target, symlinks=True)
    workspace = open_workspace(target)
    belonging.trust(target)
    with open_store(workspace.state) as store:
        registration.trust(workspace, store, "app")  # trust was given to the other path
    return workspace


def _models(workspace: Workspace, store: Store) -> None:
    chance = random.Random(7)
    labels = [int(chance.random() < 0.4) for _ in range(400)]
    for number, noise in ((1, 1.2), (2, 0.6)):
        artifact = workspace.root / f"artifact-{number}"
        artifact.mkdir()
        (artifact / "model.txt").write_text(f"weights {number}\n", encoding="utf-8")
        path = workspace.root / f"evaluation-{number}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["row_id", "label", "score"])
            for row, label in enumerate(labels):
                writer.writerow([row, label, min(max(label * 0.5 + chance.gauss(0.25, noise / 2), 0.001), 0.999)])
        given = Given(params={"noise": noise}, evaluation=path)
        version = register_path(workspace, store, "flights", artifact, given).version
        if number == 1:
            force = ("same rows",)
            promote_candidate(workspace, store, "flights", 1, "production", reason="first", expect="none", force=force)
        else:
            remember(store, judge(workspace, store, "flights", version.version, "production"))


def _alert(store: Store) -> None:
    """Write one checked chunk and the incident it opened, through the store's own doors."""
    start = datetime(2013, 7, 1, tzinfo=UTC)
    finding = Finding("performance", Severity.CRITICAL, "AUC .66 [/] below the floor")
    record = ChunkRecord(
        monitor="flights", model="flights", version=1, label="2013-07", start=start, end=start + timedelta(days=31),
        rows=900, labels=880, metric="auc", realised=0.66, low=0.63, high=0.69, floor=0.7, breaches=2, partial=False,
        severity=Severity.CRITICAL, findings=(finding,), fingerprint="f",
    )  # fmt: skip
    with store.immediate() as connection:
        chunks.write_chunk(connection, record, Kept(b"", b"", Stamp("", "")), [])
        row = connection.execute("SELECT max(id) FROM chunks").fetchone()
        news = News(Severity.CRITICAL, "AUC .66 below .7", (f"Performance fell {HOSTILE}.",), (finding,), int(row[0]))
        alerts.open_alert(connection, monitor="flights", model="flights", alias="production", version=1, news=news)
