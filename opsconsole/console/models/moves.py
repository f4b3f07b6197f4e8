"""What changes what is live is asked in a dialog of its own, from whichever screen; the keys for it need a writing session."""

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
