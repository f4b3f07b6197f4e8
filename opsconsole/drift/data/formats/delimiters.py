"""The delimiter of a CSV file: detected from its first lines, whatever its name."""

from __future__ import annotations

import csv
import io

SEPARATORS = (",", ";", "\t", "|")
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
LOOKED_AT = 100
"""Lines of the beginning that must agree."""


def delimiter_of(head: str, usual: str, *, whole: bool) -> str:
    """Return what splits the header and all lines after it into as many fields, at least two; else what is usual.

    ``whole`` is whether the head is all there is: otherwise its last line may be cut off.
    """
    for one in dict.fromkeys((usual, *SEPARATORS)):
        counts = _counts(head, one, whole=whole)
        if counts and counts[0] > 1 and len(set(counts)) == 1:
            return one
    return usual


def _counts(head: str, delimiter: str, *, whole: bool) -> list[int]:
    """Return how many fields each of the first lines has; nothing where they cannot be taken apart."""
    lines = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    counts: list[int] = []
    try:
        for fields in lines:
            if len(counts) > LOOKED_AT:
                return counts[:LOOKED_AT]
            if fields:
                counts.append(len(fields))
    except csv.Error:
        return []
    return counts if whole or len(counts) < 2 else counts[:-1]
