"""Whether whole numbers identify rows instead of describing them: unique in each row, and one more sign.

Being unique alone is not enough: amounts in cents may all differ too. A row number rises from row to row, fills its
range, or has the name of an id.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_IDENTIFIED = 100
"""Fewer rows say nothing about how often values recur."""
DENSE = 2.0
"""Numbers that fill at least half of their range were counted."""
_CALLED = re.compile(r"(^|[_\-. ])(id|ids|uuid|guid|key)$|[a-z0-9](Id|ID|Key)$", re.IGNORECASE)


class Numbering:
    """Follows a column's values through the rows."""

    def __init__(self, name: str) -> None:
        self._called = _CALLED.search(name) is not None
        self._whole = True
        self._rising, self._falling = True, True
        self._last: float | None = None
        self._rows = 0

    def add(self, kind: pa.DataType, values: Floats) -> None:
        """Take in the values of one batch, in the order of its rows."""
        if not self._whole or pt.is_null(kind):
            return
        self._whole = pt.is_integer(kind)
        self._rows += len(values)
        if not self._whole or not len(values) or not (self._rising or self._falling):
            return
        steps = np.diff(values) if self._last is None else np.diff(values, prepend=self._last)
        self._rising = self._rising and bool((steps > 0).all())
        self._falling = self._falling and bool((steps < 0).all())
        self._last = float(values[-1])

    def identifies(self, least: float, most: float, sample: Callable[[], Floats]) -> bool:
        """Whether the values name rows; the ``sample`` tells whether any recurs where their order does not."""
        if not self._whole or self._rows < LEAST_IDENTIFIED:
            return False
        if self._rising or self._falling:
            return True
        if not self._called and most - least + 1 > DENSE * self._rows:
            return False
        values = sample()
        return len(np.unique(values)) == len(values)
