"""Every gate, in the order in which they are judged and shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from opsconsole.registry.gates import artifact, digest, floor, not_worse, reason, same_rows, signature, tests
from opsconsole.registry.gates.case import Case, Fact
from opsconsole.registry.gates.gate import Evidence, Gate
from opsconsole.registry.gates.names import GateName


@dataclass(frozen=True)
class GateSpec:
    """What there is to say of a gate beside its verdict."""

    name: GateName
    evaluate: Callable[[Case], Gate]
    evidence: type[Evidence] | None
    """What its verdicts rest on; None: its sentence says all."""
    needs: frozenset[Fact] = frozenset()
    """What other rooms must tell before it can be judged."""
    instead: str = ""
    """What to do where it blocks and cannot be forced; empty: ``--force-gate`` overrides it, on record."""

    @property
    def forceable(self) -> bool:
        """Whether an operator may promote past it."""
        return not self.instead


GATES = [
    GateSpec(
        GateName.DIGEST,
        digest.evaluate,
        digest.DigestEvidence,
        instead="restore the artifact, or register it again",
    ),
    GateSpec(GateName.ARTIFACT, artifact.evaluate, artifact.ArtifactEvidence),
    GateSpec(GateName.SIGNATURE, signature.evaluate, signature.SignatureEvidence),
    GateSpec(GateName.SAME_ROWS, same_rows.evaluate, same_rows.SameRowsEvidence),
    GateSpec(GateName.FLOOR, floor.evaluate, floor.FloorEvidence),
    GateSpec(GateName.NOT_WORSE, not_worse.evaluate, not_worse.NotWorseEvidence),
    GateSpec(GateName.TESTS, tests.evaluate, tests.TestsEvidence, needs=frozenset({Fact.TESTS_AT_COMMIT})),
    GateSpec(
        GateName.REASON,
        reason.evaluate,
        None,
        needs=frozenset({Fact.REASON_GIVEN}),
        instead="say why: --reason WHY",
    ),
]
"""In order: those that need no evidence first, the reason last."""
