"""Mergeable summaries of columns: small, immutable, and addable, so that days sum to weeks and months.

A sketch counts values in the cells that its *reference* laid out, so two sketches of one layout can be merged,
subtracted in thought, and compared without going back to the rows. No numpy here: the console may read them.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

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

FORMAT = 3
Sketch = NumericSketch | CategorySketch | MomentSketch | EmbeddingSketch


@dataclass(frozen=True)
class TableSketch:
    """The sketches of all columns of the same rows."""

    rows: int
    columns: Mapping[str, Sketch]

    def merge(self, other: TableSketch) -> TableSketch:
        """Return the sketch of both sets of rows; ValueError for other columns."""
        if list(self.columns) != list(other.columns):
            raise ValueError("sketches of different columns cannot be merged")
        return TableSketch(
            self.rows + other.rows, {name: merged(mine, other.columns[name]) for name, mine in self.columns.items()}
        )

    def encode(self, reference: TableSketch | None = None) -> bytes:
        """Return compact bytes; the same sketch gives the same bytes.

        Of a chunk's sketch most is the layout that it shares with its reference; with ``reference`` that is left out,
        and ``decode`` needs the reference again.
        """
        columns = self.columns if reference is None else _bare(self.columns, reference.columns)
        document = _Document(
            format=FORMAT,
            rows=self.rows,
            order=list(columns),
            numeric={name: one for name, one in columns.items() if isinstance(one, NumericSketch)},
            categorical={name: one for name, one in columns.items() if isinstance(one, CategorySketch)},
            moments={name: one for name, one in columns.items() if isinstance(one, MomentSketch)},
            embeddings={name: one for name, one in columns.items() if isinstance(one, EmbeddingSketch)},
            bare=[name for name in columns if columns[name] is not self.columns[name]],
            layout="" if reference is None else reference.layout,
        )
        return zlib.compress(msgspec.msgpack.encode(document), 6)

    @cached_property
    def layout(self) -> str:
        """What the layout of its columns is known by."""
        layouts = {
            name: one.edges if isinstance(one, NumericSketch) else (one.categories, one.rest)
            for name, one in self.columns.items()
            if isinstance(one, NumericSketch | CategorySketch)
        }
        return hashlib.sha256(msgspec.msgpack.encode(layouts)).hexdigest()[:16]


def _bare(columns: Mapping[str, Sketch], reference: Mapping[str, Sketch]) -> dict[str, Sketch]:
    """Leave out the edges and categories that a column shares with its reference."""
    bare: dict[str, Sketch] = {}
    for name, one in columns.items():
        other = reference.get(name)
        if isinstance(one, NumericSketch) and isinstance(other, NumericSketch) and one.edges == other.edges:
            bare[name] = replace(one, edges=())
        elif (
            isinstance(one, CategorySketch)
            and isinstance(other, CategorySketch)
            and (one.categories, one.rest) == (other.categories, other.rest)
        ):
            bare[name] = replace(one, categories=(), rest=())
        else:
            bare[name] = one
    return bare


def _whole(one: Sketch, reference: Sketch) -> Sketch:
    if isinstance(one, NumericSketch) and isinstance(reference, NumericSketch):
        return replace(one, edges=reference.edges)
    if isinstance(one, CategorySketch) and isinstance(reference, CategorySketch):
        return replace(one, categories=reference.categories, rest=reference.rest)
    raise ValueError("a stored sketch and its reference disagree about a column's kind")


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
    bare: list[str] = []
    """Columns whose edges or categories are those of the reference."""
    layout: str = ""
    """What that reference's layout is known by."""


def decode(data: bytes, references: Iterable[TableSketch] = ()) -> TableSketch:
    """Read what ``TableSketch.encode`` wrote; ValueError for anything else, or where its reference is not among them."""
    try:
        plain = zlib.decompress(data)
        version = msgspec.msgpack.decode(plain, type=_Head).format
        if version != FORMAT:
            raise ValueError(f"a sketch of format {version}; this program reads {FORMAT}")
        document = msgspec.msgpack.decode(plain, type=_Document)
    except (zlib.error, msgspec.DecodeError) as error:
        raise ValueError(f"not a stored sketch: {error}") from error
    columns: dict[str, Sketch] = {
        **document.numeric,
        **document.categorical,
        **document.moments,
        **document.embeddings,
    }
    if document.bare:
        reference = next((one for one in references if one.layout == document.layout), None)
        if reference is None:
            raise ValueError("a stored sketch without the reference that it was counted in")
        columns |= {name: _whole(columns[name], reference.columns[name]) for name in document.bare}
    return TableSketch(document.rows, {name: columns[name] for name in document.order})


def readable(data: bytes) -> bool:
    """Whether stored bytes are a sketch of this program's format; an older program's must be counted anew."""
    try:
        return msgspec.msgpack.decode(zlib.decompress(data), type=_Head).format == FORMAT
    except (zlib.error, msgspec.DecodeError):
        return False


def merged(mine: Sketch, theirs: Sketch) -> Sketch:
    """Merge two sketches of one layout, whichever their kind; ValueError for two kinds."""
    if isinstance(mine, NumericSketch) and isinstance(theirs, NumericSketch):
        return mine.merge(theirs)
    if isinstance(mine, CategorySketch) and isinstance(theirs, CategorySketch):
        return mine.merge(theirs)
    if isinstance(mine, MomentSketch) and isinstance(theirs, MomentSketch):
        return mine.merge(theirs)
    if isinstance(mine, EmbeddingSketch) and isinstance(theirs, EmbeddingSketch):
        return mine.merge(theirs)
    raise ValueError("sketches of different kinds cannot be merged")
