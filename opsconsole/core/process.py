"""The one subprocess wrapper, and the identity of a process that outlives the reuse of its number.

Standard library only: the keeper and the supervisor import it.
"""

from __future__ import annotations

import errno
import os
import selectors
import signal
import site
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

from opsconsole.core import umask
from opsconsole.core.errors import NotFoundError, OpsconsoleError

T = TypeVar("T")
MEBIBYTE = 1 << 20
OUTPUT_LIMIT = 64 * MEBIBYTE
ROOM_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
"""How long is waited before each new try to start a process that there was no room for."""
DRAIN_S = 1.0
"""How long a pipe may stay open after its program ended: a grandchild that kept it must not hold us up."""


@dataclass(frozen=True)
class Identity:
    """Which process, for good: a number alone is reused, number and start time within one boot are not."""

    boot_id: str
    pid: int
    started: int
    """Clock ticks between the boot and the start of the process (field 22 of ``/proc/<pid>/stat``)."""

    def to_text(self) -> str:
        """Return the form that goes into files."""
        return f"{self.boot_id}:{self.pid}:{self.started}"

    @classmethod
    def from_text(cls, text: str) -> Identity:
        """Read what ``to_text`` wrote; ValueError when it is something else."""
        boot_id, pid, started = text.split(":")
        return cls(boot_id, int(pid), int(started))


@dataclass(frozen=True)
class Completed:
    """What a program answered."""

    argv: tuple[str, ...]
    exit_code: int
    """Negative: the signal that ended it."""
    stdout: bytes
    stderr: bytes
    timed_out: bool = False
    truncated: bool = False
    """It printed more than the limit and was ended for it."""


def boot_id() -> str:
    """Return the kernel's name for this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def identity(pid: int) -> Identity | None:
    """Return the identity of a running process, or None when there is none (a zombie does not run)."""
    state = process_state(pid)
    if state is None or state.code in "ZX":
        return None
    return Identity(boot_id(), pid, state.started)


def own_identity() -> Identity:
    """Return this process's identity; NotFoundError where /proc does not show it."""
    who = identity(os.getpid())
    if who is None:
        raise NotFoundError("/proc does not show this process", hint="opsconsole needs Linux with /proc mounted")
    return who


def alive(who: Identity) -> bool:
    """Whether that very process still runs."""
    return identity(who.pid) == who


@dataclass(frozen=True)
class ProcessState:
    """The fields of ``/proc/<pid>/stat`` that tell processes apart."""

    code: str
    parent: int
    started: int


