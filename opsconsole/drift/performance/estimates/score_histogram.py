"""A chunk's scores as a histogram: what performance is estimated from when days are summed to months."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@cache
def edges() -> Floats:
    """Return the inner edges, the same for all histograms, so that any two can be merged.

    From .01 to .99 a bin is .001 wide, so that every threshold of three decimals is an edge. Outside bins get
    narrower by the same ratio: 25 a decade down to 1e-5, where the scores of rare events lie, and 6 a decade down to
    1e-14, on which a log-loss may hang. 1,240 bins in all.
    """
    tail = np.concatenate([np.geomspace(1e-14, 1e-5, 55)[:-1], np.geomspace(1e-5, 0.01, 76)[:-1]])
    cuts = np.concatenate([tail, np.arange(10, 991) / 1000, 1 - tail[::-1]])
    cuts.flags.writeable = False
    return cuts


@dataclass(frozen=True)
class ScoreHistogram:
    """How many scores lie in each bin, and their sums; scores outside 0..1 count at the ends."""

    counts: tuple[int, ...]
    sums: tuple[float, ...]

    @property
    def rows(self) -> int:
        """How many scores there are."""
        return sum(self.counts)

    def merge(self, other: ScoreHistogram) -> ScoreHistogram:
        """Return the histogram of both sets of rows together."""
        return ScoreHistogram(
            tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)),
            tuple(a + b for a, b in zip(self.sums, other.sums, strict=True)),
        )

    def centres(self) -> tuple[Floats, NDArray[np.int64]]:
        """Return the mean score and the rows of each bin that has any; a mean never leaves its bin by rounding."""
        counts = np.array(self.counts, dtype=np.int64)
        there = counts > 0
        lower = np.concatenate([[0.0], edges()])[there]
        upper = np.concatenate([np.nextafter(edges(), 0.0), [1.0]])[there]
        return np.clip(np.array(self.sums)[there] / counts[there], lower, upper), counts[there]

    def encode(self) -> bytes:
        """Return compact bytes; the same histogram gives the same bytes."""
        return zlib.compress(msgspec.msgpack.encode(self), 6)


def count_scores(scores: Floats) -> ScoreHistogram:
    """Count a chunk's scores; those that are missing are left out."""
    there = np.clip(scores[np.isfinite(scores)], 0.0, 1.0)
    of_row = np.searchsorted(edges(), there, side="right")
    bins = len(edges()) + 1
    sums = np.bincount(of_row, weights=there, minlength=bins)
    return ScoreHistogram(tuple(np.bincount(of_row, minlength=bins).tolist()), tuple(sums.tolist()))


def decode_histogram(data: bytes) -> ScoreHistogram:
    """Read what ``ScoreHistogram.encode`` wrote; ValueError for anything else."""
    try:
        histogram = msgspec.msgpack.decode(zlib.decompress(data), type=ScoreHistogram)
    except (zlib.error, msgspec.DecodeError) as error:
        raise ValueError(f"not a stored score histogram: {error}") from error
    if len(histogram.counts) != len(edges()) + 1 or len(histogram.sums) != len(histogram.counts):
        raise ValueError(f"a score histogram of {len(histogram.counts)} bins; this program reads {len(edges()) + 1}")
    return histogram


@dataclass(frozen=True)
class LabelledScores:
    """A chunk's scores by what became of its rows; those of its days sum to those of a month."""

    cases: ScoreHistogram
    others: ScoreHistogram
    unlabelled: ScoreHistogram

    @property
    def all(self) -> ScoreHistogram:
        """The scores of all rows."""
        return self.labelled.merge(self.unlabelled)

    @property
    def labelled(self) -> ScoreHistogram:
        """The scores of the rows that have a label."""
        return self.cases.merge(self.others)

    def merge(self, other: LabelledScores) -> LabelledScores:
        """Return those of both sets of rows together."""
        return LabelledScores(
            self.cases.merge(other.cases), self.others.merge(other.others), self.unlabelled.merge(other.unlabelled)
        )

    def encode(self) -> tuple[bytes, bytes, bytes]:
        """Return compact bytes."""
        return self.cases.encode(), self.others.encode(), self.unlabelled.encode()


def count_by_label(labels: Floats, scores: Floats) -> LabelledScores:
    """Count scores by their labels: 1, 0, or missing."""
    return LabelledScores(
        count_scores(scores[labels == 1]), count_scores(scores[labels == 0]), count_scores(scores[~np.isfinite(labels)])
    )


def decode_by_label(data: tuple[bytes, bytes, bytes]) -> LabelledScores:
    """Read what ``LabelledScores.encode`` wrote; ValueError for anything else."""
    return LabelledScores(*map(decode_histogram, data))
