"""A workspace's state is ours, or refused: whoever brings one brings what would run as us."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from opsconsole.core import belonging
from opsconsole.core.errors import NotFoundError, RefusedError
from opsconsole.core.process import own_python
from opsconsole.store.connection import open_store

STRANGER = 12345


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "w"
    made.mkdir()
    (made / "opsconsole.toml").write_text("[workspace]\n", encoding="utf-8")
    return made


def say(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    line = own_python("opsconsole", "-C", str(root), *words)
    return subprocess.run(line, check=False, capture_output=True, text=True)


def test_what_we_made_is_ours_and_private(root: Path) -> None:
    belonging.make_ours(root / ".opsconsole")
    belonging.make_ours(root / ".opsconsole")
    belonging.require_ours(root / ".opsconsole")
    assert belonging.is_ours(root / ".opsconsole")
    assert (root / ".opsconsole").stat().st_mode & 0o777 == 0o700


def test_many_first_starts_agree(root: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(belonging.make_ours, [root / ".opsconsole"] * 16))
    assert belonging.is_ours(root / ".opsconsole")


@pytest.mark.parametrize("how", ["copied", "moved", "planted", "secret changed", "linked"])
def test_a_state_that_was_brought_is_refused_until_it_is_trusted(root: Path, tmp_path: Path, how: str) -> None:
    belonging.make_ours(root / ".opsconsole")
    here = tmp_path / "here"
    match how:
        case "copied":
            shutil.copytree(root, here)
        case "moved":
            root.rename(here)
        case "planted":
            (here / ".opsconsole").mkdir(parents=True)
            (here / ".opsconsole" / "store.db").touch()
        case "linked":
            here.mkdir()
            (here / ".opsconsole").symlink_to(root / ".opsconsole")
        case _:
            here = root
            (here / ".opsconsole" / "owner").write_text("0" * 32, encoding="ascii")
    (here / "opsconsole.toml").write_text("[workspace]\n", encoding="utf-8")
    for ask in (belonging.make_ours, belonging.require_ours, open_store):
        with pytest.raises(RefusedError, match=str(here)) as refused:
            ask(here / ".opsconsole")
        assert f"workspace trust {here}" in refused.value.hint
    assert not belonging.is_ours(here / ".opsconsole")
    belonging.trust(here)
    belonging.make_ours(here / ".opsconsole")


def test_a_folder_that_others_may_write_is_refused(root: Path) -> None:
    belonging.make_ours(root / ".opsconsole")
    (root / ".opsconsole").chmod(0o770)
    with pytest.raises(RefusedError, match="others may write"):
        belonging.require_ours(root / ".opsconsole")
    (root / ".opsconsole").chmod(0o700)
    (root / "opsconsole.toml").chmod(0o666)
    with pytest.raises(RefusedError, match="everybody may write"):
        belonging.make_ours(root / ".opsconsole")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_another_users_workspace_is_refused_whoever_we_are(root: Path) -> None:
    os.chown(root / "opsconsole.toml", STRANGER, STRANGER)
    with pytest.raises(RefusedError, match=f"uid {STRANGER}"):
        belonging.make_ours(root / ".opsconsole")
    os.chown(root / "opsconsole.toml", 0, 0)
    belonging.make_ours(root / ".opsconsole")
    os.chown(root / ".opsconsole", STRANGER, STRANGER)
    with pytest.raises(RefusedError, match=f"uid {STRANGER}"):
        belonging.require_ours(root / ".opsconsole")
    belonging.trust(root)
    belonging.require_ours(root / ".opsconsole")


def test_trust_needs_a_workspace(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        belonging.trust(tmp_path)


def test_every_verb_refuses_in_words_and_runs_nothing(root: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    assert say(root, "status").returncode == 0
    planted = tmp_path / "planted"
    shutil.copytree(root, planted)
    run = planted / ".opsconsole" / "runs" / "1"
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"intake": ["touch", str(ran)]}), encoding="utf-8")
    for words in (("status",), ("--readonly", "status"), ("runs",), ("doctor",)):
        answer = say(planted, *words)
        assert "was not made here" in answer.stdout + answer.stderr
        assert "Traceback" not in answer.stderr
    assert say(planted, "status").returncode == 6
    assert not (planted / ".opsconsole" / "opsconsole.log").exists()
    assert not ran.exists()
    assert say(root, "workspace", "trust", str(planted)).returncode == 0
    assert say(planted, "status").returncode == 0
