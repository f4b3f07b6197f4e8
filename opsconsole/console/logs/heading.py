"""The heading of a log: lines, place, search, filter."""

from __future__ import annotations

from opsconsole.console.logs.opened import OpenLog
from opsconsole.console.logs.page import Page
from opsconsole.console.logs.reading.query import Sought
from opsconsole.console.logs.reading.trail import Trail
from opsconsole.console.logs.seeking import Seeking
from opsconsole.console.widgets.tones import Toned
from opsconsole.core import text

NOUNS = {Sought.TEXT: "match", Sought.ERRORS: "error line", Sought.SECTIONS: "section"}


def heading_of(log: OpenLog, page: Page, seeking: Seeking) -> list[Toned]:
    """Return lines, place, search and filter as toned text."""
    parts = [Toned(_lines(log), "dim")]
    for sought in (Sought.TEXT, Sought.ERRORS, Sought.SECTIONS):
        trail = log.trails.get(sought)
        if trail is not None and (sought is Sought.TEXT or sought in {seeking.kind, seeking.wanted}):
            parts.append(Toned(f"   {_marks_words(trail, seeking)}", "bad" if trail.broken else "warn"))
    clear = log.trails.get(Sought.CLEAR)
    if clear is not None and seeking.wanted is Sought.CLEAR:
        parts.append(Toned(f"   looking for the first error, {text.percent(clear.share)}", "warn"))
    if seeking.filtering:
        parts.append(Toned(f"   only matches ±{seeking.context}", "accent"))
    if log.file.size and not page.at_end and page.anchor is not None:
        parts.append(Toned(f"   {_place(log, page.anchor.start)}", "dim"))
    if page.left:
        parts.append(Toned(f"   from column {page.left + 1}", "dim"))
    return parts


def _lines(log: OpenLog) -> str:
    if log.counted:
        return text.plural(log.lines, "line")
    done = log.index.indexed / log.file.size if log.file.size else 1.0
    return f"{text.size(log.file.size)}, ~{log.lines:,} lines (counting, {text.percent(done)})"


def _place(log: OpenLog, start: int) -> str:
    line = log.line_at(start)
    share = text.percent(start / log.file.size)
    return f"line {line:,}, {share}" if line is not None else share


def _marks_words(trail: Trail, seeking: Seeking) -> str:
    noun, count = NOUNS[trail.query.sought], len(trail.marks)
    number = (
        trail.number(seeking.current) if seeking.current is not None and seeking.kind is trail.query.sought else None
    )
    many = f"{count:,}+" if trail.full or trail.running or trail.stopped else f"{count:,}"
    if not count:
        words = f"no {noun} yet" if trail.running else f"no {noun}"
    elif number is not None:
        words = f"{noun} {number:,} of {many}"
    else:
        words = f"{many} {noun if count == 1 else noun + ('es' if noun == 'match' else 's')}"
    if trail.broken:
        return f"{words} (the search broke off at {text.percent(trail.share)})"
    if trail.running:
        return f"{words} (searching, {text.percent(trail.share)})"
    if trail.stopped:
        return f"{words} (stopped at {text.percent(trail.share)})"
    return f"{words} (no more are kept)" if trail.full else words
