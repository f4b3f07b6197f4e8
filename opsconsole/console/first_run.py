"""The first-run screen: no workspace here yet, so look for repos, say how each would be tested, and write the file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType

from opsconsole.console.terminal.themes import THEMES
from opsconsole.console.widgets.lines import OneLine
from opsconsole.console.widgets.rows import BLANK, Row, RowList, Rows, heading, note
from opsconsole.console.widgets.tones import Column, Toned
from opsconsole.core.errors import OpsconsoleError
from opsconsole.lifecycle.workspace_init import FoundRepo, found_workspace, scout

REPOS = (Column(width=24), Column(width=10), Column(least=20), Column(least=20, drop=1))


class FirstRunApp(App[bool]):
    """Returns True when a workspace was made."""

    CSS = "Screen { background: $background; color: $tone-text; } #keys { background: $tone-bar; }"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "write", "write", show=False),
        Binding("q,escape,ctrl+q", "leave", "leave", show=False),
    ]

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root
        self.found: list[FoundRepo] | None = None
        for theme in THEMES:
            self.register_theme(theme)

    def compose(self) -> ComposeResult:
        """One list, and the keys."""
        yield RowList(id="found")
        yield OneLine(id="keys")

    def on_mount(self) -> None:
        """Begin to look."""
        self.theme = "dark"
        self._show("looking for git repositories …")
        self.query_one("#keys", OneLine).say(
            Toned(" w", "accent"),
            Toned(" write opsconsole.toml and open it   ", "dim"),
            Toned("q", "accent"),
            Toned(" leave", "dim"),
        )
        self.run_worker(self._look(), exit_on_error=False, exclusive=True, group="scout", name="look for repos")

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the tones."""
        return dict(THEMES[0].variables)

    def action_write(self) -> None:
        """Write the file and go on to the console."""
        if self.found is None:
            return
        try:
            found_workspace(self.root, self.found)
        except OpsconsoleError as error:
            self._show(f"{error.message}  {error.hint}")
            return
        self.exit(result=True)

    def action_leave(self) -> None:
        """Leave without a trace."""
        self.exit(result=False)

    async def _look(self) -> None:
        self.found = await asyncio.to_thread(scout, self.root)
        self._show("")

    def _show(self, said: str) -> None:
        rows: list[Row] = [
            BLANK,
            Row(
                None,
                ((Toned("opsconsole", "strong"), Toned(f"   there is no workspace in {self.root} yet", "dim")),),
                (Column(),),
            ),
            BLANK,
        ]
        if said:
            rows.append(note(said))
        if self.found is not None:
            rows.append(heading("REPOS FOUND", len(self.found)))
            rows += [
                Row(
                    item.name,
                    (
                        item.name,
                        Toned(item.runner or "–", "good" if item.runner else "dim"),
                        Toned(item.path, "dim"),
                        Toned(item.reason, "dim"),
                    ),
                    REPOS,
                )
                for item in self.found
            ]
            if not self.found:
                rows.append(note("none below this folder; opsconsole repo add PATH adds one later"))
            rows += [BLANK, note("Nothing of them runs until you trust them: :trust NAME")]
        self.query_one(RowList).show(Rows(rows))
