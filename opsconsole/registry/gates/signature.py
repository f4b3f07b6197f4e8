"""The version takes the columns that production sends today."""

from __future__ import annotations

from functools import partial

from opsconsole.core import text
from opsconsole.core.nouns import GateOutcome
from opsconsole.registry.gates.case import Case
from opsconsole.registry.gates.gate import Evidence, Gate
from opsconsole.registry.gates.names import GateName
from opsconsole.store.models import Version

_gate = partial(Gate, GateName.SIGNATURE)


class SignatureEvidence(Evidence, frozen=True):
    """How the columns differ from the champion's, by name."""

    new: tuple[str, ...]
    retyped: tuple[str, ...]
    dropped: tuple[str, ...]


def evaluate(case: Case) -> Gate:
    """Hold the inputs against the champion's: what production sends today must do for the new version too."""
    version, champion = case.challenger, case.champion
    if champion is None or not champion.signature.inputs:
        if not version.signature.inputs:
            return _gate(GateOutcome.SKIP, "none declared")
        return _gate(GateOutcome.PASS, f"{text.plural(len(version.signature.inputs), 'column')} declared")
    if not version.signature.inputs:
        return _gate(GateOutcome.FAIL, f"v{champion.version} declares its columns, this version does not")
    evidence = _difference(version, champion)
    wanted = [*evidence.new, *evidence.retyped]
    if wanted:
        names = ", ".join(text.clean(name) for name in wanted[:4])
        return _gate(GateOutcome.FAIL, f"wants columns that v{champion.version} does not get: {names}", evidence)
    dropped = ", ".join(text.clean(name) for name in evidence.dropped[:4])
    rest = f"; no longer uses {dropped}" if dropped else ""
    columns = text.plural(len({column.name for column in version.signature.inputs}), "column")
    return _gate(GateOutcome.PASS, f"{columns} as production sends them{rest}", evidence)


def _difference(version: Version, champion: Version) -> SignatureEvidence:
    now = {column.name: column.type for column in version.signature.inputs}
    before = {column.name: column.type for column in champion.signature.inputs}
    return SignatureEvidence(
        new=tuple(sorted(set(now) - set(before))),
        retyped=tuple(sorted(name for name in now if name in before and now[name] != before[name])),
        dropped=tuple(sorted(set(before) - set(now))),
    )
