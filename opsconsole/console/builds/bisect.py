"""``i``: bisect between two commits, by a test or by the whole build."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input

from opsconsole.console.dialogs.base import Dialog
from opsconsole.console.processes.launch import start_run
from opsconsole.console.widgets.lines import OneLine
from opsconsole.console.widgets.tones import Toned
from opsconsole.lifecycle.software.bisecting import last_good
from opsconsole.store.runs import RunRecord

FIELDS = (("good", "Good"), ("bad", "Bad"), ("test", "Test"))


class BisectDialog(Dialog):
    """Filled in from the run and the test under the cursor; Enter in the last field starts the search as a run."""

    def __init__(self, run: RunRecord, test: str | None) -> None:
        super().__init__()
        self.run = run
        self.test = test

    def title_text(self) -> str:
        """Name it."""
        return f" Which commit broke {self.run.repo}/{self.run.pipeline}? "

    def body(self) -> ComposeResult:
        """Lay out the three fields."""
        yield OneLine(id="said-first")
        yield OneLine(classes="space")
        for name, _ in FIELDS:
            with Horizontal(classes="field"):
                yield OneLine(id=f"{name}-label")
                yield Input(self._suggested(name), id=name, compact=True, select_on_focus=False)
        yield OneLine(classes="space")
        yield OneLine(id="said")

    def on_mount(self) -> None:
        """Explain, and put the cursor into the first field."""
        super().on_mount()
        for name, title in FIELDS:
            self.query_one(f"#{name}-label", OneLine).say(Toned(title, "dim"))
        first = "By this test alone" if self.test else "By the whole build; a test in the last field decides alone"
        self.query_one("#said-first", OneLine).say(Toned(f"{first}. Several commits are tried at once.", "dim"))
        self.query_one("#said", OneLine).say(
            Toned("Enter starts the search, Tab to the next field, Esc cancels", "dim")
        )
        self.query_one("#good", Input).focus()

    @on(Input.Submitted)
    def start(self) -> None:
        """Start the search, when both ends are there."""
        good, bad, test = (self.query_one(f"#{name}", Input).value.strip() for name, _ in FIELDS)
        if not good or not bad:
            self.query_one("#said", OneLine).say(Toned("both a good and a bad revision are needed", "bad"))
            return
        self.dismiss(None)
        start_run(
            self.console,
            "run.bisect",
            target=f"{self.run.repo}/{self.run.pipeline}",
            good=good,
            bad=bad,
            test=test or None,
        )

    def _suggested(self, name: str) -> str:
        if name == "bad":
            return self.run.commit[:12]
        if name == "test":
            return self.test or ""
        good = last_good(self.console.store, self.run.repo, self.run.pipeline, self.run, self.test)
        return good[:12] if good else ""
