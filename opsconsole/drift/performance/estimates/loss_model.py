"""A second model that expects a regression's error row by row: performance without labels (direct loss estimation).

As in NannyML's docs, "How it works: performance estimation", DLE: a gradient-boosted regressor learns the loss of each
reference row from the inputs and the prediction, and its mean over a chunk is the chunk's expected loss.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa

from opsconsole.drift.matrix import MatrixColumn, columns_of, matrix_of
from opsconsole.drift.performance.realised.metrics import DEFAULT, Options
from opsconsole.drift.performance.realised.regression import pinball
from opsconsole.drift.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FORMAT = 1
MOST_ROWS = 100_000
"""Reference rows that are learned from and checked on, at most; a seeded sample of more."""
LEAST_LEARNED = 60
"""Rows below which nothing is learned: half of them would have to check the other half."""
_SEED = 20190103
TRUSTED = (
    "functools.partial",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils.validation.check_array",
)
"""What skops may build besides its own list, as a gradient-boosted regressor needs it: read, and found harmless."""


class LossKind(StrEnum):
    """Which loss of a row is expected."""

    ABSOLUTE = "absolute"
    SQUARED = "squared"
    RELATIVE = "relative"
    PINBALL = "pinball"


KINDS = {
    "mae": LossKind.ABSOLUTE,
    "mse": LossKind.SQUARED,
    "rmse": LossKind.SQUARED,
    "mape": LossKind.RELATIVE,
    "quantile_loss": LossKind.PINBALL,
}
"""The loss whose mean each metric is (``rmse``: its root); metrics that are not here cannot be estimated."""


@dataclass(frozen=True)
class LossModel:
    """A fitted model of a row's loss, and how it did on the half of the reference that it did not learn from."""

    kind: LossKind
    columns: tuple[MatrixColumn, ...]
    learned: int
    """How many rows it was fitted to."""
    checked_rows: int
    expected: float
    """The mean loss that it expects on the rows it was checked on."""
    seen: float
    """Their realised mean loss."""
    seen_error: float
    """The standard error of ``seen``."""
    noise: float
    """How far a checked row's loss strays from the expected one, as a multiple of that (root mean squares of both)."""
    estimator: Any
    """A fitted ``HistGradientBoostingRegressor``."""

    @property
    def checked(self) -> float:
        """The error of the check: expected less realised mean loss of the rows that it did not learn from."""
        return self.expected - self.seen

    def encode(self) -> bytes:
        """Return what a later process reads with ``decode_loss_model``: no pickle, the estimator as skops."""
        from skops.io import dumps

        header = {name: getattr(self, name) for name in _Document.__struct_fields__ if hasattr(self, name)}
        return msgspec.msgpack.encode(_Document(format=FORMAT, skops=dumps(self.estimator), **header))


class _Document(msgspec.Struct):
    format: int
    skops: bytes
    kind: LossKind
    columns: tuple[MatrixColumn, ...]
    learned: int
    checked_rows: int
    expected: float
    seen: float
    seen_error: float
    noise: float


def decode_loss_model(data: bytes) -> LossModel:
    """Read what ``LossModel.encode`` wrote; ValueError for anything else, or if it names a type not in ``TRUSTED``."""
    from skops.io import get_untrusted_types, loads

    try:
        document = msgspec.msgpack.decode(data, type=_Document)
    except msgspec.DecodeError as error:
        raise ValueError(f"not a stored loss model: {error}") from error
    if document.format != FORMAT:
        raise ValueError(f"a loss model of format {document.format}; this program reads {FORMAT}")
    try:
        strangers = sorted(set(get_untrusted_types(data=document.skops)) - set(TRUSTED))
    except zipfile.BadZipFile as error:
        raise ValueError(f"not a stored loss model: {error}") from error
    if strangers:
        raise ValueError(f"a loss model with types that are not trusted: {', '.join(strangers)}")
    estimator = loads(document.skops, trusted=list(TRUSTED))
    fields = {name: getattr(document, name) for name in _Document.__struct_fields__ if name not in {"format", "skops"}}
    return LossModel(estimator=estimator, **fields)


