"""A training's intake, killed anywhere, registers exactly one version; what cannot be taken in fails the run in words."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from opsconsole.cli.shown import run_json
from opsconsole.config.workspace import open_workspace
from opsconsole.core import belonging
from opsconsole.core.nouns import RunState
from opsconsole.lifecycle.intake import intake
from opsconsole.lifecycle.intake.finished import FinishedRun, Write
from opsconsole.lifecycle.models.candidates import promote_candidate
from opsconsole.lifecycle.software.building import start_run
from opsconsole.lifecycle.startup_repair import settle
from opsconsole.registry.places import version_folder
from opsconsole.registry.promotion.links import read_link
from opsconsole.registry.versions.artifacts import verify
from opsconsole.runs.execute.finalize import intake_command
from opsconsole.runs.execute.follow import wait, wait_until_released
from opsconsole.runs.execute.slots import is_live
from opsconsole.store import baselines, evaluations, events, judgements, models, promotions, runs
from opsconsole.store.connection import Store, open_store
from opsconsole.store.runs import RunRecord
from tests.killing import killed_at_each_act
from tests.runs.bench import Bench, kill, until

KILLED_AT = """
import sys
from dataclasses import dataclass
from pathlib import Path
import numpy, sklearn.metrics, sklearn.calibration, msgspec
import opsconsole.lifecycle.models.candidates, opsconsole.lifecycle.intake.handlers, opsconsole.registry.versions.registration
from opsconsole.lifecycle.intake import intake
from tests.killing import kill_at_each_act

