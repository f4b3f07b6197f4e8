"""A lost store is not a new one: nothing goes on without it, and it comes back from a copy or from what lies beside it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from opsconsole.cli.root import run
from opsconsole.config.workspace import open_workspace
from opsconsole.core import belonging
from opsconsole.core.errors import ConflictError, LostStoreError
from opsconsole.core.nouns import RunState
from opsconsole.lifecycle.recovery.restoring import rebuild, restore
from opsconsole.lifecycle.startup_repair import settle
from opsconsole.runs.execute.follow import wait_until_released
from opsconsole.store import evaluations, events, maintenance, models, promotions, runs, test_results
from opsconsole.store.beside import last_run, last_version
from opsconsole.store.connection import FILE_NAME, Store, open_store
from opsconsole.store.recovery import copies, replacing
from tests.killing import killed_at_each_act
from tests.model_workspace import Left, Shop, opsconsole

VERBS = (
    "status", "runs", "show 1", "log 1", "tests 1", "flaky app", "repo ls", "run app/build", "plan app", "rerun 1",
    "cancel 1", "pin 1", "model ls", "model show m", "model history m", "model verify m", "drift monitors", "alert ls",
    "events", "repo add more", "drift compare a.csv b.csv", "init", "demo there --no-open",
)  # fmt: skip
KILLED_AT = """
import sys
from pathlib import Path
import numpy, sklearn.metrics, sklearn.calibration, sqlite_utils
from opsconsole.config.workspace import open_workspace
import opsconsole.lifecycle.recovery.refilling_models
from opsconsole.lifecycle.recovery.restoring import rebuild, restore
from tests.killing import kill_at_each_act

ACTS = {"os.rename", "os.link", "os.mkdir", "os.remove", "shutil.rmtree"}
copy = sys.argv[2]
def act(root):
    workspace = open_workspace(root)
    rebuild(workspace) if copy == "none" else restore(workspace, root / copy)
