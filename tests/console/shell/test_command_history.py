"""Lines of the ``:`` prompt are kept: private, bounded, each once, by several consoles at once, and no secret among them."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from opsconsole.console.shell.history import LIMIT, NAME, History, way


def test_each_line_is_kept_once_the_newest_last_in_a_private_file(tmp_path: Path) -> None:
    history = History(tmp_path)
    for line in ("run 1", "models", "run 1"):
        history.add(line)
    assert History(tmp_path).lines() == ["models", "run 1"]
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600


def test_it_keeps_the_newest_up_to_its_limit(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("".join(f"run {number}\n" for number in range(LIMIT)), encoding="utf-8")
    history = History(tmp_path)
    history.add("models")
    assert history.lines()[-1] == "models"
    assert len(History(tmp_path).lines()) == LIMIT
    assert "run 0" not in history.lines()


def test_two_consoles_at_once_lose_nothing(tmp_path: Path) -> None:
    def write(name: str) -> None:
        history = History(tmp_path)
        for number in range(60):
            history.add(f"{name} {number}")

    writers = [threading.Thread(target=write, args=(name,)) for name in ("run", "alert")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert set(History(tmp_path).lines()) == {f"{name} {number}" for name in ("run", "alert") for number in range(60)}


@pytest.mark.parametrize(
    "line",
    [
        "add https://me:ghp_secret@example.org/repo.git",
        "add https://token@example.org/repo.git",
        "add https://example.org/repo.git?private_token=abc",
        " run 1",
        "",
        "x" * 5_000,
    ],
)
def test_secrets_blanks_and_endless_lines_are_not_kept(tmp_path: Path, line: str) -> None:
    history = History(tmp_path)
    history.add(line)
    assert history.lines() == []
    assert not (tmp_path / NAME).exists()


def test_a_read_only_session_remembers_for_itself_alone(tmp_path: Path) -> None:
    history = History(tmp_path, readonly=True)
    history.add("run 1")
    assert history.lines() == ["run 1"]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_or_a_broken_file_is_no_error(tmp_path: Path) -> None:
    gone = History(tmp_path / "gone")
    gone.add("run 1")
    assert gone.lines() == ["run 1"]
    (tmp_path / NAME).write_bytes(b"\xff\xfe\x00run\x1b[2J 1\n\n\n")
    assert all("\x1b" not in line for line in History(tmp_path).lines())
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / NAME).mkdir()
    broken = History(tmp_path / "folder")
    broken.add("run 2")
    assert broken.lines() == ["run 2"]


def test_the_way_back_holds_what_begins_alike_and_ends_with_what_was_typed() -> None:
    step = way(["run 1", "models", "run 2"], "ru")
    assert [step(-1), step(-1), step(-1), step(1), step(1), step(1)] == ["run 2", "run 1", None, "run 2", "ru", None]
