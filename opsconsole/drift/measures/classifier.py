"""Telling reference and current rows apart: a classifier that can, has found a difference, and names the columns it used.

The domain classifier (Rabanser, Günnemann and Lipton 2019): an AUC of .5 means that the two cannot be told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from opsconsole.drift.measures.matrix import MatrixColumn, columns_of, matrix_of, one_thread
from opsconsole.ground.ranking import delong_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_ROWS = 10_000
"""Of each side: more rows find smaller differences, not more important ones."""
FOLDS = 5
SEED = 20130104


@dataclass(frozen=True)
class Told:
    """How well one column helps to tell the sides apart."""

    name: str
    importance: float
    """By how much the AUC falls when its values are shuffled (Breiman 2001), on rows left out of the fit."""


@dataclass(frozen=True)
class Apart:
    """How well the sides can be told apart."""

    auc: float
    low: float
    high: float
    rows_reference: int
    rows_current: int
    columns: tuple[Told, ...]
    """The most telling first."""


def tell_apart(reference: Sequence[pa.RecordBatch], current: Sequence[pa.RecordBatch], names: list[str]) -> Apart:
    """Return how well a gradient boosting tells current rows from those of the reference, by five-fold cross-validation.

    ``names`` are the columns to use. ValueError with fewer than fifty rows on a side, or no usable column.
    """
    random = np.random.default_rng(SEED)
    columns = columns_of([batch.select(_there(batch, names)) for batch in (*reference, *current)])
    if not columns:
        raise ValueError("no column of numbers or categories is there on both sides")
    sides = [_sampled(columns, batches, random) for batches in (reference, current)]
    if min(map(len, sides)) < 10 * FOLDS:
        raise ValueError(f"{min(map(len, sides))} rows on one side are too few to learn from")
    rows = np.concatenate(sides)
    labels = np.repeat([0, 1], [len(sides[0]), len(sides[1])])
    with one_thread():
        scores, lost = _cross_validated(rows, labels, columns, random)
    auc, low, high = delong_interval(labels.astype(np.bool_), scores)
    order = np.argsort(-lost, kind="stable")
    told = tuple(Told(columns[place].name, round(float(lost[place]), 6)) for place in order)
    return Apart(auc, low, high, len(sides[0]), len(sides[1]), told)


def _there(batch: pa.RecordBatch, names: list[str]) -> list[str]:
    own = set(batch.schema.names)
    return [name for name in names if name in own]


def _sampled(columns: Sequence[MatrixColumn], batches: Sequence[pa.RecordBatch], random: np.random.Generator) -> Floats:
    total = sum(batch.num_rows for batch in batches)
    chosen = np.sort(random.permutation(total)[:MOST_ROWS])
    parts, first = [], 0
    for batch in batches:
        mine = chosen[(chosen >= first) & (chosen < first + batch.num_rows)] - first
        if len(mine):
            parts.append(matrix_of(columns, batch.take(pa.array(mine))))
        first += batch.num_rows
    return np.concatenate(parts) if parts else np.empty((0, len(columns)))


def _cross_validated(
    rows: Floats, labels: NDArray[np.int64], columns: Sequence[MatrixColumn], random: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return each row's score by the folds without it, and by how much the AUC falls for each shuffled column."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    categorical = [place for place, column in enumerate(columns) if column.categories is not None]
    scores, lost = np.empty(len(rows)), np.zeros(len(columns))
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(rows, labels):
        model = HistGradientBoostingClassifier(
            max_iter=60, categorical_features=categorical or None, random_state=SEED, early_stopping=False
        ).fit(rows[train], labels[train])
        scores[test] = model.predict_proba(rows[test])[:, 1]
        whole = roc_auc_score(labels[test], scores[test])
        for place in range(len(columns)):
            shuffled = rows[test].copy()
            shuffled[:, place] = random.permutation(shuffled[:, place])
            lost[place] += (whole - roc_auc_score(labels[test], model.predict_proba(shuffled)[:, 1])) / FOLDS
    return scores, lost
