from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from opsconsole.core.errors import NotFoundError
from opsconsole.core.process import Identity, alive, capture, identity, own_identity, send, with_room


def test_what_a_program_says_is_returned_with_its_exit_code() -> None:
    answer = capture(["sh", "-c", "cat; echo bad >&2; exit 3"], feed=b"x" * 300_000)
    assert (answer.exit_code, answer.stdout, answer.stderr) == (3, b"x" * 300_000, b"bad\n")


def test_a_program_that_does_not_read_its_feed_does_not_hang_us() -> None:
    assert capture(["true"], feed=b"x" * 3_000_000, timeout=30).exit_code == 0


def test_a_program_past_its_timeout_is_ended_with_its_group() -> None:
    answer = capture(["sh", "-c", "sleep 600 & echo $!; sleep 600"], timeout=1.0)
    assert answer.timed_out
    child, deadline = int(answer.stdout), time.monotonic() + 30
    while identity(child) is not None:
        assert time.monotonic() < deadline, "it was not ended"
        time.sleep(0.01)


def test_output_past_the_limit_ends_the_program_and_is_said() -> None:
    answer = capture(["yes"], limit=100_000, timeout=30)
    assert answer.truncated
    assert len(answer.stdout) == 100_000


def test_what_a_program_prints_goes_into_a_file_and_its_limit_is_of_the_file(tmp_path: Path) -> None:
    for limit, size in ((1 << 20, 300_000), (1000, 1000)):
        with (tmp_path / "printed").open("wb") as file:
            done = capture(["sh", "-c", "echo why >&2; head -c 300000 /dev/zero"], limit=limit, into=file)
        assert (tmp_path / "printed").stat().st_size == size
        assert done.truncated == (size == limit)
        assert done.stdout == b""
        assert done.stderr == b"why\n"


def test_a_grandchild_that_keeps_the_pipe_does_not_hold_us_up() -> None:
    answer = capture(["sh", "-c", "setsid sleep 600 & echo $!"], timeout=60)
    os.kill(int(answer.stdout), signal.SIGKILL)
    assert (answer.exit_code, answer.timed_out) == (0, False)


def test_a_missing_program_and_a_missing_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such program"):
        capture(["no-such-program-anywhere"])
    with pytest.raises(NotFoundError, match="no such folder"):
        capture(["true"], cwd=tmp_path / "gone")


def test_a_program_runs_in_a_session_of_its_own_with_nothing_to_read() -> None:
    script = "import os, sys; print(os.getsid(0) == os.getpid(), repr(sys.stdin.read()))"
    assert capture([sys.executable, "-c", script]).stdout == b"True ''\n"


def test_identity_tells_a_process_from_another_with_its_number() -> None:
    me = own_identity()
    assert alive(me)
    assert Identity.from_text(me.to_text()) == me
    assert not alive(Identity(me.boot_id, me.pid, me.started + 1))
    assert not alive(Identity("another boot", me.pid, me.started))


def test_a_zombie_is_not_alive_and_a_signal_never_hits_another() -> None:
    child = subprocess.Popen(["sleep", "600"])
    who = identity(child.pid)
    assert who is not None
    assert not send(Identity(who.boot_id, who.pid, who.started + 1), signal.SIGKILL)
    assert alive(who)
    assert send(who, signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not alive(who)
    child.wait()
    assert not send(who, signal.SIGKILL)


NO_ROOM = """
import os, resource
from opsconsole.core import process
from opsconsole.core.errors import OpsconsoleError
if os.getuid() == 0:
    os.setuid(65534)
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
process.ROOM_S = (0.01,)
try:
    process.capture(["true"])
except OpsconsoleError as error:
    print(error.message)
"""


def test_no_room_for_a_process_is_told_in_words() -> None:
    hold = ["sleep", "600"]
    user = {"user": 65534} if os.getuid() == 0 else {}
    with subprocess.Popen(hold, cwd="/", **user) as other:  # type: ignore[call-overload]
        try:
            answer = subprocess.run([sys.executable, "-c", NO_ROOM], capture_output=True, text=True, check=False)
        finally:
            other.kill()
    assert answer.stdout == "no process can be started: the system has no room for one more\n", answer.stderr


def test_a_process_is_started_when_there_is_room_again() -> None:
    tries: list[int] = []

    def start() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return "started"

    assert with_room(start) == "started"
