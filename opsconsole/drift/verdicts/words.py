"""Evidence in words: what a chunk's findings are, the title of its alert, and its note, the answer first."""

from __future__ import annotations

from dataclasses import dataclass

from opsconsole.drift.performance.metrics import Metric
from opsconsole.drift.verdicts.gates import BROKEN, ColumnFacts, ColumnVerdict, Effect, Role, rates_broke
from opsconsole.ground.nouns import Severity
from opsconsole.ground.text import clean, decimals, percent, plural, psi
from opsconsole.store.baselines import Realised
from opsconsole.store.findings import Finding

SUSPECTS = 3
OUTSIDE_TOLD = 0.01
ORDINALS = {1: "st", 2: "nd", 3: "rd"}
ORDER = ("performance", "schema", "score", "rates", "input", "note")


@dataclass(frozen=True)
class PerformanceVerdict:
    """A chunk's realised performance held against its floor."""

    realised: Realised
    reference: float | None
    floor: float | None
    breached: bool | None
    """None where labels, interval or floor are missing: nothing can be said."""
    breaches: int
    """How many chunks running, up to this one."""
    severity: Severity


@dataclass(frozen=True)
class ColumnNote:
    """One column with everything known of it."""

    facts: ColumnFacts
    verdict: ColumnVerdict
    newcomers: tuple[str, ...] = ()
    """Some categories that the reference never held."""


def judge_performance(
    metric: Metric, realised: Realised, reference: float | None, floor: float | None, before: int, persistence: int
) -> PerformanceVerdict:
    """Return the verdict: below the floor only where the whole interval is; critical after ``persistence`` running.

    ``before`` is how many chunks before this one were below, running; a chunk that says nothing leaves it as it was.
    """
    if floor is None or realised.low is None or realised.high is None:
        return PerformanceVerdict(realised, reference, floor, None, before, Severity.OK)
    breached = realised.high < floor if metric.higher_is_better else realised.low > floor
    if not breached:
        return PerformanceVerdict(realised, reference, floor, breached=False, breaches=0, severity=Severity.OK)
    severity = Severity.CRITICAL if before + 1 >= persistence else Severity.WARN
    return PerformanceVerdict(realised, reference, floor, breached=True, breaches=before + 1, severity=severity)


def findings(
    metric: Metric | None, performance: PerformanceVerdict | None, columns: list[ColumnNote], unit: str
) -> tuple[Finding, ...]:
    """Return everything worth telling of a chunk, the weightiest first."""
    found: list[Finding] = []
    if metric is not None and performance is not None and performance.breached:
        found.append(Finding("performance", performance.severity, performance_sentence(metric, performance, unit)))
    found += [_column_finding(note) for note in columns if note.verdict.severity is not Severity.OK]
    return tuple(sorted(found, key=lambda one: (-one.severity.rank, ORDER.index(one.kind), -(one.psi or 0.0))))


def performance_sentence(metric: Metric, verdict: PerformanceVerdict, unit: str) -> str:
    """Return ``Performance fell: AUC .691 (CI .684–.698), floor .707, for the 2nd month.``"""
    realised = verdict.realised
    bound = "floor" if metric.higher_is_better else "ceiling"
    times = f", for the {ordinal(verdict.breaches)} {unit}" if verdict.breaches > 1 else f", for the first {unit}"
    return (
        f"Performance fell: {metric.title} {decimals(realised.value)} ({interval(realised)}),"
        f" {bound} {decimals(verdict.floor)}{times}."
    )


def interval(realised: Realised) -> str:
    """Return ``CI .684–.698``."""
    return f"CI {decimals(realised.low)}–{decimals(realised.high)}"


def note(
    metric: Metric | None, performance: PerformanceVerdict | None, columns: list[ColumnNote], unit: str
) -> tuple[str, ...]:
    """Return the alert's sentences: performance, what is broken, the likeliest causes, the score."""
    said: list[str] = []
    if metric is not None and performance is not None and performance.breached:
        said.append(performance_sentence(metric, performance, unit))
    said += [_column_finding(one).text for one in columns if one.verdict.effect in BROKEN]
    inputs = [one for one in columns if one.facts.role is not Role.SCORE and one.verdict.effect not in BROKEN]
    suspects = sorted(
        (one for one in inputs if one.verdict.drifted), key=lambda one: one.facts.distances.psi or 0.0, reverse=True
    )
    if suspects:
        said.append(_suspects_sentence(suspects, fell=bool(performance is not None and performance.breached)))
    score = next((one for one in columns if one.facts.role is Role.SCORE), None)
    if score is not None and score.facts.distances.psi is not None and score.verdict.effect is not Effect.TOO_FEW_ROWS:
        said.append(_score_sentence(score))
    return tuple(said)


