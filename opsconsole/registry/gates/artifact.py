"""Loading the artifact runs no unknown code."""

from __future__ import annotations

from functools import partial

from opsconsole.config.schema import ModelConfig
from opsconsole.core import text
from opsconsole.core.nouns import ArtifactFormat, GateOutcome
from opsconsole.registry.gates.case import Case
from opsconsole.registry.gates.gate import Evidence, Gate
from opsconsole.registry.gates.names import GateName
from opsconsole.store.models import Audit

_gate = partial(Gate, GateName.ARTIFACT)


class ArtifactEvidence(Evidence, frozen=True):
    """What the artifact is, and the types in it that nobody trusts."""

    format: ArtifactFormat
    types: int | None = None
    untrusted: tuple[str, ...] | None = None


def evaluate(case: Case) -> Gate:
    """Refuse what would run unknown code when loaded."""
    return of_audit(case.challenger.audit, case.config)


def of_audit(audit: Audit, config: ModelConfig) -> Gate:
    """Judge what an audit found; the trust list is the workspace's, never the artifact's."""
    from opsconsole.registry.versions.audit import KNOWN_TYPES  # the console reads the evidence alone

    if audit.format is ArtifactFormat.PICKLE:
        allowed = config.allow_pickle
        detail = "a pickle runs code when it is loaded; " + (
            "allowed for this model by allow_pickle" if allowed else "write skops, or set allow_pickle for this model"
        )
        return _gate(GateOutcome.WARN if allowed else GateOutcome.FAIL, detail, ArtifactEvidence(audit.format))
    if audit.format is ArtifactFormat.OTHER:
        return _gate(GateOutcome.PASS, "no skops and no pickle in it", ArtifactEvidence(audit.format))
    strangers = tuple(sorted(set(audit.untrusted) - set(config.trust) - KNOWN_TYPES))
    evidence = ArtifactEvidence(audit.format, audit.types, strangers)
    if strangers:
        more = f" and {len(strangers) - 3} more" if len(strangers) > 3 else ""
        detail = f"skops, not trusted: {', '.join(text.clean(name) for name in strangers[:3])}{more}"
        return _gate(GateOutcome.FAIL, detail, evidence)
    return _gate(GateOutcome.PASS, f"skops, {text.plural(audit.types, 'type')}, all known", evidence)
