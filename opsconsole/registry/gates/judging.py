"""Judging a case by all gates in order, and refusing a promotion that a gate blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from opsconsole.config.schema import GatesConfig, ModelConfig
from opsconsole.config.workspace import Workspace
from opsconsole.core import text
from opsconsole.core.errors import RefusedError, UsageError
from opsconsole.registry.evidence import rivals
from opsconsole.registry.gates import catalogue
from opsconsole.registry.gates.case import Case, Fact, Facts
from opsconsole.registry.gates.gate import Gate
from opsconsole.registry.gates.held_out import demand_of, find_contest
from opsconsole.store import evaluations
from opsconsole.store.connection import Store
from opsconsole.store.judgements import Changes
from opsconsole.store.models import Version


def open_case(
    workspace: Workspace, store: Store, challenger: Version, champion: Version | None, alias: str, facts: Facts
) -> Case:
    """Bring together what the gates are asked about; the rows to judge on are found and read here, once for all."""
    config = workspace.config.models.get(challenger.model, ModelConfig())
    rules = config.gates.get(alias, GatesConfig())
    shown = evaluations.of_version(store, champion.model, champion.version) if champion is not None else []
    demand = demand_of(config, rules, alias, shown)
    contest, same_rows = find_contest(workspace, store, challenger, champion, demand)
    return Case(workspace, store, challenger, champion, alias, config, rules, facts, contest, same_rows)


def evaluate(case: Case) -> list[Gate]:
    """Evaluate every gate whose facts are known, in order."""
    return [spec.evaluate(case) for spec in catalogue.GATES if spec.needs <= case.facts.known]


def evaluate_reason(case: Case, reason: str) -> list[Gate]:
    """Evaluate the gates that could not be judged before the operator gave a reason."""
    with_reason = replace(case, facts=replace(case.facts, reason=reason))
    return [spec.evaluate(with_reason) for spec in catalogue.GATES if Fact.REASON_GIVEN in spec.needs]


def changed_predictions(case: Case) -> Changes | None:
    """Count the predictions that change sides; None where the two did not score the same rows, or have no two sides."""
    contest = case.contest
    if contest is None or contest.champion is None:
        return None
    return rivals.changes(contest.champion, contest.challenger)


def require_passed(gates: Sequence[Gate], force: Sequence[str], *, hint: str) -> None:
    """RefusedError when a gate blocks that was not forced by name, or is forced and cannot be; UsageError for no gate."""
    known = {gate.name for gate in gates}
    for name in force:
        if name not in known:
            raise UsageError(f"there is no gate {name!r}", hint=f"gates: {', '.join(sorted(known))}")
    fixed = [spec for spec in reversed(catalogue.GATES) if not spec.forceable]
    asked = [spec.instead for spec in fixed if spec.name in force]
    if asked:
        names = [str(spec.name) for spec in fixed]
        raise RefusedError(f"the gates {text.listed(names)} cannot be forced", hint="; ".join(asked))
    blocking = [gate for gate in gates if gate.outcome.blocks and gate.name not in force]
    if blocking:
        raise RefusedError(
            "; ".join(f"{gate.name}: {gate.detail}" for gate in blocking),
            hint=f"{hint}; --force-gate NAME overrides one, on record",
        )
