"""What an estimate is worth: held against every labelled chunk of its version so far, this one included."""

from __future__ import annotations

from opsconsole.drift.facts.chunk import Measured
from opsconsole.drift.verdicts.history import VersionHistory
from opsconsole.store.chunk_records import Estimate


def estimate_of(label: str, measured: Measured, course: VersionHistory) -> Estimate | None:
    """Return a chunk's estimate with its trust; None where there is none."""
    found, back_test = measured.estimated, course.back_test
    if back_test is None or found is None or found.value is None or found.low is None or found.high is None:
        return None
    record = course.record
    if measured.realised and measured.rows:
        coverage = measured.labels / measured.rows
        record = record.after(back_test.compare(label, found, measured.realised[0], coverage))
    trust = record.trust()
    return Estimate(
        metric=found.metric,
        value=found.value,
        low=found.low,
        high=found.high,
        trusted=trust.trusted,
        tested=trust.tested,
        error=trust.error,
        words=trust.words,
    )
