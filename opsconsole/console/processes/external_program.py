"""The operator's own program in front of the console: their pager, their editor.

The console goes on reading its signals and looking at its terminal meanwhile: when either says that it is over, both go.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from opsconsole.console.host.host import Host
from opsconsole.core import umask

if TYPE_CHECKING:
    from textual.driver import Driver

LOOK = 0.5
"""Seconds between looks at whether the terminal is still there."""


class ExternalProgram:
    """Steps aside for a program, one at a time."""

    def __init__(self, app: Host) -> None:
        self._app = app
        self._ended: asyncio.Event | None = None
        self._leaving = False

    @property
    def busy(self) -> bool:
        """Whether a program has the terminal."""
        return self._ended is not None

    def leave(self) -> None:
        """End the program as a closed terminal would, and the console with it."""
        self._leaving = True
        if self._ended is not None:
            self._ended.set()

    async def visit(self, command: list[str], driver: Driver) -> None:
        """Give the terminal to a program until it ends; what to say of a failure is said."""
        loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        loop.add_signal_handler(signal.SIGINT, lambda: None)  # Ctrl-C is the program's, which gets it too
        driver.suspend_application_mode()
        try:
            with driver.no_automatic_restart():
                problem = await self._run(command, self._ended)
        finally:
            loop.remove_signal_handler(signal.SIGINT)
            self._ended = None
        if self._leaving:
            self._app.exit()
            return
        driver.resume_application_mode()
        self._app.forget_screen()
        if problem:
            self._app.say(problem, "bad")

    async def _run(self, command: list[str], ended: asyncio.Event) -> str:
        try:
            process = _started(command)
        except OSError as error:
            return f"{command[0]} could not be started: {error.strerror}"
        loop, watched = asyncio.get_running_loop(), os.pidfd_open(process.pid)
        loop.add_reader(watched, ended.set)
        try:
            while process.poll() is None and not self._leaving:
                with suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), LOOK)
                self._leaving |= _hung_up()
        finally:
            loop.remove_reader(watched)
            os.close(watched)
        if process.poll() is None:
            process.send_signal(signal.SIGHUP)
        return ""


def _started(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, cwd=Path.home(), umask=umask.operators())


def _hung_up() -> bool:
    """Whether the terminal is gone."""
    if sys.__stdin__ is None:
        return True
    look = select.poll()
    look.register(sys.__stdin__.fileno(), 0)
    return any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in look.poll(0))
