"""Less output to the terminal: only cells that change are sent, and colours only when they change.

Textual repaints whole regions, and gives each stretch of text its full style: a change of tab is 40 kB in true colour.
This driver keeps a picture of what the terminal shows and sends the difference, as curses does; rows that only moved are
scrolled by the terminal itself.
"""

from __future__ import annotations

import os
import re
import selectors
import time
from functools import lru_cache

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from opsconsole.console.terminal.glyphs import plain, plain_wanted
from opsconsole.console.terminal.replies import ESC, KeysOnly
from opsconsole.console.terminal.screen_buffer import DEFAULT, SEEN_ON_BLANKS, Line, Pen, best_scroll, cells_of

POLL_S = 0.1
"""How often the reader of keys looks whether the app leaves, and whether an Escape was a key."""
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
_OFF = {
    "bold": "22",
    "dim": "22",
    "italic": "23",
    "underline": "24",
    "blink": "25",
    "reverse": "27",
    "strike": "29",
}
_WEIGHT = frozenset({"bold", "dim"})
_CODES = {name: code for code, name in _ATTRIBUTES.items()}
_BLANKS = re.compile("( {12,})")
"""So many blanks are erased with two sequences for less than they cost as characters."""


class ScreenDiff:
    """Rewrites a stream of terminal output into a shorter one that shows the same picture."""

    def __init__(self, columns: int, rows: int, *, erases: bool = True, ascii_only: bool = False) -> None:
        self._ascii_only = ascii_only
        self._erases = erases
        """Whether the terminal erases in the colour of the background."""
        self._sent_pen: Pen | None = None
        self._pen = DEFAULT
        self._at = (0, 0)
        self._cursor: tuple[int, int] | None = None
        self.resize(columns, rows)

    def resize(self, columns: int, rows: int) -> None:
        """Begin anew with a terminal of another size; nothing is known of what it shows."""
        self.size = (columns, rows)
        self._shown = [Line([None] * columns, [DEFAULT] * columns) for _ in range(rows)]
        self._wanted: dict[int, Line] = {}
        self._cursor, self._sent_pen = None, None

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
                self._catch_up(out)
                out.append(token[0])
            elif kind == "raw":
                self._catch_up(out)
                out += (self._tell(self._pen), token[0])
                self.resize(*self.size)
        self._catch_up(out)
        if self._cursor != self._at:
            out.append(self._move(*self._at))
        return "".join(out)

    def _write(self, text: str, out: list[str]) -> None:
        """Note what is wanted; what goes past the edge is not reckoned with, and sent as it is."""
        row, column = self._at
        cells = cells_of(text)
        if self._ascii_only and not text.isascii():
            cells = plain(cells)
            text = "".join(cells)
        stop = column + len(cells)
        self._at = (row, stop)
        if row >= self.size[1] or stop > self.size[0]:
            self._catch_up(out)
            out += (self._move(row, column), self._tell(self._pen), text)
            self._cursor = None
            return
        line = self._wanted.get(row)
        if line is None:
            line = self._wanted[row] = self._shown[row].copy()
        line.write(column, cells, self._pen)

    def _catch_up(self, out: list[str]) -> None:
        """Send what differs between what is wanted and what is shown."""
        if not self._wanted:
            return
        scroll = best_scroll(self._shown, self._wanted)
        if scroll is not None:
            out.append(f"\x1b[{scroll.top + 1};{scroll.bottom + 1}r\x1b[{scroll.top + 1};1H{scroll.sequence}\x1b[r")
            self._cursor = None
            for row in range(scroll.top, scroll.bottom + 1):
                self._wanted.setdefault(row, self._shown[row])
            scroll.apply(self._shown, self.size[0])
        for row in sorted(self._wanted):
            wanted, shown = self._wanted[row], self._shown[row]
            for first, last in wanted.changes(shown):
                self._send(row, first, wanted, last, out)
            self._shown[row] = wanted
        self._wanted = {}

    def _send(self, row: int, first: int, line: Line, last: int, out: list[str]) -> None:
        """Send neighbouring cells, each stretch of one pen in its own."""
        while first < last:
            stop, pen, blank = line.stretch(first, last)
            self._send_stretch(row, first, line.text(first, stop), pen, blank, out)
            first = stop

    def _send_stretch(self, row: int, column: int, text: str, pen: Pen, blank: Pen, out: list[str]) -> None:
        """Send text in its pen, blanks between in the blank pen, long ones erased."""
        if self._cursor != (row, column):
            out.append(self._move(row, column))
        erases = self._erases and not blank.attributes & SEEN_ON_BLANKS
        pieces = [piece for piece in (_BLANKS.split(text) if erases else [text]) if piece]
        end = column + len(text)
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
                out += (self._tell(pen), words)
        self._cursor = (row, end) if text.isascii() and end < self.size[0] else None

    def _move(self, row: int, column: int) -> str:
        self._cursor = (row, column)
        return f"\x1b[{row + 1};{column + 1}H"

    def _tell(self, pen: Pen, cell: str = "") -> str:
        sent = self._sent_pen
        if pen == sent or (
            cell == " "
            and sent is not None
            and pen.background == sent.background
            and not (pen.attributes | sent.attributes) & SEEN_ON_BLANKS
        ):
            return ""
        self._sent_pen = pen
        if sent is None or pen == DEFAULT:
            return "\x1b[0m" + (_difference(DEFAULT, pen) if pen != DEFAULT else "")
        return _difference(sent, pen)


def _difference(sent: Pen, pen: Pen) -> str:
    codes = sorted({_OFF[name] for name in sent.attributes - pen.attributes})
    kept = sent.attributes - _WEIGHT if "22" in codes else sent.attributes  # one code ends both bold and dim
    codes += [_CODES[name] for name in sorted(pen.attributes - kept)]
    if pen.foreground != sent.foreground:
        codes.append(pen.foreground or "39")
    if pen.background != sent.background:
        codes.append(pen.background or "49")
    return f"\x1b[{';'.join(codes)}m"


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


class DiffDriver(LinuxDriver):
    """Textual's driver for Linux, sending differences."""

    _thrift: ScreenDiff | None = None
    _away = False
    """Another program has the terminal: nothing is written into its screen."""

    def write(self, data: str) -> None:
        """Write to the terminal."""
        if self._away:
            return
        columns, rows = self._terminal()
        if self._thrift is None:
            erases = not os.environ.get("TERM", "").startswith("screen")
            self._thrift = ScreenDiff(columns, rows, erases=erases, ascii_only=plain_wanted())
        elif self._thrift.size != (columns, rows):
            self._thrift.resize(columns, rows)
        super().write(self._thrift.feed(data))

    def run_input_thread(self) -> None:
        """Read keys until the app leaves; what the terminal answers is no key, and no bytes at all end the reading."""
        parser, keys = XTermParser(self._debug), KeysOnly()
        heard = time.monotonic()
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                text = ""
                if selector.select(min(keys.waits or POLL_S, POLL_S)):
                    data = os.read(self.fileno, 1 << 12)
                    if not data:
                        break  # nobody is there any more
                    text, heard = keys.feed(data), time.monotonic()
                elif keys.waits is not None and time.monotonic() - heard >= keys.waits:
                    text = keys.give_up()
                    if text == ESC:  # nothing followed it: Textual's own parser would wait once more
                        self.process_message(events.Key("escape", ESC))
                        continue
                for event in (*(parser.feed(text) if text else ()), *parser.tick()):
                    self.process_message(event)

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
