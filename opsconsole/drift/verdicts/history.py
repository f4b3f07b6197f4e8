"""The history of a version: what its earlier chunks contribute to the verdict on the next one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from opsconsole.drift.facts.column import BROKEN
from opsconsole.drift.performance.estimates.binary import Estimated
from opsconsole.drift.performance.estimates.trust import BackTest, Compared, TrackRecord
from opsconsole.drift.verdicts.criteria import History
from opsconsole.store.baselines import Realised
from opsconsole.store.chunk_records import ChunkRecord, Move

DRIFTED = frozenset({"warn", "major"})


@dataclass(frozen=True)
class Past:
    """One chunk of the past, as verdicts on later ones see it."""

    label: str
    drifted: frozenset[str]
    """Columns past noise and effect."""
    psi: dict[str, float]
    fall: float | None
    """How much worse than the reference its performance was; None without a verdict on it."""
    breaches: int
    structure: bool
    slices: frozenset[tuple[str, str]]
    """The slices that fell, or whose scores moved."""
    record: ChunkRecord


def past_of(record: ChunkRecord, moves: Sequence[Move], fall: float | None) -> Past:
    """Return what later chunks need to know of a chunk that was judged."""
    return Past(
        label=record.label,
        drifted=frozenset(one.name for one in moves if one.effect in DRIFTED),
        psi={one.name: one.psi for one in moves if one.psi is not None and one.effect not in BROKEN},
        fall=fall,
        breaches=record.breaches,
        structure=record.structure is not None and record.structure.drifted,
        slices=frozenset((one.column, one.value) for one in record.slices if one.fell or one.moved),
        record=record,
    )


@dataclass
class VersionHistory:
    """All chunks of a version so far, oldest first.

    A verdict asks it for the last few chunks, or for what was gathered as each was added: the ten-thousandth chunk of a
    version is judged as fast as the first.
    """

    wobble: dict[str, float] = field(default_factory=dict)
    back_test: BackTest | None = None
    """How estimates are held against labels; None where no performance is watched."""
    record: TrackRecord = field(default_factory=TrackRecord)
    """How the estimates did so far."""
    past: list[Past] = field(default_factory=list)

    def add(self, past: Past) -> None:
        """Take in the next chunk."""
        self.past.append(past)
        if self.back_test is not None and (compared := _compared(self.back_test, past.record)) is not None:
            self.record = self.record.after(compared)

    @property
    def breaches(self) -> int:
        """How many chunks running, up to the last, were below the floor."""
        return self.past[-1].breaches if self.past else 0

    @property
    def stream(self) -> str | None:
        """The state of the detectors on the errors after the last chunk."""
        return self.past[-1].record.stream if self.past else None

    def history(self, window: int) -> History:
        """Return what the gates of the next chunk need, which look at ``window`` chunks, that one included."""
        return History([one.drifted for one in reversed(self._before(window))], self.wobble)

    def running(self, what: Callable[[Past], bool], persist: int, window: int) -> bool:
        """Whether something that holds now did so in enough of the last ``window`` chunks, this one included."""
        return 1 + sum(what(one) for one in self._before(window)) >= min(persist, window)

    def _before(self, window: int) -> list[Past]:
        return self.past[-(window - 1) :] if window > 1 else []


def _compared(back_test: BackTest, record: ChunkRecord) -> Compared | None:
    estimate = record.estimated
    if estimate is None or record.metric != estimate.metric:
        return None
    estimated = Estimated(estimate.metric, estimate.value, estimate.low, estimate.high, record.rows)
    realised = Realised(estimate.metric, record.realised, record.low, record.high, record.labels)
    return back_test.compare(record.label, estimated, realised, record.label_coverage)
