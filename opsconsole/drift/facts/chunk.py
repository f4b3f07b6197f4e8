"""All facts from a chunk's own rows: stored, so that verdicts can be made again without the rows."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import msgspec

from opsconsole.drift.facts.column import ColumnFacts
from opsconsole.drift.performance.estimates.binary import Estimated
from opsconsole.store.baselines import Realised

FORMAT = 2


@dataclass(frozen=True)
class QualityFact:
    """One thing about the rows that is wrong by itself, without any reference."""

    text: str
    column: str | None = None
    share: float | None = None
    of_number: bool = False
    """It tells that too few rows came, or none any more: the very thing that keeps a chunk from a verdict."""
    stale: bool = False
    """It tells that no row has come for longer than is allowed."""


@dataclass(frozen=True)
class SliceFacts:
    """Performance and scores of a chunk's rows with one value of a column."""

    column: str
    value: str
    rows: int
    realised: Realised | None
    psi: float | None
    """How far its scores moved."""
    noise_p: float | None


@dataclass(frozen=True)
class Losses:
    """The stream of a chunk's errors in the order of time, as means of blocks of rows."""

    values: tuple[float, ...] = ()
    times: tuple[int, ...] = ()
    """When each block begins, in seconds since 1970 by the wall clock of the data."""
    size: int = 1
    """Rows of a block; the last has up to twice as many."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The facts of a chunk; verdicts, which depend on the chunks before it too, are elsewhere."""

    rows: int
    labels: int
    columns: tuple[ColumnFacts, ...]
    realised: tuple[Realised, ...] = ()
    """All metrics of the task, the monitor's own first."""
    estimated: Estimated | None = None
    """The monitor's metric as estimated without labels."""
    structure: tuple[float, float] | None = None
    """Mean reconstruction error and its standard error."""
    slices: tuple[SliceFacts, ...] = ()
    quality: tuple[QualityFact, ...] = ()
    losses: Losses = Losses()
    scores: tuple[bytes, bytes, bytes] | None = None
    """Encoded histograms of a binary model's scores by label: what sums of chunks are measured from."""
    season: str | None = None
    """The season of the reference that it was compared with, in words; None: with all of it."""

    def encode(self) -> bytes:
        """Return compact bytes."""
        return zlib.compress(msgspec.msgpack.encode(_Document(FORMAT, self)), 6)


class _Document(msgspec.Struct):
    format: int
    measured: Measured


def decode(data: bytes) -> Measured | None:
    """Read what ``Measured.encode`` wrote; None for what another version wrote: it is measured again."""
    try:
        document = msgspec.msgpack.decode(zlib.decompress(data), type=_Document)
    except (zlib.error, msgspec.DecodeError):
        return None
    return document.measured if document.format == FORMAT else None
