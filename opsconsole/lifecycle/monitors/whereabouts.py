"""The current rung of an alert's version, and the state of the runs that answered the alert."""

from __future__ import annotations

from dataclasses import dataclass

from opsconsole.core.nouns import PromotionKind, holder_name
from opsconsole.store import models, promotions
from opsconsole.store.alerts import Alert
from opsconsole.store.connection import Store


@dataclass(frozen=True)
class AlertAnswer:
    """A version that was trained to answer an alert."""

    model: str
    version: int
    run_id: int | None
    became: str
    """What became of it, in words: ``in production``, ``candidate``, ``rolled back``, ``on no rung``."""


def where(store: Store, alert: Alert) -> str:
    """Return the alert's version and where it is now: ``flights v1 in production``, ``flights v1, v3 is in production now``."""
    if not alert.model:
        return f"{alert.monitor}: {holder_name(alert.model, alert.version)}"
    held = promotions.alias(store, alert.model, alert.alias)
    if held is not None and held.version == alert.version:
        return f"{alert.model} v{alert.version} in {alert.alias}"
    now = "nothing is" if held is None else f"v{held.version} is"
    return f"{alert.model} v{alert.version}, {now} in {alert.alias} now"


def answers(store: Store, alert: Alert) -> list[AlertAnswer]:
    """Return the versions that were trained to answer an alert, and what became of each."""
    return [
        AlertAnswer(item.model, item.version, item.provenance.run_id, became(store, item.model, item.version))
        for item in models.versions_of_alert(store, alert.id)
    ]


def became(store: Store, model: str, version: int) -> str:
    """Return where a version stands now; on no rung, whether it was taken back."""
    rungs = [row.alias for row in promotions.aliases(store, model) if row.version == version]
    left = next((move for move in promotions.history(store, model) if move.from_version == version), None)
    taken = left is not None and left.kind is PromotionKind.ROLLBACK and left.alias not in rungs
    standing = f"in {' and '.join(rungs)}" if rungs else "on no rung"
    return (
        f"rolled back from {left.alias}" + (f", {standing}" if rungs else "")
        if taken and left is not None
        else standing
    )
