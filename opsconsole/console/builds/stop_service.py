"""Stopping a service: it answers for production, so its name is typed, and a reason is kept."""

from __future__ import annotations

from typing import Any

from opsconsole.console.builds.run_details import elapsed
from opsconsole.console.dialogs.production import ProductionDialog
from opsconsole.console.widgets.lines import OneLine
from opsconsole.console.widgets.rows import Row
from opsconsole.console.widgets.tones import EVIDENCE, Toned
from opsconsole.core import text
from opsconsole.lifecycle.usecases import command
from opsconsole.store.runs import RunRecord


class StopDialog(ProductionDialog):
    """Says what would be without an answer."""

    use_case = "service.stop"

    def __init__(self, run: RunRecord) -> None:
        super().__init__(f"{run.repo}/{run.pipeline}")
        self.run = run

    def title_text(self) -> str:
        """Name the act."""
        return f" Stop {self.model} "

    def on_mount(self) -> None:
        """Show who is served."""
        super().on_mount()
        run = self.run
        config = self.console.workspace.config.repos.get(run.repo)
        pipeline = config.pipelines.get(run.pipeline) if config is not None else None
        served = pipeline.serves if pipeline is not None and pipeline.serves else "production"
        self.query_one("#move", OneLine).say(
            Toned(f"run #{run.id}   ", "dim"),
            Toned(f"answers for {text.clean(served)}", "champion"),
            Toned(f"   for {elapsed(run)}", "dim"),
        )
        line = Row(None, (Toned("△", "warn"), "afterwards", Toned(f"nobody answers for {served}", "warn")), EVIDENCE)
        self.show_evidence([line])

    def blocked(self) -> str:
        """Nothing blocks it."""
        return ""

    def values(self, reason: str) -> dict[str, object]:
        """Return what the use case needs."""
        return {"run": self.run.id, "reason": reason}

    def done(self, data: dict[str, Any]) -> str:
        """Say that it ends."""
        return f"run #{data['id']}: ending; {command('run.start', target=self.model)} starts it again"
