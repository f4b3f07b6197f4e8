"""Saying less on the line: only cells that change are sent, and colours only when they change.

Textual repaints whole regions, and gives each stretch of text its full style: a change of tab is 40 kB in true colour.
This driver keeps a picture of what the terminal shows and sends the difference, as curses does.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import lru_cache

from rich.cells import get_character_cell_size
from textual.drivers.linux_driver import LinuxDriver

_TOKEN = re.compile(
    r"""
      \x1b\[(?P<sgr>[0-9;]*)m
    | \x1b\[(?P<row>\d*);(?P<column>\d*)H
    | (?P<quiet>\x1b\[\?(?:2026|25|1000|1002|1003|1004|1006|1015|2004)[hl])   # modes that move and erase nothing
    | (?P<raw>\x1b\[[0-?]*[ -/]*[@-~] | \x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\) | \x1b. | [\x00-\x09\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f])
    | (?P<text>[^\x00-\x1f\x7f]+)
    | (?P<line>[\r\n])
    """,
    re.VERBOSE | re.DOTALL,
)
_ATTRIBUTES = {"1": "bold", "2": "dim", "3": "italic", "4": "underline", "5": "blink", "7": "reverse", "9": "strike"}
_CODES = {name: code for code, name in _ATTRIBUTES.items()}
_SEEN_ON_BLANKS = frozenset({"underline", "reverse", "strike"})
_BLANKS = re.compile("( {12,})")
"""So many blanks are erased with two sequences for less than they cost as characters."""
BRIDGE = 6
"""Unchanged cells between two changes that are sent again: to move the cursor costs as much."""


@dataclass(frozen=True, slots=True)
class Pen:
    """How the terminal draws: colours as SGR parameters (empty: its default), and attributes."""

    foreground: str = ""
    background: str = ""
    attributes: frozenset[str] = frozenset()


DEFAULT = Pen()


class Thrift:
    """Rewrites a stream of terminal output into a shorter one that shows the same picture."""

    def __init__(self, columns: int, rows: int, *, erases: bool = True) -> None:
        self._erases = erases
        """Whether the terminal erases in the colour of the background."""
        self._told: Pen | None = None
        self._pen = DEFAULT
        self._at = (0, 0)
        self._cursor: tuple[int, int] | None = None
        self.resize(columns, rows)

    def resize(self, columns: int, rows: int) -> None:
        """Begin anew with a terminal of another size; nothing is known of what it shows."""
        self.size = (columns, rows)
        self._chars: list[list[str | None]] = [[None] * columns for _ in range(rows)]
        self._pens: list[list[Pen]] = [[DEFAULT] * columns for _ in range(rows)]
        self._cursor, self._told = None, None

    def feed(self, data: str) -> str:
        """Return output after which the terminal shows what it would have shown after ``data``."""
        out: list[str] = []
        for token in _TOKEN.finditer(data):
            kind = token.lastgroup
            if kind == "sgr":
                self._pen = _applied(self._pen, token["sgr"])
            elif kind == "text":
                self._write(token["text"], out)
            elif kind == "column":
                self._at = (int(token["row"] or 1) - 1, int(token["column"] or 1) - 1)
            elif kind == "quiet":
                out.append(token[0])
            elif kind == "raw":
                out += (self._tell(self._pen), token[0])
                self.resize(*self.size)
        if self._cursor != self._at:
            out.append(self._move(*self._at))
        return "".join(out)

    def _write(self, text: str, out: list[str]) -> None:
        row, column = self._at
        cells = _cells(text)
        self._at = (row, column + len(cells))
        if row >= self.size[1] or column + len(cells) > self.size[0]:
            out += (self._move(row, column), self._tell(self._pen), text)
            self._cursor = None
            return
        blank = self._pen if self._pen.attributes & _SEEN_ON_BLANKS else _blank(self._pen)
        pens = [blank if cell == " " else self._pen for cell in cells]
        chars, known = self._chars[row], self._pens[row]
        stop = column + len(cells)
        if chars[column:stop] == cells and known[column:stop] == pens:
            return
        changed = [
            index
            for index, (cell, pen) in enumerate(zip(cells, pens, strict=True))
            if chars[column + index] != cell or known[column + index] != pen
        ]
        for first, last in _spans(changed, cells):
            self._send(row, column + first, cells[first:last], blank, out)
        self._break_halves(chars, column, stop)
        chars[column:stop] = cells
        known[column:stop] = pens

    def _send(self, row: int, column: int, cells: list[str], blank: Pen, out: list[str]) -> None:
        """Send neighbouring cells: text in the pen at hand, blanks between in the blank pen, long ones erased."""
        if self._cursor != (row, column):
            out.append(self._move(row, column))
        text = "".join(cells)
        erases = self._erases and not blank.attributes & _SEEN_ON_BLANKS
        pieces = [piece for piece in (_BLANKS.split(text) if erases else [text]) if piece]
        end = column + len(cells)
        for index, piece in enumerate(pieces):
            words = piece.lstrip(" ")
            if len(words) < len(piece):
                out.append(self._tell(blank, " "))
            if erases and len(piece) >= 12 and not words:
                out.append(f"\x1b[{len(piece)}X")
                if index + 1 < len(pieces):
                    out.append(f"\x1b[{len(piece)}C")
                else:
                    end -= len(piece)
                continue
            out.append(piece[: len(piece) - len(words)])
            if words:
                out += (self._tell(self._pen), words)
        self._cursor = (row, end) if text.isascii() and end < self.size[0] else None

    @staticmethod
    def _break_halves(chars: list[str | None], start: int, stop: int) -> None:
        """A wide character that loses one half loses both."""
        if chars[start] == "" and start:
            chars[start - 1] = None
        if stop < len(chars) and chars[stop] == "":
            chars[stop] = None

    def _move(self, row: int, column: int) -> str:
        self._cursor = (row, column)
        return f"\x1b[{row + 1};{column + 1}H"

    def _tell(self, pen: Pen, cell: str = "") -> str:
        told = self._told
        if pen == told or (
            cell == " "
            and told is not None
            and pen.background == told.background
            and not (pen.attributes | told.attributes) & _SEEN_ON_BLANKS
        ):
            return ""
        self._told = pen
        if told is None or pen == DEFAULT:
            return "\x1b[0m" + (_difference(DEFAULT, pen) if pen != DEFAULT else "")
        return _difference(told, pen)


def _difference(told: Pen, pen: Pen) -> str:
    codes: list[str] = []
    if told.attributes - pen.attributes:
        codes, told = ["0"], DEFAULT
    codes += [_CODES[name] for name in sorted(pen.attributes - told.attributes)]
    if pen.foreground != told.foreground:
        codes.append(pen.foreground or "39")
    if pen.background != told.background:
        codes.append(pen.background or "49")
    return f"\x1b[{';'.join(codes)}m"


def _cells(text: str) -> list[str]:
    """Return one string a cell; the second cell of a wide character is empty, a combining mark joins its cell."""
    if text.isascii():
        return list(text)
    cells: list[str] = []
    for char in text:
        size = get_character_cell_size(char)
        if size == 0:
            if cells:
                index = len(cells) - (2 if cells[-1] == "" and len(cells) > 1 else 1)
                cells[index] += char
        else:
            cells += [char, ""] if size == 2 else [char]
    return cells


def _spans(changed: list[int], cells: list[str]) -> list[tuple[int, int]]:
    """Join changes that lie near each other, and take wide characters whole."""
    if len(changed) == len(cells):
        return [(0, len(cells))]
    spans: list[tuple[int, int]] = []
    for index in changed:
        first = index - 1 if cells[index] == "" and index else index
        last = index + 2 if index + 1 < len(cells) and cells[index + 1] == "" else index + 1
        if spans and first - spans[-1][1] <= BRIDGE:
            spans[-1] = (spans[-1][0], max(last, spans[-1][1]))
        else:
            spans.append((first, last))
    return spans


@lru_cache(maxsize=1024)
def _blank(pen: Pen) -> Pen:
    return Pen(background=pen.background)


@lru_cache(maxsize=4096)
def _applied(pen: Pen, parameters: str) -> Pen:
    codes = parameters.split(";") if parameters else ["0"]
    foreground, background, attributes = pen.foreground, pen.background, set(pen.attributes)
    index = 0
    while index < len(codes):
        code = codes[index]
        if code in {"38", "48"}:
            size = 3 if codes[index + 1 : index + 2] == ["5"] else 5
            colour = ";".join(codes[index : index + size])
            foreground, background = (colour, background) if code == "38" else (foreground, colour)
            index += size
            continue
        if code in {"", "0"}:
            foreground, background, attributes = "", "", set()
        elif code in _ATTRIBUTES:
            attributes.add(_ATTRIBUTES[code])
        elif code == "39" or code[:-1] in {"3", "9"}:
            foreground = "" if code == "39" else code
        elif code == "49" or code[:-1] in {"4", "10"}:
            background = "" if code == "49" else code
        index += 1
    return Pen(foreground, background, frozenset(attributes))


class ThriftyDriver(LinuxDriver):
    """Textual's driver for Linux, sending differences."""

    _thrift: Thrift | None = None
    _away = False
    """Another program has the terminal: nothing is written into its screen."""

    def write(self, data: str) -> None:
        """Write to the terminal."""
        if self._away:
            return
        columns, rows = self._terminal()
        if self._thrift is None:
            self._thrift = Thrift(columns, rows, erases=not os.environ.get("TERM", "").startswith("screen"))
        elif self._thrift.size != (columns, rows):
            self._thrift.resize(columns, rows)
        super().write(self._thrift.feed(data))

    def suspend_application_mode(self) -> None:
        """Leave the terminal to another program."""
        super().suspend_application_mode()
        self._away = True

    def resume_application_mode(self) -> None:
        """Take the terminal back, whatever it shows now."""
        self._away = False
        self.forget()
        super().resume_application_mode()

    def forget(self) -> None:
        """Take nothing for shown: what comes next is sent whole."""
        if self._thrift is not None:
            self._thrift.resize(*self._thrift.size)

    def _terminal(self) -> tuple[int, int]:
        try:
            size = os.get_terminal_size(self.fileno)
        except OSError:
            return self._thrift.size if self._thrift is not None else (80, 24)
        return size.columns, size.lines
