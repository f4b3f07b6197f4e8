"""Judging a measured chunk: verdicts by its version's history, findings, sentences, and the news for an alert."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from opsconsole.core.nouns import Severity
from opsconsole.drift.facts.chunk import Measured
from opsconsole.drift.facts.column import Effect
from opsconsole.drift.facts.reference import Fitted
from opsconsole.drift.measures.relevance import correlation
from opsconsole.drift.monitors import Monitor
from opsconsole.drift.performance.estimates.trust import BackTest
from opsconsole.drift.production.windows import Window, unit_of
from opsconsole.drift.sketches.plots import histogram
from opsconsole.drift.sketches.quantiles import HIGH, LOW, MEDIAN, quantiles
from opsconsole.drift.sketches.sketch import NumericSketch, Sketch, TableSketch
from opsconsole.drift.verdicts.criteria import ColumnVerdict, judge
from opsconsole.drift.verdicts.decision import ColumnNote, Decision, noted
from opsconsole.drift.verdicts.decline import PerformanceVerdict, estimate_fell, fall, judge_performance, judge_slices
from opsconsole.drift.verdicts.estimate_trust import estimate_of
from opsconsole.drift.verdicts.findings import findings
from opsconsole.drift.verdicts.history import Past, VersionHistory, past_of
from opsconsole.drift.verdicts.policy import policy_of, worst
from opsconsole.drift.verdicts.streams import follow
from opsconsole.drift.verdicts.structure import judge_structure
from opsconsole.drift.verdicts.words import note, title
from opsconsole.store.alerts import News
from opsconsole.store.baselines import Baseline
from opsconsole.store.chunk_records import ChunkColumn, ChunkRecord, Estimate, Figures, Move, Quantiles, Slice
from opsconsole.store.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

JUDGED = frozenset({Effect.NONE, Effect.NOISE_PASSED, Effect.WARN, Effect.MAJOR})
"""What a chunk must be whole for."""


@dataclass(frozen=True)
class Judged:
    """Everything that is stored of a chunk."""

    record: ChunkRecord
    columns: list[ChunkColumn]
    title: str
    words: tuple[str, ...]
    past: Past

    def news(self, chunk_id: int) -> News:
        """Return what an alert says of it."""
        evidence = tuple(one for one in self.record.findings if one.severity is not Severity.OK)
        return News(self.record.severity, self.title, self.words, evidence, chunk_id)


@dataclass(frozen=True)
class Against:
    """What a version's chunks are held against."""

    monitor: Monitor
    baseline: Baseline
    reference: TableSketch
    fitted: Fitted

    @property
    def own(self) -> float | None:
        """The reference's own performance; None where the baseline has that of another metric."""
        realised, metric = self.baseline.realised, self.monitor.metric
        return None if realised is None or metric is None or realised.metric != metric.name else realised.value

    @property
    def floor(self) -> float | None:
        """Where performance must stay."""
        return None if self.monitor.floor is None else self.monitor.floor.at(self.own)

    @property
    def back_test(self) -> BackTest | None:
        """How estimates of its performance are held against labels."""
        return None if self.monitor.metric is None else BackTest(self.monitor.metric, self.own, self.floor)

    @property
    def margin(self) -> float | None:
        """How much of the reference's performance may be lost before the floor."""
        if self.monitor.metric is None:
            return None
        return fall(self.monitor.metric, self.floor, self.own)


def judge_chunk(
    against: Against, window: Window, measured: Measured, sketch: TableSketch, history: VersionHistory, fingerprint: str
) -> Judged:
    """Judge one chunk; with fewer rows than ``least`` it is measured, and no verdict is given."""
    decision = _decided(against, window, measured, history)
    evidence = findings(decision)
    record = _record(against, window, decision, evidence, fingerprint)
    columns = [_stored(one, against.reference, sketch) for one in decision.columns]
    return Judged(
        record=record,
        columns=columns,
        title=title(decision, evidence, window.label, record.label_coverage),
        words=note(decision, evidence),
        past=past_of(record, [one.move for one in columns], fall_of(against, record)),
    )


def try_chunk(against: Against, window: Window, measured: Measured, history: VersionHistory) -> Past:
    """Judge a chunk as ``judge_chunk`` does, without what is only stored or shown: to see what settings would say."""
    decision = _decided(against, window, measured, history)
    record = _record(against, window, decision, findings(decision), fingerprint="")
    moves = [Move(one.facts.name, one.facts.distances.psi, one.verdict.effect) for one in decision.columns]
    return past_of(record, moves, fall_of(against, record))


def _record(
    against: Against, window: Window, decision: Decision, evidence: tuple[Finding, ...], fingerprint: str
) -> ChunkRecord:
    measured, performance = decision.measured, decision.performance
    realised = None if performance is None else performance.realised
    return ChunkRecord(
        monitor=against.monitor.name,
        model=against.monitor.model,
        version=against.baseline.version,
        label=window.label,
        start=window.start,
        end=window.end,
        rows=measured.rows,
        labels=measured.labels,
        partial=window.partial,
        severity=worst(one.severity for one in evidence),
        findings=evidence,
        fingerprint=fingerprint,
        metric=None if realised is None else realised.metric,
        realised=None if realised is None else realised.value,
        low=None if realised is None else realised.low,
        high=None if realised is None else realised.high,
        floor=None if performance is None else performance.floor,
        breaches=0 if performance is None else performance.breaches,
        metrics=measured.realised,
        estimated=decision.estimate,
        structure=decision.structure,
        slices=decision.slices,
        stream=None if decision.streams is None else decision.streams.encode(),
    )


