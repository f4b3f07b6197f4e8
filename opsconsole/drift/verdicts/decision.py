"""Everything that was decided of a chunk, before it becomes sentences."""

from __future__ import annotations

from dataclasses import dataclass

from opsconsole.config.monitors import PolicyConfig
from opsconsole.core.nouns import Severity
from opsconsole.drift.facts.chunk import Measured
from opsconsole.drift.facts.column import ColumnFacts
from opsconsole.drift.performance.realised.metrics import Metric
from opsconsole.drift.verdicts.criteria import ColumnVerdict
from opsconsole.drift.verdicts.decline import PerformanceVerdict
from opsconsole.drift.verdicts.policy import severity_of
from opsconsole.drift.verdicts.streams import Streams
from opsconsole.store.chunk_records import Estimate, Slice, Structure


@dataclass(frozen=True)
class ColumnNote:
    """One column with everything known of it."""

    facts: ColumnFacts
    verdict: ColumnVerdict
    severity: Severity
    importance: float | None = None
    correlated: float | None = None
    """How its drift went along with the fall of performance over the version's chunks; None where it did not drift."""

    @property
    def psi(self) -> float:
        """How far it moved, 0 where that was not measured."""
        return self.facts.distances.psi or 0.0


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What was decided of a chunk: what its findings, its title and its sentences are made of."""

    metric: Metric | None
    policy: PolicyConfig
    unit: str
    """The word for one chunk."""
    least: int
    filling: bool
    """Whether rows of it may still come: then only its schema and its quality have findings."""
    measured: Measured
    performance: PerformanceVerdict | None
    estimate: Estimate | None
    estimate_fell: bool
    columns: tuple[ColumnNote, ...]
    slices: tuple[Slice, ...]
    lasting_slices: frozenset[tuple[str, str]]
    """Those that fell, or moved, in enough of the last chunks."""
    structure: Structure | None
    structure_lasts: bool
    streams: Streams | None

    @property
    def few(self) -> bool:
        """Whether there are too few rows for any verdict."""
        return self.measured.rows < self.least

    @property
    def covered(self) -> float:
        """The share of the rows whose label has come."""
        return self.measured.labels / self.measured.rows if self.measured.rows else 0.0

    @property
    def fell(self) -> bool:
        """Whether realised performance is below its floor."""
        return self.performance is not None and bool(self.performance.breached)


def noted(
    facts: ColumnFacts,
    verdict: ColumnVerdict,
    policy: PolicyConfig,
    importance: float | None,
    correlated: float | None,
) -> ColumnNote:
    """Join what was measured of a column with what to think of it."""
    return ColumnNote(facts, verdict, severity_of(facts, verdict, policy), importance, correlated)
