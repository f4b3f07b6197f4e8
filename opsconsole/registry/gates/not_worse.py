"""On the same rows the challenger is not worse than the champion by more than the margin."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Self

import msgspec

from opsconsole.config.metrics import short
from opsconsole.config.schema import NotWorseGate
from opsconsole.core import text
from opsconsole.core.errors import UsageError
from opsconsole.core.nouns import GateOutcome
from opsconsole.registry.gates.case import Case
from opsconsole.registry.gates.contest import Contest
from opsconsole.registry.gates.gate import Evidence, Gate
from opsconsole.registry.gates.names import GateName

if TYPE_CHECKING:
    from opsconsole.registry.evidence.scored import Scored
    from opsconsole.registry.evidence.statistics import Difference

_gate = partial(Gate, GateName.NOT_WORSE)


class Measured(msgspec.Struct, frozen=True):
    """The metric of both on the same rows, and how far they lie apart."""

    champion: float
    challenger: float
    difference: float
    """Positive when the challenger is better, also where the metric itself is a loss."""
    low: float
    high: float
    """Ends of the 95 % interval of the difference."""
    p: float | None


class NotWorseEvidence(Evidence, frozen=True):
    """How the two compare; in JSON the numbers of ``measured`` stand among the others."""

    metric: str
    measured: Measured | None = None
    """None: there were too few rows, or nothing to go by."""
    margin: float | None = None
    rows: int | None = None
    method: str | None = None
    rows_needed: int | None = None
    """How many rows would decide; 0: no number would. None: it is decided."""

    def as_json(self) -> dict[str, Any]:
        """Return it flat."""
        document = super().as_json()
        measured = document.pop("measured", {})
        return {"metric": document.pop("metric"), **measured, **document}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Read it back from its flat shape."""
        measured = {"measured": document} if "difference" in document else {}
        return msgspec.convert(document | measured, cls)


def evaluate(case: Case) -> Gate:
    """Test on the same rows that the challenger is not worse than the champion by more than the margin."""
    rule, champion = case.rules.not_worse, case.champion
    if rule is None:
        return _gate(GateOutcome.SKIP, "no margin is set")
    if champion is None:
        return _gate(GateOutcome.SKIP, "there is no champion yet")
    contest = case.contest
    if contest is None or contest.champion is None:
        return _gate(GateOutcome.FAIL, f"v{champion.version} was not scored on the same rows")
    if contest.doubt:
        return _gate(GateOutcome.FAIL, f"nothing to go by: {contest.doubt}", NotWorseEvidence(rule.metric))
    same_artifact = case.challenger.digest == champion.digest
    return _compared(rule, contest, contest.champion, f"v{champion.version}", same_artifact=same_artifact)


def _compared(rule: NotWorseGate, contest: Contest, champion: Scored, name: str, *, same_artifact: bool) -> Gate:
    from opsconsole.registry.evidence import rivals  # numpy: the console reads the evidence alone

    if same_artifact and rivals.same_scores(contest.challenger, champion):
        return _gate(GateOutcome.PASS, f"the same artifact as {name}", NotWorseEvidence(rule.metric))
    try:
        difference = rivals.compare_scores(contest.task, rule.metric, champion, contest.challenger)
    except UsageError as error:
        return _gate(GateOutcome.FAIL, f"{error.message}; {error.hint}", NotWorseEvidence(rule.metric))
    if difference is not None:
        return _judged(rule, difference)
    needed = rivals.rows_that_would_decide(rule.metric, rule.margin, champion, contest.challenger)
    return _too_few(rule, contest.evaluation.rows, needed)


def _judged(rule: NotWorseGate, difference: Difference) -> Gate:
    verdict = difference.not_worse(rule.margin)
    detail = (
        f"{short(rule.metric)} {text.decimals(difference.challenger)} vs {text.decimals(difference.champion)}, "
        f"{difference.method.split(',')[0]} {text.p_value(difference.p)}, margin {text.decimals(rule.margin)}"
    )
    evidence = NotWorseEvidence(
        metric=rule.metric,
        measured=msgspec.convert(difference, Measured, from_attributes=True),
        margin=rule.margin,
        rows=difference.rows,
        method=difference.method,
    )
    if verdict is None:
        needed = difference.rows_needed(rule.margin)
        evidence = msgspec.structs.replace(evidence, rows_needed=needed)
        return _gate(GateOutcome.INCONCLUSIVE, f"{detail}; {_would_decide(needed)}", evidence)
    return _gate(GateOutcome.PASS if verdict else GateOutcome.FAIL, detail, evidence)


def _too_few(rule: NotWorseGate, rows: int, needed: int) -> Gate:
    detail = f"{text.plural(rows, 'row is', 'rows are')} too few to compare {rule.metric}; {_would_decide(needed)}"
    evidence = NotWorseEvidence(metric=rule.metric, margin=rule.margin, rows=rows, rows_needed=needed)
    return _gate(GateOutcome.INCONCLUSIVE, detail, evidence)


def _would_decide(rows: int) -> str:
    return f"about {rows:,} rows would decide" if rows else "no number of such rows would decide"
