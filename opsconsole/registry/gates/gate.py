"""The result of a gate: outcome, one sentence, and evidence in numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from opsconsole.core.nouns import GateOutcome


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a gate rests on; each gate has a class of its own. A field that was not looked at is left out."""

    def as_json(self) -> dict[str, Any]:
        """Return it as the store and the command line have it."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        return document

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Evidence:
        """Read it back; ``msgspec.ValidationError`` where another program wrote something else."""
        return msgspec.convert(document, cls)


@dataclass(frozen=True)
class Gate:
    """One gate's verdict."""

    name: str
    """A ``GateName``; of a verdict that another program stored it may be one that is not known here."""
    outcome: GateOutcome
    detail: str
    evidence: Evidence | None = None
    """None where there is nothing to tell beside the sentence."""

    def as_json(self) -> dict[str, Any]:
        """Return it as the promotion keeps it."""
        evidence = self.evidence.as_json() if self.evidence is not None else {}
        return {"name": self.name, "outcome": str(self.outcome), "detail": self.detail, "evidence": evidence}


Kind = TypeVar("Kind", bound=Evidence)


def evidence_of(gates: Iterable[Gate], kind: type[Kind]) -> Kind | None:
    """Return the evidence of one class among gates; None when its gate is not there, or had none."""
    return next((gate.evidence for gate in gates if isinstance(gate.evidence, kind)), None)
