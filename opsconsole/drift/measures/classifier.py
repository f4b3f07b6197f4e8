"""A classifier that separates reference and current rows: where it can, there is a difference, in the columns it uses.

The domain classifier (Rabanser, Günnemann and Lipton 2019): an AUC of .5 means that the two cannot be told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from opsconsole.core.ranking import delong_interval, placements
from opsconsole.drift.matrix import MatrixColumn, columns_of, matrix_of
from opsconsole.drift.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_ROWS = 10_000
"""Of each side: more rows find smaller differences, not more important ones."""
FOLDS = 5
TREES, LEAVES = 40, 15
SHUFFLED = 1_000
"""Rows of a fold on which columns are shuffled."""
BINS = 50
SEED = 20130104


@dataclass(frozen=True)
class Separator:
    """One column that separates the sides, and how well."""

    name: str
    importance: float
    """By how much the AUC falls when its values are shuffled (Breiman 2001), on rows left out of the fit."""
    alone: float
    """The AUC by this column's values only: what the others hide when one tells everything."""


@dataclass(frozen=True)
class Apart:
    """How well the sides can be separated."""

    auc: float
    low: float
    high: float
    rows_reference: int
    rows_current: int
    columns: tuple[Separator, ...]
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
    with one_thread("openmp"):
        scores, lost = _cross_validated(rows, labels, columns, random)
    auc, low, high = delong_interval(labels.astype(np.bool_), scores)
    alone = [_alone(rows[:, place], labels) for place in range(len(columns))]
    order = sorted(range(len(columns)), key=lambda place: (-round(float(lost[place]), 3), -alone[place]))
    separators = tuple(
        Separator(columns[place].name, round(float(lost[place]), 6), round(alone[place], 6)) for place in order
    )
    return Apart(auc, low, high, len(sides[0]), len(sides[1]), separators)


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
    from sklearn.model_selection import StratifiedKFold

    categorical = [place for place, column in enumerate(columns) if column.categories is not None]
    scores, lost = np.empty(len(rows)), np.zeros(len(columns))
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(rows, labels):
        model = HistGradientBoostingClassifier(
            max_iter=TREES,
            max_leaf_nodes=LEAVES,
            categorical_features=categorical or None,
            random_state=SEED,
            early_stopping=False,
        ).fit(rows[train], labels[train])
        scores[test] = model.predict_proba(rows[test])[:, 1]
        some = random.permutation(test)[:SHUFFLED]
        lost += _lost(model, rows[some], labels[some], scores[some], random) / FOLDS
    return scores, lost


def _lost(model: Any, rows: Floats, labels: NDArray[np.int64], scores: Floats, random: np.random.Generator) -> Floats:
    """Return by how much the AUC falls for each shuffled column; those that no tree asks cost nothing."""
    positive = labels.astype(np.bool_)
    if positive.all() or not positive.any():
        return np.zeros(rows.shape[1])
    whole = placements(scores, positive).auc
    losses = np.zeros(rows.shape[1])
    for place in _asked(model):
        shuffled = rows.copy()
        shuffled[:, place] = random.permutation(shuffled[:, place])
        losses[place] = whole - placements(model.predict_proba(shuffled)[:, 1], positive).auc
    return losses


def _asked(model: Any) -> list[int]:
    """Return the columns that any tree splits on."""
    places = [
        tree.nodes["feature_idx"][~tree.nodes["is_leaf"].astype(np.bool_)]
        for trees in model._predictors  # noqa: SLF001 - scikit-learn has no public way to them
        for tree in trees
    ]
    return np.unique(np.concatenate(places)).tolist() if places else []


def _alone(values: Floats, labels: NDArray[np.int64]) -> float:
    """Return the AUC of one column by itself: by the share of current rows in its quantile bins or categories.

    Learned on every other row and judged on the rest; missing is a bin of its own.
    """
    there = np.isfinite(values)
    edges = np.unique(np.quantile(values[there], np.linspace(0, 1, BINS + 1)[1:-1])) if there.any() else np.empty(0)
    bins = np.where(there, np.searchsorted(edges, np.where(there, values, 0.0), side="right"), len(edges) + 1)
    order = np.random.default_rng(SEED).permutation(len(values))
    learn, judge = order[::2], order[1::2]
    size = len(edges) + 2
    rows = np.bincount(bins[learn], minlength=size)
    current = np.bincount(bins[learn], weights=labels[learn], minlength=size)
    scores = ((current + 1) / (rows + 2))[bins[judge]]
    positive = labels[judge].astype(np.bool_)
    return placements(scores, positive).auc if positive.any() and not positive.all() else 0.5
