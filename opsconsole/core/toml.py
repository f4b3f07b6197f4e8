"""Parsing untrusted TOML: bounded in time and in nesting depth.

The standard library's reader takes the cube of a dotted key's parts, and one level of the stack for each bracket.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

MOST = 4 << 20
"""Characters of a file."""
DEPTH = 32
"""Tables within tables, and parts of a dotted key."""
KEY = 256
"""Characters of a key."""
_DOTTED = re.compile(
    r"""(?<![\w."'-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){%d}""" % DEPTH  # noqa: UP031 - braces
)


def loads(text: str) -> dict[str, Any]:
    """Parse TOML; TOMLDecodeError also for what is too long, too deep, or has keys that nobody can read."""
    if len(text) > MOST:
        raise tomllib.TOMLDecodeError(f"it is longer than {MOST:,} characters")
    dotted = _DOTTED.search(text)
    if dotted is not None:
        line = text.count("\n", 0, dotted.start()) + 1
        raise tomllib.TOMLDecodeError(f"a key of more than {DEPTH} parts (at line {line}, column 1)")
    try:
        document = tomllib.loads(text)
    except RecursionError as error:
        raise tomllib.TOMLDecodeError("it is nested too deeply") from error
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as error:  # a number that Python itself refuses
        raise tomllib.TOMLDecodeError(str(error)) from error
    _measure(document)
    return document


def _measure(document: dict[str, Any]) -> None:
    waiting: list[tuple[int, object]] = [(0, document)]
    while waiting:
        depth, value = waiting.pop()
        if depth > DEPTH:
            raise tomllib.TOMLDecodeError(f"it is nested more than {DEPTH} deep")
        if isinstance(value, dict):
            long = next((key for key in value if len(key) > KEY), None)
            if long is not None:
                raise tomllib.TOMLDecodeError(f"the key {long[:40]}… has more than {KEY} characters")
            waiting += [(depth + 1, item) for item in value.values()]
        elif isinstance(value, list):
            waiting += [(depth + 1, item) for item in value]
