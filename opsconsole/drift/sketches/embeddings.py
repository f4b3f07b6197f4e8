"""Counts of a column of vectors (embeddings): moments of every dimension, and histograms of a few projections."""

from __future__ import annotations

from dataclasses import dataclass, replace

from opsconsole.core.nouns import ColumnKind
from opsconsole.drift.sketches.columns import NumericSketch


@dataclass(frozen=True)
class EmbeddingSketch:
    """Counts of a column of vectors of one length.

    The reference lays out ``center``, its mean, and ``directions``, its first principal components from a sample; each
    vector's place along them is counted in ``projections``. Sums are of the differences from the center.
    """

    kind: ColumnKind
    size: int
    center: tuple[float, ...]
    directions: tuple[tuple[float, ...], ...]
    split: bool
    """Whether the rows that are known by their bits to be fitted on are left out of the projections, on both sides."""
    count: int
    """Vectors of the right length, all numbers finite."""
    wrong: int
    """Rows of another length, or with numbers that are missing or infinite."""
    missing: int
    sums: tuple[float, ...]
    squares: tuple[float, ...]
    projections: tuple[NumericSketch, ...]

    @property
    def present(self) -> int:
        """How many values there are, wrong ones too."""
        return self.count + self.wrong

    @property
    def rows(self) -> int:
        """Values and missing ones together."""
        return self.present + self.missing

    def merge(self, other: EmbeddingSketch) -> EmbeddingSketch:
        """Return the sketch of both sets of rows together; ValueError for another layout."""
        if (self.size, self.center, self.directions) != (other.size, other.center, other.directions):
            raise ValueError("sketches of different layouts cannot be merged")
        return replace(
            self,
            count=self.count + other.count,
            wrong=self.wrong + other.wrong,
            missing=self.missing + other.missing,
            sums=tuple(a + b for a, b in zip(self.sums, other.sums, strict=True)),
            squares=tuple(a + b for a, b in zip(self.squares, other.squares, strict=True)),
            projections=tuple(a.merge(b) for a, b in zip(self.projections, other.projections, strict=True)),
        )
