"""Two runs side by side: tests that broke, were fixed, were added, removed or grew slow. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from opsconsole.core.nouns import TestOutcome

Test = tuple[str, str]
"""Variant and name."""
Outcomes = Mapping[Test, tuple[TestOutcome, float | None]]
BAD = frozenset({TestOutcome.FAILED, TestOutcome.ERROR})
SLOWER = 1.5
"""Times as long, and ``LEAST_S`` more at least, is slower."""
LEAST_S = 0.1


@dataclass(frozen=True)
class Slower:
    """A test that takes longer than before."""

    test: Test
    before: float
    after: float


@dataclass(frozen=True)
class Comparison:
    """What differs from one run to another."""

    broken: tuple[Test, ...]
    mended: tuple[Test, ...]
    still_broken: tuple[Test, ...]
    added: tuple[Test, ...]
    gone: tuple[Test, ...]
    slower: tuple[Slower, ...]
    """The worst first."""


def compare(before: Outcomes, after: Outcomes) -> Comparison:
    """Return what differs; a test that is new and bad counts as added and as broken."""
    shared = [test for test in after if test in before]
    slower = [
        Slower(test, was, now)
        for test in shared
        if (was := before[test][1]) is not None
        and (now := after[test][1]) is not None
        and now > was * SLOWER
        and now - was >= LEAST_S
    ]
    return Comparison(
        broken=tuple(
            test for test in after if after[test][0] in BAD and (test not in before or before[test][0] not in BAD)
        ),
        mended=tuple(test for test in shared if before[test][0] in BAD and after[test][0] is TestOutcome.PASSED),
        still_broken=tuple(test for test in shared if before[test][0] in BAD and after[test][0] in BAD),
        added=tuple(test for test in after if test not in before),
        gone=tuple(test for test in before if test not in after),
        slower=tuple(sorted(slower, key=lambda item: item.before - item.after)),
    )
