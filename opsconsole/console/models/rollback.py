"""Rollback: the same dialog without gates, but with a digest that is read again; the reason is the operator's own."""

from __future__ import annotations

from typing import Any

from opsconsole.console.dialogs.production import ProductionDialog
from opsconsole.console.widgets.lines import OneLine
from opsconsole.console.widgets.rows import Row
from opsconsole.console.widgets.tones import EVIDENCE, Toned
from opsconsole.core.errors import OpsconsoleError
from opsconsole.lifecycle.ladders import ladder_of
from opsconsole.registry.promotion.moves import plan_rollback
from opsconsole.store import alerts, promotions
from opsconsole.store.promotions import Promotion


class RollbackDialog(ProductionDialog):
    """Says where it goes back to, along the recorded chain."""

    use_case = "model.rollback"

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self.problem = ""
        self.seen: int | None = None
        self.target: int | None = None

    @property
    def alias(self) -> str:
        """The rung that is rolled back."""
        return ladder_of(self.console.workspace, self.model)[-1]

    def title_text(self) -> str:
        """Name the act."""
        return f" Roll back {self.model}@{self.alias} "

    def on_mount(self) -> None:
        """Show where it goes back to."""
        super().on_mount()
        self._plan()

    def _plan(self) -> None:
        """Show the move as the chain stands now."""
        store = self.console.store
        try:
            move, undoes = plan_rollback(store, self.model, self.alias, "", "")
        except OpsconsoleError as error:
            self.problem = error.message
            self.say(f"{error.message}  {error.hint}")
            return
        self.seen, self.target = move.seen_version, move.to_version
        self.query_one("#move", OneLine).say(
            Toned(f"{self.alias}   ", "dim"),
            Toned(f"v{move.seen_version}", "champion"),
            Toned("  →  ", "dim"),
            Toned(f"v{move.to_version}", "accent"),
            Toned("   its digests are read again first", "dim"),
        )
        past = {item.id: item for item in promotions.history(store, self.model, self.alias)}
        taken = Row(None, (Toned("·", "dim"), "takes back", Toned(_promotion_words(past.get(undoes)), "dim")), EVIDENCE)
        self.show_evidence([taken, *self._alerts(move.to_version)])

    def refused(self) -> None:
        """Show how it stands now: someone else may have moved the rung."""
        self._plan()

    def blocked(self) -> str:
        """Nothing to go back to blocks."""
        return self.problem

    def values(self, reason: str) -> dict[str, object]:
        """Return what the use case needs."""
        return {
            "model": self.model,
            "alias": self.alias,
            "reason": reason,
            "expect": self.seen,
            "to": self.target,
        }

    def done(self, data: dict[str, Any]) -> str:
        """Say what is live again."""
        serving = data.get("serving")
        answered = f"; {serving['sentence']}" if serving else ""
        return f"{self.model}@{self.alias} is v{data['to']} again{answered}"

    def _alerts(self, version: int) -> list[Row]:
        reopened = [
            item
            for item in alerts.alerts(self.console.store)
            if item.model == self.model and item.version == version and not item.live
        ]
        return [
            Row(None, (Toned("△", "warn"), "reopens", Toned(f"alert {item.id}: {item.title}", "warn")), EVIDENCE)
            for item in reopened
        ]


def _promotion_words(promotion: Promotion | None) -> str:
    return f"{promotion.reason} (by {promotion.actor})" if promotion is not None else "the last promotion"
