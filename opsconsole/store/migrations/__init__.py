"""The store's schema, one module a step; never edit one that was released, add another."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

STEPS = (
    "m0001_nouns",
    "m0002_results",
    "m0003_pages",
    "m0004_drift",
    "m0005_purpose",
    "m0006_trust",
    "m0007_serving",
    "m0008_failing",
    "m0009_typed",
)
SCHEMA_VERSION = len(STEPS)
"""What ``PRAGMA user_version`` says of a store that this program can write."""


def step(version: int) -> Callable[[Database], None]:
    """Return the function that takes a store from ``version - 1`` to ``version``."""
    apply: Callable[[Database], None] = import_module(f"{__name__}.{STEPS[version - 1]}").apply
    return apply
