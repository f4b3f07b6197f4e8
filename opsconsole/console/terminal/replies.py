"""What comes from the terminal and is no key: its answers to questions, of ours or of whoever had the terminal before.

A terminal answers when it likes, in the same stream that keys come in, and over a slow line in pieces. An answer that is
taken for keys starts builds, so only what can be a key, the mouse, or a mode that Textual asks for goes on. The forms are
those of xterm's control sequences (ctlseqs): CSI, OSC, DCS, APC, PM and SOS.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder

ESC, BEL = "\x1b", "\x07"
STRINGS = {"]": "0123456789LlI", "P": "0123456789>!$+=|", "_": "G", "^": "", "X": ""}
"""What opens a string, and what it then begins with; a letter alone is a key with Alt."""
C1_STRINGS = {"\x9d": "]", "\x90": "P", "\x9f": "_", "\x9e": "^", "\x98": "X"}
_KEYS = re.compile(
    r"""\x1b\[(?:
        [0-9:;]*[~A-HPQSZu]              # keys, with modifiers; the end of a paste
      | 1;(?:[2-9]|1[0-6])R              # F3 with modifiers; any other such is where the cursor is
      | <-?[0-9;-]*[Mm]                  # the mouse
      | [IO]                             # the focus
      | \?(?:2026|2048);[0-9]+\$y        # the two modes that Textual asks for
      | 48;[0-9:;]*t                     # a new size, told in the stream
      | \[.                              # function keys of the Linux console
      | M...                             # the mouse of old
    )\Z""",
    re.VERBOSE | re.DOTALL,
)
_CSI = re.compile(r"\x1b\[(?:\[.|M...|[0-?]*[ -/]*[@-~])", re.DOTALL)
_CSI_BEGUN = re.compile(r"\x1b\[(?:\[|M.{0,2}|[0-?]*[ -/]*)\Z", re.DOTALL)
PATIENCE_S = 0.5
"""How long the rest of a sequence is waited for."""
ESCAPE_S = 0.06
"""How long what may be a key, Escape or one with Alt, is held for what may follow."""


class KeysOnly:
    """Takes bytes as they come, and gives back what is no answer; what is not UTF-8 is left out."""

    def __init__(self) -> None:
        self._decode = getincrementaldecoder("utf-8")(errors="ignore").decode
        self._held = ""
        self._in_string = False

    @property
    def waits(self) -> float | None:
        """How many seconds the rest of something is waited for; None when nothing is."""
        if not self._held and not self._in_string:
            return None
        return ESCAPE_S if not self._in_string and len(self._held) <= 2 else PATIENCE_S

    def feed(self, data: bytes) -> str:
        """Return what may be taken for keys."""
        text = self._held + self._decode(data)
        self._held = ""
        out: list[str] = []
        while text:
            text = self._rest_of_string(text) if self._in_string else self._next(text, out)
        return "".join(out)

    def give_up(self) -> str:
        """Nothing more came: return what was held back if it can be keys, and forget the rest."""
        held, self._held, self._in_string = self._held, "", False
        return held if len(held) <= 2 else ""  # Escape, or a key with Alt

    def _next(self, text: str, out: list[str]) -> str:
        """Take what stands at the beginning; return what is left."""
        at = next((place for place, letter in enumerate(text) if letter == ESC or letter in C1_STRINGS), len(text))
        if at:
            out.append(text[:at])
            return text[at:]
        if text[0] != ESC:
            self._in_string = True
            return text[1:]
        if len(text) == 1:
            self._held = text
            return ""
        if text[1] == "[":
            return self._control(text, out)
        if text[1] in STRINGS:
            return self._string(text, out)
        out.append(text[:2] if text[1] != ESC else ESC)
        return text[2:] if text[1] != ESC else text[1:]

    def _control(self, text: str, out: list[str]) -> str:
        match = _CSI.match(text)
        if match is not None:
            if _KEYS.match(match[0]):
                out.append(match[0])
            return text[match.end() :]
        if _CSI_BEGUN.match(text):
            self._held = text
            return ""
        broken = re.match(r"\x1b\[[0-?]*[ -/]*", text)
        assert broken is not None
        return text[broken.end() :]  # cut off by what follows

    def _string(self, text: str, out: list[str]) -> str:
        if len(text) == 2:
            self._held = text
            return ""
        if STRINGS[text[1]] and text[2] not in STRINGS[text[1]]:
            out.append(text[:2])
            return text[2:]
        self._in_string = True
        return text[2:]

    def _rest_of_string(self, text: str) -> str:
        """Swallow a string up to its end; an Escape that ends no string begins something else."""
        end = re.search(r"[\x07\x9c\x18\x1a\x1b]", text)
        if end is None:
            return ""
        if end[0] != ESC:
            self._in_string = False
            return text[end.end() :]
        if end.end() == len(text):
            self._held = ESC
            return ""
        self._in_string = False
        return text[end.end() + 1 :] if text[end.end()] == "\\" else text[end.start() :]
