"""Dialogs for moving an alias, from any screen; their keys need a session that may write."""

from __future__ import annotations

from opsconsole.console.host.host import Host


def open_promotion(app: Host, model: str, version: int) -> None:
    """Open the promotion dialog of a version."""
    from opsconsole.console.models.promotion import PromotionDialog

    app.push_screen(PromotionDialog(model, version))


def open_rollback(app: Host, model: str) -> None:
    """Open the rollback dialog of a model."""
    from opsconsole.console.models.rollback import RollbackDialog

    app.push_screen(RollbackDialog(model))
