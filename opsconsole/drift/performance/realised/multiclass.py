"""Realised metrics of a multiclass model: labels and predicted classes as text, and their probabilities if there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from opsconsole.core.ranking import placements
from opsconsole.drift.performance.realised.binary import LEAST_CHANCE
from opsconsole.drift.performance.realised.intervals import LEAST_CASES, LEAST_ROWS, Measured, influence, mean, share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Probabilities:
    """Each row's probability of each class: ``values`` is rows x classes, in the order of ``classes``."""

    classes: tuple[str, ...]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.classes):
            raise ValueError(f"{len(self.classes)} classes, but probabilities of shape {self.values.shape}")

    def predicted(self) -> NDArray[Any]:
        """Return each row's likeliest class; the first of equals."""
        likeliest: NDArray[Any] = np.array(self.classes, dtype=object)[self.values.argmax(axis=1)]
        return likeliest


def class_accuracy(labels: NDArray[Any], predicted: NDArray[Any]) -> Measured:
    """Return the share of rows whose predicted class is right, with Wilson's interval."""
    right = labels.astype(str) == predicted.astype(str)
    return share(right, enough=len(right) >= LEAST_ROWS)


def f1_macro(labels: NDArray[Any], predicted: NDArray[Any]) -> Measured:
    """Return the mean of the classes' F1, each class that was seen or predicted counting the same.

    The interval is by the delta method: F1 of a class is 2 TP / (P + L), P rows predicted and L labelled so, and a
    row's influence on it (2 [both] - F1 ([predicted] + [labelled])) / (P + L), times the rows.
    """
    rows = len(labels)
    _, codes = np.unique(np.concatenate([labels.astype(str), predicted.astype(str)]), return_inverse=True)
    truth, called = codes[:rows], codes[rows:]
    classes = int(codes.max()) + 1
    involved = np.bincount(truth, minlength=classes) + np.bincount(called, minlength=classes)
    scores = 2 * np.bincount(truth[truth == called], minlength=classes) / involved
    value = float(scores.mean())
    if rows < LEAST_ROWS:
        return value, None
    of_truth, of_called = scores[truth] / involved[truth], scores[called] / involved[called]
    moved = 2 * (truth == called) / involved[truth] - of_truth - of_called
    return value, influence(moved * rows / classes, value)


def class_log_loss(labels: NDArray[Any], probabilities: Probabilities) -> Measured:
    """Return the mean of -log p of the class that happened; a class the model does not know had probability 0."""
    places = places_of(labels, probabilities.classes)
    chance = np.where(places < 0, 0.0, probabilities.values[np.arange(len(places)), places])
    return mean(-np.log(np.clip(chance, LEAST_CHANCE, 1 - LEAST_CHANCE)), enough=len(places) >= LEAST_ROWS)


def auc_macro(labels: NDArray[Any], probabilities: Probabilities) -> Measured:
    """Return the mean of each class's AUC against all others (as scikit-learn's macro ``ovr``).

    None where a class of the model has no row: a mean over fewer classes would be another number. The interval is
    by the delta method, from the placement values of DeLong et al. 1988 summed over the classes.
    """
    places = places_of(labels, probabilities.classes)
    rows, classes = len(places), len(probabilities.classes)
    counts = np.bincount(places[places >= 0], minlength=classes)
    if not counts.all() or (counts == rows).any():
        return None, None
    value, moved = 0.0, np.zeros(rows)
    for place in range(classes):
        positive = places == place
        placed = placements(probabilities.values[:, place], positive)
        value += placed.auc / classes
        moved[positive] += (placed.of_cases - placed.auc) * rows / counts[place] / classes
        moved[~positive] += (placed.of_controls - placed.auc) * rows / (rows - counts[place]) / classes
    return value, influence(moved, value) if counts.min() >= LEAST_CASES else None


def places_of(labels: NDArray[Any], classes: tuple[str, ...]) -> NDArray[np.int64]:
    """Return each label's place among the classes, -1 for one that is not among them."""
    order = np.argsort(np.array(classes))
    ordered = np.array(classes)[order]
    texts = labels.astype(str)
    nearest = np.minimum(np.searchsorted(ordered, texts), len(ordered) - 1)
    places: NDArray[np.int64] = np.where(ordered[nearest] == texts, order[nearest], -1)
    return places
