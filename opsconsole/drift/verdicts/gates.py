"""Deciding, as functions of values: is it noise, is it large, and how much does it matter.

Two gates for each column: past chance (Benjamini-Hochberg over all columns of the chunk, q = .01), and large enough to
care (PSI .1, major from .25). Then policy: inputs that drift are information and never page; a score that drifts
warns; so do missing and unseen values; a broken schema is critical, and so is realised performance below its floor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from opsconsole.drift.measures.distances import Distances
from opsconsole.ground.nouns import ColumnKind, Severity

FALSE_DISCOVERIES = 0.01
PSI_WARN = 0.1
PSI_MAJOR = 0.25
ROWS_A_BIN = 50
FEWEST_ROWS = 50
RATE_FACTOR = 3.0
RATE_LEAST = 0.01


class Effect(StrEnum):
    """How much a column moved."""

    NONE = "none"
    NOISE_PASSED = "noise_passed"
    WARN = "warn"
    MAJOR = "major"
    TOO_FEW_ROWS = "too_few_rows"
    GONE = "gone"
    NEW = "new"
    TYPE_CHANGED = "type_changed"
    ALL_MISSING = "all_missing"
    IDENTIFIER = "identifier"
    """Nearly every value is another one: new ones are no news."""


BROKEN = frozenset({Effect.GONE, Effect.TYPE_CHANGED, Effect.ALL_MISSING})


class Role(StrEnum):
    """What a column is to the model; policy differs by it."""

    INPUT = "input"
    SCORE = "score"
    PLAIN = "plain"
    """A column of two files that are compared without a model."""


@dataclass(frozen=True)
class ColumnFacts:
    """What is known of one column before a verdict."""

    name: str
    kind: ColumnKind
    role: Role
    distances: Distances
    rows_reference: int
    rows_current: int
    schema: Effect | None = None
    """``gone``, ``new`` or ``type_changed`` where the schema itself differs; ``identifier`` where no measure applies."""


@dataclass(frozen=True)
class ColumnVerdict:
    """What to think of one column."""

    effect: Effect
    drifted: bool | None
    """None when there are too few rows to say."""
    severity: Severity


def judge(columns: list[ColumnFacts]) -> dict[str, ColumnVerdict]:
    """Return the verdict on each column; all must be of the same chunk, they share the false-alarm budget."""
    tested = {
        facts.name: facts.distances.noise_p
        for facts in columns
        if facts.schema is None and facts.distances.noise_p is not None and _needed(facts) == 0
    }
    significant = benjamini_hochberg(tested)
    return {facts.name: _verdict(facts, past_noise=facts.name in significant) for facts in columns}


def benjamini_hochberg(probabilities: Mapping[str, float], rate: float = FALSE_DISCOVERIES) -> frozenset[str]:
    """Return the names whose p-values stand when at most ``rate`` of them may be false (Benjamini, Hochberg 1995)."""
    ordered = sorted(probabilities.items(), key=lambda item: item[1])
    standing = 0
    for place, (_, probability) in enumerate(ordered, start=1):
        if probability <= rate * place / len(ordered):
            standing = place
    return frozenset(name for name, _ in ordered[:standing])


def rows_needed(bins: int) -> int:
    """Return how many rows each side needs before its PSI over ``bins`` bins means anything."""
    return max(ROWS_A_BIN * (bins - 1), FEWEST_ROWS)


def _needed(facts: ColumnFacts) -> int:
    """Return how many rows are wanted, 0 when there are enough."""
    wanted = rows_needed(facts.distances.bins)
    return 0 if min(facts.rows_reference, facts.rows_current) >= wanted else wanted


def _verdict(facts: ColumnFacts, *, past_noise: bool) -> ColumnVerdict:
    measured = facts.distances
    if facts.schema is Effect.IDENTIFIER:
        return ColumnVerdict(facts.schema, drifted=None, severity=Severity.OK)
    if facts.schema is not None:
        severity = Severity.INFO if facts.schema is Effect.NEW else Severity.CRITICAL
        return ColumnVerdict(facts.schema, facts.schema is not Effect.NEW, severity)
    if facts.rows_current >= FEWEST_ROWS and measured.missing_current == 1 and measured.missing_reference < 1:
        return ColumnVerdict(Effect.ALL_MISSING, drifted=True, severity=Severity.CRITICAL)
    if _needed(facts):
        return ColumnVerdict(Effect.TOO_FEW_ROWS, drifted=None, severity=Severity.OK)
    if not past_noise or measured.psi is None:
        return ColumnVerdict(Effect.NONE, drifted=False, severity=Severity.OK)
    rates = Severity.WARN if rates_broke(measured) else Severity.OK
    if measured.psi < PSI_WARN:
        small = Severity.INFO if facts.role is Role.PLAIN else Severity.OK
        return ColumnVerdict(Effect.NOISE_PASSED, drifted=False, severity=worst([small, rates]))
    effect = Effect.MAJOR if measured.psi >= PSI_MAJOR else Effect.WARN
    severity = Severity.INFO if facts.role is Role.INPUT else Severity.WARN
    return ColumnVerdict(effect, drifted=True, severity=worst([severity, rates]))


def rates_broke(measured: Distances) -> bool:
    """Whether missing or unseen values are past 1 % and past three times what the reference had."""
    missing = measured.missing_current
    more_missing = missing > RATE_LEAST and missing >= RATE_FACTOR * measured.missing_reference
    return more_missing or (measured.unseen or 0.0) > RATE_LEAST


def worst(severities: list[Severity]) -> Severity:
    """Return the highest severity; ``ok`` of none."""
    return max(severities, key=lambda severity: severity.rank, default=Severity.OK)
