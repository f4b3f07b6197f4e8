"""A run with tests passed at the commit the version was made from."""

from __future__ import annotations

from functools import partial

from opsconsole.core.nouns import GateOutcome
from opsconsole.registry.gates.case import Case
from opsconsole.registry.gates.gate import Evidence, Gate
from opsconsole.registry.gates.names import GateName

_gate = partial(Gate, GateName.TESTS)


class TestsEvidence(Evidence, frozen=True):
    """The run that tested the commit."""

    __test__ = False

    commit: str
    run: int | None
    """None: nothing was tested there."""
    passed: int
    failed: int


def evaluate(case: Case) -> Gate:
    """Ask for a run with passing tests at the version's commit."""
    commit, tests = case.challenger.provenance.commit, case.facts.tests
    if not case.rules.tests:
        return _gate(GateOutcome.SKIP, "not asked for")
    if commit is None:
        return _gate(GateOutcome.FAIL, "the version names no commit")
    assert tests is not None, "the catalogue says that this gate needs it"
    evidence = TestsEvidence(commit, tests.run_id, tests.passed, tests.failed)
    if tests.run_id is None:
        return _gate(GateOutcome.FAIL, f"nothing was tested at {commit[:7]}: opsconsole run builds it", evidence)
    detail = f"{tests.passed} of {tests.passed + tests.failed} at {commit[:7]}, run {tests.run_id}"
    holds = tests.failed == 0 and tests.passed > 0
    return _gate(GateOutcome.PASS if holds else GateOutcome.FAIL, detail, evidence)
