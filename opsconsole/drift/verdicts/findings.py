"""The findings of a chunk: each one fact as a sentence and numbers, the weightiest first."""

from __future__ import annotations

from opsconsole.core.nouns import Severity
from opsconsole.core.text import clean, count, percent, psi
from opsconsole.drift.facts.column import BROKEN, Role
from opsconsole.drift.verdicts.decision import ColumnNote, Decision
from opsconsole.drift.verdicts.phrases import (
    BROKEN_WORDS,
    estimate_sentence,
    named,
    outside_words,
    performance_sentence,
    rates_words,
    shifted_words,
    slice_moved_sentence,
    slice_sentence,
    structure_sentence,
)
from opsconsole.store.findings import Finding

ORDER = (
    "performance",
    "schema",
    "estimate",
    "score",
    "target",
    "slice",
    "rates",
    "quality",
    "structure",
    "input",
    "stream",
)
"""The kinds of one severity, weightiest first; what else there is comes last."""

FILLING = "It is still filling: drift and performance are judged when it is whole."


def findings(decision: Decision) -> tuple[Finding, ...]:
    """Return everything worth telling of a chunk, the weightiest first."""
    if decision.few:
        text = f"Too few rows for a verdict: {count(decision.measured.rows)} of {count(decision.least)}."
        return (*_of_quality(decision, of_number=True), Finding("note", Severity.OK, text))
    chosen = [column_finding(note) for note in decision.columns if note.severity is not Severity.OK]
    if decision.filling:
        chosen += [*_of_quality(decision), Finding("note", Severity.OK, FILLING)]
    else:
        chosen += [
            *_of_performance(decision),
            *_of_slices(decision),
            *_of_quality(decision),
            *_of_structure(decision),
            *_of_streams(decision),
        ]
    return tuple(sorted(chosen, key=lambda one: (-one.severity.rank, _place(one.kind), -(one.psi or 0.0))))


def _place(kind: str) -> int:
    return ORDER.index(kind) if kind in ORDER else len(ORDER)


def _of_performance(decision: Decision) -> list[Finding]:
    chosen = []
    if decision.metric is not None and decision.performance is not None:
        if decision.performance.breached:
            text = performance_sentence(decision.metric, decision.performance, decision.unit, decision.covered)
            chosen.append(Finding("performance", decision.performance.severity, text))
        elif decision.performance.breached is None and decision.measured.labels:
            share = percent(decision.covered)
            text = f"Labels of {share} of the rows so far: too few to judge."
            if decision.performance.realised.value is None:
                text = f"Labels of {share} of the rows: {decision.metric.title} cannot be told of them."
            chosen.append(Finding("labels", Severity.OK, text))
    if decision.metric is not None and decision.estimate is not None and decision.estimate_fell:
        text = estimate_sentence(decision.metric, decision.estimate)
        chosen.append(Finding("estimate", decision.policy.estimate, text))
    return chosen


def _of_slices(decision: Decision) -> list[Finding]:
    """A slice that fell for once is a finding of its chunk, and opens no incident; one whose scores moved is an info."""
    chosen = []
    for one in decision.slices:
        lasts = (one.column, one.value) in decision.lasting_slices
        if one.fell and decision.metric is not None:
            severity = decision.policy.slice if lasts else Severity.OK
            chosen.append(Finding("slice", severity, slice_sentence(decision.metric, one), column=one.column))
        elif one.moved:
            severity = min(decision.policy.slice, Severity.INFO, key=lambda level: level.rank) if lasts else Severity.OK
            chosen.append(Finding("slice", severity, slice_moved_sentence(one), column=one.column, psi=one.psi))
    return chosen


def _of_quality(decision: Decision, *, of_number: bool = False) -> list[Finding]:
    chosen = []
    for fact in decision.measured.quality:
        if of_number and not fact.of_number:
            continue
        subject = "" if fact.column is None else f"`{clean(fact.column, limit=40)}`: "
        text = f"{subject}{fact.text}."
        chosen.append(Finding("quality", decision.policy.quality, text, column=fact.column, stale=fact.stale))
    return chosen


def _of_structure(decision: Decision) -> list[Finding]:
    if decision.structure is None or not decision.structure.drifted:
        return []
    severity = decision.policy.structure if decision.structure_lasts else Severity.OK
    return [Finding("structure", severity, structure_sentence(decision.structure))]


def _of_streams(decision: Decision) -> list[Finding]:
    if decision.streams is None:
        return []
    return [Finding("stream", Severity.OK, text) for text in decision.streams.sentences()]


def column_finding(one: ColumnNote) -> Finding:
    """Return what a column's verdict says."""
    measured, effect = one.facts.distances, one.verdict.effect
    role = {Role.SCORE: "score", Role.TARGET: "target"}.get(one.facts.role, "input")
    name = named(one)
    drifts = one.verdict.persistent and one.verdict.drifted
    if effect in BROKEN:
        kind, text = "schema", f"{name} {BROKEN_WORDS[effect]}: no value of it arrives as the model knows it."
    elif one.verdict.rates and (role == "input" or not drifts):
        kind, text = "rates", f"{name}: {rates_words(one)}."
    else:
        kind, text = role, f"{name} moved: PSI {psi(measured.psi)}{shifted_words(one)}{outside_words(one)}."
    return Finding(
        kind=kind,
        severity=one.severity,
        text=text,
        column=one.facts.name,
        psi=measured.psi,
        outside=measured.outside,
        missing=measured.missing_current,
        unseen=measured.unseen,
    )
