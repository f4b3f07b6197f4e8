"""Quantities as the operator writes them: ``90s``, ``20m``, ``1h30m``; ``500MB``, ``20GB``."""

from __future__ import annotations

import re

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
GIGABYTE = 1_000_000_000
_SIZES = {"": 1, "b": 1, "kb": 1000, "mb": 1_000_000, "gb": GIGABYTE, "tb": 1000 * GIGABYTE}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?b)?")


class Duration(float):
    """A length of time in seconds."""


def parse_duration(text: object) -> Duration:
    """Read a duration; a bare number is seconds. Raises ValueError with what is accepted."""
    if isinstance(text, int | float) and not isinstance(text, bool):
        seconds = float(text)
    else:
        compact = str(text).strip().lower()
        if not compact or _PART.sub("", compact).strip():
            raise ValueError(f"not a length of time: {text!r} (write it like 90s, 20m, 2h, 1d)")
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(compact))
    if not 0 < seconds < 10 * 365 * 86400:
        raise ValueError(f"not a sensible length of time: {text!r}")
    return Duration(seconds)


class Size(int):
    """An amount of storage in bytes."""


def parse_size(text: object) -> Size:
    """Read an amount of storage; a bare number is bytes. Raises ValueError with what is accepted."""
    if isinstance(text, bool) or not (match := _SIZE.fullmatch(str(text).strip().lower())):
        raise ValueError(f"not an amount of storage: {text!r} (write it like 500MB, 20GB)")
    return Size(float(match[1]) * _SIZES[match[2] or ""])
