"""Lengths of time as the operator writes them: ``90s``, ``20m``, ``2h``, ``1d``, ``1h30m``."""

from __future__ import annotations

import re

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")


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
