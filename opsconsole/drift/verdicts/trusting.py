"""What an estimate is worth: held against every labelled chunk of its version so far, this one included."""

from __future__ import annotations

from opsconsole.drift.measured import Measured
from opsconsole.drift.monitors import Monitor
from opsconsole.drift.performance.estimation import Estimated
from opsconsole.drift.performance.outlook import Outlook
from opsconsole.drift.performance.trust import BackTest, Compared, judge_trust
from opsconsole.drift.verdicts.course import Course
from opsconsole.store.baselines import Realised
from opsconsole.store.chunk_records import ChunkRecord, Estimate


def estimate_of(
    monitor: Monitor,
    outlook: Outlook,
    own: float | None,
    floor: float | None,
    label: str,
    measured: Measured,
    course: Course,
) -> Estimate | None:
    """Return a chunk's estimate with its trust; ``own`` is the reference's performance. None where there is none."""
    found = measured.estimated
    if monitor.metric is None or found is None or found.value is None or found.low is None or found.high is None:
        return None
    back_test = BackTest(monitor.metric, own, floor)
    history = [one for one in (_compared(back_test, past.record) for past in course.past) if one is not None]
    if measured.realised and measured.rows:
        history.append(back_test.compare(label, found, measured.realised[0], measured.labels / measured.rows))
    trust = judge_trust(history, outlook.tested)
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


def _compared(back_test: BackTest, record: ChunkRecord) -> Compared | None:
    estimate = record.estimated
    if estimate is None or record.metric != estimate.metric:
        return None
    estimated = Estimated(estimate.metric, estimate.value, estimate.low, estimate.high, record.rows)
    realised = Realised(estimate.metric, record.realised, record.low, record.high, record.labels)
    return back_test.compare(record.label, estimated, realised, record.label_coverage)
