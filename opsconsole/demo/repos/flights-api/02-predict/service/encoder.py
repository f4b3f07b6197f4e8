"""From the rows of a request to numbers, as ``columns.json`` beside the model says."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path


class BadRow(ValueError):
    """A row that cannot be read; the message says which and why."""


class Encoder:
    """Knows the columns of one version; what is missing, or a category never seen, is NaN."""

    def __init__(self, columns: Sequence[Mapping[str, object]]) -> None:
        self.names = [str(column["name"]) for column in columns]
        self._codes = [
            None if column["categories"] is None else {text: code for code, text in enumerate(column["categories"])}
            for column in columns
        ]

    @classmethod
    def read(cls, folder: Path) -> Encoder:
        """Read the columns of a version."""
        return cls(json.loads((folder / "columns.json").read_text(encoding="utf-8")))

    def encode(self, rows: Sequence[Mapping[str, object]]) -> list[list[float]]:
        """Return a list of numbers for each row."""
        return [self._row(place, row) for place, row in enumerate(rows)]

    def _row(self, place: int, row: Mapping[str, object]) -> list[float]:
        if not isinstance(row, dict):
            raise BadRow(f"row {place} is no object")
        return [
            self._number(place, name, row.get(name), codes) for name, codes in zip(self.names, self._codes, strict=True)
        ]

    def _number(self, place: int, name: str, value: object, codes: Mapping[str, int] | None) -> float:
        if value is None:
            return math.nan
        if codes is not None:
            return float(codes.get(str(value), math.nan))
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadRow(f"row {place}: {name} is no number")
        return float(value)
