"""The whole story once: the demo fills itself though it is killed twice, then the loop is closed by the command line.

The one slow test of the suite: real builds, trainings, scorings and checks, on the year as it was.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from opsconsole.demo.driver import lock_path
from opsconsole.demo.material import REPOS, history

pytestmark = pytest.mark.timeout(540)
HELD_BACK = ["2013-08", "2013-09", "2013-10", "2013-11", "2013-12"]


@dataclass(frozen=True)
class Demo:
    """A demo in a folder of its own, driven by the command line alone."""

    root: Path

    def fill(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "opsconsole", "demo", str(self.root), "--no-open", "--json", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ask(self, *words: str, code: int = 0) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "opsconsole", "-C", str(self.root), *words, "--json"],
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert done.returncode == code, f"{words}: {done.returncode}: {done.stderr}"
        return json.loads(done.stdout)

    def runs(self, pipeline: str | None = None) -> list[Any]:
        found = self.ask("runs", "--limit", "100")
        return [run for run in found if pipeline in {None, f"{run['repo']}/{run['pipeline']}"}]

    def alert(self, version: int) -> Any:
        return next(item for item in self.ask("alert", "ls", "--all") if item["version"] == version)

    def served(self) -> Any:
        port = self.ask("config", "show")["repos"]["flights-api"]["pipelines"]["serve"]["env"]["PORT"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
            return json.loads(answer.read())["version"]

    def link(self) -> str:
        return str((self.root / "models" / "flights" / "production").readlink())


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Demo]:
    for name in [name for name in os.environ if name.startswith(("OPSCONSOLE_", "GIT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OPSCONSOLE_ACTOR", "maya")
    made = Demo(tmp_path / "Maya's demo, 東京 [/]")
    yield made
    for process in everything_of(made.root):
        kill(process)


def test_the_demo_fills_itself_and_the_loop_closes(demo: Demo) -> None:
    kill_the_driver_once_it_trained(demo)
    kill_everything_while_it_scores(demo)
    fill_to_the_end(demo)
    what_is_there_came_from_running_the_product(demo)
    again_nothing_is_done_twice(demo)
    retrain_and_promote(demo)
    the_next_month_is_healthy(demo)
    roll_back(demo)
    every_act_is_in_the_trail(demo)


def kill_the_driver_once_it_trained(demo: Demo) -> None:
    follower = demo.fill()
    until((demo.root / "models" / "flights" / "versions" / "1").is_dir, follower)
    kill(psutil.Process(int(lock_path(demo.root).read_text(encoding="utf-8"))))
    _, said = follower.communicate(timeout=60)
    assert follower.returncode == 1
    assert "goes on where it was" in said


def kill_everything_while_it_scores(demo: Demo) -> None:
    """As a machine that went down: driver, keepers, supervisors and steps, with months that arrived unscored."""
    follower = demo.fill()
    until(lambda: any(demo.root.glob("data/production/*.parquet")), follower)
    for process in everything_of(demo.root):
        if process.pid != follower.pid:
            kill(process)
    follower.communicate(timeout=60)
    assert follower.returncode == 1


def fill_to_the_end(demo: Demo) -> None:
    follower = demo.fill()
    out, said = follower.communicate(timeout=300)
    assert follower.returncode == 0, said
    found = json.loads(out)
    assert (found["versions"], found["production"]) == (2, 1)
    assert found["upstream"] == HELD_BACK
    assert {run["outcome"] for run in demo.runs("flights/score")} == {"lost", "passed"}
    assert any("broken scoring" in run["reason"] for run in demo.runs("flights/score"))
    [alert] = found["alerts"]
    assert (alert["severity"], alert["state"]) == ("critical", "open")


def what_is_there_came_from_running_the_product(demo: Demo) -> None:
    built = {(run["repo"], run["subject"]): run for run in reversed(demo.runs()) if run["pipeline"] == "build"}
    assert len(built) == sum(commit.build for name in REPOS for commit in history(name))
    failed = [run for run in built.values() if run["outcome"] == "failed"]
    [broken] = [commit for name in REPOS for commit in history(name) if commit.breaks]
    assert [run["subject"] for run in failed] == [broken.subject]
    [test] = demo.ask("tests", str(failed[0]["id"]), "--failed")
    assert test["id"].endswith(broken.breaks[0])
    months = demo.ask("drift", "report", "flights")
    assert [chunk["severity"] for chunk in months] == ["ok", "warn", "info", "warn", "critical"]
    assert [chunk["estimated"]["trusted"] for chunk in months] == [False] * 5
    assert "disproved by labels since Mar 2013" in months[-1]["estimated"]["words"]
    assert all(chunk["realised"]["label_coverage"] > 0.9 for chunk in months)
    assert demo.alert(1)["evidence"][0]["kind"] == "performance"
    gates = {
        gate["name"]: gate["outcome"]
        for gate in demo.ask("model", "gates", "flights:2", "--to", "production", code=1)["gates"]
    }
    assert [name for name, outcome in gates.items() if outcome != "pass"] == ["not worse"]
    demo.ask("model", "promote", "flights:2", "--to", "production", "--reason", "it is simpler", "--yes", code=6)
    assert demo.served() == 1
    assert len(demo.runs("flights/train")) <= 4


def again_nothing_is_done_twice(demo: Demo) -> None:
    before = [run["id"] for run in demo.runs()]
    follower = demo.fill()
    _, said = follower.communicate(timeout=60)
    assert follower.returncode == 0, said
    assert [run["id"] for run in demo.runs()] == before


def retrain_and_promote(demo: Demo) -> None:
    alert = demo.alert(1)["id"]
    run = demo.ask("alert", "retrain", str(alert))
    assert (run["outcome"], run["alert"]) == ("passed", alert)
    version = demo.ask("model", "show", f"flights:{run['version']}")
    assert (version["alert"], version["run"], version["commit"]) == (alert, run["id"], run["commit"])
    parts = {part["name"]: part["paths"] for part in version["data"]}
    assert parts["evaluation"] == ["data/production/2013-07.parquet"]
    assert parts["training"][-1] == "data/production/2013-06.parquet"
    target = f"flights:{run['version']}"
    judged = demo.ask("model", "gates", target, "--to", "production")
    gates = {gate["name"]: gate for gate in judged["gates"]}
    assert all(gate["outcome"] == "pass" for gate in gates.values()), judged
    assert 0.05 < gates["not worse"]["evidence"]["low"] < gates["not worse"]["evidence"]["high"] < 0.12
    reason = ["--to", "production", "--reason", "it has seen the summer", "--yes"]
    demo.ask("model", "promote", target, *reason, "--expect", "2", code=5)
    moved = demo.ask("model", "promote", target, *reason, "--expect", "1")
    assert (moved["from"], moved["to"]) == (1, run["version"])
    assert demo.link() == f"versions/{run['version']}"
    assert demo.served() == run["version"]


def the_next_month_is_healthy(demo: Demo) -> None:
    champion = demo.served()
    checked = demo.ask("drift", "check", "flights")
    assert [(chunk["label"], chunk["version"]) for chunk in checked["chunks"]] == [("Aug 2013", champion)]
    assert (demo.root / "data" / "production" / f"{HELD_BACK[0]}.parquet").is_file()
    last = demo.ask("drift", "report", "flights")[-1]
    assert (last["version"], last["severity"]) == (champion, "ok")
    assert last["realised"]["value"] > 0.7
    cured = demo.alert(1)
    assert (cured["state"], cured["cured_by"]) == ("resolved", champion)


def roll_back(demo: Demo) -> None:
    moved = demo.ask("model", "rollback", "flights", "--alias", "production", "--reason", "to see it", "--yes")
    assert moved["to"] == 1
    assert demo.link() == "versions/1"
    assert demo.served() == 1
    assert demo.alert(1)["state"] == "open"


def every_act_is_in_the_trail(demo: Demo) -> None:
    trail = list(reversed(demo.ask("events", "--limit", "500")))
    assert {event["actor"] for event in trail} == {"maya"}
    kinds = [event["kind"] for event in trail]
    story = [
        ("demo", "repo.trusted"), ("demo", "run.queued"), ("intake", "version.registered"), ("demo", "model.promoted"),
        ("intake", "alert.raised"), ("cli", "alert.answered"), ("intake", "version.registered"),
        ("intake", "model.nominated"), ("cli", "model.promoted"), ("intake", "alert.resolved"),
        ("cli", "model.rolled_back"), ("cli", "alert.reopened"),
    ]  # fmt: skip
    rest = iter((event["origin"], event["kind"]) for event in trail)
    assert all(act in rest for act in story), kinds
    for event in trail:
        if event["kind"] in {"model.promoted", "model.rolled_back"}:
            assert event["reason"]
            assert event["command"].startswith("opsconsole model ")
    assert kinds.count("model.promoted") == 2


def until(condition: Callable[[], bool], follower: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 200
    while not condition():
        assert follower.poll() is None, follower.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def everything_of(root: Path) -> list[psutil.Process]:
    """Every process that has the demo's folder in its command line or environment."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), *process.environ().values()]
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if process.pid != os.getpid() and any(str(root) in word for word in words):
            found.append(process)
    return found


def kill(process: psutil.Process) -> None:
    try:
        process.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return
