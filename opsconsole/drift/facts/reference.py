"""What is fitted on a reference besides its sketch: stored with the baseline, so that its rows are never read again."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from opsconsole.drift.measures.structure import StructureModel
from opsconsole.drift.performance.estimates.estimator import NOTHING, Estimator
from opsconsole.store.baselines import Realised

FORMAT = 1


@dataclass(frozen=True)
class Moved:
    """How far one column of a part of the reference is from the rest of it."""

    psi: float
    noise_p: float


@dataclass(frozen=True)
class ReferenceWindow:
    """One window of the reference, measured against all others: what the settings would have found in it."""

    label: str
    rows: int
    columns: dict[str, Moved]
    realised: Realised | None


@dataclass(frozen=True)
class SliceReference:
    """Performance and scores of the reference's rows with one value of a column."""

    column: str
    value: str
    realised: Realised | None
    score: bytes | None
    """The encoded sketch of their scores; None where there are none."""


@dataclass(frozen=True)
class Fitted:
    """Everything that a verdict needs of a reference, besides its counts."""

    windows: tuple[ReferenceWindow, ...] = ()
    """Empty where the reference spans fewer than three windows of the monitor's length."""
    rows_a_week: float | None = None
    """How many rows the reference has in a week; None without times."""
    importance: dict[str, float] = field(default_factory=dict)
    structure: StructureModel | None = None
    structure_mean: float = 0.0
    structure_spread: float = 0.0
    """Standard deviation of one row's reconstruction error; 0 where an older program did not say."""
    structure_wobble: float = 0.0
    """Standard deviation of the reference windows' means beyond what their size explains, with that of its own mean."""
    seasons: dict[str, bytes] = field(default_factory=dict)
    """An encoded sketch for each hour, weekday or month."""
    slices: tuple[SliceReference, ...] = ()
    outlook: Estimator = NOTHING
    """What estimates of the performance are made with."""
    loss_scale: float = 0.0
    """Mean absolute error on the reference, for a regression."""
    loss_spread: float = 0.0
    """Standard deviation of a row's error, as the stream of errors takes it."""
    loss_block: int = 20
    """How many rows make one value of that stream."""
    offered: tuple[str, ...] = ()
    """All columns of the reference's source that could be watched; empty where an older program did not say."""
    settings: str = ""
    """The digest of the monitor's settings that it was fitted for; empty where an older program did not say."""

    def wobble(self) -> dict[str, float]:
        """Return the largest PSI of each column among the reference's own windows."""
        return wobble_of(self.windows)

    def encode(self) -> bytes:
        """Return compact bytes."""
        return zlib.compress(msgspec.msgpack.encode(_Document(FORMAT, self)), 6)


def wobble_of(windows: Iterable[ReferenceWindow]) -> dict[str, float]:
    """Return the largest PSI of each column among some windows of the reference."""
    wobble: dict[str, float] = {}
    for window in windows:
        for name, moved in window.columns.items():
            wobble[name] = max(wobble.get(name, 0.0), moved.psi)
    return wobble


class _Document(msgspec.Struct):
    format: int
    fitted: Fitted


def decode(data: bytes) -> Fitted:
    """Read what ``Fitted.encode`` wrote; ValueError for anything else."""
    try:
        document = msgspec.msgpack.decode(zlib.decompress(data), type=_Document)
    except (zlib.error, msgspec.DecodeError) as error:
        raise ValueError(f"not what was fitted on a reference: {error}") from error
    if document.format != FORMAT:
        raise ValueError(f"fitted by format {document.format}; this program reads {FORMAT}")
    return document.fitted
