"""The global key handlers: tabs, panes, filter, search, jump, copy, open outside, times, help."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from opsconsole.console.host.host import Host
from opsconsole.console.processes.external_program import ExternalProgram
from opsconsole.console.widgets.rows import Example, RowList

if TYPE_CHECKING:
    from opsconsole.console.logs.keys import LogKeys
    from opsconsole.console.logs.view import LogView


class GlobalKeys:
    """The acts that hold on every tab."""

    def __init__(self, app: Host) -> None:
        self.app = app
        self._outside = ExternalProgram(app)

    def do_last_view(self) -> None:
        """Go back to the tab before."""
        self.app.open_tab(self.app.last_tab)

    def do_next_pane(self) -> None:
        """Give the next pane the focus."""
        self._walk(1)

    def do_previous_pane(self) -> None:
        """Give the previous pane the focus."""
        self._walk(-1)

    def do_back(self) -> None:
        """End a search or a filter, then a zoom, then go to the opening pane."""
        log, focused = self._log(), self.app.focused
        if log is not None and log.escape():
            self.app.say("")
        elif isinstance(focused, RowList) and focused.filtered:
            focused.filter("")
            self.app.say("")
        elif not self.app.tab.back():
            self.app.give_focus(self.app.tab.query_one(self.app.tab.first))

    async def do_find(self) -> None:
        """Filter the list while one types, or search the log, that has the focus; Esc leaves the list as it was."""
        listing = self.app.focused
        if self._log() is not None or not isinstance(listing, RowList):
            await self.app.ask_line("/", self._find)
            return
        before = listing.wanted

        def typed(line: str | None) -> None:
            listing.filter(before if line is None else line)

        await self.app.ask_line("/", self._find, typed=typed)

    def do_next_match(self) -> None:
        """Go to the next match of a search."""
        self._match(1)

    def do_previous_match(self) -> None:
        """Go to the previous match of a search."""
        self._match(-1)

    async def do_jump(self) -> None:
        """Ask where to."""
        await self.app.ask_command()

    def do_keys(self) -> None:
        """Show every key that holds here."""
        from opsconsole.console.dialogs.keys import KeysDialog

        self.app.push_screen(KeysDialog(self.app.tab.places()))

    def do_palette(self) -> None:
        """Open the palette."""
        self.app.action_command_palette()

    def do_copy(self) -> None:
        """Copy what is selected, and say where it went."""
        from opsconsole.console.processes.clipboard import copy

        focused = self.app.focused
        example = isinstance(focused, RowList) and isinstance(focused.key, Example)
        wanted = focused.words if isinstance(focused, RowList) and example else self.app.tab.copy_text()
        if not wanted:
            self.app.say("nothing is selected", "warn")
            return
        self.app.say(copy(self.app, wanted))

    def do_open(self) -> None:
        """Open the file at hand in the operator's own program."""
        target = self.app.tab.outside()
        if target is None:
            self.app.say("there is no file under the cursor", "warn")
            return
        self.open_outside(*target)

    def open_outside(self, path: Path, line: int) -> None:
        """Open a file in the operator's own program: a log in the pager, anything else in the editor."""
        pager = path.suffix == ".log"
        program = os.environ.get("PAGER" if pager else "EDITOR") or ("less" if pager else "vi")
        command = [*shlex.split(program), *([f"+{line}"] if line and not pager else []), str(path)]
        driver = self.app.terminal  # Textual's own way to step aside cannot be left by a signal
        if shutil.which(command[0]) is None or driver is None or not driver.can_suspend:
            self.app.say(f"{command[0]} is not installed: set $EDITOR or $PAGER", "bad")
        elif not self._outside.busy:
            self.app.run_worker(
                self._outside.visit(command, driver), group="outside", exit_on_error=False, name="outside"
            )

    def leave(self) -> None:
        """End the console because a signal says so, also while a program stands in front of it."""
        if self._outside.busy:
            self._outside.leave()
        else:
            self.app.exit()

    def do_sort(self) -> None:
        """Sort by the next order."""
        self.app.say(self.app.tab.sort())

    def do_times(self) -> None:
        """Switch between dates and ages."""
        self.app.absolute_times = not self.app.absolute_times
        self.app.reload_tab()

    def do_redraw(self) -> None:
        """Send every cell again."""
        self.app.forget_screen()

    def do_quit(self) -> None:
        """Leave."""
        self.app.exit()

    def _find(self, wanted: str) -> None:
        log, focused = self._log(), self.app.focused
        if log is not None:
            self._keys(log).search(wanted)
        elif isinstance(focused, RowList):
            shown = focused.filter(wanted)
            self.app.say(f"/{wanted}  {shown:,} rows, Esc shows all" if wanted else "")
        else:
            self.app.say("nothing to filter here", "warn")

    def _match(self, step: int) -> None:
        view = next((view for view in self._logs() if view.search_state is not None), None)
        if view is None:
            self.app.say("no search yet: / in the log begins one", "warn")
            return
        from opsconsole.console.logs.reading.query import Sought

        self._keys(view).go(Sought.TEXT, step)

    def _keys(self, view: LogView) -> LogKeys:
        from opsconsole.console.logs.keys import LogKeys

        return LogKeys(self.app, view)

    def _logs(self) -> list[LogView]:
        """Return the log views of the open tab; their module is read only where there is one."""
        if not self.app.tab.query("LogView"):
            return []
        from opsconsole.console.logs.view import LogView

        return list(self.app.tab.query(LogView))

    def _log(self) -> LogView | None:
        """Return the log that has the focus."""
        return next((view for view in self._logs() if view is self.app.focused), None)

    def _walk(self, step: int) -> None:
        panes = self.app.tab.panes()
        if panes:
            here = panes.index(self.app.focused) if self.app.focused in panes else -1
            self.app.give_focus(panes[(here + step) % len(panes)])
