"""Text with a tone: the few colours of the console by meaning, and rows of aligned cells made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rich.segment import Segment
from rich.style import Style

from opsconsole.core import text

Tone: TypeAlias = Literal["text", "strong", "dim", "faint", "accent", "good", "bad", "warn", "champion"]
TONES: tuple[Tone, ...] = ("text", "strong", "dim", "faint", "accent", "good", "bad", "warn", "champion")
GAP = 2


@dataclass(frozen=True, slots=True)
class Toned:
    """A stretch of text in one tone."""

    text: str
    tone: Tone = "text"


Cell: TypeAlias = str | Toned | tuple[Toned, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list."""

    title: str = ""
    width: int | None = None
    """Cells; None takes what is left."""
    least: int = 8
    """A flexible column's least width, below which other columns are dropped."""
    right: bool = False
    drop: int = 0
    """Columns with a higher number go first when the list is narrow; 0 stays."""


def parts(cell: Cell) -> tuple[Toned, ...]:
    """Return a cell as toned stretches."""
    if isinstance(cell, str):
        return (Toned(cell),)
    return (cell,) if isinstance(cell, Toned) else cell


def widths(columns: Sequence[Column], available: int) -> list[int]:
    """Return each column's width in ``available`` cells; a dropped column has 0."""
    kept = list(range(len(columns)))

    def needed() -> int:
        own = sum(columns[index].width if columns[index].width is not None else columns[index].least for index in kept)  # type: ignore[misc]
        return own + GAP * (len(kept) - 1)

    for index in sorted((i for i in kept if columns[i].drop), key=lambda i: -columns[i].drop):
        if needed() <= available:
            break
        kept.remove(index)
    flexible = [index for index in kept if columns[index].width is None]
    fixed = sum(columns[index].width or 0 for index in kept) + GAP * max(len(kept) - 1, 0)
    shares = [0] * len(columns)
    spare = max(available - fixed, 0)
    for position, index in enumerate(flexible):
        share = spare // (len(flexible) - position)
        shares[index] = share
        spare -= share
    for index in kept:
        if columns[index].width is not None:
            shares[index] = columns[index].width or 0
    return shares


def fit(cell: Cell, width: int, *, right: bool = False) -> list[Toned]:
    """Return a cell's stretches cleaned, cut with ``…`` or padded to exactly ``width`` cells."""
    stretches = [Toned(text.clean(part.text), part.tone) for part in parts(cell)]
    used = sum(text.width(part.text) for part in stretches)
    if used > width:
        stretches = _cut(stretches, width)
        used = sum(text.width(part.text) for part in stretches)
    padding = Toned(" " * (width - used))
    if not padding.text:
        return stretches
    return [padding, *stretches] if right else [*stretches, padding]


def _cut(stretches: list[Toned], width: int) -> list[Toned]:
    room = width - 1
    kept: list[Toned] = []
    for part in stretches:
        taken = ""
        for char in part.text:
            size = text.width(char)
            if room < size:
                return [*kept, Toned(taken + "…", part.tone)] if width > 0 else []
            taken += char
            room -= size
        kept.append(Toned(taken, part.tone))
    return kept


def segments(stretches: Sequence[Toned], styles: Mapping[Tone, Style]) -> list[Segment]:
    """Return what a strip is made of: blanks join what stands before them, neighbours of one tone are one."""
    merged: list[Toned] = []
    for part in stretches:
        if not part.text:
            continue
        if merged and (part.tone == merged[-1].tone or part.text.isspace()):
            merged[-1] = Toned(merged[-1].text + part.text, merged[-1].tone)
        else:
            merged.append(part)
    return [Segment(part.text, styles[part.tone]) for part in merged]


EVIDENCE = (Column(width=1), Column(width=12), Column(least=20))
"""A glyph, a name, what is to say of it: a gate, or what an act on production would do."""
