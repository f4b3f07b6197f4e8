"""What is stored of a checked chunk, and of each of its columns, as plain numbers that a screen can show."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

from opsconsole.core.nouns import ColumnKind, Severity
from opsconsole.store.baselines import Realised
from opsconsole.store.findings import Finding


@dataclass(frozen=True)
class Histogram:
    """Shares of reference and current values, ready to be drawn: between ``edges``, or one for each of ``labels``."""

    edges: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    reference: tuple[float, ...] = ()
    current: tuple[float, ...] = ()


@dataclass(frozen=True)
class Quantiles:
    """Where a numeric column's values lie."""

    low: float
    """The 5 % quantile."""
    median: float
    high: float
    """The 95 % quantile."""


@dataclass(frozen=True)
class Figures:
    """What else is shown of a column; None where it does not apply."""

    reference: Quantiles | None = None
    current: Quantiles | None = None
    means: float | None = None
    """For embeddings: the distance between the two means, in standard deviations of the reference."""
    newcomers: tuple[str, ...] = ()
    """Some categories that the reference never held."""


@dataclass(frozen=True)
class Estimate:
    """Performance as it would be if the model's confidence were still right: nothing is known of labels here."""

    metric: str
    value: float
    low: float
    high: float
    trusted: bool
    tested: int
    """In how many labelled chunks it could be held against the truth."""
    error: float | None
    """Its mean absolute error over those."""
    words: str


@dataclass(frozen=True)
class Structure:
    """Mean reconstruction error of a chunk's rows, beside what chunks of the reference reach."""

    value: float
    low: float
    high: float
    drifted: bool


@dataclass(frozen=True)
class Slice:
    """Performance and score of the rows with one value of a column."""

    column: str
    value: str
    rows: int
    labels: int
    realised: float | None
    low: float | None
    high: float | None
    reference: float | None
    """The same slice's performance on the reference."""
    fell: bool
    psi: float | None = None
    """How far its scores moved from those of the same slice."""
    moved: bool = False


@dataclass(frozen=True, kw_only=True)
class KeptDistances:
    """How far a column is from its reference, as far as it is kept; None where a measure does not apply to its kind."""

    psi: float | None
    js: float | None
    """Jensen-Shannon distance (the root of the divergence in base 2), 0 to 1, over PSI's bins of present values."""
    hellinger: float | None
    ks: float | None
    ks_p: float | None
    wasserstein: float | None
    """In the column's unit; values outside count as at most one reference range away."""
    chi2: float | None
    chi2_p: float | None
    l_infinity: float | None
    missing_reference: float
    missing_current: float
    unseen: float | None
    """Share of present values whose category the reference never held."""
    outside: float | None
    """Share of present values below or above the reference's range."""
    noise_p: float | None
    """How likely a PSI this large is by chance alone, if nothing changed."""


@dataclass(frozen=True)
class Move:
    """How one column of a chunk moved."""

    name: str
    psi: float | None
    effect: str


@dataclass(frozen=True, kw_only=True)
class ChunkColumn:
    """One column of one chunk against its baseline; what does not apply is None."""

    name: str
    kind: ColumnKind
    distances: KeptDistances
    drifted: bool | None
    effect: str
    """``none``, ``noise_passed``, ``warn``, ``major``, ``too_few_rows``, ``gone``, ``type_changed``, ``all_missing``."""
    severity: Severity
    persistent: bool | None = None
    """Whether it drifted in so many of the last chunks that it counts."""
    importance: float | None = None
    """The share of the score's variance on the reference that this column explains alone, 0 to 1."""
    gate: float | None = None
    """The PSI from which it counts as drifted: the limit, or what its reference itself moves where that is more."""
    figures: Figures = Figures()
    plot: Histogram

    @property
    def move(self) -> Move:
        """How it moved, in short."""
        return Move(self.name, self.distances.psi, self.effect)


@dataclass(frozen=True, kw_only=True)
class ChunkRecord:
    """One window of one version's production rows, as checked."""

    monitor: str
    model: str
    version: int
    label: str
    start: datetime
    end: datetime
    rows: int
    labels: int
    metric: str | None
    realised: float | None
    low: float | None
    high: float | None
    floor: float | None
    breaches: int
    """How many chunks running, this one included, were below the floor."""
    partial: bool
    severity: Severity
    findings: tuple[Finding, ...]
    fingerprint: str
    """What it was measured from."""
    metrics: tuple[Realised, ...] = ()
    """All metrics of the task on its labelled rows."""
    estimated: Estimate | None = None
    structure: Structure | None = None
    slices: tuple[Slice, ...] = ()
    stream: str | None = None
    """The state of the detectors on the stream of errors after this chunk, and what they found, as JSON."""

    @property
    def label_coverage(self) -> float:
        """The share of rows whose label has arrived."""
        return self.labels / self.rows if self.rows else 0.0

    @property
    def fell(self) -> bool:
        """Whether its performance was on the bad side of the floor, with its whole interval: whichever side that is."""
        return any(one.kind == "performance" for one in self.findings)


@dataclass(frozen=True, kw_only=True)
class Chunk(ChunkRecord):
    """A stored chunk."""

    id: int
    checked_at: datetime

    def shows(self, record: ChunkRecord) -> bool:
        """Whether it says all that ``record`` says, and from the same rows."""
        return all(getattr(self, one.name) == getattr(record, one.name) for one in fields(ChunkRecord))


@dataclass(frozen=True)
class Stamp:
    """What a judged chunk rests on: two digests, in one column."""

    files: str
    """Of its files: as long as it stays, its rows are not read again."""
    settings: str
    """Of what it was judged by: as long as it stays, its verdict is the same."""

    @classmethod
    def of(cls, column: str) -> Stamp:
        """Read what ``str`` wrote."""
        files, _, settings = column.partition(" ")
        return cls(files, settings)

    def __str__(self) -> str:
        return f"{self.files} {self.settings}"


@dataclass(frozen=True)
class Kept:
    """What is kept of a chunk for the next check."""

    sketch: bytes
    facts: bytes
    """Everything that its own rows tell, so that verdicts can be made anew without them."""
    stamp: Stamp


@dataclass(frozen=True)
class Known:
    """What a check needs to know of a chunk that was judged before."""

    id: int
    end: datetime
    fingerprint: str
    stamp: Stamp
    measured: bool
    """Whether the facts of its rows are kept."""


@dataclass(frozen=True)
class HeatCell:
    """One column in one chunk of the heat strip."""

    chunk_id: int
    name: str
    psi: float | None
    effect: str
    severity: Severity
