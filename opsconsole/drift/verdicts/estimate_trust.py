"""Whether an estimate is trusted: compared with every labelled chunk of its version so far, this one included."""

from __future__ import annotations

from opsconsole.drift.facts.chunk import Measured
from opsconsole.drift.verdicts.history import VersionHistory
from opsconsole.store.chunk_records import Estimate


def estimate_of(label: str, measured: Measured, history: VersionHistory) -> Estimate | None:
    """Return a chunk's estimate with its trust; None where there is none."""
    estimated, back_test = measured.estimated, history.back_test
    if (
        back_test is None
        or estimated is None
        or estimated.value is None
        or estimated.low is None
        or estimated.high is None
    ):
        return None
    record = history.record
    if measured.realised and measured.rows:
        coverage = measured.labels / measured.rows
        record = record.after(back_test.compare(label, estimated, measured.realised[0], coverage))
    trust = record.trust()
    return Estimate(
        metric=estimated.metric,
        value=estimated.value,
        low=estimated.low,
        high=estimated.high,
        trusted=trust.trusted,
        tested=trust.tested,
        error=trust.error,
        words=trust.words,
    )
