"""The one sanitiser and the one formatter.

Text from outside (logs, commit messages, test names, metrics, file names) is hostile: a raw OSC 52 in a log line can
write the operator's clipboard. ``clean`` and ``styled`` are the only doors by which such text reaches a screen.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache

_ESCAPES = r"""
      (?:\x1b\[|\x9b)(?P<parameters>[0-?]*)[ -/]*(?P<final>[@-~])?    # CSI, whole or cut short
    | (?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x9c|\x1b\\|(?=[\x1b\n])|$)   # OSC, DCS, SOS, PM, APC
    | \x1b[ -/]*[0-~]?                                          # two-character escapes, a lone ESC
    """
_BIDI = "\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c"
_SUSPECT = re.compile(f"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufff9-\ufffb{_BIDI}\ud800-\udfff]")
_COLOURS = re.compile(rb"\x1b\[[0-9;:]*m")
"""By far the most frequent sequence, found quickly by its beginning."""
_CONTROLS = tuple(
    char.encode() for char in "\x00\x07\x08\x1b\x90\x98\x9b\x9d\x9e\x9f\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
)
TAB = 8


@dataclass(frozen=True)
class Sgr:
    """How a stretch of text looked in its terminal: colours are 0-255 or ``#rrggbb``, None is the default."""

    foreground: int | str | None = None
    background: int | str | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False


PLAIN = Sgr()


@dataclass(frozen=True)
class Span:
    """A stretch of harmless text in one style."""

    text: str
    style: Sgr = PLAIN


@cache
def _sequence() -> re.Pattern[str]:
    """Return the pattern of escape sequences, made when the first one is met: most text has none."""
    return re.compile(_ESCAPES, re.VERBOSE)


@cache
def _forbidden() -> re.Pattern[str]:
    """Return what never reaches a screen, whatever stands around it."""
    return re.compile(f"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufff9-\ufffb{_BIDI}\ud800-\udfff]")


@cache
def _unseen() -> re.Pattern[str]:
    """Return what ``visible`` leaves out of a block: the forbidden, save the ends of lines."""
    return re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufff9-\ufffb{_BIDI}]")


def decode(data: bytes) -> str:
    """Turn bytes from outside into text; what is not UTF-8 shows as the replacement character."""
    return data.decode("utf-8", errors="replace")


def storable(text: str) -> str:
    """Return text that a database takes: half characters, as names that are no UTF-8 have them, are spelled out."""
    return text.encode("utf-8", "backslashreplace").decode()


def clean(text: str | bytes, *, limit: int | None = None) -> str:
    """Return one harmless line: no control characters, no escape sequences, newlines as spaces, at most ``limit``."""
    line = decode(text) if isinstance(text, bytes) else text
    if limit is not None:
        line = line[: limit * 8 + 64]
    if _SUSPECT.search(line):
        line = _sequence().sub("", line)
        line = re.sub(r"[\r\n\u2028\u2029]+", " ", line).expandtabs(TAB)
        line = _forbidden().sub("", line)
    if limit is not None and len(line) > limit:
        line = line[: max(limit - 1, 0)] + "…"
    return line


def clean_lines(text: str | bytes) -> str:
    """Return harmless text that keeps its line breaks."""
    whole = decode(text) if isinstance(text, bytes) else text
    return "\n".join(clean(line) for line in whole.split("\n"))


def styled(text: str | bytes, start: Sgr = PLAIN) -> tuple[list[Span], Sgr]:
    """Return a line's harmless spans with their colours, and the style that the next line goes on with.

    A carriage return overwrites, so only the last state of a progress bar is left.
    """
    line = decode(text) if isinstance(text, bytes) else text
    if not _SUSPECT.search(line):
        return ([Span(line, start)] if line else []), start
    line = last_state(line.rstrip("\r\n"))
    spans: list[Span] = []
    style, position, column = start, 0, 0
    for match in _sequence().finditer(line):
        column = _append(spans, line[position : match.start()], style, column)
        position = match.end()
        if match["final"] == "m":
            style = _sgr(style, match["parameters"])
    _append(spans, line[position:], style, column)
    return spans, style


def last_state(line: str) -> str:
    """Return what is left of a line when each carriage return overwrites: the last state of a progress bar."""
    if "\r" not in line:
        return line
    return next((part for part in reversed(line.split("\r")) if part), "")


def visible(block: bytes) -> str:
    """Return whole lines of a log as they are read: no escape sequences, last states only, the same number of lines.

    Tabs stay tabs, so that a search may name them.
    """
    if b"\r" in block:
        lines = block.split(b"\n")
        block = b"\n".join(_last_bytes(line) if b"\r" in line else line for line in lines)
    plain = _COLOURS.sub(b"", block) if b"\x1b" in block else block
    if not any(control in plain for control in _CONTROLS):
        return decode(plain)
    return _unseen().sub("", _sequence().sub("", decode(block)))


def _last_bytes(line: bytes) -> bytes:
    return next((part for part in reversed(line.rstrip(b"\r").split(b"\r")) if part), b"")


def _append(spans: list[Span], raw: str, style: Sgr, column: int) -> int:
    harmless = _forbidden().sub("", raw)
    if "\t" in harmless:
        harmless = _expanded(harmless, column)
    if harmless:
        spans.append(Span(harmless, style))
    return column + width(harmless)


