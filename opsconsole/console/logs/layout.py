"""From one line of a log to rows of cells: colours kept, matches lit, wide and combining characters in the cells they take."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from rich.cells import get_character_cell_size

from opsconsole.core import text
from opsconsole.core.text import PLAIN, Sgr, Span

COMBINED = 4
"""Marks that one character may carry: a tower of hundreds would leave its cell, and flood the line."""
_LOOSE = re.compile("[\u00ad\u180e\u200b-\u200d\u2060-\u2064\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0001-\U000e01ef]")
"""Joiners, selectors, skin tones: what they do to a width differs from terminal to terminal, so they are left out."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Text in one look."""

    text: str
    style: Sgr = PLAIN
    lit: bool = False
    """Whether it is part of a match."""


@dataclass(frozen=True)
class Row:
    """One row of the screen."""

    pieces: tuple[Piece, ...] = ()
    width: int = 0
    """Cells that the pieces take."""


@dataclass
class _Rows:
    """Rows in the making."""

    width: int
    done: list[Row] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    used: int = 0

    def add(self, piece: Piece, cells: int) -> None:
        self.pieces.append(piece)
        self.used += cells

    def close(self) -> None:
        self.done.append(Row(tuple(self.pieces), self.used))
        self.pieces, self.used = [], 0


def pieces_of(raw: bytes, pattern: re.Pattern[str] | None) -> list[Piece]:
    """Return a line as the sanitiser lets it through, with the matches of a pattern lit."""
    spans, _ = text.styled(raw)
    spans = [Span(_drawable(span.text), span.style) if not span.text.isascii() else span for span in spans]
    if pattern is None:
        return [Piece(span.text, span.style) for span in spans if span.text]
    return _lit([span for span in spans if span.text], pattern)


def wrapped(pieces: Iterable[Piece], width: int) -> list[Row]:
    """Return a line in rows of at most ``width`` cells; no character is cut in two."""
    rows = _Rows(max(width, 2))
    for piece in pieces:
        if piece.text.isascii():
            _wrap_ascii(piece, rows)
        else:
            _wrap_wide(piece, rows)
    if rows.pieces or not rows.done:
        rows.close()
    return rows.done


def window(pieces: Iterable[Piece], left: int, width: int) -> Row:
    """Return the cells of a line from ``left`` on, at most ``width``; a character that is cut shows as a blank."""
    pieces_shown: list[Piece] = []
    column = used = 0
    for piece in pieces:
        stop = column + width_of(piece.text)
        if stop <= left:
            column = stop
            continue
        if used >= width:
            break
        cut = _cells(piece.text, max(left - column, 0), width - used)
        if cut:
            pieces_shown.append(Piece(cut, piece.style, piece.lit))
            used += width_of(cut)
        column = stop
    return Row(tuple(pieces_shown), used)


@lru_cache(maxsize=4096)
def width_of(shown: str) -> int:
    """Return how many cells drawable text takes."""
    return len(shown) if shown.isascii() else sum(get_character_cell_size(char) for char in shown)


def column_of(pieces: Sequence[Piece]) -> tuple[int, int] | None:
    """Return where the first lit stretch begins and ends, in cells."""
    column = 0
    for piece in pieces:
        size = width_of(piece.text)
        if piece.lit:
            return column, column + size
        column += size
    return None


def _drawable(shown: str) -> str:
    """Leave out what has no certain width; a mark that has nothing to stand on stands on a blank."""
    shown = _LOOSE.sub("", shown)
    kept: list[str] = []
    marks = 0
    for char in shown:
        if get_character_cell_size(char):
            marks = 0
        else:
            marks += 1
            if marks > COMBINED:
                continue
            if not kept:
                kept.append(" ")
        kept.append(char)
    return "".join(kept)


def _wrap_ascii(piece: Piece, rows: _Rows) -> None:
    rest = piece.text
    while rest:
        if rows.used >= rows.width:
            rows.close()
        room = rows.width - rows.used
        rows.add(Piece(rest[:room], piece.style, piece.lit), min(room, len(rest)))
        rest = rest[room:]


def _wrap_wide(piece: Piece, rows: _Rows) -> None:
    start = cells = 0
    for place, char in enumerate(piece.text):
        size = get_character_cell_size(char)
        if rows.used + cells + size > rows.width:
            if place > start:
                rows.add(Piece(piece.text[start:place], piece.style, piece.lit), cells)
            rows.close()
            start, cells = place, 0
        cells += size
    rows.add(Piece(piece.text[start:], piece.style, piece.lit), cells)


def _cells(shown: str, left: int, width: int) -> str:
    """Return the cells of a text from ``left`` on, at most ``width``."""
    if shown.isascii():
        return shown[left : left + width]
    kept: list[str] = []
    column, stop = 0, left + width
    for char in shown:
        size = get_character_cell_size(char)
        if column >= stop and size:
            break
        if column >= left and column + size <= stop:
            if size or kept or not left:
                kept.append(char)
        elif size == 2 and column + size > left:
            kept.append(" ")  # the half of it that is inside
        column += size
    return "".join(kept)


def _lit(spans: list[Span], pattern: re.Pattern[str]) -> list[Piece]:
    """Split spans at the matches."""
    plain = "".join(span.text for span in spans)
    edges = [edge for match in pattern.finditer(plain) if match.end() > match.start() for edge in match.span()]
    pieces: list[Piece] = []
    position = passed = 0
    for span in spans:
        stop = position + len(span.text)
        cuts = [position]
        while passed < len(edges) and edges[passed] <= position:
            passed += 1
        inside = passed
        while inside < len(edges) and edges[inside] < stop:
            cuts.append(edges[inside])
            inside += 1
        cuts.append(stop)
        lit = passed % 2 == 1
        for first, last in itertools.pairwise(cuts):
            if last > first:
                pieces.append(Piece(plain[first:last], span.style, lit))
            lit = not lit
        position = stop
    return pieces
