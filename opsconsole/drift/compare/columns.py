"""The comparison of one column in ``drift compare``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from opsconsole.core.nouns import ColumnKind, Severity
from opsconsole.drift.facts.column import ColumnFacts, Effect, rows_needed
from opsconsole.drift.measures.columns import Distances
from opsconsole.drift.sketches.quantiles import HIGH, LOW, MEDIAN, quantiles
from opsconsole.drift.sketches.sketch import EmbeddingSketch, NumericSketch, Sketch
from opsconsole.drift.verdicts.criteria import ColumnVerdict
from opsconsole.drift.verdicts.policy import PLAIN, severity_of


class Unknown(StrEnum):
    """The words where there are too few rows for any severity."""

    UNKNOWN = "unknown"


Judgement = Severity | Unknown


@dataclass(frozen=True)
class Sides:
    """One number of each side."""

    reference: float
    current: float


@dataclass(frozen=True)
class Rows:
    """How many rows were read."""

    reference: int
    current: int


@dataclass(frozen=True)
class Spread:
    """Where the finite values of one side lie (of text: its lengths)."""

    p05: float
    p50: float
    p95: float


@dataclass(frozen=True)
class Spreads:
    """Where the values of each side lie; None of a side without any."""

    reference: Spread | None
    current: Spread | None


@dataclass(frozen=True)
class Vectors:
    """Facts on a column of vectors besides its distances, which are those of the projection that moved most."""

    size: int
    """How many numbers each has, by the reference."""
    means: float | None
    """How far apart the means are, in standard deviations of the reference, by dimension."""
    cosine: float | None
    """The cosine between the means."""
    wrong: Rows
    """Rows of another length, or with numbers missing or infinite: they are counted, not compared."""


@dataclass(frozen=True)
class ColumnComparison:
    """One column of ``drift compare``; what does not apply is None."""

    name: str
    kind: ColumnKind
    distances: Distances
    drifted: bool | None
    effect: Effect
    severity: Judgement
    rows_needed: int | None = None
    """Where too few rows leave it open, how many each side needs."""
    quantiles: Spreads | None = None
    mean: Sides | None = None
    deviation: Sides | None = None
    vectors: Vectors | None = None


def column_comparison(
    facts: ColumnFacts, verdict: ColumnVerdict, mine: Sketch | None, theirs: Sketch | None
) -> ColumnComparison:
    """Join what was measured of a column with what to think of it; a sketch is None of a side that lacks it."""
    measured = facts.distances
    numbers = (mine, theirs) if isinstance(mine, NumericSketch) and isinstance(theirs, NumericSketch) else None
    undecided = verdict.effect is Effect.TOO_FEW_ROWS
    finite = numbers if numbers is not None and numbers[0].finite and numbers[1].finite else None
    return ColumnComparison(
        name=facts.name,
        kind=facts.kind,
        distances=measured,
        drifted=verdict.drifted,
        effect=verdict.effect,
        severity=Unknown.UNKNOWN if undecided else severity_of(facts, verdict, PLAIN),
        rows_needed=rows_needed(measured.bins) if undecided else None,
        quantiles=None if numbers is None else Spreads(_spread(numbers[0]), _spread(numbers[1])),
        mean=None if finite is None else Sides(finite[0].mean, finite[1].mean),
        deviation=None if finite is None else Sides(finite[0].deviation, finite[1].deviation),
        vectors=_vectors(measured, mine, theirs),
    )


def weight(judgement: Judgement) -> float:
    """Return a place in the order of severities: not to know is more than information, and less than a warning."""
    return Severity.INFO.rank + 0.5 if isinstance(judgement, Unknown) else judgement.rank


def outcome_of(columns: Sequence[ColumnComparison]) -> tuple[Judgement, bool | None, int | None]:
    """Return what columns say together: how severe, whether any drifted, and how many rows would decide what is open.

    One that drifted decides alone; that none did takes all of them.
    """
    severity = max((one.severity for one in columns), key=weight, default=Severity.OK)
    needed = max((one.rows_needed for one in columns if one.rows_needed is not None), default=None)
    drifted = any(one.drifted for one in columns)
    return severity, drifted or (None if needed is not None else False), needed


def id_notes(columns: Iterable[ColumnComparison]) -> Iterator[str]:
    """Say which columns name rows."""
    for column in columns:
        if column.effect is Effect.IDENTIFIER:
            yield f"column `{column.name}`: another value in nearly each row names rows: it is no drift"


def _spread(sketch: NumericSketch) -> Spread | None:
    levels = quantiles(sketch, [LOW, MEDIAN, HIGH])
    return Spread(*levels) if levels else None


def _vectors(measured: Distances, mine: Sketch | None, theirs: Sketch | None) -> Vectors | None:
    if not isinstance(mine, EmbeddingSketch) or not isinstance(theirs, EmbeddingSketch):
        return None
    return Vectors(mine.size, measured.means, measured.cosine, Rows(mine.wrong, theirs.wrong))


def vector_notes(columns: Iterable[ColumnComparison]) -> Iterator[str]:
    """Say how many vectors could not be compared."""
    for column in columns:
        vectors = column.vectors
        for side, wrong in (
            (("reference", vectors.wrong.reference), ("current", vectors.wrong.current)) if vectors else ()
        ):
            if wrong and vectors:
                yield (
                    f"column `{column.name}`: {wrong:,} rows of the {side} are no vectors of {vectors.size} finite numbers:"
                    " they are counted, not compared"
                )
