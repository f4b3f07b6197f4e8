"""The driver: one at a time, detached, and how its end is told to whoever follows it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from opsconsole.core.files import try_lock
from opsconsole.demo.driver import Outcome, at_work, launch, lock_path, log_path, outcome_of, outcome_path
from opsconsole.demo.following import follow
from opsconsole.demo.material import lay_out


def opsconsole(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "opsconsole", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=60,
    )


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A demo whose configuration somebody broke, so that its driver fails at once."""
    root = tmp_path / "demo"
    lay_out(root, 0)
    file = root / "opsconsole.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("slots =", "slotz ="), encoding="utf-8")
    return root


def test_there_is_one_driver_at_a_time(broken: Path) -> None:
    lock = try_lock(lock_path(broken))
    assert lock is not None
    assert at_work(broken)
    assert not launch(broken)
    assert not log_path(broken).exists()
    os.close(lock)
    assert not at_work(broken)


def test_a_driver_is_at_work_from_the_moment_it_was_launched(broken: Path) -> None:
    assert launch(broken)
    assert at_work(broken)
    follow(broken, lambda _: None)


def test_a_driver_that_fails_says_why_and_the_follower_exits_1(broken: Path) -> None:
    done = opsconsole("demo", str(broken), "--no-open")
    assert done.returncode == 1
    assert "slotz" in done.stderr
    assert "did you mean `slots`" in done.stderr
    assert log_path(broken).read_text(encoding="utf-8").startswith("failed: ")
    left = outcome_of(broken)
    assert left is not None
    assert not left.done
    assert "slotz" in left.reason
    assert "Traceback" not in done.stderr


def test_a_configuration_without_the_demos_repos_is_told(tmp_path: Path) -> None:
    root = tmp_path / "demo"
    lay_out(root, 0)
    (root / "opsconsole.toml").write_text('[repos.flights]\npath = "repos/flights"\n', encoding="utf-8")
    done = opsconsole("demo", str(root), "--no-open")
    assert done.returncode == 1
    assert "no longer names the repo flights-api" in done.stderr


def test_an_interrupt_ends_the_follower_and_not_the_driver(broken: Path) -> None:
    lock = try_lock(lock_path(broken))
    assert lock is not None
    log_path(broken).write_text("run 1: builds flights\n", encoding="utf-8")
    follower = subprocess.Popen(
        [sys.executable, "-m", "opsconsole", "demo", str(broken), "--no-open"], stderr=subprocess.PIPE, text=True
    )
    assert follower.stderr is not None
    assert follower.stderr.readline() == "run 1: builds flights\n"
    follower.send_signal(signal.SIGINT)
    _, said = follower.communicate(timeout=60)
    assert follower.returncode == 130
    assert "goes on filling itself" in said
    assert at_work(broken)
    os.close(lock)


def test_the_failure_is_json_too(broken: Path) -> None:
    done = opsconsole("demo", str(broken), "--json")
    assert done.returncode == 1
    assert "slotz" in json.loads(done.stdout)["error"]["message"]


def test_what_an_earlier_driver_told_is_not_taken_for_the_present_one(broken: Path) -> None:
    log_path(broken).write_text("done: 41 s\n", encoding="utf-8")
    outcome_path(broken).write_text('{"done": true, "reason": ""}', encoding="utf-8")
    assert outcome_of(broken) == Outcome(done=True)
    assert opsconsole("demo", str(broken), "--no-open").returncode == 1


def test_a_driver_that_died_without_a_word_did_not_succeed(broken: Path) -> None:
    log_path(broken).write_text("run 3: builds flights\n", encoding="utf-8")
    outcome = follow(broken, lambda _: None)
    assert not outcome.done
    assert "was ended" in outcome.reason


def test_without_a_terminal_the_console_is_not_tried(tmp_path: Path) -> None:
    done = opsconsole("demo", str(tmp_path / "demo"))
    assert done.returncode == 2
    assert "--no-open" in done.stderr
    assert not (tmp_path / "demo").exists()


def test_a_read_only_session_makes_no_demo(tmp_path: Path) -> None:
    assert opsconsole("--readonly", "demo", str(tmp_path / "demo"), "--no-open").returncode == 6
    assert not (tmp_path / "demo").exists()


def test_a_foreign_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    assert opsconsole("demo", str(tmp_path), "--no-open").returncode == 6
    assert not (tmp_path / ".opsconsole").exists()
