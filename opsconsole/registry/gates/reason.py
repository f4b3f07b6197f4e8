"""A promotion has a reason."""

from __future__ import annotations

from functools import partial

from opsconsole.core import text
from opsconsole.core.nouns import GateOutcome
from opsconsole.registry.gates.case import Case
from opsconsole.registry.gates.gate import Gate
from opsconsole.registry.gates.names import GateName

_gate = partial(Gate, GateName.REASON)


def evaluate(case: Case) -> Gate:
    """Ask why; the reason itself is all there is to show."""
    given = (case.facts.reason or "").strip()
    return _gate(GateOutcome.PASS if given else GateOutcome.FAIL, text.clean(given) or "none was given")
