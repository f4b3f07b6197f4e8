"""The gates' names, as the command line takes them, screens show them and promotions keep them."""

from __future__ import annotations

from enum import StrEnum


class GateName(StrEnum):
    """One gate."""

    DIGEST = "digest"
    ARTIFACT = "artifact"
    SIGNATURE = "signature"
    SAME_ROWS = "same rows"
    FLOOR = "floor"
    NOT_WORSE = "not worse"
    TESTS = "tests"
    REASON = "reason"
