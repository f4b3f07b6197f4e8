"""Acts and heavy answers: the CLI twin with ``--json`` as a child, so the console process stays light and replaceable."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

import msgspec

from opsconsole.core import umask
from opsconsole.core.nouns import Danger
from opsconsole.lifecycle.usecases import USE_CASES, child_argv


@dataclass(frozen=True)
class Answer:
    """What the child said."""

    code: int
    data: Any
    """Its JSON document; None when it printed none."""
    problem: str
    """What went wrong, in words; empty when nothing did."""
    hint: str = ""
    code_word: str = ""
    """What kind of problem it is, as ``--json`` names it."""
    asks: tuple[str, ...] = ()
    """Each thing that the operator is asked about first, where there may be several."""

    @property
    def good(self) -> bool:
        """Whether it answered the question, also with no (exit code 1)."""
        return not self.problem


async def ask(name: str, root: str, *, readonly: bool, **values: object) -> Answer:
    """Carry a use case out in a child of its own session, and return what it said.

    It writes to files, not to pipes: an act goes on to its end when the console, the terminal or the one who asked is
    gone. A mere answer that nobody waits for any more is ended.
    """
    argv = child_argv(name, root, readonly=readonly, **values)
    try:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = _started(argv, out, err)
            try:
                await _end_of(process)
            except asyncio.CancelledError:
                if USE_CASES[name].danger is Danger.READ:
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                raise
            out.seek(0)
            err.seek(0)
            return _answer(process.returncode, out.read(), err.read())
    except OSError as error:
        return Answer(1, None, f"{USE_CASES[name].title}: could not be started: {error.strerror}")


def _started(argv: list[str], out: IO[bytes], err: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        start_new_session=True,
        umask=umask.operators(),
        env={**os.environ, "OPSCONSOLE_ORIGIN": "console", "NO_COLOR": "1"},
    )


async def _end_of(process: subprocess.Popen[bytes]) -> None:
    """Wait for a child in a thread of its own, which collects it also when nobody waits any more."""
    loop = asyncio.get_running_loop()
    ended = loop.create_future()

    def tell() -> None:
        if not ended.done():
            ended.set_result(None)

    def wait() -> None:
        process.wait()
        with suppress(RuntimeError):  # the loop is closed: the console left
            loop.call_soon_threadsafe(tell)

    threading.Thread(target=wait, name=f"child {process.pid}", daemon=True).start()
    await ended


def _answer(code: int, out: bytes, err: bytes) -> Answer:
    try:
        data = msgspec.json.decode(out) if out.strip() else None
    except msgspec.DecodeError:
        data = None
    if isinstance(data, dict) and isinstance(data.get("error"), dict):
        error = data["error"]
        asks = tuple(map(str, error.get("asks", ())))
        return Answer(code, None, str(error["message"]), str(error["hint"]), str(error["code"]), asks)
    if data is None:
        last = err.decode("utf-8", "replace").strip().splitlines()
        return Answer(code, None, last[-1] if last else f"exit code {code}")
    return Answer(code, data, "")
