"""Page-Hinkley: has the mean of a stream of errors moved, and which way (Page 1954, Biometrika 41)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

PageHinkleyState = tuple[int, int, float, float, float, float, float, bool, int | None]

DELTA = 0.005


class Direction(StrEnum):
    """Which moves of the mean raise an alarm."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


def quiet_threshold(deviation: float, values: float = 1_000_000, delta: float = DELTA) -> float:
    """Return the threshold that noise of this standard deviation reaches once in so many values, about.

    Siegmund's approximation of the run length of a cumulative sum that drifts by -delta (Siegmund 1985, "Sequential
    Analysis", with b = threshold + 1.166 deviation), for one direction and without forgetting (``alpha`` 1).
    """
    if not deviation > 0:
        return 0.0

    def run_length(threshold: float) -> float:
        steps = 2 * delta * (threshold + 1.166 * deviation) / deviation**2
        return (math.exp(min(steps, 700.0)) - 1 - steps) * deviation**2 / (2 * delta**2)

    low, high = 0.0, 1.0
    while run_length(high) < values:
        low, high = high, 2 * high
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if run_length(middle) < values else (low, middle)
    return high


@dataclass
class PageHinkley:
    """The test with River's parameters; after an alarm it starts afresh with the next value.

    The values' unit is that of ``delta`` and ``threshold``: the defaults are for errors between 0 and 1. With
    forgetting (``alpha`` below 1) the sums come to wander about a level while their turning point stays where it was,
    so that noise alone raises an alarm every 15,000 to 45,000 values: for long streams take an ``alpha`` of 1 and a
    ``quiet_threshold``.
    """

    direction: Direction = Direction.BOTH
    least: int = 30
    """Values since the start below which it stays silent."""
    delta: float = DELTA
    """A deviation from the mean that does not count."""
    threshold: float = 50.0
    """How far the sum of deviations must have come from its turning point (lambda)."""
    alpha: float = 1 - 0.0001
    """What is kept of the sums at each value."""
    width: int = 0
    """Values since the start, or since the last alarm."""
    mean: float = 0.0
    """Their mean."""
    changed_at: int | None = None
    """The place, from 0, of the value that raised the last alarm."""
    seen: int = 0
    """All values so far."""
    _rising: float = 0.0
    _falling: float = 0.0
    _lowest: float = math.inf
    _highest: float = -math.inf
    _alarmed: bool = False

    def add(self, value: float, weight: int = 1) -> bool:
        """Take a value in, or the mean of ``weight`` of them, and return whether it raises an alarm."""
        if self._alarmed:
            self.width, self.mean, self._alarmed = 0, 0.0, False
            self._rising, self._falling, self._lowest, self._highest = 0.0, 0.0, math.inf, -math.inf
        self.seen += weight
        self.width += weight
        self.mean += weight * (value - self.mean) / self.width
        deviation, kept = value - self.mean, self.alpha if weight == 1 else self.alpha**weight
        self._rising = kept * self._rising + weight * (deviation - self.delta)
        self._falling = kept * self._falling + weight * (deviation + self.delta)
        self._lowest = min(self._lowest, self._rising)
        self._highest = max(self._highest, self._falling)
        if self.width < self.least:
            return False
        up = self.direction is not Direction.DOWN and self._rising - self._lowest > self.threshold
        down = self.direction is not Direction.UP and self._highest - self._falling > self.threshold
        if up or down:
            self._alarmed, self.changed_at = True, self.seen - 1
        return self._alarmed

    def to_state(self) -> PageHinkleyState:
        """Return what it has seen as a plain tuple; the parameters are not in it."""
        sums = (self._rising, self._falling, self._lowest, self._highest)
        return (self.seen, self.width, self.mean, *sums, self._alarmed, self.changed_at)

    @classmethod
    def from_state(
        cls,
        state: PageHinkleyState,
        direction: Direction = Direction.BOTH,
        threshold: float = 50.0,
        alpha: float = 1 - 0.0001,
    ) -> PageHinkley:
        """Return a test with these parameters that goes on from a state."""
        made = cls(direction, threshold=threshold, alpha=alpha)
        made.seen, made.width, made.mean, made._rising, made._falling, made._lowest, made._highest = state[:7]
        made._alarmed, made.changed_at = state[7:]
        return made
