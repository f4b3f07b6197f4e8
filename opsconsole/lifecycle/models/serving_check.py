"""Asking the service that serves a model which version it answers with, after its alias moved."""

from __future__ import annotations

from dataclasses import dataclass

from opsconsole.config.workspace import Workspace
from opsconsole.core.errors import UnreachableError
from opsconsole.core.http import get_json, shown
from opsconsole.store import promotions
from opsconsole.store.connection import Store

DEADLINE = 3.0
"""Seconds that a service has for its whole answer."""


@dataclass(frozen=True)
class Serving:
    """The answer of the service that serves the model."""

    url: str
    """Without what is secret in it."""
    version: int | None
    """None when it did not answer, or names no version."""
    expected: int
    sentence: str

    @property
    def agrees(self) -> bool:
        """Whether it answers with what the alias says."""
        return self.version == self.expected


def probe(workspace: Workspace, store: Store, model: str, alias: str) -> Serving | None:
    """Ask the model's ``probe`` URL; None where none is configured, or the alias is not the production rung.

    A consumer that does not answer is reported, never a failure of the promotion: the link is swapped all the same.
    """
    config = workspace.config.models.get(model)
    held = promotions.alias(store, model, alias)
    if config is None or config.probe is None or held is None or alias != config.ladder[-1]:
        return None
    url = shown(config.probe)
    try:
        answer = get_json(config.probe, timeout=DEADLINE)
    except UnreachableError as error:
        return Serving(url, None, held.version, f"the service did not answer: {error.message}")
    version = answer.get("version") if isinstance(answer, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        return Serving(url, None, held.version, f"{url} names no version")
    word = "answers with" if version == held.version else "still answers with"
    return Serving(url, version, held.version, f"{url} {word} v{version}")
