"""One key at a time: the next one waits until what the one before has opened is there and has the focus.

Textual forwards a key to the widget that has the focus and takes the next; what the key does comes later, and the focus
it moves later still. Keys typed ahead of that would be acts of the screen that is being left: ``:theme`` would start a
retraining by its ``t``.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from textual import events
from textual.app import App
from textual.message_pump import MessagePump

ROUNDS = 8
"""Looks at the queues after one key; two are enough where the focus stays."""
LIMIT = 2.0
"""Seconds after which a queue that does not answer is not waited for."""


class KeyQueue:
    """Lets keys and pastes through to the app in their order, each when the one before has had its effect."""

    def __init__(self, app: App[Any], forward: Callable[[events.Event], Awaitable[None]]) -> None:
        self._app = app
        self._forward = forward
        """What the app does with an event when nobody stands in the way."""
        self._waiting: deque[events.Event] = deque()
        self._settling: asyncio.Task[None] | None = None

    async def take(self, event: events.Event) -> None:
        """Pass an event on, now or in its turn; called in the app's own task."""
        if self._settling is None:
            await self._pass(event)
        else:
            self._waiting.append(event)

    def close(self) -> None:
        """Let nothing through any more."""
        self._waiting.clear()
        if self._settling is not None:
            self._settling.cancel()

    async def _pass(self, event: events.Event) -> None:
        target = self._app.focused or self._app.screen
        await self._forward(event)
        self._settling = asyncio.create_task(self._settle(event, target))

    async def _next(self) -> None:
        self._settling = None
        if self._waiting:
            await self._pass(self._waiting.popleft())

    async def _settle(self, event: events.Event, target: MessagePump) -> None:
        """Wait until the event has gone its way, and so has what it led to; then let the next through."""
        await _emptied(target)
        if not event._no_default_action:  # noqa: SLF001 - a field that took it as text has said so, and that is all
            await self._follow(target)
        if self._waiting:
            self._app.call_later(self._next)
        else:
            self._settling = None

    async def _follow(self, target: MessagePump) -> None:
        for number in range(ROUNDS):
            before = (self._app.screen, self._app.focused)
            ways = [_way(target), _way(self._app.focused or self._app.screen)]
            for pump in dict.fromkeys(pump for way in ways for pump in way if pump is not self._app):
                await _emptied(pump)
            await _emptied(self._app)
            if number and before == (self._app.screen, self._app.focused):
                return


def _way(target: MessagePump | None) -> list[MessagePump]:
    """Return whose queues an event goes through, from the inside out."""
    way: list[MessagePump] = []
    while target is not None:
        way.append(target)
        target = target._parent  # noqa: SLF001 - Textual names it for nodes only
    return way


async def _emptied(pump: MessagePump) -> None:
    """Wait until a queue has come to what stands in it now; a screen that is being made comes to it when it is made."""
    reached = asyncio.Event()
    if pump.call_later(reached.set):
        with suppress(TimeoutError):
            await asyncio.wait_for(reached.wait(), LIMIT)
