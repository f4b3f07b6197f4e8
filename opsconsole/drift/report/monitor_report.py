"""What the screens and ``drift report`` show, from stored rows alone: nothing here needs numpy or pyarrow."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from opsconsole.config.schema import Config
from opsconsole.core.nouns import DATA_ALONE, AlertState, Rung, Severity
from opsconsole.store import alerts as alert_store
from opsconsole.store import check_marks, promotions
from opsconsole.store import chunks as chunk_store
from opsconsole.store.baselines import Realised
from opsconsole.store.chunk_records import Chunk, ChunkColumn, Estimate, Slice, Structure
from opsconsole.store.connection import Store
from opsconsole.store.findings import Finding


@dataclass(frozen=True)
class EstimatedReport:
    """Performance estimated without labels; None where nothing estimates it."""

    metric: str | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    trusted: bool | None = None
    tested: int | None = None
    """In how many labelled chunks it could be held against the truth."""
    error: float | None = None
    """Its mean absolute error over those."""
    words: str | None = None


@dataclass(frozen=True)
class RealisedReport:
    """Performance on the rows whose label has arrived."""

    metric: str | None
    value: float | None
    low: float | None
    high: float | None
    floor: float | None
    label_coverage: float


@dataclass(frozen=True)
class ChunkReport:
    """One chunk of ``drift report``."""

    id: int
    version: int
    label: str
    start: datetime
    end: datetime
    rows: int
    partial: bool
    severity: Severity
    findings: tuple[Finding, ...]
    columns: tuple[ChunkColumn, ...]
    score: ChunkColumn | None
    estimated: EstimatedReport
    realised: RealisedReport
    metrics: tuple[Realised, ...]
    """All metrics of the task on the labelled rows."""
    structure: Structure | None
    slices: tuple[Slice, ...]


@dataclass(frozen=True)
class PlotPoint:
    """Realised performance of one chunk, to be drawn."""

    label: str
    version: int
    value: float | None
    low: float | None
    high: float | None
    floor: float | None
    severity: Severity
    estimated: Estimate | None = None


@dataclass(frozen=True)
class HeatRow:
    """One column over the chunks, to be drawn as a strip; None where the chunk has no such column."""

    name: str
    psi: tuple[float | None, ...]
    effects: tuple[str | None, ...]

    @property
    def worst(self) -> float:
        """The largest PSI of the strip."""
        return max((value for value in self.psi if value is not None), default=0.0)


@dataclass(frozen=True)
class Plots:
    """What the drift tab draws of a monitor: all tuples run along ``labels``."""

    labels: tuple[str, ...]
    performance: tuple[PlotPoint, ...]
    heat: tuple[HeatRow, ...]
    """The score first, then inputs by their latest PSI."""


@dataclass(frozen=True)
class MonitorReport:
    """One line of ``drift monitors``."""

    name: str
    model: str | None
    """None: no model is watched, but rows alone; nor is there an alias or a version then."""
    alias: str | None
    version: int | None
    """The version that holds the alias, else that of the newest chunk; the rest is about it."""
    chunks: int
    last: str | None
    last_checked: datetime | None
    metric: str | None
    realised: float | None
    floor: float | None
    fell: bool
    """Whether performance was on the bad side of the floor."""
    severity: Severity
    """The worst alert of that version that stands and is not snoozed."""
    alerts: tuple[int, ...]
    notes: tuple[str, ...]
    """What the last check left out, and why."""
    filling: bool
    """Its only chunk is still filling: drift and performance were not judged yet, so no alert is no verdict."""


def report(store: Store, config: Config, name: str, *, limit: int = 200) -> list[ChunkReport]:
    """Return a monitor's newest ``limit`` chunks, oldest first."""
    score = config.monitor(name).score_column
    return [_chunk_report(store, chunk, score) for chunk in chunk_store.chunks(store, name, limit=limit)]


def monitors(store: Store, config: Config) -> list[MonitorReport]:
    """Return every configured monitor and how it stands."""
    return [_monitor_report(store, config, name) for name in config.monitors]


def plots(store: Store, config: Config, name: str, *, limit: int = 24) -> Plots:
    """Return the points of a monitor's newest ``limit`` chunks, oldest first."""
    score = config.monitor(name).score_column
    chunks = chunk_store.chunks(store, name, limit=limit)
    cells = {(cell.chunk_id, cell.name): cell for cell in chunk_store.heat(store, name, limit=limit)}
    names = dict.fromkeys(name for _, name in cells)
    rows = []
    for column in names:
        strip = [cells.get((chunk.id, column)) for chunk in chunks]
        rows.append(
            HeatRow(
                name=column,
                psi=tuple(None if cell is None else cell.psi for cell in strip),
                effects=tuple(None if cell is None else cell.effect for cell in strip),
            )
        )
    rows.sort(key=lambda row: (row.name != score, -(row.psi[-1] or 0.0), row.name))
    return Plots(
        labels=tuple(chunk.label for chunk in chunks),
        performance=tuple(
            PlotPoint(
                chunk.label,
                chunk.version,
                chunk.realised,
                chunk.low,
                chunk.high,
                chunk.floor,
                chunk.severity,
                chunk.estimated,
            )
            for chunk in chunks
        ),
        heat=tuple(rows),
    )


def _chunk_report(store: Store, chunk: Chunk, score: str) -> ChunkReport:
    columns = tuple(chunk_store.columns(store, chunk.id))
    return ChunkReport(
        id=chunk.id,
        version=chunk.version,
        label=chunk.label,
        start=chunk.start,
        end=chunk.end,
        rows=chunk.rows,
        partial=chunk.partial,
        severity=chunk.severity,
        findings=chunk.findings,
        columns=columns,
        score=next((column for column in columns if column.name == score), None),
        estimated=EstimatedReport() if chunk.estimated is None else EstimatedReport(**asdict(chunk.estimated)),
        realised=RealisedReport(chunk.metric, chunk.realised, chunk.low, chunk.high, chunk.floor, chunk.label_coverage),
        metrics=chunk.metrics,
        structure=chunk.structure,
        slices=chunk.slices,
    )


def _monitor_report(store: Store, config: Config, name: str) -> MonitorReport:
    rung = config.monitors[name].rung or Rung("", "")
    model, alias = rung.model, rung.alias
    held = promotions.alias(store, model, alias) if model else None
    newest = chunk_store.chunks(store, name, version=None if held is None else held.version, limit=2)
    last = newest[-1] if newest else None
    version = held.version if held is not None else None if last is None else last.version
    version = version if model else DATA_ALONE
    standing = alert_store.alerts(store, monitor=name, live=True)
    loud = [one.severity for one in standing if one.version == version and one.state is not AlertState.SNOOZED]
    return MonitorReport(
        name=name,
        model=model or None,
        alias=alias or None,
        version=version or None,
        chunks=chunk_store.number(store, name),
        last=None if last is None else last.label,
        last_checked=None if last is None else last.checked_at,
        metric=None if last is None else last.metric,
        realised=None if last is None else last.realised,
        floor=None if last is None else last.floor,
        fell=last is not None and last.fell,
        severity=max(loud, key=lambda severity: severity.rank, default=Severity.OK),
        alerts=tuple(alert.id for alert in standing),
        notes=notes(store, name),
        filling=len(newest) == 1 and newest[0].partial,
    )


def notes(store: Store, name: str) -> tuple[str, ...]:
    """Return what the last check of a monitor left out, and why."""
    mark = check_marks.mark(store, name)
    return () if mark is None else mark.notes
