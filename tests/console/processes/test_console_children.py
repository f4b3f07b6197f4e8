"""The console's children: an act outlives whoever asked for it, a mere answer does not."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from opsconsole.config.workspace import Workspace
from opsconsole.console.processes import cli_client
from opsconsole.core.process import identity
from opsconsole.lifecycle import usecases
from opsconsole.store import events
from opsconsole.store.connection import open_store


def recorded(workspace: Workspace, kind: str) -> int:
    with open_store(workspace.state) as store:
        return len(events.events(store, kind=kind))


def own_children() -> set[int]:
    """The children of this process, whichever of its threads started them."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that ended meanwhile
            found |= {int(word) for word in (task / "children").read_text(encoding="ascii").split()}
    return found


def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


async def started(task: asyncio.Task[cli_client.Answer]) -> set[int]:
    before = own_children()
    while not (new := own_children() - before):
        await asyncio.sleep(0.005)
        assert not task.done()
    return new


async def test_an_act_goes_on_when_the_one_who_asked_is_gone(world: Workspace) -> None:
    task = asyncio.create_task(cli_client.ask("alert.ack", str(world.root), readonly=False, alert=1))
    pids = await started(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    until(lambda: recorded(world, "alert.acknowledged") == 1)
    until(lambda: not any(identity(pid) for pid in pids))
    del task
    gc.collect()


async def test_an_answer_that_nobody_waits_for_is_ended(world: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_client, "child_argv", lambda *_, **__: ["sleep", "600"])
    task = asyncio.create_task(cli_client.ask("status", str(world.root), readonly=False))
    pids = await started(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    until(lambda: not any(identity(pid) for pid in pids))
    until(lambda: not pids & own_children())


async def test_a_child_that_cannot_be_started_is_an_answer(world: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_client, "child_argv", lambda *_, **__: ["/no/such/program"])
    answer = await cli_client.ask("status", str(world.root), readonly=False)
    assert not answer.good
    assert usecases.USE_CASES["status"].title in answer.problem
