"""Notes on data that is odd and can be used all the same."""

from __future__ import annotations

from dataclasses import dataclass

from opsconsole.drift.data.errors import shown


@dataclass(frozen=True)
class Note:
    """One thing that is odd, in words, and the column that it is about if it is about one."""

    text: str
    column: str | None = None


def read_as_text(name: str, column: str, row: int, value: object, others: str) -> Note:
    """Return the note on a column whose values are of several types; ``row`` counts from 1, without a header."""
    return Note(f"{name}: column `{column}` is read as text: row {row:,} holds `{shown(value)}`, {others}", column)
