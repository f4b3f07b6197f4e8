"""The metric on held-out rows reaches an absolute floor."""

from __future__ import annotations

from functools import partial

from opsconsole.config.metrics import short, smaller_is_better
from opsconsole.core import text
from opsconsole.core.nouns import GateOutcome
from opsconsole.registry.gates.case import Case
from opsconsole.registry.gates.gate import Evidence, Gate
from opsconsole.registry.gates.names import GateName

_gate = partial(Gate, GateName.FLOOR)


class FloorEvidence(Evidence, frozen=True):
    """What was measured, and what must be."""

    metric: str
    value: float | None
    """None: its rows do not define it."""
    at_least: float
    rows: int


def evaluate(case: Case) -> Gate:
    """Hold the metric on the held-out rows against an absolute floor."""
    rule, contest = case.rules.floor, case.contest
    if rule is None:
        return _gate(GateOutcome.SKIP, "no floor is set")
    if contest is None:
        return _gate(GateOutcome.FAIL, "a floor is set, but there are no held-out rows to judge on")
    value = contest.evaluation.metrics.get(rule.metric)
    evidence = FloorEvidence(rule.metric, value, rule.at_least, contest.evaluation.rows)
    name = short(rule.metric)
    if value is None:
        known = ", ".join(sorted(contest.evaluation.metrics)) or "none"
        return _gate(GateOutcome.FAIL, f"{name} was not measured; measured: {known}", evidence)
    less = smaller_is_better(rule.metric)
    holds = value <= rule.at_least if less else value >= rule.at_least
    word = "at most" if less else "at least"
    detail = f"{name} {text.decimals(value)}, {word} {text.decimals(rule.at_least)}"
    return _gate(GateOutcome.PASS if holds else GateOutcome.FAIL, detail, evidence)