def _expanded(line: str, column: int) -> str:
    """Return text with its tabs as blanks to the next stop, counted in cells."""
    first, *others = line.split("\t")
    parts, at = [first], column + width(first)
    for part in others:
        gap = TAB - at % TAB
        parts.append(" " * gap + part)
        at += gap + width(part)
    return "".join(parts)


_FLAGS = {
    1: {"bold": True},
    2: {"dim": True},
    3: {"italic": True},
    4: {"underline": True},
    7: {"reverse": True},
    22: {"bold": False, "dim": False},
    23: {"italic": False},
    24: {"underline": False},
    27: {"reverse": False},
}


def _sgr(style: Sgr, parameters: str) -> Sgr:
    """Apply one SGR sequence; what it does not know it leaves out."""
    codes = [int(code) if code.isdigit() and len(code) < 5 else 0 for code in re.split("[;:]", parameters or "0")]
    index = 0
    while index < len(codes):
        code = codes[index]
        if code == 0:
            style = PLAIN
        elif code in _FLAGS:
            style = replace(style, **_FLAGS[code])
        elif code in {38, 48}:
            colour, used = _extended(codes[index + 1 :])
            style = replace(style, foreground=colour) if code == 38 else replace(style, background=colour)
            index += used
        elif 30 <= code <= 37 or 90 <= code <= 97:
            style = replace(style, foreground=code - 30 if code < 90 else code - 82)
        elif 40 <= code <= 47 or 100 <= code <= 107:
            style = replace(style, background=code - 40 if code < 100 else code - 92)
        elif code == 39:
            style = replace(style, foreground=None)
        elif code == 49:
            style = replace(style, background=None)
        index += 1
    return style


def _extended(codes: list[int]) -> tuple[int | str | None, int]:
    if codes[:1] == [5] and len(codes) >= 2:
        return min(codes[1], 255), 2
    if codes[:1] == [2] and len(codes) >= 4:
        red, green, blue = (min(part, 255) for part in codes[1:4])
        return f"#{red:02x}{green:02x}{blue:02x}", 4
    return None, len(codes)


def width(text: str) -> int:
    """Return how many terminal cells harmless text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.category(char) in {"Mn", "Me", "Cf"}
        else 2
        if unicodedata.east_asian_width(char) in "WF"
        else 1
        for char in text
    )


def decimals(value: float | None, digits: int = 3, *, signed: bool = False) -> str:
    """Format a score the way papers do: ``.756``, ``+.065``, ``1.234``; a missing one is ``–``."""
    if value is None or math.isnan(value):
        return "–"
    text = f"{value:{'+' if signed else ''}.{digits}f}"
    if float(text) == 0:
        text = text.replace("-", "")
    return re.sub(r"^([+-]?)0\.", r"\1.", text).replace("-", "−")


def psi(value: float | None) -> str:
    """Format a population stability index with as many digits as matter: ``.026``, ``.19``, ``5.9``."""
    size_ = abs(value or 0.0)
    return decimals(value, 1 if size_ >= 1 else 2 if size_ >= 0.1 else 3)


def number(value: float | None) -> str:
    """Return a measured value in four figures: ``67.3``, ``1,240``, ``.0012``."""
    if value is None or not math.isfinite(value):
        return "–"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def p_value(value: float | None) -> str:
    """Format a p-value with its sign: ``p < .001`` or ``p = .042``."""
    if value is None:
        return "p unknown"
    return "p < .001" if value < 0.001 else f"p = {decimals(value)}"


def count(number: int | None) -> str:
    """Format a whole number: ``28,618``."""
    return "–" if number is None else f"{number:,}"


def percent(share: float | None, digits: int = 0) -> str:
    """Format a share of one: ``97 %``."""
    return "–" if share is None or math.isnan(share) else f"{share * 100:.{digits}f} %"


def size(number: int | None) -> str:
    """Format bytes: ``1.1 MB``."""
    if number is None:
        return "–"
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def duration(seconds: float | None) -> str:
    """Format how long something took: ``0.3 s``, ``12.4 s``, ``1:58``, ``2 h 05``."""
    if seconds is None:
        return "–"
    if seconds < 59.95:
        return f"{max(seconds, 0.0):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d}"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d}" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def moment(at: datetime) -> str:
    """Format a moment by the operator's clock: ``07:12``, and on another day ``Nov 29 07:12``."""
    here, today = at.astimezone(), datetime.now().astimezone().date()
    return f"{here:%H:%M}" if here.date() == today else f"{here:%b %d %H:%M}"


def age(since: datetime | None, now: datetime) -> str:
    """Format how long ago: ``now``, ``18 min``, ``3 h``, ``2 d``; steps by the minute, so that a still screen is still."""
    if since is None:
        return "–"
    passed = now - since
    minutes = int(passed / timedelta(minutes=1))
    if minutes < 1:
        return "now"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // 1440} d"


def plural(number: int, noun: str, many: str | None = None) -> str:
    """Return ``1 run``, ``2 runs``."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def listed(names: list[str]) -> str:
    """Return ``a``, ``a and b``, or ``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