kill_at_each_act(
    Path(sys.argv[1]), act, lambda step: sys.addaudithook(lambda event, _: step(event) if event in ACTS else None)
)
"""
POINTS = 80


def lose(root: Path) -> None:
    for path in (root / ".opsconsole").glob("store.db*"):
        path.unlink()


def known(root: Path) -> dict[str, Any]:
    """What the store says of models, moves and runs."""
    with open_store(root / ".opsconsole", readonly=True) as store:
        found = [item.name for item in models.models(store)]
        return {
            "versions": [item for name in found for item in models.versions(store, name)],
            "files": [models.files(store, "m", item.version) for item in models.versions(store, "m")],
            "evaluations": [evaluations.of_version(store, "m", item.version) for item in models.versions(store, "m")],
            "aliases": promotions.aliases(store),
            "moves": promotions.history(store, "m"),
            "runs": runs.page(store),
            "tests": [
                [(case.test_id, case.outcome) for case in test_results.of_run(store, run.id)]
                for run in runs.page(store)
            ],
        }


@pytest.fixture
def lost(mill: Path) -> Path:
    """A workspace whose store is gone, with its copies."""
    shutil.rmtree(mill / ".opsconsole" / "backups")
    lose(mill)
    return mill


def test_every_verb_refuses_where_the_store_is_lost_and_changes_nothing(
    lost: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    before = sorted(str(path) for path in lost.rglob("*"))
    for line in VERBS:
        monkeypatch.chdir(lost)
        code = run(["--readonly"] * (line == "status") + [*line.split(), "--json"])
        error = json.loads(capsysbinary.readouterr().out)["error"]
        assert (code, error["code"]) == (7, "store"), (line, error)
        assert "the store is missing" in error["message"]
        assert "opsconsole store rebuild" in error["hint"]
    assert sorted(str(path) for path in lost.rglob("*")) == before
    for line in ("config validate", "config path", "status --help"):
        assert opsconsole(lost, *line.split()).code == 0
    assert opsconsole(lost, "doctor").code == 1
    assert opsconsole(lost, "store", "check").code == 7
    assert sorted(str(path) for path in lost.rglob("*")) == before


@pytest.mark.parametrize("left", ["runs", "evidence", "models", "backups", "store.db-wal"])
def test_any_one_thing_beside_it_says_that_there_was_a_store(tmp_path: Path, left: str) -> None:
    state = tmp_path / "ws" / ".opsconsole"
    with open_store(state) as store, store.immediate() as connection:
        events.record(connection, "test.kept", "test")
    (state / FILE_NAME).unlink()
    for path in state.glob("store.db-*"):
        path.unlink()
    open_store(state).close()  # nothing lies beside it: it is new
    (state / FILE_NAME).unlink()
    made = {
        "runs": state / "runs" / "7",
        "evidence": state / "evidence" / "m" / "v1",
        "models": tmp_path / "ws" / "models" / "m" / "versions" / "1",
        "backups": state / "backups" / "store.2026-01-01.db",
        "store.db-wal": state / "store.db-wal",
    }[left]
    made.mkdir(parents=True)
    with pytest.raises(LostStoreError):
        open_store(state)
    assert not (state / FILE_NAME).exists()
    for empty in (b"", None):
        if empty is not None:
            (state / FILE_NAME).write_bytes(empty)
            with pytest.raises(LostStoreError):
                Store(state / FILE_NAME)
            assert (state / FILE_NAME).read_bytes() == b""


def test_a_state_folder_that_is_gone_whole_is_a_lost_store_too(mill: Path) -> None:
    served = os.readlink(mill / "models" / "m" / "production")  # noqa: PTH115
    shutil.rmtree(mill / ".opsconsole")
    assert opsconsole(mill, "status").code == 7
    assert not (mill / ".opsconsole").exists()
    assert opsconsole(mill, "store", "rebuild").code == 0
    with open_store(mill / ".opsconsole") as store:
        assert [item.version for item in models.versions(store, "m")] == [2, 1]
    assert os.readlink(mill / "models" / "m" / "production") == served  # noqa: PTH115


def test_a_rebuilt_store_knows_runs_tests_versions_scores_and_moves_as_they_were(lost: Path, filled: Path) -> None:
    before = known(filled)
    said = opsconsole(lost, "store", "rebuild", "--json")
    assert said.code == 0, said
    assert (said.json["runs"], said.json["versions"], said.json["repos"]) == (len(before["runs"]), 2, ["app"])
    assert any("alerts" in line for line in said.json["unknown"])
    after = known(lost)
    for name, found in before.items():
        assert after[name] == found, name
    with open_store(lost / ".opsconsole") as store:
        assert maintenance.check(store).problems == []
        assert settle(open_workspace(lost), store) == []
        told = {event.kind for event in events.events(store)}
        assert {"store.rebuilt", "model.promoted", "version.registered", "run.queued", "run.passed"} <= told
    assert opsconsole(lost, "run", "app/build").code == 6, "trust is the operator's to give"
    assert opsconsole(lost, "store", "rebuild").code == 6, "a sound one is not made anew unasked"


def test_no_number_is_given_twice_whatever_the_store_says(lost: Path) -> None:
    runs_before, state = last_run(lost / ".opsconsole"), lost / ".opsconsole"
    (state / "runs" / f"{runs_before + 3}.gone").mkdir()
    shutil.rmtree(state / "runs" / str(runs_before))
    assert opsconsole(lost, "store", "rebuild").code == 0
    assert opsconsole(lost, "repo", "trust", "app").code == 0
    said = opsconsole(lost, "run", "app/train", "--json")
    assert (said.code, said.json["id"]) == (0, runs_before + 4)
    with open_store(state) as store:
        assert max(item.version for item in models.versions(store, "m")) == 3 == last_version(state, "m")


def test_a_version_of_an_older_program_is_taken_as_its_files_lie_there(lost: Path, filled: Path) -> None:
    shutil.rmtree(lost / "models" / "m" / ".history")
    for path in (lost / ".opsconsole" / "runs").glob("*/record.json"):
        path.unlink()
    served = os.readlink(lost / "models" / "m" / "production")  # noqa: PTH115
    said = opsconsole(lost, "store", "rebuild", "--json")
    assert said.code == 0, said
    assert any("m:1: it has no record" in line for line in said.json["unknown"])
    before, after = known(filled), known(lost)
    for old, new in zip(before["versions"], after["versions"], strict=True):
        assert (new.digest, new.entry, new.signature, new.metrics) == (
            old.digest,
            old.entry,
            old.signature,
            old.metrics,
        )
        assert (new.provenance.run_id, new.provenance.commit) == (old.provenance.run_id, old.provenance.commit)
    assert [(run.id, run.state, run.tests, run.error) for run in after["runs"]] == [
        (run.id, run.state, run.tests, run.error) for run in before["runs"]
    ]
    assert {(row.alias, row.version) for row in after["aliases"]} == {
        (row.alias, row.version) for row in before["aliases"]
    }
    assert os.readlink(lost / "models" / "m" / "production") == served  # noqa: PTH115


def test_what_is_served_stays_where_its_link_leads(shop: Shop) -> None:
    shop.live(2)
    link = shop.workspace.models / "m" / "production"
    link.unlink()
    link.symlink_to("versions/1")
    shop.store.close()
    lose(shop.root)
    done = rebuild(shop.workspace)
    assert any("its link leads to v1, and the records say v2" in line for line in done.refilled.unknown)
    with open_store(shop.workspace.state) as store:
        settle(shop.workspace, store)
        held = promotions.alias(store, "m", "production")
        assert held is not None
        assert held.version == 1
    assert os.readlink(link) == "versions/1"  # noqa: PTH115


def test_a_copy_is_restored_with_what_happened_since(shop: Shop) -> None:
    shop.live(1)
    copy = shop.root / "copy.db"
    maintenance.backup(shop.store, copy)
    shop.version(Left(skill=2.5, champion_skill=1.5, seed=5))
    shop.promote(2)
    shop.store.close()
    before = known(shop.root)
    (shop.workspace.state / FILE_NAME).write_bytes(b"\0" * 40_000)
    done = restore(shop.workspace, copy)
    assert (done.refilled.versions, done.refilled.moves) == (1, 2)
    assert done.aside is not None
    assert done.aside.read_bytes() == b"\0" * 40_000
    after = known(shop.root)
    for name in ("versions", "files", "evaluations", "aliases", "moves"):
        assert after[name] == before[name], name


@pytest.mark.parametrize("kind", ["garbage", "cut", "other", "newer", "dangling", "itself", "absent"])
def test_what_is_no_whole_copy_is_refused_and_nothing_changes(shop: Shop, kind: str) -> None:
    copy = shop.root / "copy.db"
    maintenance.backup(shop.store, copy)
    shop.store.close()
    if kind == "garbage":
        copy.write_bytes(b"no database" * 1000)
    elif kind == "cut":
        copy.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])
    elif kind == "absent":
        copy.unlink()
    elif kind == "itself":
        copy = shop.workspace.state / FILE_NAME
    elif kind == "other":
        copy.unlink()
        sqlite3.connect(copy).execute("CREATE TABLE t (x)").connection.close()
    else:
        connection = sqlite3.connect(copy, isolation_level=None)
        connection.execute(
            "PRAGMA user_version = 999"
            if kind == "newer"
            else "INSERT INTO steps (run_id, position, name, run, state) VALUES (9, 0, 's', 'x', 'passed')"
        )
        connection.close()
    before = (shop.workspace.state / FILE_NAME).read_bytes()
    said = opsconsole(shop.root, "store", "restore", str(copy), "--json")
    assert said.code == {"itself": 2, "absent": 4}.get(kind, 7), said
    assert said.json["error"]["hint"]
    assert (shop.workspace.state / FILE_NAME).read_bytes() == before
    assert not (shop.workspace.state / replacing.PLACE).exists()


def test_nobody_s_store_is_taken_from_under_them(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opsconsole.store.connection.LEAVING_S", 0.1)
    copy = shop.root / "copy.db"
    maintenance.backup(shop.store, copy)
    with pytest.raises(ConflictError, match=f"is in use by process {os.getpid()}"):
        restore(shop.workspace, copy)
    shop.store.close()
    assert restore(shop.workspace, copy).aside is not None


@pytest.mark.parametrize("way", ["none", "copy.db"])
def test_killed_at_any_act_the_store_is_the_old_one_or_the_new_one(shop: Shop, tmp_path: Path, way: str) -> None:
    shop.live(1)
    maintenance.backup(shop.store, shop.root / "copy.db")
    shop.store.close()
    wanted = known(shop.root)
    if way == "none":
        lose(shop.root)
    else:
        (shop.workspace.state / FILE_NAME).write_bytes(b"\0" * 40_000)
    base = tmp_path / "copies"
    for number in range(1, POINTS + 1):
        shutil.copytree(shop.root, base / str(number), symlinks=True)
        belonging.trust(base / str(number))
    points = killed_at_each_act(KILLED_AT, str(base), way)
    assert {"INSERT", "COMMIT", "os.rename", "os.mkdir", "whole"} <= {what for _, what in points}
    assert 10 < len(points) < POINTS, points
    for point, what in points:
        root = base / point
        workspace = open_workspace(root)
        if not replacing.is_sound(workspace.state):
            rebuild(workspace) if way == "none" else restore(workspace, root / way)
        after = known(root)
        assert (after["versions"], after["aliases"], after["moves"]) == (
            wanted["versions"],
            wanted["aliases"],
            wanted["moves"],
        ), what
        with open_store(workspace.state) as store:
            assert maintenance.check(store).problems == [], what


def test_a_damaged_store_offers_the_newest_copy(shop: Shop) -> None:
    shop.live(1)
    made = copies.keep_daily(shop.store, 7)
    assert made is not None
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert not copies.is_due(shop.workspace.state)
    assert copies.keep_daily(shop.store, 7) is None, "one a day"
    shop.store.close()
    for damage in (b"not a database" * 5000, (shop.workspace.state / FILE_NAME).read_bytes()[:4096] + b"\7" * 90_000):
        (shop.workspace.state / FILE_NAME).write_bytes(damage)
        for log in shop.workspace.state.glob("store.db-*"):
            log.unlink()
        said = opsconsole(shop.root, "model", "ls", "--json")
        assert said.code == 7, said
        assert f"opsconsole store restore {made}" in said.json["error"]["hint"]
    assert opsconsole(shop.root, "store", "restore", str(made)).code == 0
    assert opsconsole(shop.root, "model", "ls").code == 0


def test_copies_go_in_turn_and_a_damaged_store_drives_none_out(shop: Shop) -> None:
    shop.live(1)
    folder = shop.workspace.state / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    for day in range(1, 10):
        (folder / f"store.2020-01-{day:02d}.db").write_text("old")
    assert copies.keep_daily(shop.store, 0) is None
    made = copies.keep_daily(shop.store, 3)
    assert made is not None
    kept = sorted(path.name for path in folder.glob("*.db"))
    assert kept == ["store.2020-01-08.db", "store.2020-01-09.db", made.name]
    made.unlink()
    shop.store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray((shop.workspace.state / FILE_NAME).read_bytes())
    root = shop.store.rows("SELECT rootpage FROM sqlite_master WHERE name = 'version_files'")[0][0]
    content[(root - 1) * 4096 : root * 4096] = b"\7" * 4096
    shop.store.close()
    (shop.workspace.state / FILE_NAME).write_bytes(bytes(content))
    with Store(shop.workspace.state / FILE_NAME) as store:
        told = copies.settle_daily(store, 3)
    assert [type(error) for error in told] == [maintenance.DamagedError]
    assert sorted(path.name for path in folder.glob("*.db")) == kept[:2]


def test_a_full_disk_gets_no_copy(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.live(1)
    monkeypatch.setattr(copies, "SPARE", 1 << 60)
    assert copies.keep_daily(shop.store, 7) is None
    assert copies.is_due(shop.workspace.state)


def test_a_run_s_end_makes_the_copy_of_the_day(mill: Path) -> None:
    shutil.rmtree(mill / ".opsconsole" / "backups")
    (mill / "opsconsole.toml").write_text(
        (mill / "opsconsole.toml").read_text().replace("[workspace]", "[workspace]\nbackups = 2")
    )
    assert opsconsole(mill, "run", "app/build").code == 0
    assert not copies.is_due(mill / ".opsconsole")


def test_records_that_lie_are_told_and_nothing_half_is_taken(shop: Shop) -> None:
    shop.live(2)
    shop.store.close()
    lose(shop.root)
    history = shop.workspace.models / "m" / ".history"
    (history / "version-000002.json").write_text('{"format": 1, "version": {"model": "m", "version": 2}}')
    (history / "version-000009.json").write_text("{")
    (history / "move-production-000001.json").write_text("[" * 100_000)
    os.mkfifo(history / "version-000008.json")
    done = rebuild(shop.workspace)
    told = "\n".join(done.refilled.unknown)
    assert "m:2: its record does not hold" in told
    assert "the record move-production-000001.json cannot be read" in told
    with open_store(shop.workspace.state) as store:
        assert [item.version for item in models.versions(store, "m")] == [1]
        assert maintenance.check(store).problems == []
        assert shop.workspace.models.joinpath("m", "versions", "2").is_dir()


def test_a_run_that_was_at_work_is_ended_by_the_next_command(mill: Path) -> None:
    state = mill / ".opsconsole"
    shutil.copytree(state / "runs" / "1", state / "runs" / "50")
    for name, old in (("run.json", '"run_id": 1'), ("record.json", '"id": 1')):
        path = state / "runs" / "50" / name
        told = json.loads(path.read_text())
        told |= {"run_id": 50} if name == "run.json" else {"id": 50, "state": "running"}
        assert old.split('"')[1] in told
        path.write_text(json.dumps(told))
    shutil.rmtree(state / "backups", ignore_errors=True)
    lose(mill)
    assert opsconsole(mill, "store", "rebuild").code == 0
    with open_store(state) as store:
        record = runs.get(store, 50)
        assert record is not None
        assert record.state.final
        assert record.state in {RunState.PASSED, RunState.LOST}


def test_modes_hold_whatever_the_umask(mill: Path) -> None:
    def modes(umask: str, root: Path) -> dict[str, str]:
        line = f"umask {umask}; {sys.executable} -m opsconsole -C {root} run app/train --json"
        said = subprocess.run(["sh", "-c", line], check=True, capture_output=True)
        wait_until_released(open_workspace(root), json.loads(said.stdout)["id"])
        return {
            str(path.relative_to(root)): oct(path.lstat().st_mode)
            for path in root.rglob("*")
            if not {"out", "tree", "repos"} & set(path.relative_to(root).parts) and "store.db-" not in path.name
        }

    other = mill.with_name("other")
    shutil.copytree(mill, other, symlinks=True)
    belonging.trust(other)
    with open_store(other / ".opsconsole") as store, store.immediate() as connection:
        connection.execute("UPDATE repos SET path = replace(path, ?, ?)", (str(mill), str(other)))
    assert modes("000", mill) == modes("077", other)
