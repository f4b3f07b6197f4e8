"""Masking secrets in a stream, also where a block ends in the middle of one, and in the forms that programs give them.

Pure and standard library only. What a program encrypts, hashes or writes letter by letter cannot be known again.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote

MASK = b"***"
SHORTEST = 4
"""Shorter values would mask half of every log."""


class Masker:
    """Replace secrets in bytes that come block by block."""

    def __init__(self, secrets: Iterable[bytes]) -> None:
        forms = sorted({form for secret in secrets for form in forms_of(secret)}, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, forms))) if forms else None
        self._prefixes = {form[:length] for form in forms for length in range(1, len(form))}
        self._longest = max(map(len, forms), default=0)
        self._held = b""

    def __bool__(self) -> bool:
        """Whether there is anything to mask."""
        return self._pattern is not None

    def feed(self, block: bytes) -> bytes:
        """Return what may be written now; an end that could begin a secret is held back until more comes."""
        if self._pattern is None:
            return block
        found = self._pattern.sub(MASK, self._held + block)
        held = self._beginning(found)
        self._held = found[len(found) - held :]
        return found[: len(found) - held]

    def flush(self) -> bytes:
        """Return what was held back: nothing more comes."""
        rest, self._held = self._held, b""
        return rest

    def text(self, text: str) -> str:
        """Return a whole text with its secrets masked."""
        if self._pattern is None:
            return text
        raw = text.encode("utf-8", "surrogateescape")
        return self._pattern.sub(MASK, raw).decode("utf-8", "surrogateescape")

    def _beginning(self, found: bytes) -> int:
        """Return how many bytes at the end may be the beginning of a secret."""
        for length in range(min(self._longest - 1, len(found)), 0, -1):
            if found[len(found) - length :] in self._prefixes:
                return length
        return 0


def forms_of(secret: bytes) -> set[bytes]:
    """Return a secret as it is, line by line, as JSON and URLs write it, and as base64 whatever stands before it."""
    found: set[bytes] = set()
    lines = [line for line in secret.splitlines() if len(line) >= SHORTEST]
    for value in {secret, secret.strip(), *lines}:
        if len(value) < SHORTEST:
            continue
        text = value.decode("utf-8", "surrogateescape")
        found |= {
            value,
            json.dumps(text)[1:-1].encode("ascii", "backslashreplace"),
            quote(value, safe="").encode(),
            quote(value).encode(),
        }
        found |= _base64(value)
    return found


def _base64(value: bytes) -> set[bytes]:
    """Return the letters of a base64 text that this value alone decides, for each of its three places in a group."""
    found: set[bytes] = set()
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + value).rstrip(b"=")
        first = (before * 8 + 5) // 6
        last = (before + len(value)) * 8 // 6
        stable = whole[first:last]
        if len(stable) >= SHORTEST + 2:
            found |= {stable, stable.replace(b"+", b"-").replace(b"/", b"_")}
    return found
