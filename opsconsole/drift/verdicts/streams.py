"""What two detectors on the stream of errors say: Page-Hinkley of a rise, ADWIN of any change; evidence, never an alarm.

They see a change within a chunk and say when it began; whether performance is good enough is decided by its floor.
"""

from __future__ import annotations

import math
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import numpy as np

from opsconsole.drift.facts.chunk import Losses
from opsconsole.drift.facts.reference import Fitted
from opsconsole.drift.performance.streams.detection import (
    Detector,
    StreamState,
    decode_stream,
    run_stream,
    start_stream,
)
from opsconsole.drift.performance.streams.page_hinkley import quiet_threshold

QUIET = 1_000_000
"""Noise raises an alarm once in so many values, about: at five hundred a chunk, once in two thousand chunks."""
NAMES = {Detector.PAGE_HINKLEY: "Page-Hinkley", Detector.ADWIN: "ADWIN"}


@dataclass(frozen=True)
class Streams:
    """The detectors after a chunk, and the first alarm of each in it."""

    states: tuple[StreamState, ...]
    alarms: tuple[tuple[Detector, int], ...]
    """The first alarm of each: when, in seconds since 1970 by the wall clock of the data."""

    def encode(self) -> str:
        """Return it as JSON."""
        document = _Document(
            [b64encode(one.encode()).decode() for one in self.states], [(name, at) for name, at in self.alarms]
        )
        return msgspec.json.encode(document).decode()

    def sentences(self) -> list[str]:
        """Return what they found in this chunk."""
        if not self.alarms:
            return []
        times = " and ".join(f"{_day(at)} ({NAMES[name]})" for name, at in self.alarms)
        rose = any(name is Detector.PAGE_HINKLEY for name, _ in self.alarms)
        return [f"The errors {'rose' if rose else 'changed'} about {times}."]


class _Document(msgspec.Struct):
    states: list[str]
    alarms: list[tuple[Detector, int]] = msgspec.field(name="found")


def follow(state: str | None, fitted: Fitted, losses: Losses) -> Streams | None:
    """Feed a chunk's errors to the detectors, from where the chunk before left them; None where there are none yet."""
    before = _states(state, fitted)
    if not losses.values:
        return Streams(before, ()) if state is not None else None
    if not before:
        return None
    errors = np.asarray(losses.values)
    seconds = np.asarray(losses.times, dtype="datetime64[s]")
    results = [run_stream(errors, seconds, one) for one in before]
    alarms = tuple(
        (one.detector, losses.times[result.alarms[0]])
        for one, result in zip(before, results, strict=True)
        if result.alarms
    )
    return Streams(tuple(result.state for result in results), alarms)


def _states(state: str | None, fitted: Fitted) -> tuple[StreamState, ...]:
    if state is not None and (known := _decoded(state)) is not None:
        return known
    deviation = fitted.loss_spread / math.sqrt(fitted.loss_block)
    if deviation <= 0:
        return ()
    return (
        start_stream(Detector.PAGE_HINKLEY, threshold=quiet_threshold(deviation, QUIET)),
        start_stream(Detector.ADWIN),
    )


def _decoded(state: str) -> tuple[StreamState, ...] | None:
    """Read stored detectors; None for what another version wrote: they begin anew."""
    try:
        return tuple(decode_stream(b64decode(one)) for one in msgspec.json.decode(state, type=_Document).states)
    except (msgspec.DecodeError, ValueError):
        return None


def _day(seconds: int) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment.day} {moment:%b %Y}"