def fall_of(against: Against, record: ChunkRecord) -> float | None:
    """Return how much worse than the reference a chunk was; None where there is no verdict on its performance."""
    if against.monitor.metric is None or record.floor is None or record.low is None:
        return None
    return fall(against.monitor.metric, record.realised, against.own)


def _decided(against: Against, window: Window, measured: Measured, history: VersionHistory) -> Decision:
    monitor, config = against.monitor, against.monitor.config
    few, filling = measured.rows < config.least, window.partial
    performance = _performance(against, measured, history, few=few, filling=filling)
    estimate = None if few else estimate_of(window.label, measured, history)
    slices = judge_slices(monitor.metric, measured.slices, against.fitted, against.margin, config.limits)
    structure = None if few else judge_structure(against.fitted, measured)
    if filling:
        slices = tuple(replace(one, fell=False, moved=False) for one in slices)
        structure = structure and replace(structure, drifted=False)
    limits = config.limits
    return Decision(
        metric=monitor.metric,
        policy=policy_of(config.policy, filling=filling),
        unit=unit_of(config.chunk),
        least=config.least,
        filling=filling,
        measured=measured,
        performance=performance,
        estimate=estimate,
        estimate_fell=not filling and _estimate_fell(against, performance, estimate),
        columns=_columns(against, measured, history, few=few, filling=filling),
        slices=slices,
        lasting_slices=_lasting(slices, history, limits.persist, limits.window),
        structure=structure,
        structure_lasts=structure is not None
        and structure.drifted
        and history.running(lambda past: past.structure, limits.persist, limits.window),
        streams=follow(history.stream, against.fitted, measured.losses),
    )


def _performance(
    against: Against, measured: Measured, history: VersionHistory, *, few: bool, filling: bool
) -> PerformanceVerdict | None:
    monitor = against.monitor
    if monitor.metric is None or monitor.floor is None or not measured.realised:
        return None
    covered = measured.rows and measured.labels / measured.rows >= monitor.coverage
    return judge_performance(
        monitor.metric,
        measured.realised[0],
        against.own,
        None if few or not covered else against.floor,
        history.breaches,
        monitor.persistence,
        monitor.config.policy,
        judged=not filling,
    )


def _estimate_fell(against: Against, performance: PerformanceVerdict | None, estimate: Estimate | None) -> bool:
    """What has been realised says more than what was estimated."""
    if against.monitor.metric is None:
        return False
    known = performance is not None and performance.breached is not None
    return not known and estimate_fell(against.monitor.metric, estimate, against.floor)


def _lasting(slices: Sequence[Slice], history: VersionHistory, persist: int, window: int) -> frozenset[tuple[str, str]]:
    def lasts(key: tuple[str, str]) -> bool:
        return history.running(lambda past: key in past.slices, persist, window)

    return frozenset(filter(lasts, ((one.column, one.value) for one in slices if one.fell or one.moved)))


def _columns(
    against: Against, measured: Measured, history: VersionHistory, *, few: bool, filling: bool
) -> tuple[ColumnNote, ...]:
    limits, policy = against.monitor.config.limits, policy_of(against.monitor.config.policy, filling=filling)
    verdicts = judge(measured.columns, limits, history.history(limits.window))
    falls = [one.fall for one in history.past]
    if against.monitor.metric is not None and measured.realised:
        falls = [*falls, fall(against.monitor.metric, measured.realised[0].value, against.own)]
    else:
        falls = [*falls, None]
    notes = []
    for facts in measured.columns:
        verdict = ColumnVerdict(Effect.TOO_FEW_ROWS, drifted=None) if few else verdicts[facts.name]
        if filling and verdict.effect in JUDGED:
            verdict = ColumnVerdict(Effect.FILLING, drifted=None)
        along = None
        if verdict.drifted:  # only of these will anyone ask whether they went along with the fall
            moved = [*(one.psi.get(facts.name) for one in history.past), facts.distances.psi]
            along = correlation(moved, falls)
        notes.append(noted(facts, verdict, policy, against.fitted.importance.get(facts.name), along))
    return tuple(notes)


def _stored(one: ColumnNote, reference: TableSketch, sketch: TableSketch) -> ChunkColumn:
    measured, name = one.facts.distances, one.facts.name
    current: Sketch | None = None if one.facts.schema is not None else sketch.columns[name]
    return ChunkColumn(
        name=name,
        kind=one.facts.kind,
        distances=measured.kept,
        drifted=one.verdict.drifted,
        effect=one.verdict.effect,
        severity=one.severity,
        persistent=one.verdict.persistent,
        importance=one.importance,
        gate=one.verdict.gate,
        figures=Figures(
            reference=_quantiles(reference.columns[name]),
            current=None if current is None else _quantiles(current),
            means=measured.means,
            newcomers=one.facts.newcomers,
        ),
        plot=histogram(reference.columns[name], current),
    )


@lru_cache(maxsize=4096)
def _quantiles(sketch: Sketch) -> Quantiles | None:
    """Return where values lie; a reference's are asked for with every chunk."""
    levels = quantiles(sketch, [LOW, MEDIAN, HIGH]) if isinstance(sketch, NumericSketch) else ()
    return Quantiles(*levels) if levels else None
