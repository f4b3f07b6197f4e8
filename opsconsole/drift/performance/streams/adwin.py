"""ADWIN: a window over a stream that grows while its mean holds and drops what is old when it moved.

Bifet and Gavalda 2007, "Learning from time-changing data with adaptive windowing" (SDM, pp. 443-448). The window is an
exponential histogram: buckets of 1, 2, 4, … values, at most five of a size, of which two are merged for a sixth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

BUCKETS = 5
"""Buckets of one size, at most (M)."""
CLOCK = 32
"""Cuts are tried at every so many values."""
GRACE = 10
"""Values below which no cut is tried."""
LEAST = 5
"""Values that either side of a cut must have."""

Bucket = tuple[float, float]
"""The sum of its values, and of their squared deviations from their mean."""
AdwinState = tuple[int, int, float, float, int, bool, int | None, tuple[tuple[Bucket, ...], ...]]


@dataclass
class Adwin:
    """The window with River's parameters; after an alarm it starts afresh with the next value, as River's does."""

    delta: float = 0.002
    """The chance of a false alarm at any one check, at most."""
    width: int = 0
    """How many values the window holds."""
    changed_at: int | None = None
    """The place, from 0, of the value that raised the last alarm."""
    seen: int = 0
    """All values so far."""
    _total: float = 0.0
    _deviations: float = 0.0
    _tick: int = 0
    _alarmed: bool = False
    _rows: list[list[Bucket]] = field(default_factory=lambda: [[]])
    """Row i holds buckets of 2^i values, the oldest first; the oldest values are in the last row."""

    @property
    def mean(self) -> float:
        """The mean of the window; after an alarm that of what came since the change."""
        return self._total / self.width if self.width else 0.0

    def add(self, value: float) -> bool:
        """Take a value in and return whether older ones were dropped because the mean had moved."""
        if self._alarmed:
            self.width, self._total, self._deviations, self._tick, self._alarmed = 0, 0.0, 0.0, 0, False
            self._rows = [[]]
        if self.width:
            self._deviations += self.width * (value - self.mean) ** 2 / (self.width + 1)
        self.seen += 1
        self.width += 1
        self._total += value
        self._rows[0].append((value, 0.0))
        self._merge()
        self._tick += 1
        if self._tick % CLOCK or self.width <= GRACE:
            return False
        while self._moved():
            self._drop_oldest()
            self._alarmed, self.changed_at = True, self.seen - 1
        return self._alarmed

    def to_state(self) -> AdwinState:
        """Return what it has seen as plain tuples; ``delta`` is not in it."""
        rows = tuple(tuple(row) for row in self._rows)
        return (self.seen, self.width, self._total, self._deviations, self._tick, self._alarmed, self.changed_at, rows)

    @classmethod
    def from_state(cls, state: AdwinState, delta: float = 0.002) -> Adwin:
        """Return a window that goes on from a state."""
        made = cls(delta)
        made.seen, made.width, made._total, made._deviations, made._tick, made._alarmed, made.changed_at = state[:7]
        made._rows = [[(total, deviations) for total, deviations in row] for row in state[7]]
        return made

    def _merge(self) -> None:
        for place, row in enumerate(self._rows):
            if len(row) <= BUCKETS:
                return
            if place + 1 == len(self._rows):
                self._rows.append([])
            self._rows[place + 1].append(_joined(row[0], 2**place, row[1], 2**place))
            del row[:2]

    def _drop_oldest(self) -> None:
        size = 2 ** (len(self._rows) - 1)
        total, deviations = self._rows[-1].pop(0)
        self.width -= size
        self._total -= total
        apart = total / size - self._total / self.width
        self._deviations -= deviations + size * self.width * apart**2 / (size + self.width)
        while len(self._rows) > 1 and not self._rows[-1]:
            self._rows.pop()

    def _moved(self) -> bool:
        """Return whether the means on the two sides of some cut between buckets differ by more than the bound."""
        bound = math.log(2 * math.log(self.width) / self.delta)
        spread = 2 * max(self._deviations, 0.0) / self.width * bound
        old, old_total = 0, 0.0
        for place in reversed(range(len(self._rows))):
            size = 2**place
            for total, _ in self._rows[place]:
                old += size
                old_total += total
                new = self.width - old
                if new < LEAST:
                    return False
                if old < LEAST:
                    continue
                share = 1 / (old - LEAST + 1) + 1 / (new - LEAST + 1)
                apart = abs(old_total / old - (self._total - old_total) / new)
                if apart > math.sqrt(spread * share) + 2 / 3 * bound * share:
                    return True
        return False


def _joined(mine: Bucket, size: int, other: Bucket, others: int) -> Bucket:
    """Return the bucket of both (Chan, Golub and LeVeque 1979)."""
    apart = mine[0] / size - other[0] / others
    return mine[0] + other[0], mine[1] + other[1] + size * others * apart**2 / (size + others)
