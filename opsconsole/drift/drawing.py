"""Chunks drawn from a reference, in which nothing can have drifted: what a monitor's settings are tried on.

Drawn are each column's bins with its missing and unseen values, performance of the whole and of the slices, the slices'
scores, and the mean reconstruction error, each from its own distribution and apart from the others. The reference is
drawn too: that it happened to be as it is is half of what chance does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from opsconsole.drift.facts import ColumnFacts, Role, rows_needed
from opsconsole.drift.fitted import SliceReference
from opsconsole.drift.measured import Measured, SliceFacts
from opsconsole.drift.measures.distances import NOTHING, psi_of, psi_vector
from opsconsole.drift.newcomers import OWN_BIN, among_rare, expected_unseen
from opsconsole.drift.performance.intervals import LEAST_CASES, LEAST_ROWS
from opsconsole.drift.sketches.sketch import CategorySketch, decode
from opsconsole.drift.verdicts.decline import standard_error
from opsconsole.drift.verdicts.judging import Against
from opsconsole.ground.normal import Z
from opsconsole.ground.nouns import ColumnKind, ModelTask
from opsconsole.store.baselines import Realised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def role_of(against: Against, name: str) -> Role:
    """Return what a column is to the model."""
    config = against.monitor.config
    return Role.SCORE if name == config.score else Role.TARGET if name == config.label else Role.INPUT


def drawn_chunks(against: Against, rows: int, number: int, random: np.random.Generator) -> Iterator[Measured]:
    """Yield so many chunks of so many rows, all held against one drawn reference."""
    columns = [_Column(against, name, random) for name in against.reference.columns]
    columns = [one for one in columns if one.drawn]
    own = against.baseline.realised
    fits = own is not None and against.monitor.metric is not None and own.metric == against.monitor.metric.name
    whole = _Performance(own if fits else None, _cases(against), random)
    slices = [_Slice(against, one, random) for one in against.fitted.slices]
    for _ in range(number):
        realised = whole.chunk(rows, random)
        yield Measured(
            rows=rows,
            labels=rows if realised is not None else 0,
            columns=tuple(one.chunk(rows, random) for one in columns),
            realised=() if realised is None else (realised,),
            structure=_structure(against, rows, random),
            slices=tuple(one.chunk(rows, random) for one in slices),
        )


@dataclass
class _Column:
    """One column of the drawn reference."""

    name: str
    kind: ColumnKind
    role: Role
    rows: int
    shares: Floats
    """How rows spread over its bins; where its rare categories let expect some, unseen values among them."""
    reference: Floats
    unseen: float

    def __init__(self, against: Against, name: str, random: np.random.Generator) -> None:
        sketch = against.reference.columns[name]
        counts = psi_vector(sketch)
        self.name, self.kind, self.role = name, sketch.kind, role_of(against, name)
        self.rows, self.unseen = against.reference.rows, expected_unseen(sketch)
        self.drawn = counts is not None and counts.sum() > 0
        if counts is None or not self.drawn:
            return
        shares = counts / counts.sum()
        self.reference = random.multinomial(self.rows, shares).astype(np.float64)
        self.bins = int(np.count_nonzero(shares))
        self.categories = isinstance(sketch, CategorySketch)
        if self.categories:  # the vector ends with: the rare ones, the unseen ones, the missing ones
            present = 1 - shares[-1]
            shares = np.append(shares[:-1] * (1 - self.unseen), shares[-1])
            shares[-2] += present * self.unseen
        self.shares = shares / shares.sum()

    def chunk(self, rows: int, random: np.random.Generator) -> ColumnFacts:
        """Return the facts of a drawn chunk."""
        current = random.multinomial(rows, self.shares).astype(np.float64)
        folded = self.categories and self.unseen >= OWN_BIN
        psi, noise_p = psi_of(*((among_rare(one) if folded else one) for one in (self.reference, current)))
        present = rows - current[-1]
        measured = replace(
            NOTHING,
            psi=psi,
            noise_p=noise_p,
            bins=self.bins,
            missing_reference=self.reference[-1] / self.rows,
            missing_current=current[-1] / rows,
            unseen=current[-2] / present if self.categories and present else None,
        )
        return ColumnFacts(self.name, self.kind, self.role, measured, self.rows, rows, expected_unseen=self.unseen)


class _Performance:
    """Performance around what it may truly be, where the reference measured it."""

    def __init__(self, own: Realised | None, cases: float | None, random: np.random.Generator) -> None:
        self.own, self.cases = own, cases
        self.error = None if own is None else standard_error(own)
        self.true = 0.0
        if own is not None and own.value is not None and self.error is not None:
            self.true = own.value + self.error * float(random.standard_normal())

    def chunk(self, rows: int, random: np.random.Generator) -> Realised | None:
        """Draw a chunk's performance, as exact as its number of rows lets it be."""
        if self.own is None or self.own.value is None or self.error is None or rows < LEAST_ROWS:
            return None
        if self.cases is not None:
            cases = int(random.binomial(rows, self.cases))
            if min(cases, rows - cases) < LEAST_CASES:
                return Realised(self.own.metric, self.true, None, None, rows)
        mine = self.error * math.sqrt(max(self.own.labels, 1) / rows)
        value = self.true + mine * float(random.standard_normal())
        return Realised(self.own.metric, value, value - Z * mine, value + Z * mine, rows)


class _Slice:
    """One slice of the drawn reference."""

    def __init__(self, against: Against, known: SliceReference, random: np.random.Generator) -> None:
        self.column, self.value = known.column, known.value
        self.performance = _Performance(known.realised, _cases(against), random)
        name = against.monitor.config.score
        sketch = None if known.score is None else decode(known.score)
        counts = None if sketch is None else psi_vector(sketch.columns[name])
        labelled = 0 if known.realised is None else known.realised.labels
        self.rows = labelled if sketch is None else sketch.rows
        self.share = min(self.rows / max(against.reference.rows, 1), 1.0)
        self.shares = None if counts is None or not counts.sum() else counts / counts.sum()
        if self.shares is not None:
            self.reference = random.multinomial(self.rows, self.shares).astype(np.float64)

    def chunk(self, rows: int, random: np.random.Generator) -> SliceFacts:
        """Return the facts of the slice's rows in a drawn chunk."""
        own = int(random.binomial(rows, self.share))
        psi, noise_p = None, None
        if self.shares is not None and own >= rows_needed(int(np.count_nonzero(self.shares))):
            psi, noise_p = psi_of(self.reference, random.multinomial(own, self.shares).astype(np.float64))
        return SliceFacts(self.column, self.value, own, self.performance.chunk(own, random), psi, noise_p)


def _cases(against: Against) -> float | None:
    """Return the share of cases among the reference's labels, for a binary model: few of them tell nothing."""
    sketch = against.reference.columns.get(against.monitor.config.label or "")
    if against.monitor.task is not ModelTask.BINARY or not isinstance(sketch, CategorySketch) or not sketch.present:
        return None
    return dict(zip(sketch.categories, sketch.counts, strict=True)).get("true", 0) / sketch.present


def _structure(against: Against, rows: int, random: np.random.Generator) -> tuple[float, float] | None:
    fitted = against.fitted
    if fitted.structure is None:
        return None
    error = fitted.structure_spread / math.sqrt(rows)
    return fitted.structure_mean + math.hypot(error, fitted.structure_wobble) * float(random.standard_normal()), error
