"""What changes what is live is asked in a dialog of its own, from whichever screen; not in a session that only looks."""

from __future__ import annotations

from opsconsole.console.host.host import Host


def open_promotion(app: Host, model: str, version: int) -> None:
    """Open the promotion dialog of a version."""
    from opsconsole.console.models.promotion import PromotionDialog

    if _may_change(app, "Promote"):
        app.push_screen(PromotionDialog(model, version))


def open_rollback(app: Host, model: str) -> None:
    """Open the rollback dialog of a model."""
    from opsconsole.console.models.rollback import RollbackDialog

    if _may_change(app, "Roll back"):
        app.push_screen(RollbackDialog(model))


def _may_change(app: Host, title: str) -> bool:
    if app.readonly:
        app.say(f"{title}: this session is read-only", "warn")
    return not app.readonly
