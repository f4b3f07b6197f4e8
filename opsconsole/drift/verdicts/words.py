"""An alert as a colleague would tell it: one line for lists, then sentences, the answer first, then the likeliest cause."""

from __future__ import annotations

from collections.abc import Sequence

from opsconsole.core.nouns import Severity
from opsconsole.core.text import decimals, listed, percent, plural, psi
from opsconsole.drift.facts.column import BROKEN, Effect, Role
from opsconsole.drift.measures.relevance import weight
from opsconsole.drift.verdicts.decision import ColumnNote, Told
from opsconsole.drift.verdicts.findings import column_finding
from opsconsole.drift.verdicts.phrases import (
    BROKEN_WORDS,
    OUTSIDE_TOLD,
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
"""From this correlation on, a column's drift is told to go along with the fall."""


def note(told: Told, found: Sequence[Finding]) -> tuple[str, ...]:
    """Return the alert's sentences of a chunk and its findings: performance, what is broken, the likeliest causes, the score, the estimate."""
    said: list[str] = []
    if told.metric is not None and told.performance is not None and told.fell:
        said.append(performance_sentence(told.metric, told.performance, told.unit, told.covered))
    if told.metric is not None and told.estimate is not None and told.estimate_fell:
        said.append(estimate_sentence(told.metric, told.estimate))
    said += [column_finding(one).text for one in told.columns if one.verdict.effect in BROKEN]
    chosen = suspects(told)
    first = chosen[0].facts.name if chosen else None
    said += [
        one.text
        for one in found
        if one.kind == "quality" or (one.kind == "rates" and one.column != first)
        if one.severity is not Severity.OK
    ]
    if chosen:
        said.append(_suspects_sentence(chosen, fell=told.fell or told.estimate_fell))
    worst = next((one for one in told.slices if one.fell and (one.column, one.value) in told.lasting_slices), None)
    if worst is not None and told.metric is not None:
        said.append(f"Worst slice: {slice_sentence(told.metric, worst)}")
    said += [one.text for one in found if one.kind == "structure" and one.severity is not Severity.OK]
    score = next((one for one in told.columns if one.facts.role is Role.SCORE), None)
    if score is not None and score.facts.distances.psi is not None and score.verdict.effect is not Effect.TOO_FEW_ROWS:
        said.append(_score_sentence(score))
    if told.streams is not None and told.fell:
        said += told.streams.sentences()
    if told.metric is not None and told.estimate is not None and not told.estimate.trusted and told.fell:
        said.append(distrust_sentence(told.metric, told.estimate))
    return tuple(said)


def suspects(told: Told) -> list[ColumnNote]:
    """Return the inputs that moved, likeliest cause first: by drift × importance, and by going along with the fall."""
    moved = [
        one
        for one in told.columns
        if one.facts.role is Role.INPUT and one.verdict.drifted and one.verdict.effect not in BROKEN
    ]
    return sorted(moved, key=lambda one: -weight(one.psi, one.importance or 0.0, one.correlated))


def title(told: Told, found: Sequence[Finding], label: str, coverage: float) -> str:
    """Return one line for lists: ``AUC .757 → .691 in Jul 2013 (CI .684–.698, labels 97 %)``."""
    if told.metric is not None and told.performance is not None and told.fell:
        realised, reference = told.performance.realised, told.performance.reference
        before = "" if reference is None else f"{decimals(reference)} → "
        return (
            f"{told.metric.title} {before}{decimals(realised.value)} in {label}"
            f" ({interval(realised)}, labels {percent(coverage)})"
        )
    if told.metric is not None and told.estimate is not None and told.estimate_fell:
        return f"{told.metric.title} {decimals(told.estimate.value)} expected in {label}, no labels yet"
    return _columns_title(told, found, label) or _other_title(found, label)


def _columns_title(told: Told, found: Sequence[Finding], label: str) -> str | None:
    worst = [one for one in told.columns if one.severity is not Severity.OK]
    if not worst or any(one.severity.rank > max(w.severity.rank for w in worst) for one in found):
        return None
    worst.sort(key=lambda one: (one.severity.rank, one.psi), reverse=True)
    first, *others = worst
    more = f" and {plural(len(others), 'more column')}" if others else ""
    if first.verdict.effect in BROKEN:
        return f"{named(first)} {BROKEN_WORDS[first.verdict.effect]} in {label}"
    return f"{named(first)}{more} moved in {label} (PSI {psi(first.facts.distances.psi)})"


def _other_title(found: Sequence[Finding], label: str) -> str:
    first = next((one for one in found if one.severity is not Severity.OK), None)
    return f"nothing to tell of {label}" if first is None else f"{first.text.removesuffix('.')}, in {label}"


def _suspects_sentence(found: list[ColumnNote], *, fell: bool) -> str:
    """Say what the first suspects have in common with the first: unseen values, values out of range, or a move."""
    lead = "Most likely" if fell else "Inputs"
    first = found[0].facts.distances
    if (first.unseen or 0.0) >= OUTSIDE_TOLD:
        share = percent(first.unseen)
        told = f"{named(found[0])} has {share} values that the reference never saw{newcomers(found[0])}"
    elif (first.outside or 0.0) >= OUTSIDE_TOLD:
        left = [one for one in found if (one.facts.distances.outside or 0.0) >= OUTSIDE_TOLD][:SUSPECTS]
        shares = ", ".join(percent(one.facts.distances.outside) for one in left)
        told = f"{listed([named(one) for one in left])} left the range seen in the reference ({shares} of rows)"
    else:
        chosen = found[:SUSPECTS]
        sizes = ", ".join(psi(one.facts.distances.psi) for one in chosen)
        shifts = shifted_words(found[0]) if len(chosen) == 1 else ""
        told = f"{listed([named(one) for one in chosen])} moved (PSI {sizes}{shifts})"
    along = [one for one in found[:SUSPECTS] if fell and (one.correlated or 0.0) >= GOES_ALONG]
    if along:
        most = max(along, key=lambda one: one.correlated or 0.0)
        told += f"; over the chunks so far {named(most)} moved as performance fell (r {decimals(most.correlated, 2)})"
    return f"{lead}: {told}."


def _score_sentence(score: ColumnNote) -> str:
    moved = {Effect.MAJOR: "The score moved a lot", Effect.WARN: "The score moved"}
    return f"{moved.get(score.verdict.effect, 'The score itself hardly moved')} (PSI {psi(score.facts.distances.psi)})."
