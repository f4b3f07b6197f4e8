"""Promotion: each gate with its verdict and evidence, from → to, why, the name typed."""

from __future__ import annotations

from typing import Any

from opsconsole.console.dialogs.production import ProductionDialog
from opsconsole.console.models.gate_row import changes_words, gate_row
from opsconsole.console.processes.cli_client import Answer
from opsconsole.console.widgets.lines import OneLine
from opsconsole.console.widgets.tones import Toned
from opsconsole.core import text
from opsconsole.core.http import shown
from opsconsole.lifecycle.ladders import ladder_of
from opsconsole.registry.gates.stored import read_gates
from opsconsole.store import alerts, judgements, models, promotions
from opsconsole.store.judgements import Changes


class PromotionDialog(ProductionDialog):
    """Shows the last judgement at once, while the gates are evaluated afresh."""

    use_case = "model.promote"

    def __init__(self, model: str, version: int) -> None:
        super().__init__(model)
        self.version = version
        self.alias = ""
        self.fresh: dict[str, Any] | None = None
        self.problem = ""

    def title_text(self) -> str:
        """Name the act."""
        return f" Promote {self.model} v{self.version} to {self._alias()} "

    def on_mount(self) -> None:
        """Show what is known, and ask for what is true now."""
        super().on_mount()
        self.alias = self._alias()
        known = judgements.get(self.console.store, self.model, self.version, self.alias)
        held = promotions.alias(self.console.store, self.model, self.alias)
        self._show_move(held.version if held else None)
        if known is not None:
            self._show_gates(known.gates, known.changes)
        self._evaluate()

    def suggested_reason(self) -> str:
        """Name the alert that the version answers."""
        version = models.version(self.console.store, self.model, self.version)
        if version.provenance.alert_id is None:
            return ""
        alert = alerts.alert(self.console.store, version.provenance.alert_id)
        return f"retrained after alert {alert.id}: {text.clean(alert.title)}"

    def blocked(self) -> str:
        """Wait for the gates, and for none of them to block."""
        if self.problem:
            return self.problem
        if self.fresh is None:
            return "the gates are being evaluated"
        bad = [gate.name for gate in read_gates(self.fresh["gates"]) if gate.outcome.blocks]
        return f"refused by {', '.join(bad)}" if bad else ""

    def values(self, reason: str) -> dict[str, object]:
        """Promote what was judged, if the alias still stands where it was seen."""
        expect = self.fresh["expect"] if self.fresh else None
        return {
            "model": self.model,
            "version": self.version,
            "alias": self.alias,
            "reason": reason,
            "expect": expect if expect is not None else "none",
        }

    def done(self, data: dict[str, Any]) -> str:
        """Say what moved, and what the service answers with."""
        serving = data.get("serving")
        answered = f"; {serving['sentence']}" if serving else ""
        return f"{self.model}@{self.alias} is v{self.version} now{answered}"

    def refused(self) -> None:
        """Evaluate again: the champion may have moved."""
        self.fresh = None
        self._evaluate()

    def _alias(self) -> str:
        """Return the top rung, or the one below the version's own next step; the ladder's last for now."""
        return ladder_of(self.console.workspace, self.model)[-1]

    def _evaluate(self) -> None:
        self.run_worker(self._ask(), exit_on_error=False, exclusive=True, group="gates", name="gates")

    async def _ask(self) -> None:
        answer: Answer = await self.console.ask("model.gates", model=self.model, version=self.version, alias=self.alias)
        if answer.problem:
            self.problem = answer.problem
            self.say(answer.problem)
            return
        self.fresh = answer.data
        self._show_move(answer.data["expect"])
        self._show_gates(answer.data["gates"], Changes(**changes) if (changes := answer.data["changes"]) else None)
        why = self.blocked()
        self.say(why or "every gate holds.  Tab to the name, Enter there acts, Esc cancels", good=not why)

    def _show_move(self, champion: int | None) -> None:
        config = self.console.workspace.config.models.get(self.model)
        probe = shown(config.probe) if config is not None and config.probe else ""
        then = f"   then: link swapped{', ' + probe + ' asked' if probe else ''}"
        self.query_one("#move", OneLine).say(
            Toned(f"{self.alias}   ", "dim"),
            Toned(f"v{champion}" if champion is not None else "nothing", "champion"),
            Toned("  →  ", "dim"),
            Toned(f"v{self.version}", "accent"),
            Toned(then, "dim"),
        )

    def _show_gates(self, gates: list[dict[str, Any]], changes: Changes | None) -> None:
        self.show_evidence([gate_row(gate) for gate in read_gates(gates)])
        line = self.query_one("#changes", OneLine)
        if changes is None:
            line.say(Toned(""))
            return
        line.say(Toned(" "), *changes_words(changes))
