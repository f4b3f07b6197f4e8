"""Waiting for the first of: an ended child, a cancel, output, a deadline. Standard library only."""

from __future__ import annotations

import os
import select
import signal
from types import FrameType

HANDLED = (signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP, signal.SIGINT)


class Signals:
    """Count cancels and wake the one who waits; handlers only count, so no wait is ever cut in two.

    Handlers rather than ``SIG_IGN``: what is ignored stays ignored in every step.
    """

    def __init__(self) -> None:
        self.cancels = 0
        self._reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._cancel)
        for number in HANDLED[1:]:
            signal.signal(number, self._wake)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)  # who forked us held them back until now

    def wait(self, seconds: float, *others: int) -> list[int]:
        """Wait at most ``seconds`` for a signal, or until one of the descriptors can be read; return those."""
        ready, _, _ = select.select([self._reader, *others], [], [], max(0.0, seconds))
        if self._reader in ready:
            try:
                os.read(self._reader, 4096)
            except BlockingIOError:
                return [descriptor for descriptor in ready if descriptor != self._reader]
        return [descriptor for descriptor in ready if descriptor != self._reader]

    def _cancel(self, _number: int, _frame: FrameType | None) -> None:
        self.cancels += 1

    def _wake(self, _number: int, _frame: FrameType | None) -> None:
        """Nothing to do: the wake-up descriptor has been written to."""
