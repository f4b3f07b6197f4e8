"""The key handlers of a log: follow, match, filter, error, section, times, wrap, save."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from pathlib import Path

from opsconsole.console.host.host import Host
from opsconsole.console.host.paths import PathHelp
from opsconsole.console.logs.pane import TimesShown
from opsconsole.console.logs.reading.query import Sought
from opsconsole.console.logs.saving import Saved, Target, filtered, save, whole
from opsconsole.console.logs.view import LogView
from opsconsole.core import text

TIMES: dict[TimesShown, TimesShown] = {"": "clock", "clock": "elapsed", "elapsed": ""}
_MESSAGES: dict[TimesShown, str] = {
    "": "no times",
    "clock": "times of day, to half a second; t again counts from the step's start",
    "elapsed": "time since the step's start; t again hides it",
}


class LogKeys:
    """The acts that hold in a log."""

    def __init__(self, app: Host, view: LogView) -> None:
        self.app = app
        self.view = view

    def do_follow(self) -> None:
        """Follow, or stop."""
        self.view.follow = not self.view.follow
        self.app.say("following the end" if self.view.follow else "no longer following")

    async def do_only(self) -> None:
        """Show only what matches, or everything again."""
        seeking = self.view.seeking
        if seeking is None:
            self.app.say("there is no log here", "warn")
        elif seeking.search is None:
            await self.app.ask_line("&", self._only)
        else:
            self._toggle()

    def do_next_error(self) -> None:
        """Go to the next error."""
        self.go(Sought.ERRORS, 1)

    def do_previous_error(self) -> None:
        """Go to the previous error."""
        self.go(Sought.ERRORS, -1)

    def do_next_section(self) -> None:
        """Go to the next section."""
        self.go(Sought.SECTIONS, 1)

    def do_previous_section(self) -> None:
        """Go to the previous section."""
        self.go(Sought.SECTIONS, -1)

    def do_wrap(self) -> None:
        """Wrap long lines, or not."""
        self.view.set_wrap(not self.view.wrap)
        self.app.say("long lines wrap" if self.view.wrap else "long lines are cut; ← → move sidewards")

    def do_times(self) -> None:
        """Show times of day, then time since the start, then none."""
        opened = self.view.opened
        if opened is not None and not (opened.times.look() or opened.times.known):
            self.app.say("no times were kept with this log", "warn")
            return
        self.view.set_times(TIMES[self.view.times])
        self.app.say(_MESSAGES[self.view.times])

    async def do_save(self) -> None:
        """Ask where to, then save."""
        opened, seeking = self.view.opened, self.view.seeking
        if opened is None or seeking is None or not opened.file.opened:
            self.app.say("there is no log to save", "warn")
            return
        path = opened.file.path
        kind = "-matches" if seeking.filtering else ""
        name = f"{path.parent.name}-{path.stem}{kind}.log"
        what = "matches" if seeking.filtering else "log"
        await self.app.ask_line(f"save {what} to: ", self._save, value=str(Path.cwd() / name), help=PathHelp())

    def search(self, wanted: str, *, upwards: bool | None = None) -> None:
        """Search, and say what was found."""
        problem = self.view.search(wanted, upwards=upwards)
        if problem:
            self.app.say(problem, "bad")
            return
        self._say_matches()

    def go(self, sought: Sought, step: int) -> None:
        """Go to the next or the previous mark of a kind, and say where that is."""
        if self.view.seeking is None:
            self.app.say("there is no log here", "warn")
            return
        taken = self.view.go(sought, step)
        self.app.say(taken.words, "text" if taken.possible else "warn")

    def jump(self, word: str, rest: str) -> bool:
        """Go to a line or a percentage, as ``:line 123`` and ``:50%`` say; return whether that was meant."""
        opened = self.view.opened
        number = rest.replace(",", "").replace("_", "")
        if word == "line" and number.isdigit():
            if opened is not None:
                self.view.go_to(opened.offset_of(int(number)))
                exact = opened.line_at(opened.offset_of(int(number)))
                self.app.say("" if exact is not None else "about there: the lines are still being counted", "dim")
            return True
        share = word.removesuffix("%")
        if word.endswith("%") and share.replace(".", "", 1).isdigit() and not rest:
            if opened is not None:
                self.view.go_to(round(opened.file.size * min(float(share), 100.0) / 100))
            return True
        return False

    def _only(self, wanted: str) -> None:
        if not wanted:
            return
        problem = self.view.search(wanted)
        if problem:
            self.app.say(problem, "bad")
            return
        self._toggle()

    def _toggle(self) -> None:
        seeking = self.view.seeking
        if seeking is None or seeking.search is None:
            return
        seeking.toggle_filter()
        self.view.repaint()
        count = len(seeking.search.marks)
        more = " so far" if seeking.search.running else ""
        self.app.say(
            f"only {text.plural(count, 'match', 'matches')}{more}, {seeking.context} lines around each; & shows all"
            if seeking.filtering
            else "all lines"
        )

    def _say_matches(self) -> None:
        search = self.view.seeking.search if self.view.seeking is not None else None
        if search is None:
            self.app.say("")
        elif search.running:
            self.app.say("searching; Esc stops", "dim")
        else:
            count = len(search.marks)
            words = f"{count:,} {'line matches' if count == 1 else 'lines match'}; n N go on, & shows only them"
            self.app.say(words if count else "no line matches", "text" if count else "warn")

    def _save(self, typed: str) -> None:
        opened, seeking = self.view.opened, self.view.seeking
        if not typed.strip() or opened is None or seeking is None:
            return
        target = Target.of(typed)
        problem = target.problem(opened.file.path)
        if problem:
            self.app.say(f"not saved: {problem}", "warn")
            return
        size, trail = opened.file.size, seeking.search
        blocks = (
            filtered(opened.file.path, size, trail, seeking.context)
            if seeking.filtering and trail is not None
            else whole(opened.file.duplicate(), size)
        )
        self.app.say(f"saving {text.size(size)} …", "dim")
        self.app.run_worker(self._saved(partial(save, blocks, target)), group="save", exit_on_error=False, name="save")

    async def _saved(self, work: partial[Saved]) -> None:
        stop = threading.Event()
        try:
            saved = await asyncio.to_thread(work, stop)
        finally:
            stop.set()
        self.app.say(saved.words, "good" if saved.whole else "bad")
