"""Deciding, as functions of values: is it noise, is it large, does it last.

Three gates for each column: past chance (Benjamini-Hochberg over all columns of the chunk), large enough to care (PSI
past the limit, or past what the reference itself moves from chunk to chunk where that is more), and not for once only
(in two of the last three chunks). A broken schema needs no gate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from opsconsole.config.monitors import LimitsConfig
from opsconsole.drift.facts.column import FEWEST_ROWS, ColumnFacts, Effect, rows_needed

RATE_FACTOR = 3.0
RATE_LEAST = 0.01
RATE_DEVIATIONS = 4.0
"""How many standard deviations of chance a rate must be past; few values have long tails, three are not enough."""
DEFAULT = LimitsConfig()


@dataclass(frozen=True)
class ColumnVerdict:
    """What to think of one column."""

    effect: Effect
    drifted: bool | None
    """Past noise and effect in this chunk; None when there are too few rows to say."""
    persistent: bool = False
    """In so many of the last chunks that it counts."""
    rates: bool = False
    """Missing or unseen values are far past what the reference had."""
    gate: float | None = None
    """The PSI from which it counts."""


@dataclass(frozen=True)
class History:
    """What the chunks before a chunk tell, newest first."""

    drifted: Sequence[frozenset[str]] = ()
    """The columns that were past noise and effect in each."""
    wobble: Mapping[str, float] = field(default_factory=dict)
    """The largest PSI of each column among the chunks of the reference, each against the others."""


def judge(
    columns: Sequence[ColumnFacts], limits: LimitsConfig = DEFAULT, history: History | None = None
) -> dict[str, ColumnVerdict]:
    """Return the verdict on each column; all must be of the same chunk, they share the false-alarm budget.

    Without a history, as for two files, drift counts at once.
    """
    tested = {
        facts.name: facts.distances.noise_p
        for facts in columns
        if facts.schema is None and facts.distances.noise_p is not None and _needed(facts) == 0
    }
    significant = benjamini_hochberg(tested, limits.chance)
    return {facts.name: _verdict(facts, facts.name in significant, limits, history) for facts in columns}


def benjamini_hochberg(probabilities: Mapping[str, float], rate: float = DEFAULT.chance) -> frozenset[str]:
    """Return the names whose p-values stand when at most ``rate`` of them may be false (Benjamini, Hochberg 1995)."""
    ordered = sorted(probabilities.items(), key=lambda item: item[1])
    standing = 0
    for place, (_, probability) in enumerate(ordered, start=1):
        if probability <= rate * place / len(ordered):
            standing = place
    return frozenset(name for name, _ in ordered[:standing])


def gate_of(name: str, limits: LimitsConfig, history: History | None) -> float:
    """Return the PSI from which a column counts as drifted."""
    own = history.wobble.get(name, 0.0) if history is not None and limits.wobble else 0.0
    return max(limits.psi, own)


def persists(name: str, limits: LimitsConfig, history: History | None) -> bool:
    """Whether a column that drifts now has done so in enough of the last chunks."""
    if history is None:
        return True
    before = sum(name in one for one in history.drifted[: limits.window - 1])
    return 1 + before >= min(limits.persist, limits.window)


def _needed(facts: ColumnFacts) -> int:
    """Return how many rows are wanted, 0 when there are enough."""
    wanted = rows_needed(facts.distances.bins)
    return 0 if min(facts.rows_reference, facts.rows_current) >= wanted else wanted


def _verdict(
    facts: ColumnFacts,
    significant: bool,  # noqa: FBT001 - one caller's fact
    limits: LimitsConfig,
    history: History | None,
) -> ColumnVerdict:
    measured = facts.distances
    gate = gate_of(facts.name, limits, history)
    if facts.schema is Effect.IDENTIFIER:
        return ColumnVerdict(facts.schema, drifted=None)
    if facts.schema is not None:
        new = facts.schema is Effect.NEW
        return ColumnVerdict(facts.schema, drifted=not new, persistent=not new)
    if facts.rows_current >= FEWEST_ROWS and measured.missing_current == 1 and measured.missing_reference < 1:
        return ColumnVerdict(Effect.ALL_MISSING, drifted=True, persistent=True)
    if _needed(facts):
        return ColumnVerdict(Effect.TOO_FEW_ROWS, drifted=None)
    if not significant or measured.psi is None:
        return ColumnVerdict(Effect.NONE, drifted=False, gate=gate)
    rates = rates_broke(facts)
    if measured.psi < gate:
        return ColumnVerdict(Effect.NOISE_PASSED, drifted=False, rates=rates, gate=gate)
    effect = Effect.MAJOR if measured.psi >= max(limits.major, gate) else Effect.WARN
    return ColumnVerdict(effect, drifted=True, persistent=persists(facts.name, limits, history), rates=rates, gate=gate)


def rates_broke(facts: ColumnFacts) -> bool:
    """Whether missing or unseen values are past 1 %, past three times what the reference had or lets expect, and past chance.

    PSI's own chance does not do: where hardly any are expected, a handful passes for sure.
    """
    measured = facts.distances
    n, m = facts.rows_reference, facts.rows_current
    missing = _rate_broke(measured.missing_reference, measured.missing_current, n, m)
    mine, theirs = n * (1 - measured.missing_reference), m * (1 - measured.missing_current)
    return missing or _rate_broke(facts.expected_unseen, measured.unseen or 0.0, mine, theirs)


def _rate_broke(before: float, now: float, n: float, m: float) -> bool:
    if now <= RATE_LEAST or now < RATE_FACTOR * before or not n or not m:
        return False
    pooled = (n * before + m * now) / (n + m)
    return now - before > RATE_DEVIATIONS * math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
