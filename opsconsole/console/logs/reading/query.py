"""What is looked for in a log: the operator's pattern, errors, or sections; and the lines of a block that hold it."""

from __future__ import annotations

import re
import signal
import string
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from types import FrameType

from opsconsole.core.text import visible
from opsconsole.runs.analyse import log_errors, log_sections


class Sought(Enum):
    """What kind of lines."""

    TEXT = "text"
    ERRORS = "errors"
    CLEAR = "clear"
    """Errors that are told by a runner or a compiler, not only spoken of."""
    SECTIONS = "sections"


@dataclass(frozen=True)
class Query:
    """What lines are looked for."""

    sought: Sought
    pattern: str
    """A regular expression; empty for errors and sections, which are found by words and judged by their tables."""
    ignores_case: bool = False
    inverse: bool = False
    """Lines that do not match."""

    @classmethod
    def text(cls, wanted: str) -> Query:
        """Return the search for what an operator typed: all small letters match capitals too, ``!`` first is inverse."""
        inverse = wanted.startswith("!") and len(wanted) > 1
        pattern = wanted[1:] if inverse else wanted
        return cls(Sought.TEXT, pattern, ignores_case=pattern.islower(), inverse=inverse)

    def compiled(self) -> re.Pattern[str]:
        """Return the expression; ``re.error`` when it is none, or one that is too large."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # would be written over the screen
            try:
                return re.compile(self.pattern, (re.IGNORECASE if self.ignores_case else 0) | re.MULTILINE)
            except (OverflowError, RecursionError) as error:
                raise re.error("it is too large") from error

    @property
    def rough(self) -> str:
        """The expression, as every engine understands it; for errors and sections one that lets too much through."""
        return "|".join(_SPECIAL.sub(r"\\\g<0>", word) for word in self.words) if self.words else self.pattern

    @property
    def words(self) -> tuple[str, ...]:
        """What a line that is looked for holds, one of these at least, in small letters; empty for an operator's search."""
        return {Sought.TEXT: (), Sought.SECTIONS: log_sections.WORDS}.get(self.sought, log_errors.WORDS)

    def accepts(self, line: str) -> bool:
        """Judge a line that holds one of the words."""
        if self.sought is Sought.SECTIONS:
            return log_sections.is_section(line)
        return log_errors.weight(line) >= (
            log_errors.Weight.CLEAR if self.sought is Sought.CLEAR else log_errors.Weight.LIKELY
        )


_SPECIAL = re.compile(r"[.*+?\[\](){}|\\^$#]")
ERRORS = Query(Sought.ERRORS, "", ignores_case=True)
CLEAR = Query(Sought.CLEAR, "", ignores_case=True)
SECTIONS = Query(Sought.SECTIONS, "", ignores_case=True)
_SMALL = {ord(letter): letter.lower() for letter in string.ascii_uppercase}


class Matcher:
    """A query made ready to look through blocks of whole lines."""

    def __init__(self, query: Query) -> None:
        self.query = query
        self._pattern = query.compiled()
        self._words = query.words

    def starts(self, block: bytes) -> list[int]:
        """Return where the lines start, in the block, that are looked for, as the screen shows them."""
        shown = visible(block)
        ended = block.endswith(b"\n")
        if self._words:
            starts = self._judged(shown)
        else:
            starts = self._others(shown, ended=ended) if self.query.inverse else self._matching(shown, ended=ended)
        numbered = list(starts)
        if not numbered:
            return []
        if len(shown) == len(block):  # one byte a character, nothing left out
            return [start for _, start in numbered]
        newlines = [match.end() for match in re.finditer(b"\n", block)]
        return [newlines[number - 1] if number else 0 for number, _ in numbered]

    def accepts_line(self, raw: bytes) -> bool:
        """Judge one line that another engine found."""
        return not self._words or self.query.accepts(visible(raw))

    def _judged(self, shown: str) -> Iterator[tuple[int, int]]:
        """Yield number and start of the lines that hold one of the words and are accepted."""
        small = shown.lower()
        if len(small) != len(shown):  # a few letters have no single small one
            small = shown.translate(_SMALL)
        starts: set[int] = set()
        for word in self._words:
            place = small.find(word)
            while place >= 0:
                starts.add(small.rfind("\n", 0, place) + 1)
                stop = small.find("\n", place)
                place = small.find(word, stop) if stop >= 0 else -1
        number = counted = 0
        for start in sorted(starts):
            stop = shown.find("\n", start)
            if self.query.accepts(shown[start : stop if stop >= 0 else len(shown)]):
                number += shown.count("\n", counted, start)
                counted = start
                yield number, start

    def _matching(self, shown: str, *, ended: bool) -> Iterator[tuple[int, int]]:
        """Yield number and start of the lines that match; a match never goes over the end of a line."""
        position = counted = number = 0
        while position <= len(shown):
            match = self._pattern.search(shown, position)
            if match is None:
                return
            start = shown.rfind("\n", 0, match.start()) + 1
            stop = shown.find("\n", match.start())
            stop = len(shown) if stop < 0 else stop
            position = stop + 1
            if start == len(shown) and ended:
                return  # after the last newline there is no line
            if match.end() > stop and self._pattern.search(shown, start, stop) is None:
                continue
            number += shown.count("\n", counted, start)
            counted = start
            yield number, start

    def _others(self, shown: str, *, ended: bool) -> Iterator[tuple[int, int]]:
        """Yield number and start of the lines that do not match."""
        start = 0
        lines = shown.split("\n")
        if ended:
            lines.pop()
        for number, line in enumerate(lines):
            if self._pattern.search(line) is None:
                yield number, start
            start += len(line) + 1


class TooSlowError(Exception):
    """A pattern took longer than the screen can wait."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """End what runs inside after some time with ``TooSlowError``: ``re`` looks for signals, even where it backtracks for ever.

    Only the main thread gets signals; elsewhere there is no bound. An alarm that someone else set goes on after ours.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def too_slow(_number: int, _frame: FrameType | None) -> None:
        raise TooSlowError

    handler = signal.signal(signal.SIGALRM, too_slow)
    began = time.monotonic()
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
        finally:
            signal.signal(signal.SIGALRM, handler)
            if left:
                signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 0.001), interval)
