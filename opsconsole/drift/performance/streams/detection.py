"""The errors of a model as one stream in the order of time: where did their mean move?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from opsconsole.drift.performance.streams.adwin import Adwin, AdwinState
from opsconsole.drift.performance.streams.page_hinkley import Direction, PageHinkley, PageHinkleyState

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_VALUES = 20_000
"""More new values than this are fed as the means of blocks, so that a million cost well under a second."""


class Detector(StrEnum):
    """What watches the stream."""

    PAGE_HINKLEY = "page_hinkley"
    ADWIN = "adwin"


@dataclass(frozen=True)
class StreamState:
    """A stream as far as it has been read; ``start_stream`` makes one, ``run_stream`` the next."""

    detector: Detector
    page_hinkley: PageHinkleyState | None
    adwin: AdwinState | None
    direction: Direction = Direction.UP
    scale: float = 1.0
    """What errors are divided by: 1 for errors between 0 and 1, else their standard deviation on the reference."""
    threshold: float = 50.0
    """Page-Hinkley's, for errors so divided."""
    block: int | None = None
    """How many values make one that is fed; settled by the first values that come."""
    pending: float = 0.0
    """The sum of the values of a block that is not full."""
    waiting: int = 0
    """How many values that block has."""
    seen: int = 0
    """All values so far."""

    @property
    def mean(self) -> float | None:
        """The mean error since the last alarm, in the errors' own unit; None before any value."""
        watch = _watch(self)
        return watch.mean * self.scale if watch.width else None

    def encode(self) -> bytes:
        """Return compact bytes."""
        return msgspec.msgpack.encode(self)


@dataclass(frozen=True)
class StreamResult:
    """What new values did to a stream."""

    state: StreamState
    alarms: tuple[int, ...]
    """Places of the values that raised an alarm, in the arrays that were handed over, in the order of time."""


def start_stream(
    detector: Detector, direction: Direction = Direction.UP, scale: float = 1.0, threshold: float = 50.0
) -> StreamState:
    """Return a stream without values.

    ``direction`` and ``threshold`` are Page-Hinkley's: by default errors that rise, and best a
    ``quiet_threshold`` of the divided errors' standard deviation on the reference. It forgets nothing here (an
    ``alpha`` of 1). ADWIN sees both directions and needs neither. ValueError for a ``scale`` that is not above 0.
    """
    if not scale > 0:
        raise ValueError(f"errors cannot be divided by {scale}")
    fresh = PageHinkley().to_state() if detector is Detector.PAGE_HINKLEY else None
    return StreamState(detector, fresh, Adwin().to_state() if fresh is None else None, direction, scale, threshold)


def decode_stream(data: bytes) -> StreamState:
    """Read what ``StreamState.encode`` wrote; ValueError for anything else."""
    try:
        return msgspec.msgpack.decode(data, type=StreamState)
    except msgspec.DecodeError as error:
        raise ValueError(f"not a stored stream: {error}") from error


def run_stream(errors: Floats, times: NDArray[Any], state: StreamState) -> StreamResult:
    """Feed new errors in the order of their times, equal times as they stand; rows without error or time are left out.

    When the first call brings more than 20,000 values, one in ``ceil(values / 20,000)`` is fed: the mean of a block
    of so many. Page-Hinkley weighs it as that many values, so its threshold keeps its meaning; to ADWIN it is one
    value, whose smaller variance it sees. An alarm is then placed at the last value of its block. Later calls keep
    the block, and what does not fill one waits for the next call.
    """
    there = np.flatnonzero(np.isfinite(errors) & ~np.isnat(times))
    order = there[np.argsort(times[there], kind="stable")]
    if not len(order):
        return StreamResult(state, ())
    block = state.block or max(1, -(-len(order) // MOST_VALUES))
    means, ends, pending, waiting = _blocks(errors[order] / state.scale, block, state)
    watch = _watch(state)
    if isinstance(watch, PageHinkley):
        alarmed = [end for mean, end in zip(means, ends, strict=True) if watch.add(mean, block)]
        after = replace(state, page_hinkley=watch.to_state())
    else:
        alarmed = [end for mean, end in zip(means, ends, strict=True) if watch.add(mean)]
        after = replace(state, adwin=watch.to_state())
    after = replace(after, block=block, pending=pending, waiting=waiting, seen=state.seen + len(order))
    return StreamResult(after, tuple(order[alarmed].tolist()))


def _blocks(values: Floats, block: int, state: StreamState) -> tuple[list[float], list[int], float, int]:
    """Return the means of full blocks, the place of each one's last value, and the sum and size of what is left."""
    lead = min((block - state.waiting) % block, len(values)) if state.waiting else 0
    means, ends = [], []
    pending, waiting = state.pending + float(values[:lead].sum()), state.waiting + lead
    if waiting == block:
        means.append(pending / block)
        ends.append(lead - 1)
        pending, waiting = 0.0, 0
    rest = values[lead:]
    full = len(rest) // block
    if full:
        means += rest[: full * block].reshape(full, block).mean(axis=1).tolist()
        ends += range(lead + block - 1, lead + full * block, block)
    left = rest[full * block :]
    return means, ends, pending + float(left.sum()), waiting + len(left)


def _watch(state: StreamState) -> PageHinkley | Adwin:
    if state.page_hinkley is not None:
        return PageHinkley.from_state(state.page_hinkley, state.direction, state.threshold, alpha=1.0)
    assert state.adwin is not None
    return Adwin.from_state(state.adwin)
