"""An alert in words: one line for lists, then sentences, the most important first, then the likeliest cause."""

from __future__ import annotations

from collections.abc import Sequence

from opsconsole.core.nouns import Severity
from opsconsole.core.text import decimals, listed, percent, plural, psi
from opsconsole.drift.facts.column import BROKEN, Effect, Role
from opsconsole.drift.measures.relevance import weight
from opsconsole.drift.verdicts.decision import ColumnNote, Decision
from opsconsole.drift.verdicts.findings import column_finding
from opsconsole.drift.verdicts.phrases import (
    BROKEN_WORDS,
    LEAST_OUTSIDE,
    distrust_sentence,
    estimate_sentence,
    interval,
    named,
    newcomers,
    performance_sentence,
    shifted_words,
    slice_sentence,
)
from opsconsole.store.findings import Finding

SUSPECTS = 3
GOES_ALONG = 0.7
"""From this correlation on, a column's drift is reported to go along with the fall."""


def note(decision: Decision, findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return the alert's sentences of a chunk and its findings: performance, what is broken, the likeliest causes, the score, the estimate."""
    sentences: list[str] = []
    if decision.metric is not None and decision.performance is not None and decision.fell:
        sentences.append(performance_sentence(decision.metric, decision.performance, decision.unit, decision.covered))
    if decision.metric is not None and decision.estimate is not None and decision.estimate_fell:
        sentences.append(estimate_sentence(decision.metric, decision.estimate))
    sentences += [column_finding(one).text for one in decision.columns if one.verdict.effect in BROKEN]
    chosen = suspects(decision)
    first = chosen[0].facts.name if chosen else None
    sentences += [
        one.text
        for one in findings
        if one.kind == "quality" or (one.kind == "rates" and one.column != first)
        if one.severity is not Severity.OK
    ]
    if chosen:
        sentences.append(_suspects_sentence(chosen, fell=decision.fell or decision.estimate_fell))
    worst = next(
        (one for one in decision.slices if one.fell and (one.column, one.value) in decision.lasting_slices), None
    )
    if worst is not None and decision.metric is not None:
        sentences.append(f"Worst slice: {slice_sentence(decision.metric, worst)}")
    sentences += [one.text for one in findings if one.kind == "structure" and one.severity is not Severity.OK]
    score = next((one for one in decision.columns if one.facts.role is Role.SCORE), None)
    if score is not None and score.facts.distances.psi is not None and score.verdict.effect is not Effect.TOO_FEW_ROWS:
        sentences.append(_score_sentence(score))
    if decision.streams is not None and decision.fell:
        sentences += decision.streams.sentences()
    if (
        decision.metric is not None
        and decision.estimate is not None
        and not decision.estimate.trusted
        and decision.fell
    ):
        sentences.append(distrust_sentence(decision.metric, decision.estimate))
    return tuple(sentences)


def suspects(decision: Decision) -> list[ColumnNote]:
    """Return the inputs that moved, likeliest cause first: by drift × importance, and by going along with the fall."""
    moved = [
        one
        for one in decision.columns
        if one.facts.role is Role.INPUT and one.verdict.drifted and one.verdict.effect not in BROKEN
    ]
    return sorted(moved, key=lambda one: -weight(one.psi, one.importance or 0.0, one.correlated))


def title(decision: Decision, findings: Sequence[Finding], label: str, coverage: float) -> str:
    """Return one line for lists: ``AUC .757 → .691 in Jul 2013 (CI .684–.698, labels 97 %)``."""
    if decision.metric is not None and decision.performance is not None and decision.fell:
        realised, reference = decision.performance.realised, decision.performance.reference
        before = "" if reference is None else f"{decimals(reference)} → "
        return (
            f"{decision.metric.title} {before}{decimals(realised.value)} in {label}"
            f" ({interval(realised)}, labels {percent(coverage)})"
        )
    if decision.metric is not None and decision.estimate is not None and decision.estimate_fell:
        return f"{decision.metric.title} {decimals(decision.estimate.value)} expected in {label}, no labels yet"
    return _columns_title(decision, findings, label) or _other_title(findings, label)


def _columns_title(decision: Decision, findings: Sequence[Finding], label: str) -> str | None:
    worst = [one for one in decision.columns if one.severity is not Severity.OK]
    if not worst or any(one.severity.rank > max(w.severity.rank for w in worst) for one in findings):
        return None
    worst.sort(key=lambda one: (one.severity.rank, one.psi), reverse=True)
    first, *others = worst
    more = f" and {plural(len(others), 'more column')}" if others else ""
    if first.verdict.effect in BROKEN:
        return f"{named(first)} {BROKEN_WORDS[first.verdict.effect]} in {label}"
    return f"{named(first)}{more} moved in {label} (PSI {psi(first.facts.distances.psi)})"


def _other_title(findings: Sequence[Finding], label: str) -> str:
    first = next((one for one in findings if one.severity is not Severity.OK), None)
    return f"nothing to tell of {label}" if first is None else f"{first.text.removesuffix('.')}, in {label}"


def _suspects_sentence(columns: list[ColumnNote], *, fell: bool) -> str:
    """Say what the first suspects have in common with the first: unseen values, values out of range, or a move."""
    lead = "Most likely" if fell else "Inputs"
    first = columns[0].facts.distances
    if (first.unseen or 0.0) >= LEAST_OUTSIDE:
        share = percent(first.unseen)
        words = f"{named(columns[0])} has {share} values that the reference never saw{newcomers(columns[0])}"
    elif (first.outside or 0.0) >= LEAST_OUTSIDE:
        left = [one for one in columns if (one.facts.distances.outside or 0.0) >= LEAST_OUTSIDE][:SUSPECTS]
        shares = ", ".join(percent(one.facts.distances.outside) for one in left)
        words = f"{listed([named(one) for one in left])} left the range seen in the reference ({shares} of rows)"
    else:
        chosen = columns[:SUSPECTS]
        sizes = ", ".join(psi(one.facts.distances.psi) for one in chosen)
        shifts = shifted_words(columns[0]) if len(chosen) == 1 else ""
        words = f"{listed([named(one) for one in chosen])} moved (PSI {sizes}{shifts})"
    along = [one for one in columns[:SUSPECTS] if fell and (one.correlated or 0.0) >= GOES_ALONG]
    if along:
        most = max(along, key=lambda one: one.correlated or 0.0)
        words += f"; over the chunks so far {named(most)} moved as performance fell (r {decimals(most.correlated, 2)})"
    return f"{lead}: {words}."


def _score_sentence(score: ColumnNote) -> str:
    moved = {Effect.MAJOR: "The score moved a lot", Effect.WARN: "The score moved"}
    return f"{moved.get(score.verdict.effect, 'The score itself hardly moved')} (PSI {psi(score.facts.distances.psi)})."
