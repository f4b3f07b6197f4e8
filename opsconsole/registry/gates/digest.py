"""The artifact is what was registered, to the last byte."""

from __future__ import annotations

from functools import partial

from opsconsole.core import text
from opsconsole.core.nouns import GateOutcome
from opsconsole.registry.gates.case import Case
from opsconsole.registry.gates.gate import Evidence, Gate
from opsconsole.registry.gates.names import GateName
from opsconsole.registry.places import version_folder
from opsconsole.store import models

_gate = partial(Gate, GateName.DIGEST)


class DigestEvidence(Evidence, frozen=True):
    """What was hashed, or else what is wrong with it, file by file."""

    digest: str | None = None
    files: int | None = None
    bytes: int | None = None
    wrong: tuple[str, ...] = ()


def evaluate(case: Case) -> Gate:
    """Hash every file of the artifact again and hold it against the registration."""
    from opsconsole.registry.versions.artifacts import verify  # the console reads the evidence alone

    version = case.challenger
    manifest = models.files(case.store, version.model, version.version)
    wrong = verify(version_folder(case.workspace, version.model, version.version), manifest)
    if wrong:
        detail = f"changed since it was registered: {'; '.join(wrong[:3])}"
        return _gate(GateOutcome.FAIL, detail, DigestEvidence(wrong=tuple(wrong)))
    short = version.digest.removeprefix("sha256:")[:8]
    files = text.plural(len(manifest), "file")
    return _gate(
        GateOutcome.PASS,
        f"sha256:{short}…, {files}, {text.size(version.size)}, read again just now",
        DigestEvidence(digest=version.digest, files=len(manifest), bytes=version.size),
    )