def title(
    metric: Metric | None,
    performance: PerformanceVerdict | None,
    columns: list[ColumnNote],
    label: str,
    coverage: float,
) -> str:
    """Return one line for lists: ``AUC .757 → .691 in Jul 2013 (CI .684–.698, labels 97 %)``."""
    if metric is not None and performance is not None and performance.breached:
        realised = performance.realised
        before = "" if performance.reference is None else f"{decimals(performance.reference)} → "
        return (
            f"{metric.title} {before}{decimals(realised.value)} in {label}"
            f" ({interval(realised)}, labels {percent(coverage)})"
        )
    worst = [one for one in columns if one.verdict.severity is not Severity.OK]
    if not worst:
        return f"nothing to tell of {label}"
    worst.sort(key=lambda one: (one.verdict.severity.rank, one.facts.distances.psi or 0.0), reverse=True)
    first, *others = worst
    more = f" and {plural(len(others), 'more column')}" if others else ""
    name = _named(first)
    if first.verdict.effect in BROKEN:
        return f"{name} {_BROKEN_WORDS[first.verdict.effect]} in {label}"
    return f"{name}{more} moved in {label} (PSI {psi(first.facts.distances.psi)})"


_BROKEN_WORDS = {
    Effect.GONE: "is gone",
    Effect.TYPE_CHANGED: "changed its type",
    Effect.ALL_MISSING: "has no values",
}


def _column_finding(one: ColumnNote) -> Finding:
    measured, effect = one.facts.distances, one.verdict.effect
    role_kind = "score" if one.facts.role is Role.SCORE else "input"
    name = _named(one)
    if effect in BROKEN:
        kind, text = "schema", f"{name} {_BROKEN_WORDS[effect]}: no value of it arrives as the model knows it."
    elif rates_broke(measured) and one.verdict.severity is Severity.WARN and role_kind == "input":
        kind, text = "rates", f"{name}: {_rates(one)}."
    else:
        kind, text = role_kind, f"{name} moved: PSI {psi(measured.psi)}{_outside(one)}."
    return Finding(
        kind=kind,
        severity=one.verdict.severity,
        text=text,
        column=one.facts.name,
        psi=measured.psi,
        outside=measured.outside,
        missing=measured.missing_current,
        unseen=measured.unseen,
    )


def _rates(one: ColumnNote) -> str:
    measured, said = one.facts.distances, []
    if measured.missing_current > measured.missing_reference:
        said.append(f"{percent(measured.missing_current, 1)} missing, was {percent(measured.missing_reference, 1)}")
    if measured.unseen:
        names = ", ".join(clean(name, limit=24) for name in one.newcomers[:3])
        said.append(f"{percent(measured.unseen, 1)} in categories never seen before" + (f" ({names})" if names else ""))
    return "; ".join(said)


def _outside(one: ColumnNote) -> str:
    outside = one.facts.distances.outside
    return f", {percent(outside)} outside the reference's range" if outside and outside >= OUTSIDE_TOLD else ""


def _suspects_sentence(suspects: list[ColumnNote], *, fell: bool) -> str:
    lead = "Most likely" if fell else "Inputs"
    left = [one for one in suspects if (one.facts.distances.outside or 0.0) >= OUTSIDE_TOLD][:SUSPECTS]
    if left:
        shares = ", ".join(percent(one.facts.distances.outside) for one in left)
        return (
            f"{lead}: {_listed([_named(one) for one in left])} left the range seen in the reference ({shares} of rows)."
        )
    chosen = suspects[:SUSPECTS]
    sizes = ", ".join(psi(one.facts.distances.psi) for one in chosen)
    return f"{lead}: {_listed([_named(one) for one in chosen])} moved (PSI {sizes})."


def _score_sentence(score: ColumnNote) -> str:
    moved = {Effect.MAJOR: "The score moved a lot", Effect.WARN: "The score moved"}
    return f"{moved.get(score.verdict.effect, 'The score itself hardly moved')} (PSI {psi(score.facts.distances.psi)})."


def ordinal(number: int) -> str:
    """Return ``1st``, ``2nd``, ``3rd``, ``4th``, ``11th``."""
    ending = "th" if 10 <= number % 100 <= 20 else ORDINALS.get(number % 10, "th")
    return f"{number}{ending}"


def _named(one: ColumnNote) -> str:
    return f"`{clean(one.facts.name, limit=40)}`"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
