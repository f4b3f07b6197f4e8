"""Each row's error between 0 and 1: the input of the detectors on the error stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from opsconsole.core.nouns import ModelTask

if TYPE_CHECKING:
    from numpy.typing import NDArray


def losses(task: ModelTask, labels: NDArray[Any], scores: NDArray[Any], scale: float) -> NDArray[np.float64]:
    """Return each row's error between 0 and 1: squared for probabilities, wrong or right for classes.

    For numbers it is ``e / (e + scale)`` of the absolute error, ``scale`` being its mean on the reference.
    """
    if task is ModelTask.MULTICLASS:
        wrong: NDArray[np.bool_] = labels.astype(str) != scores.astype(str)
        return wrong.astype(np.float64)
    errors: NDArray[np.float64] = np.abs(labels.astype(np.float64) - scores.astype(np.float64))
    if task is ModelTask.BINARY:
        return np.minimum(errors, 1.0) ** 2
    if scale <= 0:
        return (errors > 0).astype(np.float64)
    shares: NDArray[np.float64] = errors / (errors + scale)
    return shares
