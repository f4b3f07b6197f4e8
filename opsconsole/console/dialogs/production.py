"""The dialog before an act on production: evidence, what changes, why, and the name typed."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input

from opsconsole.console.dialogs.base import Dialog
from opsconsole.console.widgets.lines import OneLine
from opsconsole.console.widgets.rows import Row, RowList, Rows
from opsconsole.console.widgets.tones import Toned
from opsconsole.core import text


class ProductionDialog(Dialog):
    """Reason first, then the name; Enter in Name acts only when everything holds, and else says why not."""

    use_case: ClassVar[str]

    def __init__(self, model: str) -> None:
        super().__init__()
        self.model = model
        self.acting = False

    def body(self) -> ComposeResult:
        """Lay out evidence, reason and name."""
        yield OneLine(id="move")
        yield OneLine(classes="space")
        rows = RowList(id="evidence", empty="")
        rows.can_focus = False
        yield rows
        yield OneLine(id="changes")
        yield OneLine(classes="space")
        with Horizontal(classes="field"):
            yield OneLine(id="reason-label")
            yield Input(self.suggested_reason(), id="reason", compact=True, select_on_focus=False)
        with Horizontal(classes="field"):
            yield OneLine(id="name-label")
            yield Input(id="name", compact=True)
        yield OneLine(id="said")

    def on_mount(self) -> None:
        """Put the cursor into Reason."""
        super().on_mount()
        self.query_one("#reason-label", OneLine).say(Toned("Reason", "dim"))
        self.query_one("#name-label", OneLine).say(
            Toned("Type ", "dim"), Toned(text.clean(self.model, limit=17), "strong")
        )
        self.query_one("#reason", Input).focus()
        self.say("Tab to the name, Enter there acts, Esc cancels", good=True)

    def suggested_reason(self) -> str:
        """Return the reason to begin with."""
        return ""

    def blocked(self) -> str:
        """Return why it may not be done now; empty when it may."""
        raise NotImplementedError

    def values(self, reason: str) -> dict[str, object]:
        """Return what the use case needs."""
        raise NotImplementedError

    def done(self, data: dict[str, Any]) -> str:
        """Return what to say when it was done."""
        raise NotImplementedError

    def show_evidence(self, rows: list[Row]) -> None:
        """Show lines of evidence: a mark, a name, a sentence."""
        self.query_one("#evidence", RowList).show(Rows(rows))

    def say(self, message: str, *, good: bool = False) -> None:
        """Say what is missing, or what went wrong."""
        self.query_one("#said", OneLine).say(Toned(text.clean(message), "dim" if good else "bad"))

    @on(Input.Submitted, "#reason")
    def reason_given(self) -> None:
        """Go on to the name."""
        self.query_one("#name", Input).focus()

    @on(Input.Submitted, "#name")
    def name_given(self) -> None:
        """Act, when name, reason and evidence hold."""
        reason = self.query_one("#reason", Input).value.strip()
        name = self.query_one("#name", Input).value.strip()
        wanting = [
            self.blocked(),
            "" if reason else "a reason is needed",
            "" if name == self.model else f"type {self.model} to go on",
        ]
        problem = "; ".join(part for part in wanting if part)
        if problem:
            self.say(problem)
            if not reason:
                self.query_one("#reason", Input).focus()
        elif not self.acting:
            self.acting = True
            self.say("…", good=True)
            self.run_worker(self._act(reason), exit_on_error=False, exclusive=True, group="act", name=self.use_case)

    async def _act(self, reason: str) -> None:
        answer = await self.console.ask(self.use_case, **self.values(reason))
        self.acting = False
        if answer.problem:
            self.say(f"{answer.problem}  {answer.hint}".strip())
            self.refused()
            return
        self.console.say(self.done(answer.data), "good")
        self.dismiss(None)

    def refused(self) -> None:
        """Look again after a refusal."""
