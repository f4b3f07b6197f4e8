"""Masking secrets in a stream, also where a block ends in the middle of one, and in the forms that programs give them.

Pure and standard library only. What a program encrypts, hashes or writes letter by letter cannot be known again.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = b"***"
SHORTEST = 4
"""Shorter values would mask half of every log."""
ANCHOR = 4
"""Bytes of a form's beginning that are looked for first."""


class Masker:
    """Replace secrets in bytes that come block by block."""

    def __init__(self, secrets: Iterable[bytes]) -> None:
        forms = sorted({form for secret in secrets for form in forms_of(secret)}, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, forms))) if forms else None
        self._forms = forms
        self._longest = max(map(len, forms), default=0)
        self._held = b""

    def __bool__(self) -> bool:
        """Whether there is anything to mask."""
        return self._pattern is not None

    def feed(self, block: bytes) -> bytes:
        """Return what may be written now; an end that could begin a secret is held back until more comes."""
        if self._pattern is None:
            return block
        masked = self._pattern.sub(MASK, self._held + block)
        held = self._beginning(masked)
        self._held = masked[len(masked) - held :]
        return masked[: len(masked) - held]

    def flush(self) -> bytes:
        """Return what was held back: nothing more comes."""
        rest, self._held = self._held, b""
        return rest

    def _beginning(self, masked: bytes) -> int:
        """Return how many bytes at the end may be the beginning of a secret, at the most."""
        return max((_overlap(masked, form) for form in self._forms), default=0)


def _overlap(text: bytes, form: bytes) -> int:
    """Return the length of the longest end of ``text`` that ``form`` begins with, but for the whole of it."""
    longest = min(len(form) - 1, len(text))
    at = text.find(form[:ANCHOR], len(text) - longest)
    while at >= 0:
        if form.startswith(text[at:]):
            return len(text) - at
        at = text.find(form[:ANCHOR], at + 1)
    shorter = range(min(ANCHOR - 1, longest), 0, -1)
    return next((length for length in shorter if form.startswith(text[len(text) - length :])), 0)


def forms_of(secret: bytes) -> set[bytes]:
    """Return a secret as it is, line by line, and as programs write it: for JSON, Python, URLs, XML, shells, in base64."""
    forms: set[bytes] = set()
    lines = [line for line in secret.splitlines() if len(line) >= SHORTEST]
    for value in {secret, secret.strip(), *lines}:
        if len(value) < SHORTEST:
            continue
        text = value.decode("utf-8", "surrogateescape")
        forms |= {value, *_escaped(text), *_in_urls(value), *_in_xml(text), *_in_shells(text)}
        forms |= _base64(value)
    return forms


def _escaped(text: str) -> set[bytes]:
    """Return a text as JSON and Python's ``repr`` write it."""
    plain = json.dumps(text, ensure_ascii=False)[1:-1]
    texts = {json.dumps(text)[1:-1], plain, plain.replace("/", "\\/"), repr(text)[1:-1], repr(text + "'")[1:-2]}
    as_bytes = repr(text.encode("utf-8", "surrogateescape"))[2:-1]
    return {_bytes(form) for form in {*texts, as_bytes, text.replace("'", "\\'"), text.replace('"', '\\"')}}


def _in_urls(value: bytes) -> set[bytes]:
    texts = {quote(value, safe=""), quote(value), quote_plus(value), quote(value, safe="~()*!'")}
    lower = {re.sub(r"%[0-9A-F]{2}", lambda code: code[0].lower(), text) for text in texts}
    return {text.encode("ascii") for text in texts | lower}


def _in_xml(text: str) -> set[bytes]:
    """Return a text as XML and HTML write it, in text and in attributes, by the names and the numbers that are in use."""
    base = text.replace("&", "&amp;").replace("<", "&lt;")
    forms = {base}
    for letter, codes in (
        (">", ("&gt;",)),
        ('"', ("&quot;", "&#34;", "&#x22;")),
        ("'", ("&apos;", "&#39;", "&#x27;")),
        ("\n", ("&#10;", "&#xA;", "&#xa;")),
    ):
        if letter in text:
            forms |= {form.replace(letter, code) for form in forms for code in codes}
    return {_bytes(form) for form in forms}


def _in_shells(text: str) -> set[bytes]:
    """Return a text as shells quote it: within single quotes, within double ones, letter by letter, and as ``$'…'``."""
    single = {text.replace("'", joint) for joint in ("'\"'\"'", "'\\''")}
    double = re.sub(r'([\\"$`])', r"\\\1", text)
    letters = re.sub(r"([^\w@%+=:,./-])", r"\\\1", text, flags=re.ASCII)
    return {_bytes(form) for form in {*single, double, letters}}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _base64(value: bytes) -> set[bytes]:
    """Return the letters of a base64 text that this value alone decides, for each of its three places in a group."""
    forms: set[bytes] = set()
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + value).rstrip(b"=")
        first = (before * 8 + 5) // 6
        last = (before + len(value)) * 8 // 6
        stable = whole[first:last]
        if len(stable) >= SHORTEST + 2:
            forms |= {stable, stable.replace(b"+", b"-").replace(b"/", b"_")}
    return forms
