"""The findings of a chunk: each one thing in words and numbers, the weightiest first."""

from __future__ import annotations

from opsconsole.core.nouns import Severity
from opsconsole.core.text import clean, count, percent, psi
from opsconsole.drift.facts.column import BROKEN, Role
from opsconsole.drift.verdicts.decision import ColumnNote, Told
from opsconsole.drift.verdicts.phrases import (
    BROKEN_WORDS,
    OUTSIDE_TOLD,
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

__all__ = ["OUTSIDE_TOLD", "findings"]


def findings(told: Told) -> tuple[Finding, ...]:
    """Return everything worth telling of a chunk, the weightiest first."""
    if told.few:
        text = f"Too few rows for a verdict: {count(told.measured.rows)} of {count(told.least)}."
        return (*_of_quality(told, of_number=True), Finding("note", Severity.OK, text))
    found = [column_finding(note) for note in told.columns if note.severity is not Severity.OK]
    if told.filling:
        found += [*_of_quality(told), Finding("note", Severity.OK, FILLING)]
    else:
        found += [
            *_of_performance(told),
            *_of_slices(told),
            *_of_quality(told),
            *_of_structure(told),
            *_of_streams(told),
        ]
    return tuple(sorted(found, key=lambda one: (-one.severity.rank, _place(one.kind), -(one.psi or 0.0))))


def _place(kind: str) -> int:
    return ORDER.index(kind) if kind in ORDER else len(ORDER)


def _of_performance(told: Told) -> list[Finding]:
    found = []
    if told.metric is not None and told.performance is not None:
        if told.performance.breached:
            text = performance_sentence(told.metric, told.performance, told.unit, told.covered)
            found.append(Finding("performance", told.performance.severity, text))
        elif told.performance.breached is None and told.measured.labels:
            share = percent(told.covered)
            text = f"Labels of {share} of the rows so far: too few to judge."
            if told.performance.realised.value is None:
                text = f"Labels of {share} of the rows: {told.metric.title} cannot be told of them."
            found.append(Finding("labels", Severity.OK, text))
    if told.metric is not None and told.estimate is not None and told.estimate_fell:
        text = estimate_sentence(told.metric, told.estimate)
        found.append(Finding("estimate", told.policy.estimate, text))
    return found


def _of_slices(told: Told) -> list[Finding]:
    """A slice that fell for once is told with its chunk, and opens nothing; one whose scores moved is information."""
    found = []
    for one in told.slices:
        lasts = (one.column, one.value) in told.lasting_slices
        if one.fell and told.metric is not None:
            severity = told.policy.slice if lasts else Severity.OK
            found.append(Finding("slice", severity, slice_sentence(told.metric, one), column=one.column))
        elif one.moved:
            severity = min(told.policy.slice, Severity.INFO, key=lambda level: level.rank) if lasts else Severity.OK
            found.append(Finding("slice", severity, slice_moved_sentence(one), column=one.column, psi=one.psi))
    return found


def _of_quality(told: Told, *, of_number: bool = False) -> list[Finding]:
    found = []
    for fact in told.measured.quality:
        if of_number and not fact.of_number:
            continue
        subject = "" if fact.column is None else f"`{clean(fact.column, limit=40)}`: "
        text = f"{subject}{fact.text}."
        found.append(Finding("quality", told.policy.quality, text, column=fact.column, stale=fact.stale))
    return found


def _of_structure(told: Told) -> list[Finding]:
    if told.structure is None or not told.structure.drifted:
        return []
    severity = told.policy.structure if told.structure_lasts else Severity.OK
    return [Finding("structure", severity, structure_sentence(told.structure))]


def _of_streams(told: Told) -> list[Finding]:
    if told.streams is None:
        return []
    return [Finding("stream", Severity.OK, text) for text in told.streams.sentences()]


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
