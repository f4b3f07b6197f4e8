"""Whether an estimate made without labels can be trusted: it is compared with every label that comes later."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from opsconsole.core.text import decimals, plural
from opsconsole.drift.performance.estimates.binary import Estimated
from opsconsole.drift.performance.realised.metrics import Metric
from opsconsole.store.baselines import Realised

LEAST_COVERAGE = 0.5
"""Share of a chunk's rows that must have their label before the chunk tests an estimate."""
AGREEING = 3
"""Labelled chunks in a row that must agree before a disproved estimate is trusted again."""
SHARE_OF_FLOOR = 0.25
LEAST_BOUNDED, LEAST_OF_LOSS = 0.005, 0.05


class Agreement(StrEnum):
    """What the labels of a chunk say of its estimate."""

    AGREES = "agrees"
    DISPROVED = "disproved"
    UNTESTED = "untested"


@dataclass(frozen=True)
class Compared:
    """A chunk's estimate beside what its labels showed."""

    label: str
    """The chunk's name, ``Mar 2013``."""
    estimated: Estimated
    realised: Realised
    coverage: float
    """Share of the chunk's rows that have their label, 0..1."""
    tolerance: float
    """A difference that does not matter, in the metric's unit."""

    @property
    def difference(self) -> float | None:
        """Estimated less realised; None where the chunk tests nothing."""
        if self.coverage < LEAST_COVERAGE or self.chance is None:
            return None
        assert self.estimated.value is not None
        assert self.realised.value is not None
        return self.estimated.value - self.realised.value

    @property
    def chance(self) -> float | None:
        """A difference that chance alone explains: both intervals' half-widths in quadrature; None without them."""
        mine, theirs = self.estimated, self.realised
        if mine.value is None or mine.low is None or mine.high is None:
            return None
        if theirs.value is None or theirs.low is None or theirs.high is None:
            return None
        return math.hypot((mine.high - mine.low) / 2, (theirs.high - theirs.low) / 2)

    @property
    def agreement(self) -> Agreement:
        """Disproved where the difference both matters and is more than chance."""
        if self.difference is None or self.chance is None:
            return Agreement.UNTESTED
        off = abs(self.difference)
        return Agreement.DISPROVED if off > self.tolerance and off > self.chance else Agreement.AGREES


@dataclass(frozen=True)
class BackTest:
    """How estimates of a version's metric are held against labels."""

    metric: Metric
    reference: float | None
    """The version's own value on its reference."""
    floor: float | None

    @property
    def tolerance(self) -> float:
        """A quarter of the way from the reference to the floor: less cannot turn a verdict.

        At least .005 for a metric between 0 and 1, and 5 % of the reference for a loss in a unit of its own.
        """
        least = LEAST_BOUNDED if self.metric.bounded else LEAST_OF_LOSS * abs(self.reference or 0.0)
        if self.reference is None or self.floor is None:
            return least
        return max(SHARE_OF_FLOOR * abs(self.reference - self.floor), least)

    def compare(self, label: str, estimated: Estimated, realised: Realised, coverage: float) -> Compared:
        """Hold a chunk's estimate against its labels."""
        return Compared(label, estimated, realised, coverage, self.tolerance)


@dataclass(frozen=True)
class Trust:
    """Whether to rely on estimates of the next chunk, and on what that rests."""

    trusted: bool
    tested: int
    """How many chunks had labels enough to test their estimate."""
    error: float | None
    """The mean absolute difference over those chunks; None without any."""
    disproved_since: str | None
    """The chunk that first disproved it, as long as it is not trusted again."""
    words: str
    """What to show beside the estimate."""


@dataclass(frozen=True)
class TrackRecord:
    """How the estimates of a version did so far; ``after`` takes one more chunk in without going over the others again.

    Not trusted from the first chunk that disproves them, until three chunks with labels in a row agree. Before any
    labels they are trusted only if they stood their test on the reference.
    """

    self_tested: Compared | None = None
    """Their test on the reference itself (``self_test``)."""
    tested: int = 0
    off: float = 0.0
    """The absolute differences of all chunks that tested them, added up."""
    borne_out: bool | None = None
    """Whether the chunks bore them out or disproved them; None as long as they did neither."""
    disproved_since: str | None = None
    agreeing: int = 0
    """How many that tested them agreed, running, up to the last."""

    @property
    def trusted(self) -> bool:
        """Whether to rely on the next estimate."""
        if self.borne_out is not None:
            return self.borne_out
        return self.self_tested is not None and self.self_tested.agreement is Agreement.AGREES

    def after(self, chunk: Compared) -> TrackRecord:
        """Return the record with the chunk after the last; one that tests nothing leaves it as it is."""
        if chunk.difference is None:
            return self
        more = replace(self, tested=self.tested + 1, off=self.off + abs(chunk.difference))
        if chunk.agreement is Agreement.DISPROVED:
            return replace(more, borne_out=False, disproved_since=self.disproved_since or chunk.label, agreeing=0)
        more = replace(more, agreeing=self.agreeing + 1)
        return replace(more, borne_out=True, disproved_since=None) if more.agreeing >= AGREEING else more

    def trust(self) -> Trust:
        """Return what to think of the next estimate, in words too."""
        if not self.tested:
            return Trust(self.trusted, 0, None, None, _untested_words(self.self_tested))
        error = self.off / self.tested
        words = _words(self.disproved_since, self.tested, error, self.agreeing, trusted=self.trusted)
        return Trust(self.trusted, self.tested, error, self.disproved_since, words)


def judge_trust(history: Sequence[Compared], self_tested: Compared | None = None) -> Trust:
    """Judge estimates by all chunks so far, oldest first, and by their test on the reference itself (``self_test``)."""
    record = TrackRecord(self_tested)
    for chunk in history:
        record = record.after(chunk)
    return record.trust()


def _untested_words(self_tested: Compared | None) -> str:
    if self_tested is None or self_tested.difference is None:
        return "not yet tested by labels, nor could it be on the reference"
    off = decimals(abs(self_tested.difference))
    if self_tested.agreement is Agreement.AGREES:
        return f"not yet tested by labels; on the reference itself off by {off}"
    return f"not yet tested by labels; failed on the reference itself, off by {off}: do not rely on it"


def _words(since: str | None, tested: int, error: float, agreeing: int, *, trusted: bool) -> str:
    off = f"off by {decimals(error)} on average over {plural(tested, 'labelled chunk')}"
    again = f"; {agreeing} of {AGREEING} that must agree in a row" if agreeing else ""
    if trusted:
        return f"borne out by labels: {off}"
    if since is None:
        return f"failed on the reference, or not tested there; {off}{again}"
    return f"disproved by labels since {since}: {off}{again}; do not rely on it"
