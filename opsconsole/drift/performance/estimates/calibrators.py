"""From a model's scores to probabilities that hold on the reference: isotonic knots, small enough to store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from opsconsole.drift.performance.realised.binary import calibration_bins
from opsconsole.drift.performance.realised.intervals import enough
from opsconsole.drift.performance.realised.multiclass import Probabilities, places_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FOLDS, _SEED = 5, 20190102
RESAMPLED, GRID = 20, 64
"""How often knots are fitted to resampled rows (Efron 1979), and on how many quantiles the outcome is kept."""


@dataclass(frozen=True)
class Calibrator:
    """A rising piecewise-linear map from score to probability; without knots scores are taken as they are."""

    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()
    grid: tuple[float, ...] = ()
    """Quantiles of the reference's scores."""
    resampled: tuple[tuple[float, ...], ...] = ()
    """Probabilities on that grid from knots fitted to resampled rows: how they might as well have come out."""

    def chances(self, scores: Floats) -> Floats:
        """Return each score's probability of being a case; beyond the outer knots that of the nearest."""
        if not self.x:
            return np.clip(scores, 0.0, 1.0)
        chances: Floats = np.interp(scores, self.x, self.y)
        return chances

    def variants(self) -> list[Calibrator]:
        """Return the maps fitted to resampled rows; an estimate's spread over them is what the reference leaves open."""
        return [Calibrator(self.grid, one) for one in self.resampled]


IDENTITY = Calibrator()


def fit_calibrator(scores: Floats, labels: Floats) -> Calibrator:
    """Fit a calibrator to rows the model was not trained on, with what so many rows leave open; labels are 0 and 1.

    With fewer than ten rows of a class nothing is fitted: scores are taken as they are, and nothing is known of that.
    """
    if not enough(labels):
        return IDENTITY
    grid = np.unique(np.quantile(scores, np.linspace(0, 1, GRID)))
    random = np.random.default_rng(_SEED)
    drawn = [random.integers(len(scores), size=len(scores)) for _ in range(RESAMPLED)]
    resampled = [tuple(isotonic(scores[rows], labels[rows]).chances(grid).tolist()) for rows in drawn]
    return replace(choose_calibrator(scores, labels), grid=tuple(grid.tolist()), resampled=tuple(resampled))


def choose_calibrator(scores: Floats, labels: Floats) -> Calibrator:
    """Return isotonic knots (Zadrozny and Elkan 2002), or none where they do no better than the scores as they are.

    Better is a smaller expected calibration error on rows left out of the fit (five folds).
    """
    if not enough(labels):
        return IDENTITY
    calibrated = cross_fitted(scores, labels, folds=FOLDS)
    if _calibration_error(calibrated, labels) >= _calibration_error(np.clip(scores, 0.0, 1.0), labels):
        return IDENTITY
    return isotonic(scores, labels)


def cross_fitted(
    scores: Floats, labels: Floats, *, folds: int, fit: Callable[[Floats, Floats], Calibrator] | None = None
) -> Floats:
    """Return each row's probability by a calibrator fitted to the other folds (``isotonic`` by default).

    Folds are stratified and seeded.
    """
    fold, fit = _folds(labels, folds), fit or isotonic
    chances = np.empty(len(scores))
    for place in range(folds):
        here = fold == place
        chances[here] = fit(scores[~here], labels[~here]).chances(scores[here])
    return chances


def isotonic(scores: Floats, labels: Floats) -> Calibrator:
    """Return the knots of the isotonic regression of labels on scores."""
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(scores, labels)
    return Calibrator(tuple(fitted.X_thresholds_.tolist()), tuple(fitted.y_thresholds_.tolist()))


def _folds(labels: Floats, folds: int) -> NDArray[np.int64]:
    random = np.random.default_rng(_SEED)
    fold = np.empty(len(labels), dtype=np.int64)
    for case in (False, True):
        places = np.flatnonzero((labels > 0.5) == case)
        fold[random.permutation(places)] = np.arange(len(places)) % folds
    return fold


def _calibration_error(chances: Floats, labels: Floats) -> float:
    rows, expected, cases = calibration_bins(labels > 0.5, chances)
    return float(np.abs(rows * expected - cases).sum() / rows.sum())


@dataclass(frozen=True)
class ClassCalibrators:
    """One calibrator for each class of a multiclass model, against all others."""

    classes: tuple[str, ...]
    of: tuple[Calibrator, ...]

    def chances(self, probabilities: Probabilities) -> Floats:
        """Return rows x classes, each row summing to 1; a row that no class wants keeps its own probabilities.

        ValueError for other classes than it was calibrated for.
        """
        if probabilities.classes != self.classes:
            raise ValueError(f"calibrated for {', '.join(self.classes)}, not {', '.join(probabilities.classes)}")
        parts = [one.chances(probabilities.values[:, place]) for place, one in enumerate(self.of)]
        raw = np.column_stack(parts)
        raw = np.where(raw.sum(axis=1, keepdims=True) > 0, raw, probabilities.values)
        normalised: Floats = raw / raw.sum(axis=1, keepdims=True)
        return normalised

    def variants(self) -> list[ClassCalibrators]:
        """Return the maps fitted to resampled rows; a class with too few rows to fit any stays as it is."""
        if not any(one.resampled for one in self.of):
            return []
        each = [one.variants() or [one] * RESAMPLED for one in self.of]
        return [ClassCalibrators(self.classes, of) for of in zip(*each, strict=True)]


def fit_class_calibrators(probabilities: Probabilities, labels: NDArray[Any]) -> ClassCalibrators:
    """Fit each class's calibrator one against the rest, on rows the model was not trained on; labels are text."""
    places = places_of(labels, probabilities.classes)
    fitted = [
        fit_calibrator(probabilities.values[:, place], (places == place).astype(np.float64))
        for place in range(len(probabilities.classes))
    ]
    return ClassCalibrators(probabilities.classes, tuple(fitted))
