"""Measured facts of one column, before any verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from opsconsole.core.nouns import ColumnKind
from opsconsole.drift.measures.columns import Distances

ROWS_A_BIN = 50
FEWEST_ROWS = 50


class Effect(StrEnum):
    """How much a column moved."""

    NONE = "none"
    NOISE_PASSED = "noise_passed"
    WARN = "warn"
    MAJOR = "major"
    TOO_FEW_ROWS = "too_few_rows"
    GONE = "gone"
    NEW = "new"
    TYPE_CHANGED = "type_changed"
    ALL_MISSING = "all_missing"
    IDENTIFIER = "identifier"
    """Nearly every value is another one: new ones are no news."""
    FILLING = "filling"
    """Rows of the chunk may still come: it is measured, and judged when it is whole."""


BROKEN = frozenset({Effect.GONE, Effect.TYPE_CHANGED, Effect.ALL_MISSING})


class Role(StrEnum):
    """What a column is to the model; policy differs by it."""

    INPUT = "input"
    SCORE = "score"
    TARGET = "target"
    PLAIN = "plain"
    """A column of two files that are compared without a model."""


@dataclass(frozen=True)
class Shift:
    """A category whose share of the present values changed."""

    name: str
    before: float
    after: float


@dataclass(frozen=True)
class ColumnFacts:
    """What is known of one column before a verdict."""

    name: str
    kind: ColumnKind
    role: Role
    distances: Distances
    rows_reference: int
    rows_current: int
    schema: Effect | None = None
    """``gone``, ``new`` or ``type_changed`` where the schema itself differs; ``identifier`` where no measure applies."""
    newcomers: tuple[str, ...] = ()
    """Some categories that the reference never held."""
    expected_unseen: float = 0.0
    """The share of values in categories that the reference never held which is no news."""
    shifts: tuple[Shift, ...] = ()
    """The known categories whose share changed most."""


def rows_needed(bins: int) -> int:
    """Return how many rows each side needs before its PSI over ``bins`` bins means anything."""
    return max(ROWS_A_BIN * (bins - 1), FEWEST_ROWS)


def fits(reference: ColumnKind, current: ColumnKind | None, *, typed: bool) -> bool:
    """Whether values of a kind can be held against a reference's; ``current`` is what a file says of a column.

    Whether categories read as text only the reference's values tell. A format without types spells the codes and flags
    of a category as numbers or truth values: they count as text.
    """
    in_files = ColumnKind.CATEGORICAL if reference is ColumnKind.TEXT else reference
    if current is None or current is in_files:
        return True
    return not typed and in_files is ColumnKind.CATEGORICAL and current in {ColumnKind.NUMERIC, ColumnKind.BOOLEAN}
