"""Whether performance fell: realised against its floor, estimated against the same, and the slices against their own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from opsconsole.config.monitors import LimitsConfig, PolicyConfig
from opsconsole.core.normal import Z
from opsconsole.core.nouns import Severity
from opsconsole.drift.facts.chunk import SliceFacts
from opsconsole.drift.facts.reference import Fitted
from opsconsole.drift.performance.realised.metrics import Metric
from opsconsole.drift.verdicts.criteria import benjamini_hochberg
from opsconsole.drift.verdicts.policy import DEFAULT
from opsconsole.store.baselines import Realised
from opsconsole.store.chunk_records import Estimate, Slice


@dataclass(frozen=True)
class PerformanceVerdict:
    """A chunk's realised performance held against its floor."""

    realised: Realised
    reference: float | None
    floor: float | None
    breached: bool | None
    """None where labels, interval or floor are missing: there is no verdict."""
    breaches: int
    """How many chunks running, up to this one."""
    severity: Severity


def judge_performance(
    metric: Metric,
    realised: Realised,
    reference: float | None,
    floor: float | None,
    before: int,
    persistence: int,
    policy: PolicyConfig = DEFAULT,
    *,
    judged: bool = True,
) -> PerformanceVerdict:
    """Return the verdict: below the floor only where the whole interval is; critical after ``persistence`` running.

    ``before`` is how many chunks before this one were below, running; a chunk that says nothing, or is not to be
    ``judged`` yet, leaves it as it was.
    """
    if floor is None or realised.low is None or realised.high is None or not judged:
        return PerformanceVerdict(realised, reference, floor, None, before, Severity.OK)
    if not below(metric, realised.low, realised.high, floor):
        return PerformanceVerdict(realised, reference, floor, breached=False, breaches=0, severity=Severity.OK)
    lasting = before + 1 >= persistence
    severity = policy.performance if lasting else min(policy.performance, Severity.WARN, key=lambda one: one.rank)
    return PerformanceVerdict(realised, reference, floor, breached=True, breaches=before + 1, severity=severity)


def below(metric: Metric, low: float, high: float, floor: float) -> bool:
    """Whether the whole interval is on the bad side of a floor."""
    return high < floor if metric.higher_is_better else low > floor


def estimate_fell(metric: Metric, estimate: Estimate | None, floor: float | None) -> bool:
    """Whether an estimate that is trusted lies below the floor as a whole."""
    if estimate is None or floor is None or not estimate.trusted:
        return False
    return below(metric, estimate.low, estimate.high, floor)


def fall(metric: Metric, value: float | None, reference: float | None) -> float | None:
    """Return by how much performance is worse than the reference; negative where it is better."""
    if value is None or reference is None:
        return None
    return reference - value if metric.higher_is_better else value - reference


def judge_slices(
    metric: Metric | None, facts: Sequence[SliceFacts], fitted: Fitted, margin: float | None, limits: LimitsConfig
) -> tuple[Slice, ...]:
    """Return each slice against its own performance and scores on the reference, the worst first.

    A slice fell where it is worse by more than ``margin`` (what the whole may lose before its floor) even with the
    sampling errors of both sides in its favour. Its scores moved past chance (over all slices) and past the limit.
    """
    known = {(one.column, one.value): one.realised for one in fitted.slices}
    tested = {f"{one.column}={one.value}": one.noise_p for one in facts if one.noise_p is not None}
    sure = benjamini_hochberg(tested, limits.chance)
    slices = []
    for one in facts:
        reference, realised = known.get((one.column, one.value)), one.realised
        slices.append(
            Slice(
                column=one.column,
                value=one.value,
                rows=one.rows,
                labels=0 if realised is None else realised.labels,
                realised=None if realised is None else realised.value,
                low=None if realised is None else realised.low,
                high=None if realised is None else realised.high,
                reference=None if reference is None else reference.value,
                fell=_slice_fell(metric, realised, reference, margin),
                psi=one.psi,
                moved=f"{one.column}={one.value}" in sure and (one.psi or 0.0) >= limits.psi,
            )
        )
    return tuple(sorted(slices, key=lambda one: (not one.fell, not one.moved, -_worse(metric, one))))


def _worse(metric: Metric | None, one: Slice) -> float:
    lost = None if metric is None else fall(metric, one.realised, one.reference)
    return -math.inf if lost is None else lost


def _slice_fell(
    metric: Metric | None, realised: Realised | None, reference: Realised | None, margin: float | None
) -> bool:
    if metric is None or realised is None or reference is None:
        return False
    lost = fall(metric, realised.value, reference.value)
    if lost is None or margin is None:
        return False
    errors = [standard_error(one) for one in (realised, reference)]
    known = [one for one in errors if one is not None]
    return len(known) == 2 and lost - margin > Z * math.hypot(*known)


def standard_error(realised: Realised) -> float | None:
    """Return the standard error that a 95 % interval stands for."""
    if realised.low is None or realised.high is None:
        return None
    return (realised.high - realised.low) / (2 * Z)
