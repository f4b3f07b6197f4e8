"""The journal ``events.jsonl``: the truth of a run, of which rows are the projection. Standard library only."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from opsconsole.core import clock
from opsconsole.core.files import read_regular
from opsconsole.core.nouns import StepState
from opsconsole.core.process import Identity

SIZE_LIMIT = 256 << 20
RESERVE = 64 * 1024
"""Bytes kept aside on the disk, so that the journal's last lines fit when it is full."""


class Journal:
    """Append facts; a full disk delays them, it does not stop the run."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._waiting = b""
        self._reserve = path.with_name("reserve")
        try:
            self._reserve.write_bytes(b"\0" * RESERVE)
        except OSError:
            self._reserve.unlink(missing_ok=True)

    def write(self, event: str, *, durable: bool = False, at: datetime | None = None, **facts: object) -> None:
        """Append one fact; ``durable`` puts it on the disk before this returns."""
        line = {"at": clock.to_text(at or clock.now()), "event": event, **facts}
        self._waiting += json.dumps(line, ensure_ascii=True).encode() + b"\n"
        self._drain()
        if self._waiting and self._reserve.exists():
            self._reserve.unlink(missing_ok=True)
            self._drain()
        if durable:
            try:
                os.fsync(self._descriptor)
            except OSError:
                return  # a disk that cannot sync now may later; the line stands in the page cache

    def _drain(self) -> None:
        while self._waiting:
            try:
                self._waiting = self._waiting[os.write(self._descriptor, self._waiting) :]
            except OSError:
                return

    def close(self) -> None:
        """Write what still waits, and give the reserve back."""
        self._reserve.unlink(missing_ok=True)
        self._drain()
        os.close(self._descriptor)


@dataclass(frozen=True)
class StepHistory:
    """What the journal knows of one step."""

    state: StepState
    exit_code: int | None = None
    note: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    process: Identity | None = None
    group: str = ""
    """The control group that holds all it started; empty without one."""
    tries: int = 1
    seconds: float | None = None
    """How long it took, by a clock that does not jump."""
    cpu_s: float | None = None
    peak_bytes: int | None = None


@dataclass(frozen=True)
class RunHistory:
    """What the journal knows of a run."""

    supervisor: Identity | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    complete: bool = False
    """The supervisor saw every step to its end, whatever that was."""
    cancelled: bool = False
    """A cancel was asked for while there was something to cancel."""
    seconds: float | None = None
    """How long it was at work, by a clock that does not jump."""
    error: str | None = None
    """Why the run itself (not a step) could not go on."""
    note: str | None = None
    steps: dict[str, StepHistory] = field(default_factory=dict)


def read(path: Path) -> RunHistory:
    """Replay a journal file; one that is absent, or that is no file of ours any more, tells nothing."""
    try:
        return replay(read_regular(path, limit=SIZE_LIMIT).splitlines())
    except OSError:
        return RunHistory()


def replay(lines: Iterable[bytes]) -> RunHistory:
    """Fold a journal's lines; what is torn or unknown is passed over."""
    history = RunHistory()
    for line in lines:
        try:
            fact = json.loads(line)
            history = _after(history, fact, clock.from_text(fact["at"]))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return history


def _after(history: RunHistory, fact: dict[str, Any], at: datetime) -> RunHistory:
    after = history
    match fact["event"]:
        case "supervised":
            after = replace(history, supervisor=Identity.from_text(fact["process"]))
        case "started":
            after = replace(history, started_at=at)
        case "step_started":
            process = Identity.from_text(fact["process"]) if fact.get("process") else None
            first = history.steps.get(fact["step"], StepHistory(StepState.RUNNING)).started_at or at
            group = fact.get("group", "")
            step = StepHistory(StepState.RUNNING, started_at=first, process=process, group=group)
            after = replace(history, steps={**history.steps, fact["step"]: step})
        case "step_ended":
            after = _with_step_ended(history, fact, at)
        case "cancel" if not history.complete:
            after = replace(history, cancelled=True)
        case "broke":
            after = replace(history, error=fact["error"])
        case "noted":
            after = replace(history, note="; ".join(filter(None, (history.note, fact["note"]))))
        case "ended":
            after = replace(history, complete=True, ended_at=at, seconds=fact.get("seconds"))
    return after


def _with_step_ended(history: RunHistory, fact: dict[str, Any], at: datetime) -> RunHistory:
    before = history.steps.get(fact["step"], StepHistory(StepState.QUEUED))
    code = fact.get("exit_code")
    after = replace(
        before,
        state=StepState(fact["state"]),
        exit_code=None if code is None else int(code),
        note=fact.get("note"),
        ended_at=at if before.started_at else None,
        tries=fact.get("tries", 1),
        seconds=fact.get("seconds"),
        cpu_s=fact.get("cpu_s"),
        peak_bytes=fact.get("peak_bytes"),
    )
    return replace(history, steps={**history.steps, fact["step"]: after})
