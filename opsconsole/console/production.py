"""What changes what is live is asked in a dialog of its own, from whichever screen; not in a session that only looks."""

from __future__ import annotations

from opsconsole.console.desk import Desk


def open_promotion(app: Desk, model: str, version: int) -> None:
    """Open the promotion dialog of a version."""
    from opsconsole.console.dialogs.promotion import PromotionDialog

    if _may_change(app, "Promote"):
        app.push_screen(PromotionDialog(model, version))


def open_rollback(app: Desk, model: str) -> None:
    """Open the rollback dialog of a model."""
    from opsconsole.console.dialogs.rollback import RollbackDialog

    if _may_change(app, "Roll back"):
        app.push_screen(RollbackDialog(model))


def _may_change(app: Desk, title: str) -> bool:
    if app.readonly:
        app.say(f"{title}: this session is read-only", "warn")
    return not app.readonly
