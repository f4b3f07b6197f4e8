"""Processes that begin as a copy of ours: what they have of us, and what they have not."""

from __future__ import annotations

import fcntl
import os
import signal
import threading
from pathlib import Path

import pytest

from opsconsole.runs.process.fork import Forked, fork
from opsconsole.runs.process.signals import Signals
from tests.runs.bench import until


def ended(process: Forked) -> int:
    until(lambda: process.poll() is not None)
    assert process.returncode is not None
    return process.returncode


def answer(work: object, *keep: int) -> str:
    """What a forked process prints."""
    reader, writer = os.pipe()
    assert callable(work)
    process = fork("forked", lambda: os.write(1, str(work()).encode()), stdout=writer, keep=keep)
    os.close(writer)
    with os.fdopen(reader) as heard:
        text = heard.read()
    assert ended(process) == 0
    return text


def test_it_holds_no_lock_and_no_file_of_ours_but_what_it_is_to_keep(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock, (tmp_path / "kept").open("w") as kept:
        fcntl.flock(lock, fcntl.LOCK_EX)
        reader, writer = os.pipe()
        process = fork("forked", lambda: os.read(reader, 1), keep=(reader, kept.fileno()))
        os.close(reader)
        until(lambda: Path(f"/proc/{process.pid}/comm").read_text() == "forked\n")
        held = {os.path.realpath(entry) for entry in Path(f"/proc/{process.pid}/fd").iterdir()}
        assert str(tmp_path / "kept") in held
        assert str(tmp_path / "lock") not in held
        lock.close()
        with (tmp_path / "lock").open("w") as again:
            fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(writer)
        assert ended(process) == 0


def test_other_threads_of_ours_stay_behind() -> None:
    go_on = threading.Event()
    other = threading.Thread(target=go_on.wait)
    other.start()
    try:
        assert answer(threading.active_count) == "1"
    finally:
        go_on.set()
        other.join()


def test_a_signal_that_comes_before_its_handlers_is_counted_after() -> None:
    reader, writer = os.pipe()

    def work() -> None:
        os.read(reader, 1)
        os._exit(10 + Signals().cancels)

    process = fork("forked", work, keep=(reader,))
    os.kill(process.pid, signal.SIGTERM)
    os.write(writer, b"x")
    assert ended(process) == 11
    os.close(reader)
    os.close(writer)


def test_what_goes_wrong_in_it_is_told_and_never_goes_on_as_ours(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        raise ValueError("of the child")

    assert ended(fork("forked", work)) == 1
    assert "ValueError: of the child" in capfd.readouterr().err
    assert ended(fork("forked", lambda: os.kill(os.getpid(), signal.SIGKILL))) == -signal.SIGKILL
