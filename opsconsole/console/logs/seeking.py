"""Going from mark to mark: to the next match, error or section, at once where it is near or known, later where it is not."""

from __future__ import annotations

import re
from dataclasses import dataclass

from opsconsole.console.logs.opened import OpenLog
from opsconsole.console.logs.page import Page
from opsconsole.console.logs.reading.query import Query, Sought
from opsconsole.console.logs.reading.trail import Trail
from opsconsole.console.logs.reading.walk import CONTEXT, Matches, Whole

RUN = 2000
"""Neighbouring error lines that are gone over as one error."""
COUNTED = 256 << 10
"""Bytes of a log whose errors are all looked for when it opens at the first."""


_NOTHING = {Sought.TEXT: "no line matches", Sought.ERRORS: "nothing here reads like an error"}


@dataclass(frozen=True)
class Step:
    """A step to another mark: what to say of it, and whether there is, or may still be, anything to go to."""

    words: str = ""
    possible: bool = True


@dataclass(frozen=True)
class _Wish:
    """Where someone wants to go as soon as it is known."""

    sought: Sought
    step: int
    origin: int
    first: bool = False
    """Any mark will do: the first that is found."""


class Seeking:
    """What is looked for in an open log, which mark is at hand, and whether only matches are shown."""

    def __init__(self, log: OpenLog, page: Page) -> None:
        self._log = log
        self._page = page
        self.current: int | None = None
        """Where the line starts that was gone to."""
        self.kind: Sought | None = None
        """What kind of mark it is."""
        self.filtering = False
        self.context = CONTEXT
        self._wish: _Wish | None = None

    @property
    def search(self) -> Trail | None:
        """The operator's search."""
        return self._log.trails.get(Sought.TEXT)

    @property
    def waits(self) -> bool:
        """Whether someone waits for a place that is not known yet."""
        return self._wish is not None

    @property
    def wanted(self) -> Sought | None:
        """What kind of place someone waits for."""
        return self._wish.sought if self._wish is not None else None

    def begin(self, wanted: str, *, upwards: bool) -> str | None:
        """Search for a regular expression and go to the nearest match; return what is wrong with it, or None."""
        if not wanted:
            self.end()
            return None
        try:
            query = Query.text(wanted)
            self._page.pattern = None if query.inverse else query.compiled()
            trail = self._log.seek(query)
        except re.error as error:
            return f"not a regular expression: {error}"
        self._page.forget()
        self.kind, self.current = Sought.TEXT, None
        if self.filtering:
            self._filter(trail)
        origin = self._log.file.size if upwards else self._top() - 1
        self._wish = _Wish(Sought.TEXT, -1 if upwards else 1, origin, first=True)
        if not self._grant(self._wish) and trail.complete:
            self._wish = None
        return None

    def end(self) -> None:
        """Search no longer, show every line."""
        if self.filtering:
            self.toggle_filter()
        self._log.drop(Sought.TEXT)
        self._page.pattern = None
        self._page.forget()
        self._wish = None
        if self.kind is Sought.TEXT:
            self.kind = self.current = None

    def escape(self) -> bool:
        """Stop what runs, else show every line, else end the search; return whether there was anything to leave."""
        running = [
            trail for trail in self._log.trails.values() if trail.running and (self.waits or trail is self.search)
        ]
        if running:
            self._wish = None
            for trail in running:
                trail.stop()
        elif self.filtering:
            self.toggle_filter()
        elif self.search is not None:
            self.end()
        else:
            return False
        return True

    def mark(self, offset: int) -> None:
        """Take a line for the one at hand."""
        self.current, self.kind = self._log.file.start_of(offset), None

    def moved(self) -> None:
        """Note that the operator went somewhere: nobody waits any longer."""
        self._wish = None
        self._log.drop(Sought.CLEAR)

    def replaced(self) -> None:
        """Note that the file is another now."""
        self.current = None
        if self.filtering and self.search is not None:
            self._filter(self.search)

    def go(self, sought: Sought, step: int) -> Step:
        """Go to the next (1) or the previous (-1) mark."""
        trail = self._log.trail(sought)
        if trail is None:
            return Step("no search yet: / begins one", possible=False)
        self.moved()
        self._wish = wish = _Wish(sought, step, self._origin(step))
        if self._grant(wish):
            return Step()
        trail.resume()
        if trail.running:
            return Step("none near, looking on; Esc stops")
        self._wish = None
        if trail.marks:
            self._go_to(trail, trail.marks[0] if step > 0 else self._head(trail, trail.marks[-1]))
            return Step("from the top again" if step > 0 else "from the end again")
        return Step(_NOTHING.get(sought, "this log has no sections"), possible=False)

    def open_at_error(self) -> None:
        """Go to the first line that surely tells of a failure, else to the first that may, as soon as it is known."""
        self._log.first_clear()
        self._wish = _Wish(Sought.CLEAR, 1, -1, first=True)
        self.settle()

    def settle(self) -> bool:
        """Go where someone waits to go, if that is known by now; return whether the page moved."""
        wish = self._wish
        if wish is None:
            return False
        if self._grant(wish, probing=False):
            return True
        trail = self._log.trail(wish.sought)
        if trail is not None and trail.running:
            return False
        self._wish = None
        if wish.sought is Sought.CLEAR:
            self._log.drop(Sought.CLEAR)
            self._wish = _Wish(Sought.ERRORS, 1, -1, first=True)
            return self.settle()
        if trail is None or not trail.marks:
            return False
        self._go_to(trail, trail.marks[0] if wish.step > 0 else self._head(trail, trail.marks[-1]))
        return True

    def toggle_filter(self) -> None:
        """Show only matches with their context, or every line again; the line at hand stays where it is."""
        held, row = self._held()
        self.filtering = not self.filtering
        trail = self.search
        if self.filtering and trail is not None:
            self._filter(trail)
        else:
            self.filtering = False
            self._page.walk = Whole(self._log.file)
        self._page.show(held, row)

    def _filter(self, trail: Trail) -> None:
        self._page.walk = Matches(self._log.file, trail, self.context)

    def _held(self) -> tuple[int, int]:
        """Return the line that is to stay where it is, and on which row: the one at hand, else the first in sight."""
        row = self._page.row_of(self.current) if self.current is not None else None
        if row is not None and self.current is not None:
            return self.current, row
        return self._top(), 0

    def _top(self) -> int:
        return self._page.anchor.start if self._page.anchor is not None else 0

    def _origin(self, step: int) -> int:
        """Return from where to look: the line at hand when it is in sight, else the edge of the page."""
        if self.current is not None and self._page.row_of(self.current) is not None:
            return self.current
        if step > 0:
            return self._top() - 1
        shown = self._page.shown()
        return shown[-1].spot.start + 1 if shown else 0

    def _grant(self, wish: _Wish, *, probing: bool = True) -> bool:
        trail = self._log.trail(wish.sought)
        if trail is None:
            return False
        mark = self._find(trail, wish, probing=probing)
        if mark is None and wish.first and trail.marks:
            mark = trail.marks[0] if wish.step > 0 else trail.marks[-1]
        if mark is None:
            return False
        self._wish = None
        self._go_to(trail, mark)
        return True

    def _find(self, trail: Trail, wish: _Wish, *, probing: bool) -> int | None:
        """Return the mark that is meant, when it is known to be the nearest; else what is near, which takes its time."""
        origin, file = min(wish.origin, self._log.file.size), self._log.file
        if wish.step > 0:
            mark = self._next(trail, origin)
            if mark is None and probing and not trail.complete:
                begin = file.line(origin).stop if origin >= 0 else 0
                begin = max(begin, trail.judged) if trail.judged > origin else begin
                mark = trail.near(begin, 1)
            return mark
        if trail.judged >= origin or trail.complete:
            mark = trail.previous(origin)
        else:
            mark = trail.near(origin, -1) if probing else None
        return self._head(trail, mark) if mark is not None else None

    def _next(self, trail: Trail, origin: int) -> int | None:
        """Return the next known mark; of errors the next that does not go on with the one before."""
        if trail.judged <= origin and not trail.complete:
            return None
        mark = trail.next(origin)
        if trail.query.sought is not Sought.ERRORS:
            return mark
        for _ in range(RUN):
            before = self._log.file.before(mark) if mark is not None else None
            if before is None or trail.number(before) is None or before < origin:
                break
            mark = trail.next(mark) if mark is not None else None
        return mark

    def _head(self, trail: Trail, mark: int) -> int:
        """Return where neighbouring error lines begin."""
        if trail.query.sought is not Sought.ERRORS:
            return mark
        for _ in range(RUN):
            before = self._log.file.before(mark)
            if before is None or trail.number(before) is None:
                break
            mark = before
        return mark

    def _go_to(self, trail: Trail, offset: int) -> None:
        self.current, self.kind = self._log.file.start_of(offset), trail.query.sought
        if self.kind is Sought.CLEAR:
            self.kind = Sought.ERRORS
            self._log.drop(Sought.CLEAR)
            if self._log.file.size <= COUNTED:
                self._log.trail(Sought.ERRORS)
        share = 5 if self.kind is Sought.SECTIONS else 3
        self._page.show(self.current, self._page.height // share)
