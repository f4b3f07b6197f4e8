"""The queue for slots: who is next, what a run waits for, and that waiting costs the less the longer the line is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opsconsole.core.files import try_lock
from opsconsole.runs.execute import slots
from opsconsole.runs.execute.slots import QueueLook, SlotQueue, Waiting
from opsconsole.runs.record.folder import run_folder


def live(state: Path, run_id: int) -> int:
    folder = run_folder(state, run_id)
    folder.path.mkdir(parents=True)
    lock = try_lock(folder.lock)
    assert lock is not None
    return lock


def queue(
    state: Path, run_id: int, *, repo: str = "app", repo_slots: int | None = None, workspace: int = 1
) -> SlotQueue:
    return SlotQueue(state, run_id, workspace=workspace, repo=repo, repo_slots=repo_slots)


def test_the_first_that_lives_is_next_and_a_dead_one_s_ticket_goes(tmp_path: Path) -> None:
    first, second, third = (queue(tmp_path, number) for number in (1, 2, 3))
    locks = [live(tmp_path, 2), live(tmp_path, 3)]
    assert third.try_take() == []
    assert second.try_take(), "run 1 is dead"
    assert third.try_take() == [], "the slot is taken"
    assert [path.name for path in (tmp_path / "slots" / "waiting").iterdir()] == ["3"]
    assert len(locks) == 2
    first.leave()


def test_who_waits_for_a_full_repo_lets_others_by(tmp_path: Path) -> None:
    held = [live(tmp_path, number) for number in (1, 2, 3, 4)]
    assert queue(tmp_path, 1, repo_slots=1, workspace=3).try_take()
    same, other = queue(tmp_path, 2, repo_slots=1, workspace=3), queue(tmp_path, 3, repo="lib", workspace=3)
    behind = queue(tmp_path, 4, repo_slots=1, workspace=3)
    assert same.try_take() == []
    assert QueueLook(tmp_path).of(2) == Waiting("app", 1, (1,), ())
    assert QueueLook(tmp_path).of(4) == Waiting("app", 1, (1,), (2, 3))
    assert other.try_take()
    assert behind.try_take() == []
    assert len(held) == 4


def test_a_waiting_run_is_told_who_is_at_work_and_who_comes_first(tmp_path: Path) -> None:
    held = [live(tmp_path, number) for number in (1, 2, 3)]
    (taken,) = queue(tmp_path, 1).try_take()
    queue(tmp_path, 2)
    last = queue(tmp_path, 3)
    assert QueueLook(tmp_path).of(3) == Waiting(None, 1, (1,), (2,))
    assert QueueLook(tmp_path).of(1) is None
    os.close(taken)
    assert last.try_take() == []
    assert len(held) == 3


def test_looks_of_a_long_line_come_to_no_more_than_the_first_few(tmp_path: Path) -> None:
    line = [queue(tmp_path, number) for number in range(1, 101)]
    held = [live(tmp_path, number) for number in range(1, 101)]
    busy = try_lock(tmp_path / "slots" / "0.lock")
    for waiting in line:
        assert waiting.try_take() == []
    assert sum(1 / waiting.look_s for waiting in line) < 60
    assert line[0].look_s == pytest.approx(slots.LOOK_S)
    assert busy is not None
    assert len(held) == 100
