"""Linear algebra on one core: on a busy machine its library's threads spin, and a product of 5 ms takes 50."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any


def one_thread() -> AbstractContextManager[object]:
    """Keep numpy's products to one core."""
    limited: AbstractContextManager[object] = _libraries().limit(limits=1, user_api="blas")
    return limited


@cache
def _libraries() -> Any:
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped] # scikit-learn brings it

    return ThreadpoolController()