ACTS = {"os.rename", "os.symlink", "os.mkdir", "shutil.copyfile", "shutil.rmtree"}
kill_at_each_act(
    Path(sys.argv[1]),
    lambda root: intake.take_in(root, int(sys.argv[2])),
    lambda step: sys.addaudithook(lambda event, _: step(event) if event in ACTS else None),
)
"""
POINTS = 60


def ended(works: Bench, target: str = "app/train") -> RunRecord:
    """Run a pipeline and wait until its intake, with all that follows from it, is over."""
    run_id = start_run(works.workspace, works.store, target)
    record = wait(works.workspace, works.store, run_id, timeout=60)
    wait_until_released(works.workspace, run_id)
    return record


def test_an_intake_killed_at_any_of_its_acts_registers_exactly_one_version(works: Bench, tmp_path: Path) -> None:
    run_id = works.start("app/train", taken_in_by=["sh", "-c", "exit 7"])
    until(lambda: not is_live(works.workspace.state, run_id))
    works.store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    for number in range(1, POINTS + 1):
        shutil.copytree(
            works.root, tmp_path / "copies" / str(number), symlinks=True, ignore=shutil.ignore_patterns("repos")
        )
        belonging.trust(tmp_path / "copies" / str(number))
    points = killed_at_each_act(KILLED_AT, str(tmp_path / "copies"), str(run_id))
    kinds = {what for _, what in points}
    assert {"INSERT", "UPDATE", "COMMIT", "os.rename", "os.symlink", "os.mkdir", "whole"} <= kinds
    assert 20 < len(points) < POINTS, points
    for point, what in points:
        _holds(tmp_path / "copies" / point, run_id, what)


def _holds(root: Path, run_id: int, what: str) -> None:
    """Whatever was done, it is all or nothing; taken in again, it is all."""
    workspace = open_workspace(root)
    with open_store(workspace.state) as store:
        record = runs.get(store, run_id)
        assert record is not None
        made = models.versions(store, "m")
        kinds = {event.kind for event in events.events(store)}
        assert len(made) == (record.state is RunState.PASSED), what
        assert ("version.registered" in kinds) == ("run.passed" in kinds) == bool(made), what
        assert (promotions.alias(store, "m", "candidate") is not None) == bool(made), what
        assert record.state in {RunState.PASSED, RunState.ENDING}
        assert intake.take_in(root, run_id) == (not made)
        assert settle(workspace, store) == []
        (version,) = models.versions(store, "m")
        assert (version.version, version.provenance.run_id) == (1, run_id)
        assert verify(version_folder(workspace, "m", 1), models.files(store, "m", 1)) == [], what
        assert read_link(workspace.models / "m" / "candidate") == "versions/1"
        evaluation = evaluations.of_version(store, "m", 1)[0]
        assert (workspace.evidence / evaluation.path).is_file()
        assert [event.kind for event in events.events(store)].count("version.registered") == 1


def test_a_training_s_version_knows_run_commit_and_data_and_is_judged_at_once(works: Bench) -> None:
    record = ended(works)
    assert record.state is RunState.PASSED, record.error
    version = models.version(works.store, "m", 1)
    origin = version.provenance
    assert (origin.run_id, origin.repo, origin.commit, origin.actor) == (record.id, "app", record.commit, "tess")
    assert (origin.champion, origin.alert_id) == (None, None)
    shown = run_json(works.workspace, works.store, record)
    assert (shown["model"], shown["version"]) == ("m", 1)
    kept = judgements.get(works.store, "m", 1, "production")
    assert kept is not None
    assert not kept.passed, "nothing was tested at its commit yet"
    moved = promotions.history(works.store, "m", "candidate")[0]
    assert moved.reason == f"run {record.id} made it"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("rm -r $OPSCONSOLE_OUT/model", "the training left no model"),
        ("rm $OPSCONSOLE_OUT/model.toml", "no model.toml"),
        ("echo '{' > $OPSCONSOLE_OUT/metrics.json", "metrics.json: not JSON"),
        ("ln -s /etc/passwd $OPSCONSOLE_OUT/model/x", "neither a file nor a folder"),
        ("echo no > $OPSCONSOLE_OUT/evaluation.csv", "lacks the columns label, row_id, score"),
    ],
)
def test_a_training_that_left_rubbish_fails_in_words_and_registers_nothing(works: Bench, spoil: str, said: str) -> None:
    change(works, 'run = "python train.py"', f'run = "python train.py && {spoil}"')
    record = ended(works)
    assert record.state is RunState.FAILED
    assert said in (record.error or "")
    assert models.models(works.store) == []
    assert not (works.workspace.models / "m").exists()


def test_a_broken_configuration_loses_no_test_results(works: Bench) -> None:
    path = works.root / "opsconsole.toml"
    run_id = works.start("app/build", taken_in_by=["sh", "-c", "exit 7"])
    until(lambda: not is_live(works.workspace.state, run_id))
    path.write_text("nonsense = [")
    assert intake.take_in(works.root, run_id)
    record = runs.get(works.store, run_id)
    assert record is not None
    assert record.tests is not None
    assert record.tests.passed == 3


SCORE = """
[repos.app.pipelines.score]
kind = "score"
run = '''printf 'row_id,score\\np1,0.5\\np2,0.25\\n' > $OPSCONSOLE_OUT/predictions.csv; env | grep OPSCONSOLE_C'''
[models.m]
"""


def change(works: Bench, old: str, new: str) -> None:
    path = works.root / "opsconsole.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    works.workspace = open_workspace(works.root)


def test_production_scores_are_kept_for_the_version_that_made_them(works: Bench) -> None:
    change(works, "[models.m]\n", SCORE)
    nobody = ended(works, "app/score")
    assert nobody.state is RunState.FAILED
    assert "the scores belong to no version" in (nobody.error or "")
    change(works, "tests = true", "tests = false")
    ended(works)
    promote_candidate(works.workspace, works.store, "m", 1, "production", reason="first", expect="none")
    record = ended(works, "app/score")
    assert record.state is RunState.PASSED, record.error
    (kept,) = baselines.predictions(works.store, "m")
    assert (kept.rows, kept.run_id, kept.version) == (2, record.id, 1)
    assert (works.workspace.evidence / kept.path).read_text() == "row_id,score\np1,0.5\np2,0.25\n"
    told = dict(line.split("=", 1) for line in works.log(record.id, "score").decode().splitlines())
    folder = version_folder(works.workspace, "m", 1)
    assert told["OPSCONSOLE_CHAMPION"] == str(folder.resolve()), "resolved: no link that may move meanwhile"
    assert told["OPSCONSOLE_CHAMPION_VERSION"] == "1"
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", told["OPSCONSOLE_CHAMPION_DIGEST"])


def test_the_intake_process_says_what_is_wrong_by_its_exit_code(works: Bench) -> None:
    argv = [*intake_command(works.root), "99"]
    answer = subprocess.run(argv, check=False, capture_output=True, text=True, env=os.environ)
    assert (answer.returncode, answer.stderr.strip()) == (4, "there is no run 99")


@dataclass(frozen=True)
class Trips:
    """A taker that trips over what it reads, at one of its acts."""

    at: str
    error: Exception
    name: str = "the trap"

    def prepare(self, store: Store, run: FinishedRun) -> Write | None:
        self._trip("prepare")
        return lambda connection: self._trip("write")

    def follow_up(self, store: Store, run: FinishedRun) -> None:
        self._trip("follow_up")

    def _trip(self, at: str) -> None:
        if at == self.at:
            raise self.error


@pytest.mark.parametrize(
    ("at", "error"),
    [("prepare", RecursionError("deep")), ("write", OSError(36, "too long")), ("follow_up", MemoryError())],
)
def test_a_taker_that_trips_over_anything_loses_nothing_of_the_others(works: Bench, at: str, error: Exception) -> None:
    run_id = works.start("app/build", taken_in_by=["sh", "-c", "exit 7"])
    until(lambda: not is_live(works.workspace.state, run_id))
    assert intake.take_in(works.root, run_id, [Trips(at, error)])
    record = runs.get(works.store, run_id)
    assert record is not None
    assert record.tests is not None
    assert record.tests.passed == 3
    if at == "follow_up":
        assert record.state is RunState.PASSED
    else:
        assert record.state is RunState.FAILED
        assert "the trap could not be taken in" in (record.error or "")


@pytest.mark.parametrize("end", ["kill -9 $$", "exit 70"])
def test_an_intake_that_dies_of_what_it_reads_still_brings_the_tests(works: Bench, end: str) -> None:
    dies = f'case "$*" in *--tests-alone*) exec "$@";; *) {end};; esac'
    run_id = works.start("app/build", taken_in_by=["sh", "-c", dies, "sh", *intake_command(works.root)])
    until(lambda: not is_live(works.workspace.state, run_id))
    record = runs.get(works.store, run_id)
    assert record is not None
    assert record.state is RunState.ERROR
    assert "the results could not be taken in: " in (record.error or "")
    assert record.tests is not None
    assert record.tests.passed == 3


def test_an_intake_holds_its_run_s_lock_when_who_started_it_is_gone(works: Bench) -> None:
    hold = f"touch {works.root}/here; while [ ! -e {works.root}/go ]; do sleep 0.02; done"
    run_id = works.start("app/build", taken_in_by=["sh", "-c", hold, "sh"])
    until((works.root / "here").exists)
    keeper, supervisor = works.keeper(run_id), works.supervisor(run_id)
    kill(keeper)
    kill(supervisor)
    assert is_live(works.workspace.state, run_id), "somebody else would take it up beside the intake"
    (works.root / "go").touch()
    until(lambda: not is_live(works.workspace.state, run_id))
