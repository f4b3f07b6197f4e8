"""Mergeable summaries of columns: small, immutable, and addable, so that days sum to weeks and months.

A sketch counts values in the cells that its *reference* laid out, so two sketches of one layout can be merged,
subtracted in thought, and compared without going back to the rows. No numpy here: the console may read them.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from opsconsole.drift.sketches.columns import CategorySketch, MomentSketch, NumericSketch
from opsconsole.drift.sketches.embeddings import EmbeddingSketch

__all__ = [
    "CategorySketch",
    "EmbeddingSketch",
    "MomentSketch",
    "NumericSketch",
    "Sketch",
    "TableSketch",
    "decode",
    "merged",
    "readable",
]

FORMAT = 2
Sketch = NumericSketch | CategorySketch | MomentSketch | EmbeddingSketch


@dataclass(frozen=True)
class TableSketch:
    """The sketches of all columns of the same rows."""

    rows: int
    columns: Mapping[str, Sketch]

    def merge(self, other: TableSketch) -> TableSketch:
        """Return the sketch of both sets of rows; the columns must be the same."""
        if list(self.columns) != list(other.columns):
            raise ValueError("sketches of different columns cannot be merged")
        return TableSketch(
            self.rows + other.rows, {name: merged(mine, other.columns[name]) for name, mine in self.columns.items()}
        )

    def encode(self) -> bytes:
        """Return compact bytes; the same sketch gives the same bytes."""
        document = _Document(
            format=FORMAT,
            rows=self.rows,
            order=list(self.columns),
            numeric={name: one for name, one in self.columns.items() if isinstance(one, NumericSketch)},
            categorical={name: one for name, one in self.columns.items() if isinstance(one, CategorySketch)},
            moments={name: one for name, one in self.columns.items() if isinstance(one, MomentSketch)},
            embeddings={name: one for name, one in self.columns.items() if isinstance(one, EmbeddingSketch)},
        )
        return zlib.compress(msgspec.msgpack.encode(document), 6)


class _Head(msgspec.Struct):
    format: int


class _Document(msgspec.Struct):
    format: int
    rows: int
    order: list[str]
    numeric: dict[str, NumericSketch]
    categorical: dict[str, CategorySketch]
    moments: dict[str, MomentSketch]
    embeddings: dict[str, EmbeddingSketch]


def decode(data: bytes) -> TableSketch:
    """Read what ``TableSketch.encode`` wrote; ValueError for anything else."""
    try:
        plain = zlib.decompress(data)
        found = msgspec.msgpack.decode(plain, type=_Head).format
        if found != FORMAT:
            raise ValueError(f"a sketch of format {found}; this program reads {FORMAT}")
        document = msgspec.msgpack.decode(plain, type=_Document)
    except (zlib.error, msgspec.DecodeError) as error:
        raise ValueError(f"not a stored sketch: {error}") from error
    columns: dict[str, Sketch] = {
        **document.numeric,
        **document.categorical,
        **document.moments,
        **document.embeddings,
    }
    return TableSketch(document.rows, {name: columns[name] for name in document.order})


def readable(data: bytes) -> bool:
    """Whether stored bytes are a sketch of this program's format; an older program's must be counted anew."""
    try:
        return msgspec.msgpack.decode(zlib.decompress(data), type=_Head).format == FORMAT
    except (zlib.error, msgspec.DecodeError):
        return False


def merged(mine: Sketch, theirs: Sketch) -> Sketch:
    """Merge two sketches of one layout, whichever their kind."""
    if isinstance(mine, NumericSketch) and isinstance(theirs, NumericSketch):
        return mine.merge(theirs)
    if isinstance(mine, CategorySketch) and isinstance(theirs, CategorySketch):
        return mine.merge(theirs)
    if isinstance(mine, MomentSketch) and isinstance(theirs, MomentSketch):
        return mine.merge(theirs)
    if isinstance(mine, EmbeddingSketch) and isinstance(theirs, EmbeddingSketch):
        return mine.merge(theirs)
    raise ValueError("sketches of different kinds cannot be merged")
