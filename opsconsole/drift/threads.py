"""Limiting numeric libraries to one thread: on a busy machine their threads spin, and 5 ms of work takes 50."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any, Literal


def one_thread(kind: Literal["blas", "openmp"] = "blas") -> AbstractContextManager[object]:
    """Keep numpy's products (``blas``) or scikit-learn's trees (``openmp``) to one core."""
    if kind == "openmp":
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # scikit-learn brings it

        limited: AbstractContextManager[object] = threadpool_limits(1, user_api="openmp")
        return limited
    products: AbstractContextManager[object] = _libraries().limit(limits=1, user_api="blas")
    return products


@cache
def _libraries() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
