"""Sentences on single facts: performance, an estimate, a slice, a column."""

from __future__ import annotations

from opsconsole.core.text import clean, count, decimals, percent, psi
from opsconsole.drift.facts.column import Effect
from opsconsole.drift.performance.realised.metrics import Metric
from opsconsole.drift.verdicts.decision import ColumnNote
from opsconsole.drift.verdicts.decline import PerformanceVerdict
from opsconsole.store.baselines import Realised
from opsconsole.store.chunk_records import Estimate, Slice, Structure

LEAST_OUTSIDE = 0.01
ORDINALS = {1: "st", 2: "nd", 3: "rd"}
BROKEN_WORDS = {
    Effect.GONE: "is gone",
    Effect.TYPE_CHANGED: "changed its type",
    Effect.ALL_MISSING: "has no values",
}


def performance_sentence(metric: Metric, verdict: PerformanceVerdict, unit: str, covered: float) -> str:
    """Return ``Performance fell: AUC .757 → .691 (CI .684–.698, labels 97 %), floor .707, for the 2nd month.``"""
    realised = verdict.realised
    before = "" if verdict.reference is None else f"{decimals(verdict.reference)} → "
    bound = "floor" if metric.higher_is_better else "ceiling"
    times = f", for the {ordinal(verdict.breaches)} {unit}" if verdict.breaches > 1 else f", for the first {unit}"
    return (
        f"Performance fell: {metric.title} {before}{decimals(realised.value)} ({interval(realised)}, labels"
        f" {percent(covered)}), {bound} {decimals(verdict.floor)}{times}."
    )


def estimate_sentence(metric: Metric, estimate: Estimate) -> str:
    """Return what a trusted estimate below the floor says."""
    return (
        f"Performance is expected to have fallen: {metric.title} {decimals(estimate.value)}"
        f" (estimated without labels, {decimals(estimate.low)}–{decimals(estimate.high)}; {estimate.words})."
    )


def distrust_sentence(metric: Metric, estimate: Estimate) -> str:
    """Return ``Estimated without labels it would be AUC .735; disproved by labels since Mar 2013: …``"""
    return f"Without labels {metric.title} {decimals(estimate.value)} was expected; {estimate.words}."


def slice_sentence(metric: Metric, one: Slice) -> str:
    """Return how a slice does, beside its own reference."""
    return (
        f"`{clean(one.column, limit=40)}` = {clean(one.value, limit=40) or '(empty)'}: {metric.title} {decimals(one.realised)}"
        f" (CI {decimals(one.low)}–{decimals(one.high)}), was {decimals(one.reference)}; {count(one.rows)} rows."
    )


def slice_moved_sentence(one: Slice) -> str:
    """Return how far the scores of a slice moved."""
    name = f"`{clean(one.column, limit=40)}` = {clean(one.value, limit=40) or '(empty)'}"
    return f"{name}: the score moved there (PSI {psi(one.psi)}); {count(one.rows)} rows."


def structure_sentence(structure: Structure) -> str:
    """Return what the reconstruction error says."""
    return (
        f"The columns no longer hang together as in the reference: reconstruction error {decimals(structure.value, 2)},"
        f" expected {decimals(structure.low, 2)}–{decimals(structure.high, 2)}."
    )


def interval(realised: Realised) -> str:
    """Return ``CI .684–.698``."""
    return f"CI {decimals(realised.low)}–{decimals(realised.high)}"


def rates_words(one: ColumnNote) -> str:
    """Return the shares of missing and unseen values that are past what the reference had."""
    measured, parts = one.facts.distances, []
    if measured.missing_current > measured.missing_reference:
        parts.append(f"{percent(measured.missing_current, 1)} missing, was {percent(measured.missing_reference, 1)}")
    if measured.unseen:
        parts.append(f"{percent(measured.unseen, 1)} in categories never seen before{newcomers(one)}")
    return "; ".join(parts)


def newcomers(one: ColumnNote) -> str:
    """Return `` (JFK2, LGA9)``: some categories that the reference never held."""
    names = ", ".join(clean(name, limit=24) for name in one.facts.newcomers[:3])
    return f" ({names})" if names else ""


def outside_words(one: ColumnNote) -> str:
    """Return how many values left the reference's range, where that is worth telling."""
    outside = one.facts.distances.outside
    return f", {percent(outside)} outside the reference's range" if outside and outside >= LEAST_OUTSIDE else ""


def shifted_words(one: ColumnNote) -> str:
    """Return ``: US 7 % → 0 %, AA 12 % → 20 %``: what of a categorical column changed most."""
    shifts = [
        f"{clean(shift.name, limit=24)} {percent(shift.before)} → {percent(shift.after)}" for shift in one.facts.shifts
    ]
    return f": {', '.join(shifts)}" if shifts else ""


def ordinal(number: int) -> str:
    """Return ``1st``, ``2nd``, ``3rd``, ``4th``, ``11th``."""
    ending = "th" if 10 <= number % 100 <= 20 else ORDINALS.get(number % 10, "th")
    return f"{number}{ending}"


def named(one: ColumnNote) -> str:
    """Return a column's name as sentences show it."""
    return f"`{clean(one.facts.name, limit=40)}`"
