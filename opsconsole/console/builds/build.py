"""``B``: choose a pipeline and a revision, then build."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input

from opsconsole.console.dialogs.base import Dialog
from opsconsole.console.processes.launch import start_run
from opsconsole.console.widgets.lines import OneLine
from opsconsole.console.widgets.rows import Row, RowList, Rows
from opsconsole.console.widgets.tones import Column, Toned
from opsconsole.core import text
from opsconsole.store import runs

PIPELINES = (Column(width=20), Column(width=10), Column(least=20))


class BuildDialog(Dialog):
    """Pipelines of the configuration and those that ran before; the revision is free."""

    DEFAULT_CSS = "BuildDialog #pipelines { max-height: 60vh; }"

    def __init__(self, repo: str) -> None:
        super().__init__()
        self.repo = repo

    def title_text(self) -> str:
        """Name it."""
        return f" Build {self.repo} "

    def body(self) -> ComposeResult:
        """Lay out the list and the revision."""
        yield RowList(id="pipelines")
        yield OneLine(classes="space")
        with Horizontal(classes="field"):
            yield OneLine(id="rev-label")
            yield Input(id="rev", compact=True, placeholder="what is checked out")
        yield OneLine(id="said")

    def on_mount(self) -> None:
        """List the pipelines."""
        super().on_mount()
        config = self.console.workspace.config.repos.get(self.repo)
        known = {
            name: (str(item.kind), item.run or f"{len(item.steps)} steps")
            for name, item in (config.pipelines if config else {}).items()
        }
        for run in runs.page(self.console.store, repo=self.repo, limit=200):
            known.setdefault(run.pipeline, (str(run.kind), "the repo's own"))
        known.setdefault("build", ("build", "detected"))
        rows = [
            Row(name, (name, Toned(kind, "dim"), Toned(text.clean(description), "dim")), PIPELINES)
            for name, (kind, description) in sorted(known.items())
        ]
        listing = self.query_one("#pipelines", RowList)
        listing.show(Rows(rows))
        listing.select("build")
        listing.focus()
        self.query_one("#rev-label", OneLine).say(Toned("Revision", "dim"))
        self.query_one("#said", OneLine).say(Toned("Enter builds, Tab to the revision, Esc cancels", "dim"))

    @on(RowList.Opened)
    def chosen(self) -> None:
        """Build the pipeline under the cursor."""
        self._build()

    @on(Input.Submitted)
    def revision_given(self) -> None:
        """Build at the revision."""
        self._build()

    def _build(self) -> None:
        pipeline = self.query_one("#pipelines", RowList).key
        rev = self.query_one("#rev", Input).value.strip()
        self.dismiss(None)
        start_run(self.console, target=f"{self.repo}/{pipeline}", rev=rev or None)
