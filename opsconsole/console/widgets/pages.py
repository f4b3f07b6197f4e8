"""What a list shows: rows of cells, all there or read in blocks when they are seen."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

from opsconsole.console.widgets.tones import Cell, Column, Tone, Toned, parts
from opsconsole.core import text as words

BLOCK = 200
FILTERED = 5_000
"""Rows that a filter looks through, from the first."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list."""

    key: Hashable
    """What the row is about; headings and rules have None and cannot be selected."""
    cells: tuple[Cell, ...]
    columns: tuple[Column, ...]
    heads: bool = False
    """It is the heading of what follows, marked while the cursor is there."""

    @property
    def selectable(self) -> bool:
        """Whether the cursor may rest on it."""
        return self.key is not None


BLANK = Row(None, (), ())


def heading(title: str, count: int | None = None, *rest: Toned) -> Row:
    """Return a section's heading, which says how many there are."""
    shown = (Toned(title, "strong"), Toned(f"  {count:,}" if count is not None else "", "dim"), *rest)
    return Row(None, (shown,), (Column(),), heads=True)


def sentences(paragraphs: str, width: int, tone: Tone = "text") -> list[Row]:
    """Return a sentence as rows of at most ``width`` cells."""
    import textwrap

    return [
        Row(None, (Toned(line, tone),), (Column(),)) for line in textwrap.wrap(words.clean(paragraphs), width) or [""]
    ]


def note(text: str) -> Row:
    """Return a quiet line, such as what to press when a list is empty."""
    return Row(None, (Toned(text, "dim"),), (Column(),))


@dataclass(frozen=True, slots=True)
class Example:
    """The key of a line that can be pasted into a shell: what a list that is empty begins with."""

    pasted: str
    """What is copied: a command line, or lines of a file."""
    begun: str = ""
    """What the ``:`` line is begun with that does the same here; empty: there is none."""


def nothing_yet(sentences_shown: Sequence[str], example: Example, doing: str) -> list[Row]:
    """Return what stands in a list that is empty: what would be there, a line to paste, and which key does it here."""
    lines = example.pasted.splitlines()
    return [
        *(Row(None, (Toned(line),), (Column(),)) for line in sentences_shown),
        *(
            Row(example if number == 0 else None, (Toned(f"  {line}", "accent"),), (Column(),))
            for number, line in enumerate(lines)
        ),
        note(doing),
    ]


class Page(Protocol):
    """Where a list's rows come from."""

    def __len__(self) -> int:
        """Return how many rows there are."""

    def row(self, index: int) -> Row:
        """Return one row."""

    def index_of(self, key: Hashable) -> int | None:
        """Return where a key stands, as far as that is cheap to know."""

    def head_of(self, index: int) -> int | None:
        """Return where the heading stands that a row belongs to; None where there is none."""


class Rows:
    """Rows that are all there."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = tuple(rows)
        self._index = {row.key: index for index, row in enumerate(self.rows) if row.key is not None}
        self._heads = [index for index, row in enumerate(self.rows) if row.heads]

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.rows)

    def row(self, index: int) -> Row:
        """Return one row."""
        return self.rows[index]

    def index_of(self, key: Hashable) -> int | None:
        """Return where a key stands."""
        return self._index.get(key)

    def head_of(self, index: int) -> int | None:
        """Return where the heading of a row stands: the nearest above it, before the first one that first one."""
        return self._heads[max(bisect_right(self._heads, index) - 1, 0)] if self._heads else None


class Window:
    """Rows that are read in blocks when they are seen; the keys of the blocks read so far are known."""

    def __init__(self, count: int, fetch: Callable[[int, int], Sequence[Row]]) -> None:
        self.count = count
        self._fetch = fetch
        self._blocks: dict[int, Sequence[Row]] = {}

    def __len__(self) -> int:
        """Return how many rows there are."""
        return self.count

    def row(self, index: int) -> Row:
        """Return one row, reading its block when needed."""
        number, offset = divmod(index, BLOCK)
        if number not in self._blocks:
            if len(self._blocks) > 16:
                self._blocks.pop(next(iter(self._blocks)))
            self._blocks[number] = self._fetch(number * BLOCK, BLOCK)
        block = self._blocks[number]
        return block[offset] if offset < len(block) else BLANK

    def index_of(self, key: Hashable) -> int | None:
        """Return where a key stands among the blocks that were read."""
        if not self._blocks and self.count:
            self.row(0)
        for number, block in self._blocks.items():
            for offset, row in enumerate(block):
                if row.key == key:
                    return number * BLOCK + offset
        return None

    def head_of(self, index: int) -> int | None:  # noqa: ARG002 - every page answers
        """Rows that are read in blocks have no heading among them."""
        return None


def filtered(page: Page, wanted: str) -> Rows:
    """Return the rows whose text holds what is wanted; headings stay."""
    inverse = wanted.startswith("!")
    needle = wanted.removeprefix("!").casefold()
    kept: list[Row] = []
    for index in range(min(len(page), FILTERED)):
        row = page.row(index)
        shown = " ".join(part.text for cell in row.cells for part in parts(cell)).casefold()
        if not row.selectable or (needle in shown) != inverse:
            kept.append(row)
    return Rows(kept)
