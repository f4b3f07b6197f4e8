"""A control group where the kernel gives us one, and nothing where it does not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from opsconsole.cli.doctor import logout_check
from opsconsole.runs.process import control_group
from opsconsole.runs.process.control_group import ControlGroup, new_group
from opsconsole.runs.steps.command import PLAIN


def test_without_a_group_every_act_does_nothing() -> None:
    group = ControlGroup(None)
    group.kill()
    group.close()
    assert (group.door, group.path, group.peak()) == (None, "", None)


def test_a_folder_that_is_no_control_group_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_group, "_own", lambda: tmp_path)
    assert new_group("test").door is None
    assert list(tmp_path.iterdir()) == []


def test_who_joined_dies_with_the_group_whatever_it_ignores() -> None:
    """On a machine that gives us no group the shell goes on without one, and is ended by its number."""
    group = new_group("test")
    run = "trap '' TERM; setsid sleep 20 & wait"
    process = subprocess.Popen(["/bin/sh", "-c", PLAIN, "step", str(group.door or ""), run], start_new_session=True)
    if group.door is None:
        process.kill()
    else:
        while len(group.door.read_text(encoding="ascii").split()) < 2:
            assert process.poll() is None
        group.kill()
    process.wait(20)
    if group.door is not None:
        while group.door.read_text(encoding="ascii").split():
            group.kill()
        group.close()
        assert not Path(group.path).exists()


@pytest.mark.parametrize(
    ("kills", "lingers", "outcome"), [(False, False, "pass"), (True, True, "pass"), (True, False, "warn")]
)
def test_doctor_warns_when_a_logout_would_end_runs(kills: bool, lingers: bool, outcome: str) -> None:
    found = logout_check(kills=kills, lingers=lingers, user="ops")
    assert found.outcome == outcome
    assert ("loginctl enable-linger ops" in found.detail) is (outcome == "warn")
