"""The severity policy: how much a finding matters, by the column's role and what happened to it."""

from __future__ import annotations

from collections.abc import Iterable

from opsconsole.config.monitors import PolicyConfig
from opsconsole.core.nouns import Severity
from opsconsole.drift.facts.column import BROKEN, ColumnFacts, Effect, Role
from opsconsole.drift.verdicts.criteria import ColumnVerdict

DEFAULT = PolicyConfig()
UNJUDGED = dict.fromkeys(("input", "score", "rates", "structure", "estimate", "slice", "performance"), Severity.OK)
PLAIN = PolicyConfig(input=Severity.WARN)
"""For two files without a model: every column that drifted is worth a warning."""


def policy_of(policy: PolicyConfig, *, filling: bool) -> PolicyConfig:
    """Return the policy for a chunk: of one that is still filling only schema and quality matter yet."""
    return PolicyConfig(**UNJUDGED, schema=policy.schema, quality=policy.quality) if filling else policy


def severity_of(facts: ColumnFacts, verdict: ColumnVerdict, policy: PolicyConfig = DEFAULT) -> Severity:
    """Return how much a column's verdict matters."""
    if verdict.effect in BROKEN:
        return policy.schema
    if verdict.effect is Effect.NEW:
        return Severity.INFO
    severities = [policy.rates] if verdict.rates else []
    if verdict.persistent and verdict.effect in {Effect.WARN, Effect.MAJOR}:
        severities.append(policy.score if facts.role in {Role.SCORE, Role.TARGET} else policy.input)
    if verdict.effect is Effect.NOISE_PASSED and facts.role is Role.PLAIN:
        severities.append(Severity.INFO)
    return worst(severities)


def worst(severities: Iterable[Severity]) -> Severity:
    """Return the highest severity; ``ok`` of none."""
    return max(severities, key=lambda severity: severity.rank, default=Severity.OK)