def process_state(pid: int) -> ProcessState | None:
    """Read ``/proc/<pid>/stat``; the name in it may hold spaces and parentheses, so it is read from the right."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = text[text.rfind(b")") + 2 :].split()
    return ProcessState(code=fields[0].decode(), parent=int(fields[1]), started=int(fields[19]))


def send(who: Identity, number: signal.Signals) -> bool:
    """Signal that very process, never another that took its number; return whether it was there."""
    try:
        handle = os.pidfd_open(who.pid)
    except OSError:
        return False
    try:
        if not alive(who):
            return False
        signal.pidfd_send_signal(handle, number)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)


def with_room(start: Callable[[], T]) -> T:
    """Return what ``start`` returns, which starts a process; where the system has no room for one more, wait for some.

    OpsconsoleError when there is none for seconds: a number of processes, or memory, is at its limit.
    """
    for wait in ROOM_S:
        try:
            return start()
        except OSError as error:
            if error.errno not in {errno.EAGAIN, errno.ENOMEM}:
                raise
            time.sleep(wait)
    try:
        return start()
    except OSError as error:
        if error.errno not in {errno.EAGAIN, errno.ENOMEM}:
            raise
        raise OpsconsoleError(
            "no process can be started: the system has no room for one more",
            hint="end something, or raise what limits it: ulimit -u, pids.max, memory; then do it again",
        ) from error


def own_python(module: str, *arguments: str) -> list[str]:
    """Return the command line that runs one of our modules in a fresh interpreter nobody's environment can bend.

    Neither the current folder nor PYTHONPATH is looked at; the user's site folder only when we are installed there.
    """
    at_home = site.ENABLE_USER_SITE and Path(__file__).is_relative_to(site.getusersitepackages())
    flags = ["-E", "-P"] if at_home else ["-I"]
    return [sys.executable, *flags, "-m", module, *arguments]


def capture(
    argv: list[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 60.0,
    limit: int = OUTPUT_LIMIT,
    feed: bytes = b"",
    pass_fds: tuple[int, ...] = (),
    into: IO[bytes] | None = None,
) -> Completed:
    """Run a program in a session of its own and return its output; its whole process group ends at the timeout.

    ``timeout`` is in seconds, ``limit`` in bytes for each stream. With ``into``, what it prints goes to that file
    instead of memory, and ``limit`` counts for it alone. NotFoundError when there is no such program.
    """
    try:
        process = with_room(
            lambda: subprocess.Popen(
                argv,
                cwd=cwd,
                env=env,
                stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                pass_fds=pass_fds,
                umask=umask.operators(),
            )
        )
    except (FileNotFoundError, NotADirectoryError) as error:
        if cwd is not None and not cwd.is_dir():
            raise NotFoundError(f"{cwd}: no such folder") from error
        raise NotFoundError(f"{argv[0]}: no such program", hint=f"install {argv[0]}, or put it on PATH") from error
    except PermissionError as error:
        raise NotFoundError(f"{argv[0]}: may not be run", hint="check its permissions") from error
    with process:
        try:
            return _Conversation(process, tuple(argv), limit, into).run(feed, time.monotonic() + timeout)
        finally:
            _end_group(process)


class _Conversation:
    """Feed a program and drain it, without letting either side wait for ever."""

    def __init__(
        self, process: subprocess.Popen[bytes], argv: tuple[str, ...], limit: int, into: IO[bytes] | None
    ) -> None:
        self.process = process
        self.argv = argv
        self.limits = {"stdout": limit, "stderr": limit if into is None else OUTPUT_LIMIT}
        self.into = into
        self.written = 0
        self.heard: dict[str, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self.truncated = False
        self.timed_out = False

    def run(self, feed: bytes, deadline: float) -> Completed:
        with selectors.DefaultSelector() as selector:
            for name, stream in (("stdout", self.process.stdout), ("stderr", self.process.stderr)):
                assert stream is not None
                selector.register(stream, selectors.EVENT_READ, name)
            if self.process.stdin is not None:
                os.set_blocking(self.process.stdin.fileno(), False)
                selector.register(self.process.stdin, selectors.EVENT_WRITE, "stdin")
            self._exchange(selector, memoryview(feed), deadline)
        if not (self.timed_out or self.truncated):
            try:
                self.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.timed_out = True
        _end_group(self.process)
        return Completed(
            argv=self.argv,
            exit_code=self.process.wait(),
            stdout=bytes(self.heard["stdout"]),
            stderr=bytes(self.heard["stderr"]),
            timed_out=self.timed_out,
            truncated=self.truncated,
        )

    def _exchange(self, selector: selectors.BaseSelector, feed: memoryview, deadline: float) -> None:
        ended = False
        while selector.get_map() and not self.truncated:
            if not ended and self.process.poll() is not None:
                ended, deadline = True, min(deadline, time.monotonic() + DRAIN_S)
            left = deadline - time.monotonic()
            if left <= 0:
                self.timed_out = not ended
                return
            for key, _ in selector.select(min(left, 0.1)):
                stream: IO[bytes] = key.fileobj  # type: ignore[assignment]
                if key.data == "stdin":
                    feed = _feed(selector, stream, feed)
                else:
                    self._hear(selector, stream, key.data)

    def _hear(self, selector: selectors.BaseSelector, stream: IO[bytes], name: str) -> None:
        block = os.read(stream.fileno(), 1 << 16)
        if not block:
            selector.unregister(stream)
            return
        if name == "stdout" and self.into is not None:
            room = self.limits[name] - self.written
            self.written += self.into.write(block[:room])
        else:
            room = self.limits[name] - len(self.heard[name])
            self.heard[name] += block[:room]
        self.truncated = len(block) > room


def _feed(selector: selectors.BaseSelector, stream: IO[bytes], feed: memoryview) -> memoryview:
    try:
        feed = feed[os.write(stream.fileno(), feed[: 1 << 16]) :]
    except BlockingIOError:
        return feed
    except BrokenPipeError:
        feed = feed[:0]
    if not feed:
        selector.unregister(stream)
        stream.close()
    return feed


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End whatever is left of the program's process group; it is the leader, so the number is still its own."""
    if process.returncode is not None:
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()
