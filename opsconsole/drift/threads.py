"""Numbers on one core: on a busy machine a library's own threads spin, and a product of 5 ms takes 50, a fit of .2 s ten."""

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
