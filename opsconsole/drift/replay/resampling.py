"""Chunks drawn from a reference, in which nothing can have drifted: for measuring false alarms of a monitor's settings.

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

from opsconsole.core.normal import Z
from opsconsole.core.nouns import ColumnKind, ModelTask
from opsconsole.drift.facts.chunk import Measured, SliceFacts
from opsconsole.drift.facts.column import ColumnFacts, Role, rows_needed
from opsconsole.drift.facts.reference import SliceReference
from opsconsole.drift.facts.unseen_categories import OWN_BIN, among_rare, expected_unseen
from opsconsole.drift.measures.distances import NOTHING, psi_of, psi_vector
from opsconsole.drift.performance.realised.intervals import LEAST_CASES, LEAST_ROWS
from opsconsole.drift.sketches.sketch import CategorySketch, decode
from opsconsole.drift.verdicts.decline import standard_error
from opsconsole.drift.verdicts.judging import Against
from opsconsole.store.baselines import Realised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def role_of(against: Against, name: str) -> Role:
    """Return what a column is to the model."""
    config = against.monitor.config
    return Role.SCORE if name == config.score else Role.TARGET if name == config.label else Role.INPUT


class Resampling:
    """What a reference's chunks are drawn from."""

    def __init__(self, against: Against) -> None:
        self._against = against
        own = against.baseline.realised
        fits = own is not None and against.monitor.metric is not None and own.metric == against.monitor.metric.name
        cases = _cases(against)
        self._columns = [one for one in (_column(against, name) for name in against.reference.columns) if one]
        self._whole = _Performance(own if fits else None, cases)
        self._slices = [_slice(against, one, cases) for one in against.fitted.slices]

    def chunks(self, rows: int, number: int, random: np.random.Generator) -> Iterator[Measured]:
        """Yield so many chunks of so many rows, all held against one drawn reference."""
        columns = [(one, random.multinomial(one.rows, one.reference).astype(np.float64)) for one in self._columns]
        whole = self._whole.truth(random)
        slices = [(one, one.performance.truth(random), one.reference(random)) for one in self._slices]
        for _ in range(number):
            realised = self._whole.chunk(whole, rows, random)
            yield Measured(
                rows=rows,
                labels=rows if realised is not None else 0,
                columns=tuple(one.chunk(reference, rows, random) for one, reference in columns),
                realised=() if realised is None else (realised,),
                structure=_structure(self._against, rows, random),
                slices=tuple(one.chunk(truth, scores, rows, random) for one, truth, scores in slices),
            )


@dataclass(frozen=True)
class _Column:
    """One column of the reference."""

    name: str
    kind: ColumnKind
    role: Role
    rows: int
    reference: Floats
    """How its rows spread over its bins."""
    shares: Floats
    """How rows of a chunk do: where rare categories let expect some, unseen values are among them."""
    unseen: float
    categories: bool

    def chunk(self, reference: Floats, rows: int, random: np.random.Generator) -> ColumnFacts:
        """Return the facts of a drawn chunk beside a drawn reference."""
        current = random.multinomial(rows, self.shares).astype(np.float64)
        folded = self.categories and self.unseen >= OWN_BIN
        psi, noise_p = psi_of(*((among_rare(one) if folded else one) for one in (reference, current)))
        present = rows - current[-1]
        measured = replace(
            NOTHING,
            psi=psi,
            noise_p=noise_p,
            bins=int(np.count_nonzero(self.reference)),
            missing_reference=reference[-1] / self.rows,
            missing_current=current[-1] / rows,
            unseen=current[-2] / present if self.categories and present else None,
        )
        return ColumnFacts(self.name, self.kind, self.role, measured, self.rows, rows, expected_unseen=self.unseen)


def _column(against: Against, name: str) -> _Column | None:
    """Return a column to draw from; None where it has no bins with values."""
    sketch = against.reference.columns[name]
    reference = _shares(psi_vector(sketch))
    if reference is None:
        return None
    unseen, categories = expected_unseen(sketch), isinstance(sketch, CategorySketch)
    shares = reference
    if categories:  # the vector ends with: the rare ones, the unseen ones, the missing ones
        shares = np.append(reference[:-1] * (1 - unseen), reference[-1])
        shares[-2] += (1 - reference[-1]) * unseen
        shares = shares / shares.sum()
    rows = against.reference.rows
    return _Column(name, sketch.kind, role_of(against, name), rows, reference, shares, unseen, categories)


def _shares(counts: Floats | None) -> Floats | None:
    return None if counts is None or not counts.sum() else counts / counts.sum()


class _Performance:
    """Performance around what it may truly be, where the reference measured it."""

    def __init__(self, own: Realised | None, cases: float | None) -> None:
        self._own, self._cases = own, cases
        self._error = None if own is None else standard_error(own)

    def truth(self, random: np.random.Generator) -> float:
        """Draw what it may truly be; 0 where nothing was measured."""
        if self._own is None or self._own.value is None or self._error is None:
            return 0.0
        return self._own.value + self._error * float(random.standard_normal())

    def chunk(self, truth: float, rows: int, random: np.random.Generator) -> Realised | None:
        """Draw a chunk's performance, as exact as its number of rows lets it be."""
        if self._own is None or self._own.value is None or self._error is None or rows < LEAST_ROWS:
            return None
        if self._cases is not None:
            cases = int(random.binomial(rows, self._cases))
            if min(cases, rows - cases) < LEAST_CASES:
                return Realised(self._own.metric, truth, None, None, rows)
        mine = self._error * math.sqrt(max(self._own.labels, 1) / rows)
        value = truth + mine * float(random.standard_normal())
        return Realised(self._own.metric, value, value - Z * mine, value + Z * mine, rows)


@dataclass(frozen=True)
class _Slice:
    """One slice of the reference."""

    column: str
    value: str
    performance: _Performance
    rows: int
    share: float
    """Which share of all rows it is."""
    shares: Floats | None
    """How its scores spread over their bins; None where they are not known."""

    def reference(self, random: np.random.Generator) -> Floats | None:
        """Draw the reference's scores."""
        return None if self.shares is None else random.multinomial(self.rows, self.shares).astype(np.float64)

    def chunk(self, truth: float, scores: Floats | None, rows: int, random: np.random.Generator) -> SliceFacts:
        """Return the facts of the slice's rows in a drawn chunk."""
        own = int(random.binomial(rows, self.share))
        psi, noise_p = None, None
        if self.shares is not None and scores is not None and own >= rows_needed(int(np.count_nonzero(self.shares))):
            psi, noise_p = psi_of(scores, random.multinomial(own, self.shares).astype(np.float64))
        return SliceFacts(self.column, self.value, own, self.performance.chunk(truth, own, random), psi, noise_p)


def _slice(against: Against, known: SliceReference, cases: float | None) -> _Slice:
    sketch = None if known.score is None else decode(known.score)
    labelled = 0 if known.realised is None else known.realised.labels
    rows = labelled if sketch is None else sketch.rows
    return _Slice(
        column=known.column,
        value=known.value,
        performance=_Performance(known.realised, cases),
        rows=rows,
        share=min(rows / max(against.reference.rows, 1), 1.0),
        shares=None if sketch is None else _shares(psi_vector(sketch.columns[against.monitor.config.score])),
    )


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
