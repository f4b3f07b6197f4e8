"""A version in memory: its estimator and its encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from service.encoder import Encoder

TRUSTED = [
    "functools.partial",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils.validation.check_array",
]
"""What skops may build besides its own list."""


class Model:
    """Scores rows."""

    def __init__(self, estimator: Any, encoder: Encoder) -> None:
        self.estimator = estimator
        self.encoder = encoder

    @classmethod
    def read(cls, folder: Path) -> Model:
        """Load a version; nothing is built that is not trusted."""
        from skops.io import load

        return cls(load(folder / "model.skops", trusted=TRUSTED), Encoder.read(folder))

    def score(self, rows: Sequence[Mapping[str, object]]) -> list[float]:
        """Return each row's probability of being late."""
        import numpy as np

        if not rows:
            return []
        numbers = np.asarray(self.encoder.encode(rows), dtype=np.float64)
        return [round(float(score), 6) for score in self.estimator.predict_proba(numbers)[:, 1]]
