"""The orders of a list: which column it is sorted by and which way, said in its heading, changed by one key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from opsconsole.console.widgets.rows import Row
from opsconsole.console.widgets.tones import Toned


@dataclass(frozen=True)
class Order:
    """One order."""

    column: str
    words: str
    """How it reads: ``newest first``."""
    down: bool = True
    """The most first."""

    @property
    def mark(self) -> str:
        """The column with the way it is sorted."""
        return f"{'▼' if self.down else '▲'} {self.column}"

    @property
    def shown(self) -> Toned:
        """What a heading says."""
        return Toned(f"   {self.mark}", "faint")


class Orders:
    """The orders of a list, one of which holds."""

    def __init__(self, *orders: Order) -> None:
        self._orders = orders
        self._at = 0

    @property
    def held(self) -> Order:
        """The one that holds."""
        return self._orders[self._at]

    def next(self) -> str:
        """Take the next one; return what to say of it."""
        self._at = (self._at + 1) % len(self._orders)
        after = self._orders[(self._at + 1) % len(self._orders)]
        return f"{self.held.words}; S: {after.words}"


def turned(count: int, fetch: Callable[[int, int], Sequence[Row]]) -> Callable[[int, int], Sequence[Row]]:
    """Return how blocks of a list are read from its other end."""

    def read(start: int, size: int) -> Sequence[Row]:
        size = min(size, count - start)
        return list(reversed(fetch(count - start - size, size))) if size > 0 else []

    return read