def loss_of(kind: LossKind, labels: Floats, scores: Floats, options: Options = DEFAULT) -> Floats:
    """Return each row's loss; NaN where it has none: the relative one of a label 0, or a missing label or score."""
    if kind is LossKind.PINBALL:
        return pinball(labels, scores, options.quantile)
    errors = np.abs(labels - scores)
    if kind is LossKind.SQUARED:
        errors = errors**2
    elif kind is LossKind.RELATIVE:
        errors = errors / np.where(labels == 0, np.nan, np.abs(labels))
    losses: Floats = errors
    return losses


def fit_loss_model(
    kind: LossKind,
    batches: Sequence[pa.RecordBatch],
    labels: Floats,
    scores: Floats,
    options: Options = DEFAULT,
) -> LossModel | None:
    """Fit to one half of the reference rows and check on the other; None where there are too few of them.

    ``batches`` hold the inputs of the rows whose labels and scores run in parallel: numbers, booleans and texts;
    columns of other types are left out. Rows the regression was trained on would make its errors look too small.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    losses = loss_of(kind, labels, scores, options)
    random = np.random.default_rng(_SEED)
    there = random.permutation(np.flatnonzero(np.isfinite(losses)))[:MOST_ROWS]
    if len(there) < LEAST_LEARNED:
        return None
    half = len(there) // 2
    learned, checked = np.sort(there[:half]), np.sort(there[half:])
    columns = columns_of(batches)
    matrix, places = _matrix_at(columns, batches, scores, np.sort(there))
    fits = np.isin(places, learned, assume_unique=True)
    estimator = HistGradientBoostingRegressor(
        categorical_features=[place for place, column in enumerate(columns) if column.categories is not None] or None,
        random_state=_SEED,
        early_stopping=False,
        min_samples_leaf=min(50, max(half // 20, 2)),
        learning_rate=0.05,
    )
    with one_thread("openmp"):
        estimator.fit(matrix[fits], losses[learned])
        expected, seen = np.maximum(estimator.predict(matrix[~fits]), 0.0), losses[checked]
    return LossModel(
        kind=kind,
        columns=columns,
        learned=half,
        checked_rows=len(checked),
        expected=float(expected.mean()),
        seen=float(seen.mean()),
        seen_error=float(seen.std(ddof=1) / np.sqrt(len(seen))),
        noise=float(np.sqrt(np.mean((seen - expected) ** 2) / max(np.mean(expected**2), np.finfo(float).tiny))),
        estimator=estimator,
    )


def estimate_loss(model: LossModel, batch: pa.RecordBatch, scores: Floats) -> Floats:
    """Return each row's expected loss; NaN where it has no score. A column that is gone counts as missing."""
    expected = np.full(len(scores), np.nan)
    there = np.isfinite(scores)
    if there.any():
        with one_thread("openmp"):
            losses = model.estimator.predict(with_scores(model.columns, batch, scores)[there])
        expected[there] = np.maximum(losses, 0.0)
    return expected


def with_scores(columns: Sequence[MatrixColumn], batch: pa.RecordBatch, scores: Floats) -> Floats:
    """Return rows x (columns and the score last)."""
    return np.column_stack([matrix_of(columns, batch), scores])


def _matrix_at(
    columns: Sequence[MatrixColumn], batches: Sequence[pa.RecordBatch], scores: Floats, chosen: NDArray[np.int64]
) -> tuple[Floats, NDArray[np.int64]]:
    """Return the matrix of the chosen rows, batch by batch so that the others are never turned into numbers."""
    first, parts = 0, []
    for batch in batches:
        rows = chosen[(chosen >= first) & (chosen < first + batch.num_rows)]
        parts.append(with_scores(columns, batch.take(pa.array(rows - first)), scores[rows]))
        first += batch.num_rows
    return np.concatenate(parts), chosen
