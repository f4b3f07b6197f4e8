"""Turning a counted chunk into its record: columns measured and judged, findings, words, what an alert would say."""

from __future__ import annotations

from dataclasses import dataclass, replace

from opsconsole.drift.chunking import Counted, Work
from opsconsole.drift.compare import facts_of
from opsconsole.drift.data.production import Production, known
from opsconsole.drift.data.windows import unit_of
from opsconsole.drift.monitors import Monitor
from opsconsole.drift.sketches.plots import histogram
from opsconsole.drift.sketches.sketch import CategorySketch, TableSketch
from opsconsole.drift.verdicts.gates import ColumnVerdict, Effect, judge, worst
from opsconsole.drift.verdicts.words import ColumnNote, findings, note, title
from opsconsole.ground.nouns import Severity
from opsconsole.ground.text import count
from opsconsole.store.alerts import News
from opsconsole.store.baselines import Baseline
from opsconsole.store.chunk_records import ChunkColumn, ChunkRecord
from opsconsole.store.findings import Finding


@dataclass(frozen=True)
class Judged:
    """Everything that is stored of a chunk."""

    record: ChunkRecord
    columns: list[ChunkColumn]
    sketch: bytes
    title: str
    words: tuple[str, ...]

    def news(self, chunk_id: int) -> News:
        """Return what an alert says of it."""
        evidence = tuple(one for one in self.record.findings if one.severity is not Severity.OK)
        return News(self.record.severity, self.title, self.words, evidence, chunk_id)


def judge_chunk(
    monitor: Monitor, baseline: Baseline, reference: TableSketch, production: Production, work: Work, counted: Counted
) -> Judged:
    """Judge one chunk; with fewer rows than ``least`` it is measured, and no verdict is given."""
    window, performance = work.window, work.performance
    rows, unit = len(window.rows), unit_of(monitor.config.chunk)
    notes = _columns(monitor, reference, counted)
    few = rows < monitor.config.least
    if few:
        notes = [
            replace(one, verdict=ColumnVerdict(Effect.TOO_FEW_ROWS, drifted=None, severity=Severity.OK))
            for one in notes
        ]
    found = findings(monitor.metric, performance, notes, unit)
    if few:
        text = f"Too few rows for a verdict: {count(rows)} of {count(monitor.config.least)}."
        found = (Finding("note", Severity.OK, text), *found)
    realised = None if performance is None else performance.realised
    labels = int(known(production.labels[window.rows]).sum())
    record = ChunkRecord(
        monitor=monitor.name,
        model=monitor.model,
        version=baseline.version,
        label=window.label,
        start=window.start,
        end=window.end,
        rows=rows,
        labels=labels,
        partial=window.partial,
        severity=worst([one.severity for one in found]),
        findings=found,
        fingerprint=work.fingerprint,
        metric=None if realised is None else realised.metric,
        realised=None if realised is None else realised.value,
        low=None if realised is None else realised.low,
        high=None if realised is None else realised.high,
        floor=None if performance is None else performance.floor,
        breaches=0 if performance is None else performance.breaches,
    )
    return Judged(
        record=record,
        columns=[_stored(one, reference, counted) for one in notes],
        sketch=counted.sketch.encode(),
        title=title(monitor.metric, performance, notes, window.label, record.label_coverage),
        words=note(monitor.metric, performance, notes, unit),
    )


def _columns(monitor: Monitor, reference: TableSketch, counted: Counted) -> list[ColumnNote]:
    facts = facts_of(reference, counted.sketch, counted.schema, new={}, score=monitor.config.score)
    verdicts = judge(facts)
    notes = []
    for one in facts:
        current = counted.sketch.columns[one.name]
        newcomers = current.examples if isinstance(current, CategorySketch) else ()
        notes.append(ColumnNote(one, verdicts[one.name], tuple(name for name, _ in newcomers)))
    return notes


def _stored(one: ColumnNote, reference: TableSketch, counted: Counted) -> ChunkColumn:
    measured, name = one.facts.distances, one.facts.name
    current = None if name in counted.schema else counted.sketch.columns[name]
    return ChunkColumn(
        name=name,
        kind=one.facts.kind,
        psi=measured.psi,
        js=measured.js,
        hellinger=measured.hellinger,
        ks=measured.ks,
        ks_p=measured.ks_p,
        wasserstein=measured.wasserstein,
        chi2=measured.chi2,
        chi2_p=measured.chi2_p,
        l_infinity=measured.l_infinity,
        missing_reference=measured.missing_reference,
        missing_current=measured.missing_current,
        unseen=measured.unseen,
        outside=measured.outside,
        noise_p=measured.noise_p,
        drifted=one.verdict.drifted,
        effect=one.verdict.effect,
        severity=one.verdict.severity,
        plot=histogram(reference.columns[name], current),
    )
